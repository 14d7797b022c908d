/** What the lab makes of a stream's report: who lost how much because of one failure. */
import { failoverOf, sharesOf, type FlowsReport } from '../../../lab/flows';

const flow = (
  answers: readonly (readonly [by: string, firstMs: number, lastMs: number])[],
  gaps: readonly (readonly [fromMs: number, durationMs: number, packets: number])[] = [],
) => ({
  port: 1000,
  sent: 100,
  answers: answers.map(([by, firstMs, lastMs]) => ({ by, firstMs, lastMs, packets: 1 })),
  gaps: gaps.map(([fromMs, durationMs, packets]) => ({ fromMs, durationMs, packets })),
});

const report = (...flows: FlowsReport['flows'][number][]): FlowsReport => ({ intervalMs: 10, flows });

test('a flow that moved counts with its packets lost × interval', () => {
  const seen = failoverOf(
    report(
      flow(
        [
          ['a', 0, 990],
          ['b', 1030, 2000],
        ],
        [[1000, 30, 3]],
      ),
      flow(
        [
          ['a', 0, 995],
          ['b', 1015, 2000],
        ],
        [[1005, 10, 1]],
      ),
      flow([['b', 0, 2000]]),
    ),
    'a',
    1000,
    2000,
  );
  expect(seen).toEqual({ moved: 2, stayed: 1, disturbed: 0, lost: 0, packetsLost: 4, worstMs: 30, meanMs: 20 });
});

test('a gap long before the failure, or after it is over, does not count', () => {
  const gaps = [
    [100, 50, 5],
    [2500, 50, 5],
  ] as const;
  const seen = failoverOf(
    report(
      flow(
        [
          ['a', 0, 995],
          ['b', 1005, 3000],
        ],
        gaps,
      ),
    ),
    'a',
    1000,
    2000,
  );
  expect(seen).toMatchObject({ moved: 1, packetsLost: 0, worstMs: 0 });
});

test('flows that nobody answers any more, and others that were disturbed, are told', () => {
  const seen = failoverOf(
    report(
      flow([['a', 0, 990]], [[1000, 1000, 100]]),
      flow(
        [
          ['b', 0, 990],
          ['b', 1020, 2000],
        ],
        [[1000, 20, 2]],
      ),
      flow([
        ['b', 0, 990],
        ['c', 1000, 2000],
      ]),
    ),
    'a',
    1000,
    2000,
  );
  expect(seen).toMatchObject({ moved: 1, lost: 1, stayed: 2, disturbed: 2, worstMs: 1000 });
});

test('shares say who answered in a span', () => {
  const shares = sharesOf(
    report(
      flow([
        ['a', 0, 500],
        ['b', 600, 1000],
      ]),
      flow([['b', 0, 1000]]),
    ),
    700,
    900,
  );
  expect(Object.fromEntries(shares)).toEqual({ b: 2 });
});
