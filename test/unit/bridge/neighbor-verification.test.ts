/** Which stale neighbors are verified: those whose packets the vASIC counted since it was asked last. */
import type { NodeInfo, Token } from '../../../src/aft/model';
import { NeighborVerification, PORTION, staleHosts } from '../../../src/bridge/neighbor-verification';
import { parseAddress } from '../../../src/net/address';
import { Bed } from '../../bed/bed';

interface Counted {
  packets: number;
  counted: boolean;
}

function setup() {
  /** Stale neighbors by id; the token is a thousand more. */
  const stale = new Map<number, Counted>();
  const verified: number[] = [];
  const requests: number[] = [];
  let connected = true;
  const counters = (tokens: readonly Token[]): Promise<NodeInfo[]> => {
    if (!connected) return Promise.reject(new Error('not connected'));
    requests.push(tokens.length);
    const infos = tokens.map((token) => {
      const place = stale.get(token - 1000);
      const nothing = { bytes: 0, drops: 0, entries: 0, references: 1 };
      return { token, found: place !== undefined, packets: 0, counted: true, ...nothing, ...place };
    });
    return Promise.resolve(infos);
  };
  const verification = new NeighborVerification({
    stale: () => [...stale.keys()].map((id) => ({ id, token: 1000 + id, ifindex: 1, address: Uint8Array.of(id) })),
    counters,
    verify: (_ifindex, address) => verified.push(address[0]!),
  });
  return {
    requests,
    stale: (id: number, packets: number, counted = true) => stale.set(id, { packets, counted }),
    fresh: (id: number) => stale.delete(id),
    connect: (is: boolean) => (connected = is),
    /** Polls; who was to be verified. */
    async poll(): Promise<number[]> {
      await verification.poll();
      return verified.splice(0);
    },
  };
}

test('what is sent to is verified, what is not is left alone', async () => {
  const { stale, poll } = setup();
  stale(1, 10);
  stale(2, 10);
  expect(await poll()).toEqual([]);
  stale(1, 11);
  expect(await poll()).toEqual([1]);
  expect(await poll()).toEqual([]);
});

test('Linux gets time for its probes; who is stale and in use after that is verified again', async () => {
  const { stale, poll } = setup();
  const rounds: number[][] = [];
  for (let round = 0; round < 5; round++) {
    stale(1, round);
    rounds.push(await poll());
  }
  expect(rounds).toEqual([[], [1], [], [1], []]);
});

test('what was sent while Linux had it confirmed does not count', async () => {
  const { stale, fresh, poll } = setup();
  stale(1, 10);
  await poll();
  fresh(1);
  await poll();
  stale(1, 5000);
  expect(await poll()).toEqual([]);
  stale(1, 5001);
  expect(await poll()).toEqual([1]);
});

test('a counter that begins anew is no traffic, a broken connection no reason', async () => {
  const { stale, connect, poll } = setup();
  stale(1, 10);
  await poll();
  stale(1, 3);
  expect(await poll()).toEqual([]);
  connect(false);
  expect(await poll()).toEqual([]);
  connect(true);
  stale(1, 4);
  expect(await poll()).toEqual([1]);
});

test('a server that does not count there: all stale ones are taken to be in use', async () => {
  const { stale, poll } = setup();
  stale(1, 0, false);
  stale(2, 0);
  expect(await poll()).toEqual([1]);
  expect(await poll()).toEqual([]);
  expect(await poll()).toEqual([1]);
});

test('ten thousand are asked for in portions', async () => {
  const { stale, poll, requests } = setup();
  for (let id = 0; id < 10_000; id++) stale(id, 0);
  await poll();
  expect(requests).toEqual(Array(10_000 / PORTION).fill(PORTION));
});

test('a poll that takes longer than the time to the next is not joined by another', async () => {
  let polls = 0;
  let answer: (infos: NodeInfo[]) => void = () => undefined;
  const verification = new NeighborVerification({
    stale: () => [{ id: 1, token: 1001, ifindex: 1, address: Uint8Array.of(1) }],
    counters: () => (polls++, new Promise((resolve) => (answer = resolve))),
    verify: () => undefined,
  });
  const first = verification.poll();
  await verification.poll();
  expect(polls).toBe(1);
  answer([]);
  await first;
  void verification.poll();
  expect(polls).toBe(2);
});

test('of the FIB: stale hosts on a connected subnet, by the node that counts their packets', async () => {
  const bed = await new Bed().up();
  const macOf = (host: number): string => `02:00:00:00:00:0${host}`;
  bed.via('10.0.1.0/24', '@1').neighbor(1, '10.0.1.2', macOf(2), 'stale').neighbor(1, '10.0.1.3', macOf(3));
  bed.neighbor(1, '10.0.1.4', macOf(4), 'permanent').neighbor(1, '10.0.1.5', undefined, 'failed');
  bed.neighbor(2, '10.0.2.2', macOf(6), 'stale').via('192.0.2.0/24', '10.0.2.2@2');
  bed.neighbor(1, '10.0.1.6', macOf(7), 'stale');
  bed.fib.applyKernel({
    ...{ kind: 'neighborAdd', source: 'static', ifindex: 11, state: 'permanent' },
    ...{ address: parseAddress('10.0.1.6')!, mac: Uint8Array.of(2, 0, 0, 0, 0, 7) },
  });
  bed.settle();
  const [host, ...others] = staleHosts(bed.fib.neighbors.all(), (id) => bed.programmer.tables.encapOfAdjacency(id));
  expect(others).toEqual([]);
  expect(host).toMatchObject({ ifindex: 11, address: parseAddress('10.0.1.2') });
  const packets = (): NodeInfo => bed.server.sandbox.nodeInfo([host!.token])[0]!;
  expect(packets()).toMatchObject({ counted: true, packets: 0 });
  bed.packet('10.0.1.2');
  bed.packet('10.0.1.3');
  expect(packets().packets).toBe(1);
});
