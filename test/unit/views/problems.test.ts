/** What is told under Problems: the latest reason, since when, and what to do. */
import { performance } from 'node:perf_hooks';
import { parseConfig } from '../../../src/config/load';
import type { FibStatus } from '../../../src/control/status-types';
import { problems, type ProblemParts } from '../../../src/views/problems';
import { Bed } from '../../bed/bed';

const FIB: FibStatus = {
  ...{ routes: 20_000, ipv4: 20_000, ipv6: 0, offloaded: 20_000, trapped: 0, failed: 0, unresolved: 0, pending: 0 },
  ...{ stale: 0, nexthops: 1, neighbors: 1, dirty: 0 },
  lsps: { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 },
};
const CONFIG = parseConfig('ports: [{ index: 0, tap: tap0 }, { index: 1, tap: tap1 }]', 'f.yaml');

async function told(more: Partial<ProblemParts> = {}, bed?: Bed): Promise<string[]> {
  const { fib, programmer } = bed ?? (await new Bed().up());
  for (const port of [0, 1]) fib.portChanged(port, true);
  const counters = { refused: 3 } as ReturnType<ProblemParts['fpm']['counters']>;
  const parts: ProblemParts = {
    ...{ config: CONFIG, fib, programmer, punt: undefined, recorder: undefined },
    fpm: { peer: () => '127.0.0.1:9', refusal: () => undefined, counters: () => counters },
    replay: { doubt: undefined },
    transport: { failure: () => undefined },
    vasicPorts: () => [0, 1],
    kernel: { troubles: () => ({ lastOverrun: undefined, overruns: 0, flapping: [] }) },
    ...more,
  };
  return problems(parts, FIB);
}

const fpm = (more: Partial<ProblemParts['fpm']>): Pick<ProblemParts, 'fpm'> => ({
  fpm: { peer: () => '127.0.0.1:9', refusal: () => undefined, counters: () => ({ refused: 3 }) as never, ...more },
});

test('none when all is well', async () => {
  expect(await told()).toEqual([]);
});

test('the AFI server away: since when, by the latest attempt, and what is known', async () => {
  const bed = await new Bed().up();
  bed.programmer.down('connecting');
  const [text] = await told(
    { transport: { failure: () => ({ reason: 'connection refused', remedy: 'start it' }) } },
    bed,
  );
  expect(text).toMatch(
    /^the AFI server unix:\/run\/softvasic\/afi\.sock is not reachable since 20.*Z: connection refused; what is told of routes is what was known before.*; zebra is told nothing of it \(afi\.lost: keep\)\. Start it$/,
  );
  const config = parseConfig('ports: [{ index: 0, tap: tap0 }]\nafi: { lost: withdraw after 30s }', 'f.yaml');
  expect((await told({ config }, bed))[0]).toMatch(/: connecting; .*; zebra is told so after 30 s \(afi\.lost\)/);
});

test('zebra that sends no route, or too few; a refused connection, for ten minutes', async () => {
  const since = performance.now() - 42_000;
  expect(await told({ replay: { doubt: { kind: 'silent', since } } })).toEqual([
    expect.stringMatching(
      /^127\.0\.0\.1:9 is connected to the FPM port for 42 s and has sent no route, so the 20000 routes/,
    ),
  ]);
  const until = performance.now() + 60_000;
  const doubt = { kind: 'loss', confirmed: 1, unconfirmed: 19_989, until } as const;
  expect(await told({ replay: { doubt } })).toEqual([
    expect.stringMatching(/^zebra has sent 1 of 19990 routes again, the others are kept for \d+ s more/),
  ]);
  const refusal = (ago: number) => () => ({
    ...{ at: performance.now() - ago, peer: '127.0.0.1:77' },
    ...{ why: 'it is of user x (7)', remedy: 'if zebra runs as that: fpm.allow.users: [x]' },
  });
  expect(await told(fpm({ refusal: refusal(5000) }))).toEqual([
    'a connection to the FPM port from 127.0.0.1:77 was refused 5 s ago: it is of user x (7); if zebra runs as that: ' +
      'fpm.allow.users: [x] (3 refused since the start)',
  ]);
  expect(await told(fpm({ refusal: refusal(600_001) }))).toEqual([]);
});

test('ports that only one side has, and a recording that stopped', async () => {
  expect(await told({ vasicPorts: () => [1, 2, 3] })).toEqual([
    'the vASIC has no port 0, which ports names; correct ports, or the vASIC',
    expect.stringMatching(/^the vASIC has port 2, 3, which ports doesn't name/),
  ]);
  expect(await told({ recorder: { failure: () => 'no space left on device' } })).toEqual([
    expect.stringMatching(/^the recording \(--record\) stopped: no space left on device/),
  ]);
  expect(await told({ recorder: { failure: () => undefined } })).toEqual([]);
});

test('an overrun of the kernel, for ten minutes, and neighbors that two hosts claim', async () => {
  const flapping = Array.from({ length: 7 }, (_, i) => ({
    ...{ ifindex: 10, address: Uint8Array.of(10, 1, 1, i), changes: 12 },
    macs: ['02:00:00:00:00:0a', '02:00:00:00:00:0b'],
  }));
  const kernel = (ago: number) => ({
    troubles: () => ({ lastOverrun: performance.now() - ago, overruns: 2, flapping }),
  });
  const list = await told({ kernel: kernel(3000) });
  expect(list[0]).toMatch(/^the kernel dropped news of links and neighbors 3 s ago \(2 times since the start\)/);
  expect(list[1]).toMatch(
    /^the hardware address of 10\.1\.1\.0 on .* goes to and fro, last from 02:00:00:00:00:0a to 02:00:00:00:00:0b, 12 times; do two hosts/,
  );
  expect(list).toHaveLength(1 + 5 + 1);
  expect(list.at(-1)).toBe('the hardware addresses of 2 more neighbors go to and fro');
  expect((await told({ kernel: kernel(600_001) }))[0]).toMatch(/^the hardware address/);
});

test('a connected subnet that zebra has no route for, once that lasts', async () => {
  const bed = await new Bed()
    .connected(1, '198.18.1.1/24')
    .connected(0, '198.18.2.1/24')
    .via('198.18.2.0/24', '@0')
    .up();
  bed.fib.endReplay();
  expect(await told({}, bed.settle().later(9_000))).toEqual([]);
  expect(await told({}, bed.later(2_000))).toEqual([
    expect.stringMatching(
      /^zebra has no route for 198\.18\.1\.0\/24, the subnet of an address of tap1: .*; ip link set tap1 down, then up/,
    ),
  ]);
  expect(await told(fpm({ peer: () => undefined }), bed)).toHaveLength(1);
  bed.via('198.18.1.0/24', '@1').settle();
  expect(await told({}, bed)).toEqual([]);
});
