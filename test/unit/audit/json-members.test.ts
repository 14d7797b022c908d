/** Members of an object come out whole, however its text is cut. */
import { JsonMembers } from '../../../src/audit/json-members';

const TEXT = ' {"10.0.0.0/8":[{"a":"b,\\"}{","c":[1,2]}],\n"x\\\\": {"y": {}} ,"z":7}\n';
const MEMBERS = [
  ['10.0.0.0/8', [{ a: 'b,"}{', c: [1, 2] }]],
  ['x\\', { y: {} }],
  ['z', 7],
];

test.each([1, 2, 3, 7, 1000])('in pieces of %i characters', (size) => {
  const members = new JsonMembers();
  const found: unknown[] = [];
  for (let at = 0; at < TEXT.length; at += size) found.push(...members.push(TEXT.slice(at, at + size)));
  expect(found).toEqual(MEMBERS);
  expect(members.complete).toBe(true);
});

test('an empty object is complete, half of one and none are not', () => {
  const [empty, half, none] = [new JsonMembers(), new JsonMembers(), new JsonMembers()];
  expect([...empty.push('{}\n')]).toEqual([]);
  expect([...half.push('{"a":1,"b"')]).toEqual([['a', 1]]);
  expect([...none.push('% Unknown command\n')]).toEqual([]);
  expect([empty, half, none].map(({ complete }) => complete)).toEqual([true, false, false]);
});

test('what has been read is not kept', () => {
  const members = new JsonMembers();
  const value = JSON.stringify('x'.repeat(1000));
  let count = 0;
  for (const first of members.push('{"first":0')) count += first.length;
  for (let i = 0; i < 100_000; i++) for (const [name] of members.push(`,"${i}":${value}`)) count += name === '' ? 0 : 1;
  expect(count).toBe(100_000);
  expect(JSON.stringify(members).length).toBeLessThan(3000);
});
