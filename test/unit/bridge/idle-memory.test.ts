import { IdleMemory } from '../../../src/bridge/idle-memory';

test('memory goes back once after each burst, when nothing is left to do', () => {
  let given = 0;
  const memory = new IdleMemory(() => given++);
  memory.check(2999, 1000, true);
  memory.check(3000, 1000, true);
  expect(given).toBe(0);
  memory.check(3001, 1000, false);
  expect(given).toBe(0);
  memory.check(3001, 1000, true);
  expect(given).toBe(1);
  memory.check(9000, 1000, true);
  expect(given).toBe(1);
  memory.check(9000, 5000, true);
  expect(given).toBe(2);
});
