/**
 * LSPs and labelled routes from zebra's updates to the packets that a softvasic sends: what is programmed, in how many
 * operations, and what becomes of it when neighbors, zebra, the bridge or the vASIC come and go.
 */
import { PuntReason, type AftOperation } from '../../../src/aft/model';
import { LABEL_TABLE, UNKNOWN_LABEL } from '../../../src/afi/label-graph';
import { NexthopWriter } from '../../../src/afi/nexthop-writer';
import type { LspPath, NexthopPath } from '../../../src/fib/updates';
import { Bed, ifindexOf, macOfPort, pathOf, Server, TABLE } from '../../bed/bed';
import { labelledFrame, stackOf, type StackEntry } from '../../bed/labelled';

const A = '02:00:00:00:00:0a';
const B = '02:00:00:00:00:0b';

/** `10.0.1.2@1` and what it does: labels in place of the top one, or none. */
const lspPath = (text: string, ...outLabels: number[]): LspPath => ({ ...pathOf(text), outLabels });
const pushing = (text: string, ...labels: number[]): NexthopPath => ({
  ...pathOf(text),
  encap: { kind: 'mpls', labels },
});

function lsp(bed: Bed, label: number, ...paths: LspPath[]): Bed {
  return bed.apply({ kind: 'lspAdd', label, protocol: 193, paths });
}
const gone = (bed: Bed, label: number): Bed => bed.apply({ kind: 'lspDelete', label });

/** Two neighbors, and labels taken on all ports. */
async function router(server = new Server()): Promise<Bed> {
  const bed = new Bed(server);
  for (const port of server.ports.keys()) bed.fib.setLabelInput(port, true);
  bed.neighbor(1, '10.0.1.2', A).neighbor(2, '10.0.2.2', B).neighbor(2, 'fe80::2', B);
  return bed.up();
}

const labelled = (stack: readonly StackEntry[], to?: string, source?: number): Buffer =>
  labelledFrame(macOfPort(0), stack, to, source);

/** Where a labelled packet goes, and with which labels or as what: `p1 …0a 200/63 300/63`, `p1 …0a IP 63`. */
function way(bed: Bed, ...args: Parameters<typeof labelled>): string {
  return outcome(bed, bed.frame(labelled(...args)));
}

/** The same of a plain packet. */
function plainWay(bed: Bed, to: string, options: { ttl?: number } = {}): string {
  return outcome(bed, bed.packet(to, 0, options));
}

function outcome(bed: Bed, said: string): string {
  const [port, mac] = said.split(' ');
  if (!port!.startsWith('p') || said.startsWith('punt')) return said;
  const { frame } = bed.server.ports[Number(port!.slice(1))]!.sent[0]!;
  const stack = stackOf(frame).map(({ label, ttl }) => `${label}/${ttl}`);
  if (stack.length === 0) stack.push(`IP ${frame[14 + (frame[14]! >> 4 === 4 ? 8 : 7)]}`);
  return `${port} …${mac!.slice(-2)} ${stack.join(' ')}`;
}

const nodesIn = (operations: readonly AftOperation[]): number =>
  operations.reduce((sum, one) => sum + (one.kind === 'insert' ? one.insert.nodes.length : 0), 0);

describe('an LSP', () => {
  test('is swapped, popped, given several labels; to IPv4 and IPv6 neighbors', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200));
    lsp(bed, 101, lspPath('10.0.1.2@1'));
    lsp(bed, 102, lspPath('fe80::2@2', 300, 400));
    bed.settle();
    expect(way(bed, [[100, 9]])).toBe('p1 …0a 200/8');
    expect(way(bed, [[100, 9], [17, 3]])).toBe('p1 …0a 200/8 17/3'); // prettier-ignore
    expect(way(bed, [[101, 9]])).toBe('p1 …0a IP 8');
    expect(way(bed, [[101, 9], [17, 3]])).toBe('p1 …0a 17/3'); // prettier-ignore
    expect(way(bed, [[102, 9]])).toBe('p2 …0b 300/8 400/8');
    expect([...bed.fib.lsps.all()].map((one) => bed.fib.lsps.stateOf(one))).toEqual(Array(3).fill('offloaded'));
  });

  test('implicit null is never sent: it means pop', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 3)).settle();
    expect(way(bed, [[100, 9]])).toBe('p1 …0a IP 8');
    lsp(bed, 100, lspPath('10.0.1.2@1', 3, 200)).settle();
    expect(way(bed, [[100, 9]])).toBe('p1 …0a 200/8');
  });

  test('an unknown label is dropped and counted; one that was withdrawn is unknown', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200)).settle();
    gone(bed, 100).settle();
    expect(way(bed, [[100, 9]])).toBe('dropped');
    expect(way(bed, [[0xfffff, 9]])).toBe('dropped');
    expect(bed.server.sandbox.nodeInfo([UNKNOWN_LABEL])[0]).toMatchObject({ packets: 2 });
    expect(bed.fib.lsps.size).toBe(0);
    // Nothing of it is left, apart from what was there before.
    const fresh = await router();
    expect(bed.server.sandbox.info().nodes).toBe(fresh.server.sandbox.info().nodes);
  });

  test('spreads its flows over its paths, by weight', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1*3', 200), lspPath('10.0.2.2@2*1', 300)).settle();
    const ways = Array.from({ length: 200 }, (_, i) => way(bed, [[100, 9]], '192.0.2.9', i));
    const first = ways.filter((one) => one === 'p1 …0a 200/8').length;
    expect(ways.filter((one) => one === 'p2 …0b 300/8')).toHaveLength(200 - first);
    expect(first).toBeGreaterThan(120);
    expect(first).toBeLessThan(180);
  });

  test('two paths to one neighbor by other labels stay two', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200), lspPath('10.0.1.2@1', 201)).settle();
    const ways = new Set(Array.from({ length: 50 }, (_, i) => way(bed, [[100, 9]], '192.0.2.9', i)));
    expect([...ways].sort()).toEqual(['p1 …0a 200/8', 'p1 …0a 201/8']);
  });

  test('changes in place: no packet finds the label unknown', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200)).settle();
    lsp(bed, 100, lspPath('10.0.2.2@2', 300));
    bed.programmer.pump();
    do expect(way(bed, [[100, 9]])).toMatch(/^p1 …0a 200\/8$|^p2 …0b 300\/8$/);
    while (bed.answer());
    expect(way(bed, [[100, 9]])).toBe('p2 …0b 300/8');
  });

  test('TTL 1 goes to the host with its labels; so does router alert; explicit null is looked up', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200));
    bed.via('192.0.2.0/24', '10.0.2.2@2').settle();
    expect(way(bed, [[100, 1]])).toBe(`punt ${PuntReason.LabelTtl}`);
    expect(way(bed, [[1, 9], [100, 9]])).toBe(`punt ${PuntReason.RouterAlert}`); // prettier-ignore
    expect(way(bed, [[0, 9]])).toBe('p2 …0b IP 8');
    expect(way(bed, [[0, 9], [100, 5]])).toBe('p1 …0a 200/4'); // prettier-ignore
    // IPv4 behind IPv6's explicit null, and a reserved label that means nothing here.
    expect(way(bed, [[2, 9]])).toBe('dropped');
    expect(way(bed, [[7, 9]])).toBe('dropped');
  });

  test('a reserved label keeps its meaning, whatever zebra says, and it is said', async () => {
    const bed = await router();
    lsp(bed, 1, lspPath('10.0.1.2@1', 200)).settle();
    expect(way(bed, [[1, 9]])).toBe(`punt ${PuntReason.RouterAlert}`);
    const one = bed.fib.lsps.get(1)!;
    expect(bed.fib.lsps.stateOf(one)).toBe('failed');
    expect(bed.fib.lsps.failureOf(one)).toMatch(/reserved/);
  });

  test('ports that take no labels hand labelled packets to the host', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200)).settle();
    bed.fib.setLabelInput(0, false);
    bed.settle();
    expect(way(bed, [[100, 9]])).toBe(`punt ${PuntReason.NonIp}`);
    bed.fib.setLabelInput(0, true);
    bed.settle();
    expect(way(bed, [[100, 9]])).toBe('p1 …0a 200/8');
  });
});

describe('what goes to the host', () => {
  test('without a neighbor, out of no port, without a usable path, unreadable', async () => {
    const bed = await router();
    const state = (label: number): unknown => bed.fib.lsps.stateOf(bed.fib.lsps.get(label)!);
    lsp(bed, 100, lspPath('10.0.1.77@1', 200));
    lsp(bed, 101, { gateway: Uint8Array.of(10, 9, 9, 9), ifindex: 99, weight: 1, outLabels: [200] });
    lsp(bed, 102);
    lsp(bed, 103, lspPath('@1', 200));
    lsp(bed, 104, lspPath('10.0.1.2@1', 200)).settle();
    expect(way(bed, [[104, 9]])).toBe('p1 …0a 200/8');
    bed.apply({ kind: 'lspAdd', label: 104, protocol: 193, paths: [], unreadable: true }).settle();
    expect(way(bed, [[100, 9]])).toBe(`punt ${PuntReason.Unresolved}`);
    expect(way(bed, [[101, 9]])).toBe(`punt ${PuntReason.NotAPort}`);
    for (const label of [102, 103, 104]) expect(way(bed, [[label, 9]])).toBe(`punt ${PuntReason.Unsupported}`);
    expect([100, 101, 102, 103, 104].map(state)).toEqual(['unresolved', ...Array<string>(4).fill('trapped')]);
    expect([...bed.needed]).toContain(`${ifindexOf(1)} 10.0.1.77`);
    bed.neighbor(1, '10.0.1.77', A).settle();
    expect(way(bed, [[100, 9]])).toBe('p1 …0a 200/8');
  });
});

describe('routes with labels', () => {
  test('push one or several, on IPv4 and IPv6, beside plain nexthops', async () => {
    const bed = await router();
    bed.route('192.0.2.0/24', { kind: 'paths', paths: [pushing('10.0.1.2@1', 16, 17)] });
    bed.route('2001:db8::/32', { kind: 'paths', paths: [pushing('fe80::2@2', 18)] });
    bed.nexthop(5, { kind: 'path', path: pushing('10.0.1.2@1', 20) }).nexthop(6, '10.0.2.2@2');
    bed.group(7, 5, 6).viaId('198.51.100.0/24', 7).settle();
    expect(plainWay(bed, '192.0.2.9', { ttl: 9 })).toBe('p1 …0a 16/8 17/8');
    expect(plainWay(bed, '2001:db8::9', { ttl: 9 })).toBe('p2 …0b 18/8');
    const ways = new Set(Array.from({ length: 60 }, (_, i) => plainWay(bed, `198.51.100.${i}`)));
    expect([...ways].sort()).toEqual(['p1 …0a 20/63', 'p2 …0b IP 63']);
    expect(bed.told.get('192.0.2.0/24')).toBe('offloaded');
  });

  test('implicit null alone is a plain nexthop', async () => {
    const bed = await router();
    bed.route('192.0.2.0/24', { kind: 'paths', paths: [pushing('10.0.1.2@1', 3)] }).settle();
    expect(plainWay(bed, '192.0.2.9')).toBe('p1 …0a IP 63');
  });

  test('labels onto an interface, with no neighbor to send to, go to the host', async () => {
    const bed = await router();
    bed.route('192.0.2.0/24', { kind: 'paths', paths: [pushing('@1', 16)] }).settle();
    expect(plainWay(bed, '192.0.2.9')).toBe(`punt ${PuntReason.Unsupported}`);
    expect(bed.told.get('192.0.2.0/24')).toBe('trapped');
  });
});

describe('the egress of a VPN', () => {
  const device = (bed: Bed, name: string, over = {}): void =>
    bed.fib.applyKernel({
      ...{ kind: 'link', ifindex: 99, name, present: true, up: true, mac: new Uint8Array(6), master: 0 },
      ...over,
    });
  const egress: LspPath = { ifindex: 99, weight: 1, outLabels: [] };

  test("the loopback: the label is taken off, and the packet looked up in the default VRF's table", async () => {
    const bed = await router();
    device(bed, 'lo');
    lsp(bed, 80, egress);
    bed.via('192.0.2.0/24', '10.0.2.2@2').settle();
    expect(way(bed, [[80, 9]])).toBe('p2 …0b IP 8');
    expect(way(bed, [[80, 9]], '203.0.113.1')).toBe(`punt ${PuntReason.NoRoute}`);
    lsp(bed, 100, lspPath('10.0.1.2@1', 200)).settle();
    expect(way(bed, [[80, 9], [100, 5]])).toBe('p1 …0a 200/4'); // prettier-ignore
  });

  test("a VRF's device, also where it comes after the LSP; of a table that isn't forwarded by, to the host", async () => {
    const bed = await router();
    lsp(bed, 80, egress);
    bed.via('192.0.2.0/24', '10.0.2.2@2').settle();
    expect(way(bed, [[80, 9]])).toBe(`punt ${PuntReason.NotAPort}`);
    device(bed, 'red', { vrfTable: TABLE });
    bed.settle();
    expect(way(bed, [[80, 9]])).toBe('p2 …0b IP 8');
    device(bed, 'red', { vrfTable: 77 });
    bed.settle();
    expect(way(bed, [[80, 9]])).toBe(`punt ${PuntReason.NotAPort}`);
    device(bed, 'red', { vrfTable: 77, present: false });
    bed.settle();
    expect(way(bed, [[80, 9]])).toBe(`punt ${PuntReason.NotAPort}`);
  });
});

test('where the kernel has no VRF devices: the device that is called like a VRF of the configuration', async () => {
  const bed = new Bed(new Server(), { vrfs: [{ name: 'red', table: 77 }] });
  bed.fib.setLabelInput(0, true);
  bed.neighbor(2, '10.0.2.2', B);
  await bed.up();
  lsp(bed, 80, { ifindex: 99, weight: 1, outLabels: [] });
  bed.viaIn(77, '192.0.2.0/24', '10.0.2.2@2').settle();
  const name = (is: string): void => {
    bed.fib.applyKernel({ kind: 'link', ifindex: 99, name: is, present: true, up: true, master: 0 });
    bed.settle();
  };
  name('other');
  expect(way(bed, [[80, 9]])).toBe(`punt ${PuntReason.NotAPort}`);
  name('red');
  expect(way(bed, [[80, 9]])).toBe('p2 …0b IP 8');
  expect(bed.fib.vrfs.isPlain(77)).toBe(false);
  name('green');
  expect(way(bed, [[80, 9]])).toBe(`punt ${PuntReason.NotAPort}`);
  expect(bed.fib.vrfs.isPlain(77)).toBe(true);
});

describe('operations', () => {
  const ROUTES = 5000;
  const STACKS = 100;
  /** Many routes by a few stacks, and LSPs, all by one neighbor. */
  async function core(): Promise<Bed> {
    const bed = await router();
    for (let i = 0; i < ROUTES; i++) {
      const paths = [pushing('10.0.1.2@1', 16, 1000 + (i % STACKS))];
      bed.route(`10.${100 + (i >> 8)}.${i & 255}.0/24`, { kind: 'paths', paths });
    }
    for (let i = 0; i < STACKS; i++) lsp(bed, 2000 + i, lspPath('10.0.1.2@1', 3000 + i));
    return bed.settle();
  }

  test('one chain of nodes for each stack and neighbor, however many routes', async () => {
    const bed = await core();
    const encaps = bed.server.sandbox.find({ type: 'encap' }).filter((node) => node.type === 'encap');
    expect(encaps.filter(({ template }) => template === 'label')).toHaveLength(2 * STACKS + STACKS);
  });

  test("a core neighbor's new address is one operation of one node, under all these", async () => {
    const bed = await core();
    const operations = bed.operationsFor(() => bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:99'));
    expect(operations).toHaveLength(1);
    expect(nodesIn(operations)).toBe(1);
    expect(plainWay(bed, '10.100.0.9')).toBe('p1 …99 16/63 1000/63');
    expect(way(bed, [[2000, 9]])).toBe('p1 …99 3000/8');
  });

  test('a lost core neighbor is off the wire after one operation', async () => {
    const bed = await core();
    bed.neighborGone(1, '10.0.1.2');
    bed.programmer.pump();
    const before = bed.server.sandbox.info().entries;
    bed.answer();
    expect(plainWay(bed, '10.100.0.9')).toBe(`punt ${PuntReason.Unresolved}`);
    expect(way(bed, [[2000, 9]])).toBe(`punt ${PuntReason.Unresolved}`);
    bed.settle();
    expect(bed.server.sandbox.info().entries).toBe(before);
    bed.neighbor(1, '10.0.1.2', A).settle();
    expect(plainWay(bed, '10.100.0.9')).toBe('p1 …0a 16/63 1000/63');
    expect(way(bed, [[2000, 9]])).toBe('p1 …0a 3000/8');
  });

  test('a nexthop id under many VPN routes moves to another core neighbor: labels, then one operation', async () => {
    const bed = await router();
    bed.nexthop(5, { kind: 'path', path: pushing('10.0.1.2@1', 16, 17) });
    for (let i = 0; i < ROUTES; i++) bed.viaId(`10.${100 + (i >> 8)}.${i & 255}.0/24`, 5);
    bed.settle();
    const operations = bed.operationsFor(() => bed.nexthop(5, { kind: 'path', path: pushing('10.0.2.2@2', 18, 17) }));
    // The new labels, the AftIndirect, and the removal of the old labels.
    expect(operations.map(({ kind }) => kind)).toEqual(['insert', 'insert', 'remove']);
    expect(operations[1]).toMatchObject({ insert: { nodes: [{ type: 'indirect' }], entries: [] } });
    expect(plainWay(bed, '10.100.0.9')).toBe('p2 …0b 18/63 17/63');
  });

  test('many groups wait for many labels at once: each is looked at a few times, not at each acknowledgement', async () => {
    const bed = await router();
    const builds = jest.spyOn(NexthopWriter.prototype, 'build');
    const many = 4000;
    for (let i = 0; i < many; i++) lsp(bed, 100 + i, lspPath('10.0.1.2@1', 100_000 + i));
    bed.settle();
    expect(builds.mock.calls.length).toBeLessThanOrEqual(3 * many);
    builds.mockRestore();
    expect(way(bed, [[100, 9]])).toBe('p1 …0a 100000/8');
    expect(way(bed, [[99 + many, 9]])).toBe(`p1 …0a ${99_999 + many}/8`);
  });

  test('many LSPs go in a few operations', async () => {
    const bed = await router();
    const operations = bed.operationsFor(() => {
      for (let i = 0; i < 3000; i++) lsp(bed, 100 + i, lspPath('10.0.1.2@1'));
    });
    // The label node, the nexthop group, and the entries.
    expect(operations.length).toBeLessThanOrEqual(2 + 3);
  });
});

describe('restarts', () => {
  test('zebra: what is confirmed stays without an operation, what is not goes at the end of the replay', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200));
    lsp(bed, 101, lspPath('10.0.1.2@1', 201)).settle();
    const operations = bed.operationsFor(() => {
      bed.fib.beginReplay();
      lsp(bed, 100, lspPath('10.0.1.2@1', 200));
    });
    expect(operations).toEqual([]);
    expect(way(bed, [[101, 9]])).toBe('p1 …0a 201/8');
    expect(bed.fib.endReplay()).toMatchObject({ lsps: 1 });
    bed.settle();
    expect(way(bed, [[101, 9]])).toBe('dropped');
    expect(way(bed, [[100, 9]])).toBe('p1 …0a 200/8');
  });

  test('the bridge: LSPs forward on, are written over in place, and what zebra does not want goes', async () => {
    const first = await router();
    lsp(first, 100, lspPath('10.0.1.2@1', 200));
    lsp(first, 101, lspPath('10.0.1.2@1', 201), lspPath('10.0.2.2@2', 201)).settle();
    const second = await router(first.server);
    expect(way(second, [[100, 9]])).toBe('p1 …0a 200/8');
    expect(way(second, [[101, 9]])).toMatch(/201\/8$/);
    second.fib.beginReplay();
    lsp(second, 100, lspPath('10.0.2.2@2', 300)).settle();
    expect(way(second, [[100, 9]])).toBe('p2 …0b 300/8');
    expect(way(second, [[101, 9]])).toMatch(/201\/8$/);
    second.fib.endReplay();
    second.programmer.releaseAdopted();
    second.settle();
    expect(way(second, [[101, 9]])).toBe('dropped');
    expect(way(second, [[100, 9]])).toBe('p2 …0b 300/8');
    // Nothing of the first life is left.
    const alone = await router();
    lsp(alone, 100, lspPath('10.0.2.2@2', 300)).settle();
    expect(second.server.sandbox.info().nodes).toBe(alone.server.sandbox.info().nodes);
  });

  test('the AFI server: everything is programmed again', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200), lspPath('10.0.2.2@2', 201)).settle();
    bed.route('192.0.2.0/24', { kind: 'paths', paths: [pushing('10.0.1.2@1', 16)] }).settle();
    bed.programmer.down('gone');
    bed.queue.length = 0;
    bed.server.restart();
    await bed.up();
    expect(way(bed, [[100, 9]])).toMatch(/20[01]\/8$/);
    expect(plainWay(bed, '192.0.2.9')).toBe('p1 …0a 16/63');
  });

  test('the AFI server, after the bridge: the table of labels that was found is gone with it', async () => {
    const first = await router();
    lsp(first, 100, lspPath('10.0.1.2@1', 200)).settle();
    const second = await router(first.server);
    lsp(second, 100, lspPath('10.0.1.2@1', 200)).settle();
    second.programmer.down('gone');
    second.queue.length = 0;
    second.server.restart();
    await second.up();
    second.settle();
    expect(way(second, [[100, 9]])).toBe('p1 …0a 200/8');
  });

  test('the connection: what was in flight is written again, whatever became of it', async () => {
    for (const applied of [false, true]) {
      const bed = await router();
      lsp(bed, 100, lspPath('10.0.1.2@1', 200)).settle();
      lsp(bed, 100, lspPath('10.0.2.2@2', 300));
      lsp(bed, 101, lspPath('10.0.2.2@2', 301));
      for (let round = 0; round < 4; round++) {
        bed.programmer.pump();
        const next = bed.queue.shift();
        if (next === undefined) break;
        if (applied) bed.server.sandbox.apply(next.operation);
        bed.programmer.down('cut');
        bed.queue.length = 0;
        await bed.up();
      }
      bed.settle();
      expect(way(bed, [[100, 9]])).toBe('p2 …0b 300/8');
      expect(way(bed, [[101, 9]])).toBe('p2 …0b 301/8');
    }
  });
});

describe('refusals', () => {
  const refused = { code: 'refused', message: 'not today' } as const;
  const lookForEntry = (operation: AftOperation): boolean =>
    operation.kind === 'insert' && operation.insert.entries.some(({ parent }) => parent === LABEL_TABLE);

  test('a refused change of an LSP does not leave the old one in force', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200)).settle();
    lsp(bed, 100, lspPath('10.0.2.2@2', 300));
    for (bed.programmer.pump(); bed.queue.length > 0; bed.programmer.pump())
      bed.answer(lookForEntry(bed.next()) ? refused : undefined);
    expect(way(bed, [[100, 9]])).toBe('dropped');
    const one = bed.fib.lsps.get(100)!;
    expect(bed.fib.lsps.stateOf(one)).toBe('failed');
    expect(bed.fib.lsps.failureOf(one)).toMatch(/not today/);
    bed.programmer.retry();
    bed.settle();
    expect(way(bed, [[100, 9]])).toBe('p2 …0b 300/8');
  });

  test('one of many is found, the others go in', async () => {
    const bed = await router();
    for (let i = 0; i < 100; i++) lsp(bed, 100 + i, lspPath('10.0.1.2@1', 500 + i));
    const hasCulprit = (operation: AftOperation): boolean =>
      operation.kind === 'insert' &&
      operation.insert.entries.some(({ parent, key }) => parent === LABEL_TABLE && key.data.kind === 'int' && key.data.value === 150); // prettier-ignore
    for (bed.programmer.pump(); bed.queue.length > 0; bed.programmer.pump())
      bed.answer(hasCulprit(bed.next()) ? refused : undefined);
    const failed = [...bed.fib.lsps.all()].filter((one) => bed.fib.lsps.stateOf(one) === 'failed');
    expect(failed.map(({ label }) => label)).toEqual([150]);
    expect(way(bed, [[149, 9]])).toBe('p1 …0a 549/8');
  });

  test('LSPs withdrawn while they are on their way are forgotten though the vASIC refuses them', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200));
    lsp(bed, 101, lspPath('10.0.1.2@1', 200));
    const hasBoth = (operation: AftOperation): boolean =>
      operation.kind === 'insert' &&
      operation.insert.entries.filter(({ parent }) => parent === LABEL_TABLE).length === 2;
    let refusals = 0;
    for (bed.programmer.pump(); bed.queue.length > 0; bed.programmer.pump()) {
      const isRefused = hasBoth(bed.next());
      if (isRefused) {
        gone(bed, 100);
        gone(bed, 101);
        refusals++;
      }
      bed.answer(isRefused ? refused : undefined);
    }
    expect(refusals).toBe(1);
    expect(bed.fib.lsps.size).toBe(0);
    expect(way(bed, [[100, 64]])).toBe(await router().then((other) => way(other, [[100, 64]])));
  });

  test('labels that the vASIC refuses fail what needs them, until they are taken', async () => {
    const bed = await router();
    lsp(bed, 100, lspPath('10.0.1.2@1', 200));
    const hasLabels = (operation: AftOperation): boolean =>
      operation.kind === 'insert' &&
      operation.insert.nodes.some((node) => node.type === 'encap' && node.template === 'label');
    for (bed.programmer.pump(); bed.queue.length > 0; bed.programmer.pump())
      bed.answer(hasLabels(bed.next()) ? refused : undefined);
    expect(bed.fib.lsps.stateOf(bed.fib.lsps.get(100)!)).toBe('failed');
    expect(way(bed, [[100, 9]])).toBe('dropped');
    bed.programmer.retry();
    bed.settle();
    expect(way(bed, [[100, 9]])).toBe('p1 …0a 200/8');
  });
});
