/** What the shell completes at a terminal. */
import { completions } from '../../../src/shell/interactive';

test.each([
  ['s', ['show ']],
  ['no', ['node ']],
  ['in', ['insert ', 'inject ']],
  ['node 2000 indi', ['indirect ']],
  ['node 2000 inde', ['indexedList ']],
  ['node 2000 indirect ', ['target=', 'name=', 'next=']],
  ['node 2000 indirect target=5 n', ['name=', 'next=']],
  ['insert node 2000 indirect target=5 ', ['name=', 'next=', 'node ', 'entry ', 'bind ']],
  ['insert ', ['node ', 'entry ', 'bind ']],
  ['inject ', ['in ', 'out ']],
  ['show --t', ['--token ', '--type ']],
  ['help loadB', ['loadBalance ']],
  ['node 20', []],
  ['nonsense ', []],
])('%j', (line, words) => {
  const [found, begun] = completions(line);
  expect(found).toEqual(words);
  expect(line.endsWith(begun)).toBe(true);
});
