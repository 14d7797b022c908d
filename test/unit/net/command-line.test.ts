/** What holds for all options of both programs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { oneValueEach } from '../../../src/net/command-line';
import { throwUsage, UsageError } from '../../../src/net/error-text';

function parse(line: string): unknown {
  return oneValueEach(yargs())
    .option('top', { type: 'string', requiresArg: true })
    .command(
      'do [words..]',
      '',
      (command) =>
        command
          .positional('words', { type: 'string', array: true })
          .option('mode', { choices: ['a', 'b'], requiresArg: true })
          .option('list', { type: 'string', array: true, nargs: 1 })
          .option('flag', { type: 'boolean' })
          .option('every', { type: 'string' }),
      () => undefined,
    )
    .exitProcess(false)
    .fail(throwUsage)
    .parseSync(line);
}

test.each([
  ['--top a --top b', '--top is given twice'],
  ['do --top a --top b', '--top is given twice'],
  ['do --mode a --mode a', '--mode is given twice'],
  ['do --top=', '--top: the value is missing'],
  ['do --top', 'Not enough arguments following: top'],
])('%s is a usage error', (line, message) => {
  expect(() => parse(line)).toThrow(UsageError);
  expect(() => parse(line)).toThrow(message);
});

test('lists, words, switches and what may be without a value are let be', () => {
  expect(parse('do x y --list 1 --list 2 --flag --flag --every --top a')).toMatchObject({
    words: ['x', 'y'],
    list: ['1', '2'],
    flag: true,
    every: '',
    top: 'a',
  });
});

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') ? [readFileSync(path, 'utf8')] : [];
  });
}

test('each option with a value needs it, in both programs', () => {
  const text = sources(join(__dirname, '../../../../src')).join('\n');
  const options = [...text.matchAll(/\.option\(\s*'([\w-]+)',\s*(\{[^]*?\}),?\s*\)/g)];
  expect(options.length).toBeGreaterThan(70);
  const wanting = options.filter(
    ([, , option]) => /\b(choices:|type: '(string|number)')/.test(option!) && !/\b(requiresArg|nargs)\b/.test(option!),
  );
  // `--watch` alone is every two seconds.
  expect(wanting.map(([, name]) => name)).toEqual(['watch']);
});
