import { Courtesy } from '../../../src/sys/priority';

test('a thread that never sleeps pauses for more than the twentieth that the kernel gives to others', () => {
  const courtesy = new Courtesy();
  let worked = 0;
  let paused = 0;
  while (worked < 1000) {
    paused += courtesy.account(0.25, 0);
    worked += 0.25;
  }
  expect(paused / (worked + paused)).toBeGreaterThan(0.05);
  expect(paused / (worked + paused)).toBeLessThan(0.07);
});

test('one pause is short, however long a turn was', () => {
  expect(new Courtesy().account(200, 0)).toBeLessThan(1);
});

test('what is owed after a long turn is paid in the next ones', () => {
  const courtesy = new Courtesy();
  courtesy.account(100, 0);
  expect(courtesy.account(0.1, 0)).toBeGreaterThan(0);
});

test('a thread that sleeps by itself is left alone', () => {
  const courtesy = new Courtesy();
  for (let round = 0; round < 1000; round++) expect(courtesy.account(1, 0.1)).toBe(0);
});
