/**
 * The JSON Schemas of what the control API answers and `--json` prints, made of src/control/answers.ts into schemas/v1: `npm run schemas`.
 * Refuses to take away what is there (schema-breaks.mjs), since programs of others count on it; `--break` does it all the same.
 * With --check nothing is written, and the exit code is 1 where something would be. Another folder than schemas/v1 may be named.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { breaks } from './schema-breaks.mjs';

const HOUSE = join(import.meta.dirname, '..');
/** As in the paths of the API. */
const VERSION = 'v1';
const SUFFIX = '.schema.json';
const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
/** What prints an answer, where it isn't `show` with its name, or its name alone. */
const COMMANDS = { summary: 'show routes summary', reload: undefined };
const ALONE = ['why', 'trace', 'graph', 'audit', 'debug', 'monitor', 'top'];
/** Made by the command of several answers. */
const NO_PATH = ['top'];

const options = process.argv.slice(2).filter((word) => word.startsWith('--'));
const [into = join(HOUSE, 'schemas', VERSION)] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isCheck = options.includes('--check');

function fail(text) {
  console.error(`make-schemas: ${text}`);
  process.exit(1);
}

/** All answers as one schema, as the generator writes them. */
async function generate() {
  const { createGenerator } = await import('ts-json-schema-generator').catch(() =>
    fail('ts-json-schema-generator is not installed. Remedy: npm ci, then again'),
  );
  const config = {
    path: join(HOUSE, 'src/control/answers.ts'),
    tsconfig: join(HOUSE, 'tsconfig.json'),
    type: 'Answers',
    // The build has checked them.
    skipTypeCheck: true,
    // What a newer daemon adds is no fault.
    additionalProperties: true,
    topRef: false,
    functions: 'fail',
  };
  const { properties, definitions } = createGenerator(config).createSchema('Answers');
  const silent = Object.keys(definitions).filter((name) => definitions[name].description === undefined);
  if (silent.length > 0)
    fail(`types without a comment of their own: ${silent.join(', ')}. Remedy: say what they are, in src`);
  return { answers: properties, definitions };
}

/** The names of all definitions that a schema leads to. */
function reached(schema, definitions, names = new Set()) {
  JSON.stringify(schema, (key, value) => {
    const name = key === '$ref' ? value.replace('#/definitions/', '') : undefined;
    if (name !== undefined && !names.has(name)) reached(definitions[name], definitions, names.add(name));
    return value;
  });
  return names;
}

function schemaOf(name, answer, definitions) {
  const command = name in COMMANDS ? COMMANDS[name] : ALONE.includes(name) ? name : `show ${name}`;
  const names = reached(answer, definitions);
  const schema = {
    $schema: DRAFT,
    $id: `urn:fpm2afi:${VERSION}:${name}`,
    title: [
      ...(NO_PATH.includes(name) ? [] : [`/${VERSION}/${name}`]),
      ...(command === undefined ? [] : [`fpm2afi ${command} --json`]),
    ].join(', '),
    ...answer,
    $defs: Object.fromEntries(Object.entries(definitions).filter(([definition]) => names.has(definition))),
  };
  return `${JSON.stringify(schema, undefined, 2).replaceAll('#/definitions/', '#/$defs/')}\n`;
}

const { answers, definitions } = await generate();
const made = new Map(
  Object.entries(answers).map(([name, answer]) => [`${name}${SUFFIX}`, schemaOf(name, answer, definitions)]),
);
if (!isCheck) mkdirSync(into, { recursive: true });
const there = new Map(
  readdirSync(into)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => [file, readFileSync(join(into, file), 'utf8')]),
);

const lost = [...there].flatMap(([file, text]) => {
  const now = made.get(file);
  if (now === undefined) return [`${file}: is gone`];
  return breaks(JSON.parse(text), JSON.parse(now)).map((found) => `${file}: ${found}`);
});
if (lost.length > 0 && !options.includes('--break')) {
  fail(
    `${VERSION} promises not to take anything away (docs/operation.md):\n${lost.join('\n')}\nRemedy: leave it beside the new; --break only for what no release had`,
  );
}
const changed = [...new Set([...made.keys(), ...there.keys()])].filter((file) => made.get(file) !== there.get(file));
if (isCheck && changed.length > 0) fail(`not up to date: ${changed.join(', ')}. Remedy: npm run schemas`);
for (const file of changed) {
  if (made.has(file)) writeFileSync(join(into, file), made.get(file));
  else rmSync(join(into, file));
}
