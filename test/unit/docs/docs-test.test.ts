/** What docs-test goes by: blocks, sessions and commands of a document, and what counts as equal. */
import { blocksOf, commandsOf, sessionsOf } from '../../docs/blocks';
import { firstDifference, masked } from '../../docs/mask';

const TEXT = `
# Title

\`\`\`console
$ fpm2afi show status
FPM   zebra connected

AFI   up
# fpm2afi audit

\`\`\`

1. In a list:

   \`\`\`sh
   # a word before
   make demo   # and one behind
   tcpdump -i lo \\
     tcp
   sh -c 'one
     two'
   \`\`\`
`;

test('blocks have their kind, their place and their lines without the indent', () => {
  const [console, sh] = blocksOf('x.md', TEXT);
  expect(console).toMatchObject({ file: 'x.md', line: 4, kind: 'console' });
  expect(sh).toMatchObject({ line: 15, kind: 'sh', lines: expect.arrayContaining(['# a word before']) as unknown });
  expect(() => blocksOf('x.md', '```sh\nmake')).toThrow('x.md: a code block has no end');
});

test('a session is a command with what it prints', () => {
  expect(sessionsOf(blocksOf('x.md', TEXT)[0]!)).toEqual([
    { line: 5, command: 'fpm2afi show status', output: ['FPM   zebra connected', '', 'AFI   up'] },
    { line: 9, command: 'fpm2afi audit', output: [] },
  ]);
});

test('commands go over lines, and have words behind them', () => {
  expect(commandsOf(blocksOf('x.md', TEXT)[1]!).map(({ command }) => command)).toEqual([
    'make demo',
    'tcpdump -i lo   tcp',
    "sh -c 'one\n  two'",
  ]);
});

test.each([
  ['received 2026-11-22T18:11:42.218Z (00:00:06 ago)', 'received 2027-01-02T03:04:05Z (00:12:00 ago)'],
  ['from 127.0.0.1:43266 for 00:00:05', 'from 127.0.0.1:999 for 00:10:05'],
  ['  8204  indirect   x', '  1  indirect x'],
])('%s is masked, whatever it was', (a, b) => {
  expect(masked(a)).toBe(masked(b).replace('127.0.0.1:999', '127.0.0.1:PORT'));
});

test.each([
  ['via 10.1.1.2, tap1', 'via 10.1.2.2, tap1'],
  ['10.20.0.0/16: offloaded', '10.20.0.0/16: failed'],
  ['32:26:0a:2e:cc:f1', '32:26:0a:2e:cc:f2'],
  ['port 1 (tap1)', 'port 1 (tap2)'],
])('%s is not %s', (a, b) => {
  expect(masked(a)).not.toBe(masked(b));
});

describe('what is shown against what is printed', () => {
  test('equal but for what is masked', () => {
    expect(firstDifference(['a 1', 'b'], ['a  22', 'b', ''])).toBeUndefined();
  });
  test('another line, a line too few, a line too many', () => {
    expect(firstDifference(['a', 'b'], ['a', 'c'])).toBe('shown: b; printed: c');
    expect(firstDifference(['a', 'b'], ['a'])).toBe('shown: b; printed: nothing more');
    expect(firstDifference(['a'], ['a', 'c'])).toBe('printed beyond what is shown: c');
  });
  test('lines left out, and the rest of a line', () => {
    expect(firstDifference(['a', '…', 'd'], ['a', 'b', 'c', 'd'])).toBeUndefined();
    expect(firstDifference(['a', '…'], ['a', 'b'])).toBeUndefined();
    expect(firstDifference(['why: …'], ['why: the reason'])).toBeUndefined();
    expect(firstDifference(['why: …'], ['because'])).toBe('shown: why: …; printed: because');
    expect(firstDifference(['a', '…', 'd'], ['a', 'b'])).toBe('shown: d; printed: b');
  });
});
