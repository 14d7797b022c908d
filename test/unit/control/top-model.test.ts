/** Two samples of counters made into rates; what began anew between them has none. */
import { topView, type Sample } from '../../../src/control/top-model';
import type { PortView, PuntReasonView } from '../../../src/control/types';
import type { StatusView } from '../../../src/control/status-types';
import { PORTS, PUNT, STATUS } from './backend';

const PROCESS = { pid: 99, since: '2026-01-02T10:00:00.000Z', socket: '/run/fpm2afi/punt.sock' };

interface Change {
  readonly status?: Partial<StatusView>;
  readonly port?: Partial<PortView>;
  readonly glean?: Partial<PuntReasonView>;
  readonly atMs?: number;
}

/** What the daemon of backend.ts says, but for this. */
function sample({ status, port, glean, atMs = 0 }: Change = {}): Sample {
  const punt = { ...STATUS.punt, process: PROCESS };
  return {
    status: { atMs, value: { ...STATUS, punt, ...status } },
    ports: { atMs: atMs + 500, value: [{ ...PORTS[0]!, ...port }, PORTS[1]!] },
    punt: { atMs: atMs + 500, value: [{ ...PUNT[0]!, ...glean }, PUNT[1]!] },
  };
}

const LATER: Change = {
  atMs: 2000,
  status: {
    uptimeSeconds: STATUS.uptimeSeconds + 2,
    fpm: { ...STATUS.fpm, messages: 140, statuses: 131 },
    afi: { ...STATUS.afi, opsSent: 124, opsFailed: 4 },
    latency: {
      count: 45,
      p50Ms: 3,
      p99Ms: 17,
      maxMs: 30,
      buckets: [
        { upToMs: 3, count: 39 },
        { upToMs: 7, count: 2 },
        { upToMs: 17, count: 3 },
        { upToMs: 30, count: 1 },
      ],
    },
    punt: { ...STATUS.punt, process: PROCESS },
  },
  port: {
    input: { packets: 300, bytes: 16_000, drops: 0 },
    output: { packets: 99, bytes: 14_000, drops: 3 },
    punt: { punted: 20, injected: 11, drops: 3 },
  },
  glean: { passed: 1210, dropped: 31_100, delivered: 1203 },
};

test('the first sample has no rates, but all that is so now', () => {
  expect(topView(undefined, sample())).toEqual({
    time: STATUS.time,
    rates: {},
    latency: {},
    ports: [
      { index: 0, tap: 'tap0', tapState: 'up', vasicState: 'up', input: {}, output: {}, punt: {} },
      { index: 1, tap: 'tap1', tapState: 'absent', vasicState: 'unknown', input: {}, output: {}, punt: {} },
    ],
    punt: PUNT.map((reason) => ({ ...reason, rates: {} })),
    status: sample().status.value,
  });
});

test('rates are what was added, by the time between the two answers', () => {
  const view = topView(sample(), sample(LATER));
  expect(view.seconds).toBe(2);
  expect(view.rates).toEqual({ changes: 2.5, messages: 50, statuses: 50, operations: 2, failed: 0.5 });
  expect(view.ports).toEqual([
    {
      ...{ index: 0, tap: 'tap0', tapState: 'up', vasicState: 'up' },
      input: { packets: 100, bits: 4000, drops: 0 },
      output: { packets: 0, bits: 0, drops: 1 },
      punt: { punted: 5, injected: 0, drops: 0.5 },
    },
    // A vASIC that doesn't tell has no rates; the TAP's are known.
    {
      ...{ index: 1, tap: 'tap1', tapState: 'absent', vasicState: 'unknown', input: {}, output: {} },
      punt: { punted: 0, injected: 0, drops: 0 },
    },
  ]);
  expect(view.punt.map(({ rates }) => rates)).toEqual([{ passed: 5, dropped: 50, delivered: 2 }, {}]);
});

test('latencies are of what ended between the two samples', () => {
  const { acknowledged, told } = topView(sample(), sample(LATER)).latency;
  expect(acknowledged).toEqual({
    ...{ count: 5, p50Ms: 17, p99Ms: 30, maxMs: 30 },
    buckets: [
      { upToMs: 7, count: 2 },
      { upToMs: 17, count: 2 },
      { upToMs: 30, count: 1 },
    ],
  });
  expect(told).toEqual({ count: 0, buckets: [] });
});

test("the event loop's lag is of the time between the two samples, what was before is not in it", () => {
  const before = { ...STATUS.loop, ownDelays: [{ upToMs: 9, count: 1 }] };
  const delays = [{ upToMs: 0, count: 520 }, { upToMs: 3, count: 2 }, STATUS.loop.delays[1]!];
  const ownDelays = [
    { upToMs: 2, count: 1 },
    { upToMs: 9, count: 1 },
  ];
  const status = { ...LATER.status, loop: { ...STATUS.loop, delays, ownDelays } };
  const { loop } = topView(sample({ status: { loop: before } }), sample({ ...LATER, status }));
  expect(loop).toMatchObject({ count: 22, p50Ms: 0, p99Ms: 3, maxMs: 3, ownMaxMs: 2 });
  expect(topView(undefined, sample()).loop).toBeUndefined();
});

test('another daemon: its counters have no rates, even where they are higher; those of vASIC and TAPs go on', () => {
  for (const status of [
    { ...LATER.status, pid: 5000 },
    { ...LATER.status, uptimeSeconds: 1 },
  ]) {
    const view = topView(sample(), sample({ ...LATER, status }));
    expect([view.rates, view.latency, view.loop]).toEqual([{}, {}, undefined]);
    expect(view.ports[0]!.input.packets).toBe(100);
    expect(view.ports[0]!.punt.punted).toBe(5);
  }
});

test('another life of the vASIC: nothing of its counters; the daemon and the TAPs go on', () => {
  const status = { ...LATER.status, afi: { ...LATER.status!.afi!, instance: '8000' } };
  const view = topView(sample(), sample({ ...LATER, status }));
  expect([view.ports[0]!.input, view.ports[0]!.output]).toEqual([{}, {}]);
  expect(view.ports[0]!.punt.punted).toBe(5);
  expect(view.punt[0]!.rates).toEqual({ delivered: 2 });
  expect(view.rates.messages).toBe(50);
});

test('another punt process: nothing of what it counts; one that came or went is another', () => {
  const { punt } = STATUS;
  for (const other of [{ ...punt, process: { ...PROCESS, pid: 100 } }, punt]) {
    const view = topView(sample(), sample({ ...LATER, status: { ...LATER.status, punt: other } }));
    expect(view.ports[0]!.punt).toEqual({});
    expect(view.punt[0]!.rates).toEqual({ passed: 5, dropped: 50 });
    expect(view.ports[0]!.input.packets).toBe(100);
  }
});

test('a single counter that is lower than before has no rate', () => {
  const port = { ...LATER.port, input: { packets: 7, bytes: 16_000, drops: 0 } };
  expect(topView(sample(), sample({ ...LATER, port })).ports[0]!.input).toEqual({ bits: 4000, drops: 0 });
});

test('a port that was added, or got another TAP, has no rates yet', () => {
  const view = topView(sample(), sample({ ...LATER, port: { ...LATER.port, tap: 'tap9' } }));
  expect([view.ports[0]!.input, view.ports[0]!.punt]).toEqual([{}, {}]);
});
