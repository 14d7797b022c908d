import { Backpressure, PAUSE_ABOVE, RESUME_BELOW } from '../../../src/bridge/backpressure';
import { fakeLog } from './fake-log';

function bed(): { update(waiting: number): string[]; lines: [string, object | undefined][] } {
  const calls: string[] = [];
  const { log, lines } = fakeLog();
  const policy = new Backpressure({ pause: () => calls.push('pause'), resume: () => calls.push('resume') }, log);
  return {
    lines,
    update(waiting) {
      policy.update(waiting);
      return calls.splice(0);
    },
  };
}

test('zebra waits above 300,000 routes and goes on below 100,000', () => {
  expect([PAUSE_ABOVE, RESUME_BELOW]).toEqual([300_000, 100_000]);
  const { update, lines } = bed();
  expect(update(300_000)).toEqual([]);
  expect(update(300_001)).toEqual(['pause']);
  expect(lines).toEqual([['the AFI server is slower than zebra: zebra waits', { routes: 300_001 }]]);
  expect(update(400_000)).toEqual([]);
  expect(update(100_000)).toEqual([]);
  expect(update(99_999)).toEqual(['resume']);
  expect(update(0)).toEqual([]);
});

test('it pauses again, and a server that is gone lets zebra go on', () => {
  const { update } = bed();
  expect([300_001, 0, 200_000, 300_001].flatMap(update)).toEqual(['pause', 'resume', 'pause']);
});
