/** The log's codes: each is used, has its words, and docs/messages.md has the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentedKeys } from '../../../src/config/load';
import { COMMANDS } from '../../../src/control/commands';
import { logCodesMarkdown, logCodesText } from '../../../src/control/log-codes-text';
import { LOG_CODES } from '../../../src/observe/log-codes';

const root = join(__dirname, '..', '..', '..', '..');

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && entry.name !== 'log-codes.ts' ? [readFileSync(path, 'utf8')] : [];
  });
}

test('there is no code that nothing logs', () => {
  const text = sources(join(root, 'src')).join('\n');
  const unused = Object.keys(LOG_CODES).filter((code) => !text.includes(`code: '${code}'`));
  expect(unused).toEqual([]);
});

test('each is a word of its own and says what to do', () => {
  for (const [code, { means, action }] of Object.entries(LOG_CODES)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(means.length).toBeGreaterThan(20);
    expect(action.length).toBeGreaterThan(10);
  }
});

/** What the words of the table name, by a pattern with one group. */
function named(pattern: RegExp): string[] {
  const text = Object.values(LOG_CODES)
    .map(({ means, action }) => `${means}\n${action}`)
    .join('\n');
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))];
}

test('each key, command and option that is named is there', () => {
  const paths = documentedKeys().map(({ path }) => path);
  const sections = new Set(paths.map((path) => /^\w+/.exec(path)![0]));
  const keys = named(/(?<![\w.])([a-z]+(?:\[\])?\.[\w.]*\w)/g).filter((key) => sections.has(/^\w+/.exec(key)![0]));
  expect(keys.length).toBeGreaterThan(5);
  expect(keys.filter((key) => !paths.some((path) => path === key || path.startsWith(`${key}.`)))).toEqual([]);

  const commands = named(/`fpm2afi ([a-z-]+)/g);
  expect(commands.length).toBeGreaterThan(3);
  expect(commands.filter((command) => !COMMANDS.some((known) => known === command))).toEqual([]);

  const options = named(/--([a-z][a-z-]*)/g);
  expect(options.length).toBeGreaterThan(3);
  const text = sources(join(root, 'src')).join('\n');
  expect(options.filter((option) => !text.includes(`.option('${option}'`))).toEqual([]);
});

test('docs/messages.md has this table', () => {
  expect(readFileSync(join(root, 'docs', 'messages.md'), 'utf8')).toContain(logCodesMarkdown());
});

test('one code, all of them, and one that there is not', () => {
  expect(logCodesText('fpm-replaced')).toMatch(/^fpm-replaced\n {2}A second zebra/);
  expect(logCodesText().split('\n\n')).toHaveLength(Object.keys(LOG_CODES).length);
  expect(() => logCodesText('fpm-replace')).toThrow('no code fpm-replace: did you mean fpm-replaced?');
  expect(() => logCodesText('rubbish')).toThrow('no code rubbish: `fpm2afi log-codes` lists all');
});
