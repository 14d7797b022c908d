/**
 * VRFs from end to end: FIB and programmer against a real sandbox, packets through its graph. Each test has a way to fail: packets
 * that come out of the other VRF, entries or nodes that stay, status that zebra isn't told.
 */
import { vrfTokens } from '../../../src/afi/base-tokens';
import { PuntReason } from '../../../src/aft/model';
import { Bed, Server, TABLE, ifindexOf } from '../../bed/bed';

const RED = 1001;
const BLUE = 2002;
/** Indexes of the VRF devices. */
const RED_DEVICE = 101;
const BLUE_DEVICE = 102;
const TREE = { [RED]: vrfTokens(RED, TABLE).tree, [BLUE]: vrfTokens(BLUE, TABLE).tree } as const;
const MAC = ['02:00:00:00:00:00', '02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03'];
const out = (port: number): string => `p${port} ${MAC[port]!.replaceAll(':', '')}`;
const punt = (reason: PuntReason): string => `punt ${reason}`;

/** Ports 0 and 1 in red, 2 and 3 in blue, with the same subnet and neighbor behind 1 and 3, and the same route by it. */
async function twoVrfs(server = new Server(), options: ConstructorParameters<typeof Bed>[1] = {}): Promise<Bed> {
  const bed = new Bed(server, options);
  bed.vrf(RED_DEVICE, 'red', RED).vrf(BLUE_DEVICE, 'blue', BLUE);
  for (const port of [0, 1]) bed.link(port, true, true, { master: RED_DEVICE });
  for (const port of [2, 3]) bed.link(port, true, true, { master: BLUE_DEVICE });
  tables(bed);
  await bed.up();
  return bed;
}

function tables(bed: Bed): void {
  for (const [table, port] of [
    [RED, 1],
    [BLUE, 3],
  ] as const) {
    bed.address(port, '10.0.1.1/24').neighbor(port, '10.0.1.2', MAC[port]);
    bed.viaIn(table, '10.0.1.0/24', `@${port}`).viaIn(table, '192.0.2.0/24', `10.0.1.2@${port}`);
  }
  bed.viaIn(RED, '198.51.100.0/24', '10.0.1.2@1').viaIn(BLUE, '203.0.113.0/24', '10.0.1.2@3');
}

/** What is in the vASIC of a table's VRF. */
function nodesOf(bed: Bed, table: number): number {
  const tokens = Object.values(vrfTokens(table, TABLE));
  return bed.server.sandbox.find({}).filter(({ token }) => tokens.includes(token)).length;
}

describe('a VRF that goes while nobody knows whether the vASIC has it', () => {
  const leave = (bed: Bed): Bed => bed.link(0, true).vrf(RED_DEVICE, 'red', undefined);
  const cut = async (bed: Bed): Promise<void> => {
    bed.programmer.down('cut');
    bed.queue.length = 0;
    leave(bed);
    await bed.up();
    bed.settle();
  };
  const come = (bed: Bed): Bed => bed.vrf(RED_DEVICE, 'red', RED).link(0, true, true, { master: RED_DEVICE });

  test.each([false, true])('it came alone (applied: %s)', async (applied) => {
    const bed = await new Bed().up();
    come(bed);
    bed.programmer.pump();
    const [next] = bed.queue;
    expect(next?.operation.kind).toBe('insert');
    if (applied) bed.server.sandbox.apply(next!.operation);
    if (applied) expect(nodesOf(bed, RED)).toBe(2);
    await cut(bed);
    expect(nodesOf(bed, RED)).toBe(0);
    await come(bed).up();
    bed.settle();
    expect(nodesOf(bed, RED)).toBe(2);
  });

  test.each([false, true])('it was known when the connection began (applied: %s)', async (applied) => {
    const bed = come(new Bed());
    await bed.open();
    // The base graph.
    bed.answer();
    const [next] = bed.queue;
    if (applied) bed.server.sandbox.apply(next!.operation);
    if (applied) expect(nodesOf(bed, RED)).toBe(2);
    await cut(bed);
    expect(nodesOf(bed, RED)).toBe(0);
  });
});

describe('an address of an interface that is no port', () => {
  const LOOP = 300;
  const loop = (bed: Bed, master: number, present = true): Bed => {
    const change = {
      kind: 'link',
      ifindex: LOOP,
      name: 'loop',
      present,
      up: true,
      mac: new Uint8Array(6),
      master,
    } as const;
    bed.fib.applyKernel(change);
    return bed;
  };
  /** What becomes of a packet to it by ports 0 (red), 2 (blue), and 1 (the default VRF). */
  const fates = (bed: Bed): string[] => {
    bed.settle();
    return [0, 2, 1].map((port) => bed.packet('10.9.9.9', port));
  };
  const [local, none] = [punt(PuntReason.Local), punt(PuntReason.NoRoute)];

  async function ready(): Promise<Bed> {
    const bed = new Bed();
    bed.vrf(RED_DEVICE, 'red', RED).vrf(BLUE_DEVICE, 'blue', BLUE);
    bed.link(0, true, true, { master: RED_DEVICE }).link(2, true, true, { master: BLUE_DEVICE });
    await bed.up();
    return bed;
  }

  const add = (bed: Bed): void =>
    bed.fib.applyKernel({ kind: 'addressAdd', ifindex: LOOP, address: Uint8Array.of(10, 9, 9, 9), length: 32 });

  test('goes into a VRF with it, into another, and back', async () => {
    const bed = loop(await ready(), 0);
    add(bed);
    expect(fates(bed)).toEqual([none, none, local]);
    expect(fates(loop(bed, RED_DEVICE))).toEqual([local, none, none]);
    expect(fates(loop(bed, BLUE_DEVICE))).toEqual([none, local, none]);
    expect(fates(loop(bed, 0))).toEqual([none, none, local]);
  });

  test('is in the VRF also when the device of that is told of later, and where its table is another', async () => {
    const bed = loop(await ready(), 103);
    add(bed);
    expect(fates(bed)).toEqual([none, none, local]);
    bed.vrf(103, 'red too', RED);
    expect(fates(bed)).toEqual([local, none, none]);
    bed.vrf(103, 'blue too', BLUE);
    expect(fates(bed)).toEqual([none, local, none]);
    bed.vrf(103, 'gone', undefined);
    expect(fates(bed)).toEqual([none, none, local]);
    bed.fib.applyKernel({ kind: 'addressDelete', ifindex: LOOP, address: Uint8Array.of(10, 9, 9, 9), length: 32 });
    expect(fates(bed)).toEqual([none, none, none]);
  });
});

describe('two VRFs with the same prefixes', () => {
  test('each port goes by its own: routes, the connected subnet, own addresses, what is only in the other', async () => {
    const bed = await twoVrfs();
    for (const [from, to] of [
      [0, 1],
      [2, 3],
    ] as const) {
      expect(bed.packet('192.0.2.9', from)).toBe(out(to));
      expect(bed.packet('10.0.1.2', from)).toBe(out(to));
      expect(bed.packet('10.0.1.1', from)).toBe(punt(PuntReason.Local));
      expect(bed.packet('10.0.1.255', from)).toBe(punt(PuntReason.Broadcast));
      expect(bed.packet('10.0.1.77', from)).toBe(punt(PuntReason.Glean));
      expect(bed.packet('224.0.0.9', from)).toBe(punt(PuntReason.Multicast));
      expect(bed.packet('fe80::5', from)).toBe(punt(PuntReason.LinkLocal));
    }
    expect(bed.packet('198.51.100.1', 0)).toBe(out(1));
    expect(bed.packet('198.51.100.1', 2)).toBe(punt(PuntReason.NoRoute));
    expect(bed.packet('203.0.113.1', 0)).toBe(punt(PuntReason.NoRoute));
  });

  test('zebra is told by table, and a change in one touches nothing of the other', async () => {
    const bed = await twoVrfs();
    bed.settle();
    expect(bed.told.get('1001 192.0.2.0/24')).toBe('offloaded');
    expect(bed.told.get('2002 192.0.2.0/24')).toBe('offloaded');
    const operations = bed.operationsFor(() => bed.withdraw('192.0.2.0/24', RED));
    expect(operations).toHaveLength(1);
    expect(bed.packet('192.0.2.9', 0)).toBe(punt(PuntReason.NoRoute));
    expect(bed.packet('192.0.2.9', 2)).toBe(out(3));
  });

  test('a neighbor lost at one port is still there at the other', async () => {
    const bed = await twoVrfs();
    bed.neighborGone(1, '10.0.1.2').settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(punt(PuntReason.Unresolved));
    expect(bed.packet('10.0.1.2', 0)).toBe(punt(PuntReason.Glean));
    expect(bed.packet('192.0.2.9', 2)).toBe(out(3));
    expect(bed.packet('10.0.1.2', 2)).toBe(out(3));
  });

  test('IPv6 as well', async () => {
    const bed = await twoVrfs();
    bed.neighbor(1, '2001:db8::2', MAC[1]).neighbor(3, '2001:db8::2', MAC[3]);
    bed.viaIn(RED, '2001:db8::/64', '@1').viaIn(BLUE, '2001:db8::/64', '@3');
    bed.viaIn(RED, '2001:db8:1::/48', '2001:db8::2@1').viaIn(BLUE, '2001:db8:1::/48', '2001:db8::2@3').settle();
    for (const address of ['2001:db8::2', '2001:db8:1::1']) {
      expect(bed.packet(address, 0)).toBe(out(1));
      expect(bed.packet(address, 2)).toBe(out(3));
    }
  });
});

describe('route leaking', () => {
  test('a nexthop at a port of another VRF', async () => {
    const bed = await twoVrfs();
    bed.viaIn(RED, '203.0.113.0/24', '10.0.1.2@3').settle();
    expect(bed.packet('203.0.113.1', 0)).toBe(out(3));
    bed.withdraw('203.0.113.0/24', RED).settle();
    expect(bed.packet('203.0.113.1', 0)).toBe(punt(PuntReason.NoRoute));
  });

  test("another VRF's connected subnet: its hosts have entries there too, while the neighbor is known", async () => {
    const bed = await twoVrfs();
    bed.neighbor(3, '10.9.9.2', MAC[3]).viaIn(BLUE, '10.9.9.0/24', '@3').viaIn(RED, '10.9.9.0/24', '@3').settle();
    expect(bed.packet('10.9.9.2', 0)).toBe(out(3));
    expect(bed.packet('10.9.9.2', 2)).toBe(out(3));
    bed.withdraw('10.9.9.0/24', RED).settle();
    expect(bed.packet('10.9.9.2', 0)).toBe(punt(PuntReason.NoRoute));
    expect(bed.packet('10.9.9.2', 2)).toBe(out(3));
    bed.viaIn(RED, '10.9.9.0/24', '@3').neighborGone(3, '10.9.9.2').settle();
    expect(bed.packet('10.9.9.2', 0)).toBe(punt(PuntReason.Glean));
    expect(bed.packet('10.9.9.2', 2)).toBe(punt(PuntReason.Glean));
  });
});

describe('ports and devices as they come and go', () => {
  test('a port moves from one VRF to the other, and its own address with it', async () => {
    const bed = await twoVrfs();
    bed.address(0, '10.0.0.1/24').settle();
    expect(bed.packet('10.0.0.1', 1)).toBe(punt(PuntReason.Local));
    bed.link(0, true, true, { master: BLUE_DEVICE }).settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(3));
    expect(bed.packet('10.0.0.1', 2)).toBe(punt(PuntReason.Local));
    expect(bed.packet('10.0.0.1', 1)).toBe(punt(PuntReason.NoRoute));
    bed.link(0, true).settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(punt(PuntReason.NoRoute));
    expect(bed.packet('10.0.0.1', 2)).toBe(punt(PuntReason.NoRoute));
  });

  test('the last port leaves: entries, tree and switch go, the routes wait; the first one comes: they are there', async () => {
    const bed = await twoVrfs();
    for (const port of [0, 1]) bed.link(port, true);
    bed.settle();
    expect(nodesOf(bed, RED)).toBe(0);
    expect(nodesOf(bed, BLUE)).toBe(2);
    expect(bed.told.get('1001 198.51.100.0/24')).toBe('trapped');
    bed.link(0, true, true, { master: RED_DEVICE }).settle();
    expect(nodesOf(bed, RED)).toBe(2);
    expect(bed.packet('198.51.100.1', 0)).toBe(out(1));
    expect(bed.told.get('1001 198.51.100.0/24')).toBe('offloaded');
  });

  test('a VRF that was left is wanted again while its removal is on its way', async () => {
    const bed = await twoVrfs();
    for (const port of [0, 1]) bed.link(port, true);
    while (bed.queue.every(({ operation }) => operation.kind !== 'remove' || operation.remove.tokens.length === 0)) {
      bed.programmer.pump();
      if (!bed.answer()) break;
    }
    bed.link(0, true, true, { master: RED_DEVICE }).settle();
    expect(nodesOf(bed, RED)).toBe(2);
    expect(bed.packet('198.51.100.1', 0)).toBe(out(1));
  });

  test('the table of a VRF device changes, the device goes', async () => {
    const bed = await twoVrfs();
    bed.vrf(RED_DEVICE, 'red', 7).viaIn(7, '192.0.2.0/24', '10.0.1.2@3').settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(3));
    expect(nodesOf(bed, RED)).toBe(0);
    bed.vrf(RED_DEVICE, 'red', undefined);
    for (const port of [0, 1]) bed.link(port, true);
    bed.settle();
    expect(nodesOf(bed, 7)).toBe(0);
    expect(bed.packet('192.0.2.9', 0)).toBe(punt(PuntReason.NoRoute));
  });

  test("a port may be in its VRF before the device is known: it is the host's until then", async () => {
    const bed = new Bed();
    bed.link(0, true, true, { master: RED_DEVICE });
    bed.neighbor(1, '10.0.1.2', MAC[1]).viaIn(RED, '192.0.2.0/24', '10.0.1.2@1').via('192.0.2.0/24', '10.0.1.2@2');
    await bed.up();
    expect(bed.packet('192.0.2.9', 0)).toBe(punt(PuntReason.HostPort));
    bed.vrf(RED_DEVICE, 'red', RED).settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(1));
  });

  test('the configuration binds a port where Linux has it in no VRF, and names VRFs without ports', async () => {
    const bed = new Bed(new Server(), { portTables: new Map([[0, RED]]), vrfs: [{ name: 'blue', table: BLUE }] });
    bed.vrf(BLUE_DEVICE, 'green', 3003);
    bed.neighbor(1, '10.0.1.2', MAC[1]).neighbor(2, '10.0.1.2', MAC[2]);
    bed.viaIn(RED, '192.0.2.0/24', '10.0.1.2@1').viaIn(3003, '192.0.2.0/24', '10.0.1.2@2');
    await bed.up();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(1));
    expect([nodesOf(bed, BLUE), nodesOf(bed, 3003)]).toEqual([2, 0]);
    bed.link(0, true, true, { master: BLUE_DEVICE }).settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(2));
    expect(nodesOf(bed, RED)).toBe(0);
  });
});

describe('the vASIC refuses a VRF', () => {
  test("its ports are Linux's and its routes failed, until it takes the tree", async () => {
    const bed = await twoVrfs();
    const refusal = { code: 'full' as const, message: 'no more trees' };
    bed.vrf(103, 'green', 3003).link(0, true, true, { master: 103 }).viaIn(3003, '192.0.2.0/24', '10.0.1.2@3');
    bed.programmer.pump();
    for (let more = true; more;) {
      const next = bed.queue[0]?.operation;
      const isTree = next?.kind === 'insert' && next.insert.nodes.some(({ type }) => type === 'tree');
      more = bed.answer(isTree ? refusal : undefined);
      bed.programmer.pump();
    }
    bed.report();
    expect(bed.packet('192.0.2.9', 0)).toBe(punt(PuntReason.HostPort));
    expect(bed.told.get('3003 192.0.2.0/24')).toBe('failed');
    bed.programmer.retry();
    bed.settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(3));
    expect(bed.told.get('3003 192.0.2.0/24')).toBe('offloaded');
  });
});

describe('the vASIC refuses one VRF from the beginning', () => {
  const full = { code: 'full' as const, message: 'no more trees' };

  /** The server answers everything, and refuses what has a node or an entry of red's. */
  function settle(bed: Bed): void {
    const { tree, etherTypes } = vrfTokens(RED, TABLE);
    for (let i = 0; i < 1000; i++) {
      bed.programmer.pump();
      const next = bed.queue[0]?.operation;
      const isRed =
        next?.kind === 'insert' &&
        (next.insert.nodes.some(({ token }) => token === tree || token === etherTypes) ||
          next.insert.entries.some(({ parent }) => parent === etherTypes));
      if (!bed.answer(isRed ? full : undefined)) return bed.report();
    }
    throw new Error('does not settle');
  }

  /** Port 0 in red, 2 in blue; the same route in both and in the default VRF. */
  async function ready(server = new Server()): Promise<Bed> {
    const bed = new Bed(server);
    bed.vrf(RED_DEVICE, 'red', RED).vrf(BLUE_DEVICE, 'blue', BLUE);
    bed.link(0, true, true, { master: RED_DEVICE }).link(2, true, true, { master: BLUE_DEVICE });
    bed.neighbor(1, '10.0.1.2', MAC[1]).neighbor(3, '10.0.1.2', MAC[3]).via('192.0.2.0/24', '10.0.1.2@1');
    bed.viaIn(RED, '192.0.2.0/24', '10.0.1.2@1').viaIn(BLUE, '192.0.2.0/24', '10.0.1.2@3');
    await bed.open();
    settle(bed);
    return bed;
  }
  const fates = (bed: Bed): string[] => [0, 1, 2].map((port) => bed.packet('192.0.2.9', port));
  const others = [punt(PuntReason.HostPort), out(1), out(3)];

  test('the others are forwarded for, after each try and a reload of rate limits too', async () => {
    const bed = await ready();
    expect([bed.programmer.connection.kind, ...fates(bed)]).toEqual(['ready', ...others]);
    expect(bed.told.get(`${RED} 192.0.2.0/24`)).toBe('failed');
    bed.programmer.retry();
    settle(bed);
    bed.programmer.rewrite({ layer: 'base', id: 0 });
    settle(bed);
    bed.via('198.51.100.0/24', '10.0.1.2@1');
    settle(bed);
    expect([bed.programmer.connection.kind, ...fates(bed)]).toEqual(['ready', ...others]);
    expect(bed.packet('198.51.100.9', 1)).toBe(out(1));
    bed.programmer.retry();
    bed.settle();
    expect(fates(bed)).toEqual([out(1), out(1), out(3)]);
    expect(bed.told.get(`${RED} 192.0.2.0/24`)).toBe('offloaded');
  });

  test('and when the vASIC or the bridge restarts', async () => {
    const bed = await ready();
    bed.server.restart();
    bed.programmer.down('gone');
    await bed.open();
    settle(bed);
    expect(fates(bed)).toEqual(others);
    expect(fates(await ready(bed.server))).toEqual(others);
  });

  test('one that an earlier bridge had written forwards on', async () => {
    const bed = await ready();
    bed.programmer.retry();
    bed.settle();
    const second = await ready(bed.server);
    expect(fates(second)).toEqual([out(1), out(1), out(3)]);
    expect(second.told.get(`${RED} 192.0.2.0/24`)).toBe('offloaded');
    second.server.sandbox.apply({
      kind: 'remove',
      remove: { entries: [...second.server.sandbox.entriesOf(vrfTokens(RED, TABLE).etherTypes)!], tokens: [] },
    });
    const third = await new Bed(second.server).up();
    third.vrf(RED_DEVICE, 'red', RED).link(0, true, true, { master: RED_DEVICE }).settle();
    expect(third.packet('192.0.2.9', 0)).toBe(out(1));
  });
});

describe('restarts', () => {
  test('another bridge takes over all trees, forwards on, and removes what is left', async () => {
    const server = new Server();
    const first = await twoVrfs(server);
    first.viaIn(RED, '10.99.0.0/16', '10.0.1.2@1').settle();
    const bed = new Bed(server);
    // blue has lost its ports meanwhile.
    bed.vrf(RED_DEVICE, 'red', RED);
    for (const port of [0, 1]) bed.link(port, true, true, { master: RED_DEVICE });
    await bed.programmer.up(server.sandbox.info());
    expect(bed.packet('198.51.100.1', 0)).toBe(out(1));
    bed.settle();
    expect(bed.packet('10.99.0.1', 0)).toBe(out(1));
    expect(nodesOf(bed, BLUE)).toBe(2);
    tables(bed);
    bed.settle();
    bed.fib.endReplay();
    bed.programmer.releaseAdopted();
    bed.settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(1));
    expect(bed.packet('10.99.0.1', 0)).toBe(punt(PuntReason.NoRoute));
    expect(nodesOf(bed, BLUE)).toBe(0);
    expect([...bed.entries(TREE[RED]).keys()].sort()).toEqual(
      ['10.0.1.0/24', '10.0.1.1/32', '10.0.1.2/32', '10.0.1.255/32', '192.0.2.0/24', '198.51.100.0/24']
        .concat(['224.0.0.0/4', '255.255.255.255/32', 'fe80::/10', 'ff00::/8'])
        .sort(),
    );
  });

  test('the vASIC restarts: all trees are there again', async () => {
    const bed = await twoVrfs();
    bed.server.restart();
    bed.programmer.down('gone');
    await bed.programmer.up(bed.server.sandbox.info());
    bed.settle();
    expect(bed.packet('192.0.2.9', 0)).toBe(out(1));
    expect(bed.packet('192.0.2.9', 2)).toBe(out(3));
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'the connection breaks while a VRF is made, after %d operations',
    async (operations) => {
      const bed = await twoVrfs();
      bed.link(0, true, true, { master: BLUE_DEVICE }).vrf(103, 'green', 3003).link(1, true, true, { master: 103 });
      bed.viaIn(3003, '192.0.2.0/24', '10.0.1.2@3');
      bed.programmer.pump();
      for (let i = 0; i < operations; i++) bed.answer();
      bed.queue.length = 0;
      bed.programmer.down('broken');
      await bed.programmer.up(bed.server.sandbox.info());
      bed.settle();
      expect(bed.packet('192.0.2.9', 1)).toBe(out(3));
      expect(bed.packet('192.0.2.9', 0)).toBe(out(3));
      expect(nodesOf(bed, RED)).toBe(0);
    },
  );

  test('what a replay leaves out goes where zebra replays the table, and stays in plain tables', async () => {
    const bed = new Bed(new Server(), { portTables: new Map([[2, BLUE]]) });
    bed.vrf(RED_DEVICE, 'red', RED).link(0, true, true, { master: RED_DEVICE });
    for (const table of [TABLE, RED, BLUE]) bed.viaIn(table, '192.0.2.0/24', '10.0.1.2@1');
    await bed.up();
    bed.fib.beginReplay();
    bed.fib.endReplay();
    bed.settle();
    const has = (tree: number | undefined): boolean => bed.entries(tree).has('192.0.2.0/24');
    expect([has(undefined), has(TREE[RED]), has(TREE[BLUE])]).toEqual([false, false, true]);
    // zebra was asked for it, and has told all.
    bed.fib.beginReplay();
    bed.fib.vrfs.tableTold(BLUE);
    bed.fib.endReplay();
    bed.settle();
    expect(has(TREE[BLUE])).toBe(false);
  });

  test('zebra stays away for good: plain tables go as well', async () => {
    const bed = new Bed(new Server(), { portTables: new Map([[2, BLUE]]) });
    bed.viaIn(BLUE, '192.0.2.0/24', '10.0.1.2@1');
    await bed.up();
    bed.fib.beginReplay();
    bed.fib.endReplay('all');
    bed.settle();
    expect(bed.entries(TREE[BLUE]).has('192.0.2.0/24')).toBe(false);
  });
});

test('a hundred VRFs with the same prefixes: as many operations as one table of as many routes, give or take one a VRF', async () => {
  const count = 100;
  const routes = 50;
  const bed = new Bed(new Server(), {
    batch: routes,
    vrfs: Array.from({ length: count }, (_, i) => ({ name: `v${i}`, table: 1000 + i })),
  });
  await bed.neighbor(1, '10.0.1.2', MAC[1]).up();
  const prefix = (i: number): string => `20.${i}.0.0/16`;
  const operations = bed.operationsFor(() => {
    for (let table = 1000; table < 1000 + count; table++) {
      for (let i = 0; i < routes; i++) bed.viaIn(table, prefix(i), '10.0.1.2@1');
    }
  });
  expect(operations.length).toBeLessThan(2 * count + 5);
  expect(bed.entries(vrfTokens(1099, TABLE).tree).has(prefix(routes - 1))).toBe(true);
  expect(bed.fib.interfaces.portOf(ifindexOf(1))).toBe(1);
});
