/**
 * A reader that runs in the kernel, on a core of its own, while this thread changes the tables as fast as it can: what the program does
 * with a packet is always by the tables as they were before a change or as they are after it, or the packet is left to the engine.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { baseGraph } from '../../../src/afi/base-graph';
import { ROUTE_TREE, vrfTokens } from '../../../src/afi/base-tokens';
import {
  AftField,
  TOKEN_FIRST_CLIENT,
  type AftEntry,
  type AftKey,
  type AftNode,
  type AftOperation,
  type Token,
} from '../../../src/aft/model';
import { maskAddress } from '../../../src/net/address';
import type { Sandbox } from '../../../src/vasic/engine/api';
import { outputPortToken } from '../../../src/vasic/engine/ports';
import { createSandbox } from '../../../src/vasic/engine/sandbox/sandbox';
import { createFastPath } from '../../../src/vasic/kernel/image';
import * as layout from '../../../src/vasic/kernel/layout';
import { finishIpv4 } from '../../bed/ipv4-header';
import { createMemoryPort } from '../../bed/memory-port';
import { MACS, PORTS } from '../../fuzz/kernel/graph-parts';
import { openJudge, type KernelJudge } from '../../fuzz/kernel/judge';
import { Random } from '../../fuzz/random';
import type { Probe, ReaderData, ReaderResult } from './churn-reader';

jest.setTimeout(180_000);

const FIRST = TOKEN_FIRST_CLIENT + 10_000;
/** Adjacency i, whose Ethernet addresses are all of one byte; one that changes its own; what leads to one, and to several. */
const ADJACENCIES = [0, 1, 2, 3];
const adjacency = (i: number): Token => FIRST + i;
const byteOf = (i: number): number => 0x11 * (i + 1);
const [TURNING, LEADING, GROUP] = [FIRST + 10, FIRST + 11, FIRST + 12];
const TURNS = [0xaa, 0xbb] as const;
const CHANGES = 150_000;

const addressesOf = (byte: number): string => Buffer.alloc(12, byte).toString('hex');
const int = (value: number): AftKey => ({ field: AftField.None, data: { kind: 'int', value } });

function encap(token: Token, byte: number, port: number): AftNode {
  const mac = (field: AftField): AftKey => ({ field, data: { kind: 'ether', bytes: new Uint8Array(6).fill(byte) } });
  const keys = [mac(AftField.EtherDaddr), mac(AftField.EtherSaddr)];
  return { type: 'encap', token, template: 'ethernet', keys, next: outputPortToken(port), params: {} };
}

const ip4 = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
/** 2001:db8: and what follows, filled up with zeros. */
function ip6(...bytes: number[]): Uint8Array {
  const address = new Uint8Array(16);
  address.set([0x20, 0x01, 0x0d, 0xb8, ...bytes]);
  return address;
}

function route(address: Uint8Array, length: number, next: Token): AftEntry {
  const field = address.length === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr;
  const key: AftKey = { field, data: { kind: 'prefix', bytes: maskAddress(address, length), length } };
  return { parent: ROUTE_TREE, key, next };
}

function frameTo(address: Uint8Array): Uint8Array {
  const is4 = address.length === 4;
  const frame = Buffer.alloc(is4 ? 60 : 80);
  frame.set(MACS[0]!, 0);
  frame.set([2, 0, 0, 0, 9, 9], 6);
  frame.writeUInt16BE(is4 ? 0x0800 : 0x86dd, 12);
  if (is4) {
    frame.set([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, ...address], 14);
    finishIpv4(frame, 14);
  } else frame.set([0x60, 0, 0, 0, 0, 26, 59, 64, ...ip6(9), ...address], 14);
  return frame;
}

/** A sandbox on four ports with the graph that fpm2afi builds, compiled for the program. */
class Router {
  private readonly sandbox: Sandbox;

  constructor({ options }: KernelJudge) {
    const ports = MACS.map((mac, port) => createMemoryPort({ name: `p${port}`, mac, mtu: 1500 }));
    this.sandbox = createSandbox({
      ...{ id: 1, engine: 'trio', name: 'green', instance: '1', ports, host: { punt: () => undefined } },
      ...{ now: () => 0, fastPath: createFastPath(options.tables, PORTS) },
    });
    ports.forEach((port, i) => options.setPort(i, port));
    const vrf = { table: 254, tokens: vrfTokens(254, 254), withTree: true };
    const bases = MACS.map((mac, index) => ({ index, mac }));
    this.apply({ kind: 'insert', insert: baseGraph(bases, [vrf], {}) });
  }

  private apply(operation: AftOperation): void {
    const refused = this.sandbox.apply(operation);
    if (refused !== undefined) throw new Error(`refused: ${JSON.stringify(refused)}`);
  }

  nodes(...nodes: AftNode[]): void {
    this.apply({ kind: 'insert', insert: { nodes, entries: [] } });
  }

  entries(...entries: AftEntry[]): void {
    this.apply({ kind: 'insert', insert: { nodes: [], entries } });
  }

  remove({ parent, key }: AftEntry): void {
    this.apply({ kind: 'remove', remove: { entries: [{ parent, key }], tokens: [] } });
  }

  close(): void {
    this.sandbox.close();
  }
}

/** Prefixes that stay what they are, in both families; those that come and go are beside, below and above them. */
const KEPT4 = ip4(10, 1, 128, 0);
const KEPT6 = ip6(1);
/** One in a /24 of which each bucket has a few of those that come and go. */
const BUCKETED6 = Uint8Array.from([0x20, 0x01, 0x0d, 0x40, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
/** An address below prefixes of a few bits. */
const SHORT6 = Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 0x44 : i));

const PROBES: readonly Probe[] = [
  ...[
    { name: 'kept IPv4', to: ip4(10, 1, 130, 9), allowed: [byteOf(1)] },
    { name: 'kept IPv6', to: ip6(1, 0, 0, 0, 7, 7, 7), allowed: [byteOf(2)] },
    { name: 'bucketed IPv6', to: Uint8Array.from(BUCKETED6, (byte, i) => (i > 7 ? i : byte)), allowed: [byteOf(3)] },
    { name: 'replaced', to: ip4(10, 2, 3, 4), allowed: [byteOf(2), byteOf(3)] },
    { name: 'covered', to: ip4(10, 3, 3, 4), allowed: [byteOf(0), byteOf(1)] },
    { name: 'short IPv4', to: ip4(172, 16, 3, 4), allowed: [byteOf(0), byteOf(1)] },
    { name: 'short IPv6', to: SHORT6, allowed: [byteOf(0), byteOf(2)] },
    { name: 'MAC', to: ip4(10, 4, 0, 1), allowed: TURNS },
    { name: 'indirect', to: ip4(10, 5, 0, 1), allowed: [byteOf(0), byteOf(3)] },
  ],
  ...ADJACENCIES.map((i) => ({ name: `balanced ${i}`, to: ip4(10, 6, 7, i), allowed: ADJACENCIES.map(byteOf) })),
].map(({ name, to, allowed }) => ({ name, frame: frameTo(to), allowed: allowed.map(addressesOf) }));

function setUp(router: Router): void {
  router.nodes(...ADJACENCIES.map((i) => encap(adjacency(i), byteOf(i), i)));
  router.nodes(encap(TURNING, TURNS[0], 0), { type: 'indirect', token: LEADING, target: adjacency(0) });
  router.nodes({ type: 'loadBalance', token: GROUP, max: 4, fields: [] });
  router.entries(...ADJACENCIES.map((at) => ({ parent: GROUP, key: int(at), next: adjacency(at & 1) })));
  router.entries(
    route(KEPT4, 20, adjacency(1)),
    route(KEPT6, 64, adjacency(2)),
    route(BUCKETED6, 50, adjacency(3)),
    route(ip4(10, 2, 3, 0), 24, adjacency(2)),
    route(ip4(10, 3, 0, 0), 16, adjacency(0)),
    route(ip4(160, 0, 0, 0), 4, adjacency(0)),
    route(SHORT6, 4, adjacency(0)),
    route(ip4(10, 4, 0, 0), 16, TURNING),
    route(ip4(10, 5, 0, 0), 16, LEADING),
    route(ip4(10, 6, 0, 0), 16, GROUP),
  );
}

/** A prefix that holds none of the kept ones' probes, or one that holds the kept prefix itself. */
function passing(random: Random): AftEntry {
  const is4 = random.below(2) === 0;
  const next = adjacency(random.below(4));
  if (random.below(8) === 0) {
    return is4 ? route(KEPT4, 9 + random.below(11), next) : route(KEPT6, 33 + random.below(30), next);
  }
  if (!is4 && random.below(3) === 0) {
    const near = random.below(4) === 0 ? BUCKETED6[3]! : random.below(256);
    const address = Uint8Array.from(BUCKETED6, (byte, i) =>
      i === 3 ? near : i === 4 || i === 5 ? random.below(3) : byte,
    );
    return route(address, 26 + random.below(24), next);
  }
  return is4
    ? route(ip4(10, 1, random.below(128), random.below(256)), 18 + random.below(15), next)
    : route(ip6(1, 1 + random.below(255), random.below(256)), 49 + random.below(70), next);
}

/** The n-th change of each kind. Those of nodes bar all packets for their time: there are fewer of them. */
function change(router: Router, random: Random, present: Map<string, AftEntry>, n: number): void {
  const entry = passing(random);
  const name = JSON.stringify(entry.key, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
  if (present.delete(name)) router.remove(entry);
  else {
    present.set(name, entry);
    router.entries(entry);
  }
  if (n % 3 === 0) router.entries(route(ip4(10, 2, 3, 0), 24, adjacency(2 + (n & 1))));
  const longer = [
    route(ip4(10, 3, 3, 0), 24, adjacency(1)),
    route(ip4(172, 0, 0, 0), 10, adjacency(1)),
    route(SHORT6, 7, adjacency(2)),
  ];
  if (n % 4 === 1) router.entries(...longer);
  if (n % 4 === 3) longer.forEach((one) => router.remove(one));
  if (n % 50 === 10) router.nodes(encap(TURNING, TURNS[((n - 10) / 50) & 1]!, 0));
  if (n % 50 === 20) router.nodes({ type: 'indirect', token: LEADING, target: adjacency(3 * random.below(2)) });
  if (n % 50 === 30) router.entries({ parent: GROUP, key: int(random.below(4)), next: adjacency(random.below(4)) });
}

/** The word that leads to an address's buckets; 0: there are none. */
function blockOf6({ forwarder, options }: KernelJudge, address: Uint8Array): number {
  const { heap } = options.words();
  const root = forwarder.globals[layout.GLOBAL_PORTS + layout.PORT_SHORT_ROOT6]!;
  const first = new DataView(address.buffer, address.byteOffset).getUint32(0) >>> (32 - layout.AHEAD_BITS);
  const page = heap[heap[root + layout.ROOT_BUCKETS]! + (first >>> layout.AHEAD_PAGE_BITS)]!;
  return page === 0 ? 0 : heap[page + (first & (layout.BUCKET_PAGE_WORDS - 1))]!;
}

let judge: KernelJudge;

beforeEach(() => {
  // It must not grow: that takes another instance of the program.
  judge = openJudge('tc', 1 << 24);
});
afterEach(() => judge.close());

test('the program never sees half of a change', async () => {
  const random = new Random(99);
  const router = new Router(judge);
  setUp(router);
  const { forwarder } = judge;
  forwarder.globals[layout.GLOBAL_TEST_PORT] = 1;
  const stop = new SharedArrayBuffer(4);
  const data: ReaderData = { program: forwarder.programFd('tc'), probes: PROBES, stop };
  const reader = new Worker(join(__dirname, 'churn-reader.js'), { workerData: data });
  const result = new Promise<ReaderResult>((resolve, reject) => {
    reader.on('message', resolve);
    reader.on('error', reject);
  });
  await new Promise((resolve) => reader.on('online', resolve));
  const present = new Map<string, AftEntry>();
  for (let n = 0; n < CHANGES; n++) change(router, random, present, n);
  Atomics.store(new Int32Array(stop), 0, 1);
  const { runs, left, seen, wrong } = await result;
  expect(blockOf6(judge, BUCKETED6)).toBeGreaterThan(0);
  router.close();

  expect(wrong).toEqual([]);
  expect(runs).toBeGreaterThan(1000);
  expect(left).toBeLessThan(runs / 2);
  // Each way of what changed was seen, so there were changes to be seen.
  const missing = PROBES.flatMap(({ name, allowed }) =>
    name.startsWith('balanced') ? [] : allowed.filter((one) => !(`${name} ${one}` in seen)).map((one) => [name, one]),
  );
  expect(missing).toEqual([]);
});
