/** The schema for editors: what the loader takes it takes, and what is plainly wrong it refuses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import { parse } from 'yaml';
import { configSchema, documentedKeys } from '../../../src/config/load';

const EXAMPLE = readFileSync(join(__dirname, '../../../../fpm2afi.example.yaml'), 'utf8');
const validate = new Ajv({ allErrors: true, strict: false }).compile(configSchema());
const PORTS = { ports: [{ index: 0, tap: 'tap0' }] };

test('takes the example, as it is and with every setting uncommented', () => {
  const uncommented = EXAMPLE.replace(/^( *)#(?=\S)/gm, '$1');
  for (const text of [EXAMPLE, uncommented]) {
    validate(parse(text));
    expect(validate.errors).toBeNull();
  }
});

test('has each key that there is, with its default', () => {
  const schema = configSchema();
  type Part = { properties?: Record<string, Part>; items?: Part; anyOf?: Part[]; default?: unknown };
  const below = (part: Part, step: string): Part => {
    const inner = part.anyOf?.[0] ?? part;
    const found = step === '[]' ? inner.items : inner.properties?.[step];
    if (found === undefined) throw new Error(`no ${step} in ${JSON.stringify(part)}`);
    return found;
  };
  for (const { path, default: value } of documentedKeys()) {
    const found = path
      .replaceAll('[]', '.[]')
      .split('.')
      .reduce(below, schema as Part);
    if (value !== undefined && value !== '[]') expect([path, String(found.default)]).toEqual([path, value]);
  }
});

test.each([
  ['nothing', null],
  ['no ports', {}],
  ['a key that is none', { ...PORTS, fmp: {} }],
  ['a word for a number', { ports: [{ index: 'first', tap: 'tap0' }] }],
  ['a port without its TAP', { ports: [{ index: 0 }] }],
  ['a number out of range', { ports: [{ index: 70_000, tap: 'tap0' }] }],
  ['a word that is none of several', { ...PORTS, fpm: { feedback: 'always' } }],
  ['a duration that is none', { ...PORTS, fpm: { sweep: { idle: 'soon' } } }],
])('refuses %s', (_what, config) => {
  expect(validate(config)).toBe(false);
});

test('a key with nothing behind it is one left out', () => {
  expect(validate({ ...PORTS, fpm: null, log: { level: null } })).toBe(true);
});
