/**
 * Labels in the compiled graph, as fpm2afi makes them: what the kernel does with a labelled packet is decided from the words that it reads. That
 * the program does just that, and the engine too, is for the comparison (compare.test.ts and integration/kernel-engine).
 */
import { labelKey, labelPortEntry, LABEL_TABLE, popAndLookUp, popParams } from '../../../../src/afi/label-graph';
import { baseGraph, ROUTE_TREE } from '../../../../src/afi/base-graph';
import { vrfTokens } from '../../../../src/afi/base-tokens';
import { PARAM, TOKEN_FIRST_CLIENT, type AftEntry, type AftInsert, type AftNode } from '../../../../src/aft/model';
import { sumBytes, write16, write32 } from '../../../../src/net/checksum';
import type { Sandbox } from '../../../../src/vasic/engine/api';
import { outputPortToken } from '../../../../src/vasic/engine/ports';
import { decide, type Decision } from '../../../../src/vasic/kernel/decide';
import type { KernelTables } from '../../../../src/vasic/kernel/image';
import { ethernet, int, MACS, PORTS, routeTo } from '../../../fuzz/kernel/graph-parts';
import { memoryTables, sandboxOn, setPort } from '../../../fuzz/kernel/tables';
import { Random } from '../../../fuzz/random';

const FIRST = TOKEN_FIRST_CLIENT + 20_000;
const [NEIGHBOR, SWAP, OUTER, POP, LOOK_UP, PUSH] = [FIRST, FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 4, FIRST + 5];
const RED = { table: 1001, tokens: vrfTokens(1001, 254), withTree: true };
const UNIFORM = { propagate: true, initial: 255 };

let tables: KernelTables;
let sandbox: Sandbox;

function insert(what: Partial<AftInsert>): ReturnType<Sandbox['apply']> {
  return sandbox.apply({ kind: 'insert', insert: { nodes: [], entries: [], ...what } });
}

function label(token: number, value: number, param: string, next: number): AftNode {
  const params = { [PARAM.labelValue]: int(value), [param]: { kind: 'bool', value: true } } as const;
  return { type: 'encap', token, template: 'label', keys: [], params, next };
}

function lsp(value: number, next: number): AftEntry {
  return { parent: LABEL_TABLE, key: labelKey(value), next };
}

function open(words?: number): void {
  tables = memoryTables(words, words);
  sandbox = sandboxOn(tables);
  for (let port = 0; port < PORTS; port++) setPort(tables.globals, port, { mtu: 1500, up: true });
  const vrfs = [{ table: 254, tokens: vrfTokens(254, 254), withTree: true }, RED];
  const base = baseGraph(
    MACS.map((mac, index) => ({ index, mac })),
    vrfs,
    {},
  );
  const takes = MACS.map((_, port) => labelPortEntry(port, true));
  const nodes = [
    { ...ethernet(new Random(1), NEIGHBOR, outputPortToken(1)), params: {} },
    label(OUTER, 300, PARAM.labelTtlPropagate, NEIGHBOR),
    label(SWAP, 200, PARAM.labelSwap, OUTER),
    label(PUSH, 400, PARAM.labelTtlPropagate, OUTER),
    { type: 'decap', token: POP, template: 'label', next: NEIGHBOR, params: popParams(UNIFORM) },
    popAndLookUp(LOOK_UP, RED.tokens.tree, UNIFORM),
  ] as const;
  const routed = { bytes: Uint8Array.of(10, 1, 0, 0), length: 16 };
  const faults = [
    insert({ ...base, entries: [...base.entries, ...takes] }),
    insert({ nodes, entries: [lsp(100, SWAP), lsp(101, POP), lsp(102, LOOK_UP)] }),
    insert({ entries: [routeTo(ROUTE_TREE, routed, PUSH), routeTo(RED.tokens.tree, routed, NEIGHBOR)] }),
  ];
  expect(faults).toEqual([undefined, undefined, undefined]);
}

/** A packet to 10.1.2.3 with these labels, [label, TTL], as port 0 receives it. */
function decided(labels: readonly (readonly [number, number])[], ttl = 64, payload = 20): Decision {
  const ip = 14 + 4 * labels.length;
  const frame = new Uint8Array(ip + 20 + payload);
  frame.set(MACS[0]!);
  write16(frame, 12, labels.length > 0 ? 0x8847 : 0x0800);
  labels.forEach(([value, hops], i) =>
    write32(frame, 14 + 4 * i, value * 0x1000 + (i === labels.length - 1 ? 0x100 : 0) + hops),
  );
  frame.set([0x45, 0, 0, 0, 0, 0, 0, 0, ttl, 255, 0, 0, 192, 0, 2, 1, 10, 1, 2, 3], ip);
  write16(frame, ip + 2, 20 + payload);
  write16(frame, ip + 10, ~sumBytes(frame, ip, ip + 20) & 0xffff);
  return decide({ heap: tables.heap.words, globals: tables.globals }, 0, frame);
}

/** The stack that a packet leaves with, label/TTL, and the TTL that its IP header gets. */
function stack(decision: Decision): string {
  if (decision.verdict !== 'sent') return decision.verdict === 'slow' ? decision.reason : decision.verdict;
  const labels = decision.labels.map((entry) => `${entry >>> 12}/${entry & 0xff}`);
  return [`-${decision.popped}`, ...labels, decision.hops ?? 'same'].join(' ');
}

describe('the kernel', () => {
  beforeEach(() => open());

  test('pushes labels on a routed packet, whose TTL they have', () => {
    expect(stack(decided([]))).toBe('-0 300/63 400/63 63');
  });

  test('swaps a label, and puts another in front', () => {
    expect(stack(decided([[100, 9]]))).toBe('-1 300/8 200/8 same');
    expect(
      stack(
        decided([
          [100, 9],
          [77, 5],
        ]),
      ),
    ).toBe('-1 300/8 200/8 same');
  });

  test('takes a label off for a neighbor, and the IP packet gets its TTL', () => {
    expect(stack(decided([[101, 9]]))).toBe('-1 8');
  });

  test("takes a VPN's label off and looks up in the VRF; explicit null above it as well", () => {
    expect(stack(decided([[102, 9]]))).toBe('-1 8');
    expect(
      stack(
        decided([
          [0, 9],
          [102, 7],
        ]),
      ),
    ).toBe('-2 6');
  });

  test('leaves what expires, is too large with its labels, or has labels that nothing is known of, to the engine or drops it as that', () => {
    expect(stack(decided([[100, 1]]))).toBe('ttl');
    expect(stack(decided([], 1))).toBe('ttl');
    expect(stack(decided([[100, 9]], 64, 1500 - 20 - 4))).toBe('mtu');
    expect(stack(decided([[100, 9]], 64, 1500 - 20 - 8))).toBe('-1 300/8 200/8 same');
    expect(stack(decided([[99, 9]]))).toBe('discarded');
  });

  test('follows what becomes of an LSP', () => {
    insert({ entries: [lsp(100, POP), lsp(2 ** 20 - 1, SWAP)] });
    expect(stack(decided([[100, 9]]))).toBe('-1 8');
    expect(stack(decided([[2 ** 20 - 1, 9]]))).toBe('-1 300/8 200/8 same');
    sandbox.apply({ kind: 'remove', remove: { entries: [lsp(100, POP)], tokens: [] } });
    expect(stack(decided([[100, 9]]))).toBe('discarded');
    // Refused as a whole: nothing of it stays.
    expect(insert({ entries: [lsp(100, SWAP), lsp(101, FIRST + 999)] })).toBeDefined();
    expect(stack(decided([[100, 9]]))).toBe('discarded');
    expect(stack(decided([[101, 9]]))).toBe('-1 8');
  });
});

test('a table of labels that finds no room is refused as full, and what was there goes on', () => {
  open(1 << 18);
  const spread = (from: number): AftEntry[] => Array.from({ length: 64 }, (_, i) => lsp((from + i) * 1024 + 5, SWAP));
  let refused: ReturnType<Sandbox['apply']>;
  for (let from = 1; from < 1024 && refused === undefined; from += 64) refused = insert({ entries: spread(from) });
  expect(JSON.stringify(refused)).toMatch(/--kernel-memory/);
  expect(stack(decided([[1024 + 5, 9]]))).toBe('-1 300/8 200/8 same');
  expect(stack(decided([[1000 * 1024 + 5, 9]]))).toBe('discarded');
});
