/**
 * The program finds in the buckets in front of a large IPv6 table what the table's prefixes say: in buckets that have all of theirs and in those that don't,
 * in and beside prefixes of all lengths.
 */
import { AftField, type AftEntry, type Token } from '../../../src/aft/model';
import { maskAddress } from '../../../src/net/address';
import { takesAll } from '../../../src/vasic/kernel/bucket';
import * as layout from '../../../src/vasic/kernel/layout';
import { lookUp } from '../../../src/vasic/kernel/lookup';
import type { Sandbox } from '../../../src/vasic/engine/api';
import { loadAddress, newAddress } from '../../../src/vasic/engine/prefix-key';
import { insert, int, MACS, PORTS, remove, routeTo } from '../../fuzz/kernel/graph-parts';
import { openJudge, type KernelJudge } from '../../fuzz/kernel/judge';
import { header, leadOn, ROUTED, TREE, TYPES } from '../../fuzz/kernel/routed-graph';
import { sandboxOn } from '../../fuzz/kernel/tables';
import { Random } from '../../fuzz/random';
import { PrefixModel } from '../../unit/vasic/prefix-model';

jest.setTimeout(180_000);

const NEIGHBORS = 5;
const FIRST_HEAD = 40_000;
const head = (neighbor: number): Token => FIRST_HEAD + 2 * neighbor;
const ROUTES = 4000;

let judge: KernelJudge;
let sandbox: Sandbox;
const random = new Random(11);
/** Prefixes and their neighbors + 1. */
const model = new PrefixModel();

function must(fault: unknown): void {
  expect(fault).toBeUndefined();
}

function randomPrefix(): { readonly bytes: Uint8Array; readonly length: number } {
  const length = random.below(10) === 0 ? 64 + random.below(65) : 22 + random.below(34);
  const bytes = Uint8Array.from({ length: 16 }, () => random.below(256));
  bytes.set([0x2a, 0, random.below(3) === 0 ? 0 : random.below(32)]);
  if (random.below(2) === 0) bytes.fill(0, 4, 6);
  return { bytes: maskAddress(bytes, length), length };
}

const entryOf = ({ bytes, length }: { bytes: Uint8Array; length: number }, neighbor = 0): AftEntry =>
  routeTo(TREE, { bytes, length }, head(neighbor));

function put(count: number): void {
  for (let i = 0; i < count; i++) {
    const one = randomPrefix();
    const neighbor = random.below(NEIGHBORS);
    if (model.get(one.bytes, one.length) !== 0) must(sandbox.apply(remove([entryOf(one)], [])));
    model.set(one.bytes, one.length, neighbor + 1);
    must(sandbox.apply(insert({ entries: [entryOf(one, neighbor)] })));
  }
}

beforeAll(() => {
  judge = openJudge('tc');
  sandbox = sandboxOn(judge.options.tables);
  for (let port = 0; port < PORTS; port++) judge.options.setPort(port, { mtu: 1500, up: true });
  must(sandbox.apply(insert(ROUTED)));
  must(
    sandbox.apply(
      insert({ entries: [{ parent: TYPES, key: { field: AftField.EtherType, data: int(0x86dd) }, next: TREE }] }),
    ),
  );
  for (let neighbor = 0; neighbor < NEIGHBORS; neighbor++) {
    const encap = { ...header(0x40 + neighbor), token: head(neighbor) + 1 };
    must(sandbox.apply(insert({ nodes: [encap, leadOn(head(neighbor), head(neighbor) + 1)] })));
  }
  put(ROUTES);
});

afterAll(() => judge.close());

/** Who gets a packet to this address, + 1; 0: nobody. Behind padding it takes the program's long way (bpf/graph.h). */
function sentTo(address: Uint8Array, padding = 0): number {
  const frame = Buffer.alloc(60 + padding);
  frame.set(MACS[0]!, 0);
  frame.set([2, 0, 0, 0, 8, 8, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 6, 59, 64], 6);
  frame.set([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, ...address], 22);
  const trial = judge.forwarder.testRun('tc', 0, frame);
  return trial.outcome === 'sent' ? trial.frame[5]! - 0x40 + 1 : 0;
}

const roots = (): { heap: Uint32Array; root: number } => ({
  heap: judge.options.words().heap,
  root: judge.forwarder.globals[layout.GLOBAL_PORTS + layout.PORT_SHORT_ROOT6]!,
});

/** Buckets of the /24s, and how many of them only the trie knows all of. */
function buckets(): { all: number; overflown: number } {
  const { heap, root } = roots();
  const table = heap[root + layout.ROOT_BUCKETS]!;
  expect(table).toBeGreaterThan(0);
  const page = heap[table + (0x2a00 >> 2)]!;
  const counts = { all: 0, overflown: 0 };
  for (let i = 0; i < 32; i++) {
    const word = heap[page + i]!;
    if (word === 0) continue;
    const bits = word & ((1 << layout.BUCKET_SIZE_BITS) - 1);
    counts.all += 1 << bits;
    for (let n = 0; n < 1 << bits; n++) {
      if (!takesAll(heap, word - bits + n * layout.BUCKET_WORDS)) counts.overflown++;
    }
  }
  return counts;
}

function expectRight(probes: number): void {
  const all = model.all();
  const { heap, root } = roots();
  const words = newAddress();
  /** Neighbor → the slot that lookups say, 0 for nobody. */
  const slots = new Map([[0, 0]]);
  let found = 0;
  for (let i = 0; i < probes; i++) {
    const address = Uint8Array.from(random.pick(all).bytes);
    if (random.below(3) > 0) address[random.below(8)]! ^= 1 << random.below(8);
    if (random.below(2) === 0) address.set([random.below(256), random.below(256)], 14);
    const wanted = model.lookup(address);
    const sent = sentTo(address, 4 * random.below(2));
    if (sent !== wanted)
      expect([Buffer.from(address).toString('hex'), sent]).toEqual([Buffer.from(address).toString('hex'), wanted]);
    loadAddress(words, address, 0, 16);
    const slot = lookUp(heap, root, words);
    if (!slots.has(wanted)) slots.set(wanted, slot);
    expect(slot).toBe(slots.get(wanted));
    if (wanted !== 0) found++;
  }
  expect(found).toBeGreaterThan(probes / 2);
}

test('each destination goes where its longest prefix leads', () => {
  const { all, overflown } = buckets();
  expect(all).toBeGreaterThan(300);
  expect(overflown).toBeGreaterThan(0);
  expect(overflown).toBeLessThan(all / 2);
  expectRight(1500);
});

test('and where it leads after changes', () => {
  for (let round = 0; round < 4; round++) {
    for (const { bytes, length } of model.all()) {
      if (random.below(3) > 0) continue;
      must(sandbox.apply(remove([entryOf({ bytes, length })], [])));
      model.delete(bytes, length);
    }
    put(round === 3 ? 100 : 800);
    expectRight(500);
  }
});
