/**
 * A core neighbor fails under 100,000 VPN routes, in 100 VRFs, each VRF with a label of its own behind the transport label, or under 100,000 LSPs: what is
 * written is counted, and packets of every VRF are sent after the first operation already. So it is when the transport label changes.
 */
import { Bed, macOfPort, pathOf, Server } from '../../bed/bed';
import { labelledFrame, stackOf } from '../../bed/labelled';
import type { NexthopPath } from '../../../src/fib/updates';

const VRFS = 100;
const ROUTES = 100_000;
const FIRST_TABLE = 1001;
const TRANSPORT = 16;
const FIRST_LABEL = 300_000;
const A = '02:00:00:00:00:0a';
const B = '02:00:00:00:00:0b';
const NEW = '02:00:00:00:00:99';
jest.setTimeout(300_000);

const tables = Array.from({ length: VRFS }, (_, i) => FIRST_TABLE + i);
const pushing = (hop: string, vpnLabel: number, transport = TRANSPORT): NexthopPath => ({
  ...pathOf(hop),
  encap: { kind: 'mpls', labels: [transport, vpnLabel] },
});

/** Customers are at port 0, which is in the VRF looked at. Each VRF has a nexthop id, over one or two core neighbors. */
async function edge(table: number, hops: readonly string[]): Promise<Bed> {
  const vrfs = tables.map((one) => ({ name: `v${one}`, table: one }));
  const bed = new Bed(new Server(), { vrfs, portTables: new Map([[0, table]]) });
  bed.neighbor(1, '10.0.1.2', A).neighbor(2, '10.0.2.2', B);
  await bed.up();
  for (const [i, one] of tables.entries()) {
    const ids = hops.map((hop, n) => {
      bed.nexthop(1000 * (n + 1) + i, { kind: 'path', path: pushing(hop, FIRST_LABEL + i) });
      return 1000 * (n + 1) + i;
    });
    bed.group(10_000 + i, ...ids);
    for (let n = 0; n < ROUTES / VRFS; n++)
      bed.route(`10.${n >> 8}.${n & 255}.0/24`, { kind: 'nexthopId', id: 10_000 + i }, { table: one });
  }
  return bed.settle();
}

/** Where packets to some of the routes go: port, the end of the MAC address, labels. */
function ways(bed: Bed): string[] {
  const found = new Set<string>();
  for (let n = 0; n < ROUTES / VRFS; n += 7) {
    const said = bed.packet(`10.${n >> 8}.${n & 255}.9`);
    const port = /^p(\d)/.exec(said)?.[1];
    if (port === undefined) found.add(said);
    else {
      const { frame } = bed.server.ports[Number(port)]!.sent[0]!;
      found.add(`p${port} …${frame.subarray(5, 6).toString('hex')} ${stackOf(frame).map(({ label }) => label).join('/')}`); // prettier-ignore
    }
  }
  return [...found].sort();
}

const TABLE = tables[42]!;
const LABELS = `${TRANSPORT}/${FIRST_LABEL + 42}`;

test('its new MAC address is one operation of one node', async () => {
  const bed = await edge(TABLE, ['10.0.1.2@1']);
  expect(ways(bed)).toEqual([`p1 …0a ${LABELS}`]);
  const operations = bed.operationsFor(() => bed.neighbor(1, '10.0.1.2', NEW));
  expect(operations).toHaveLength(1);
  expect(operations[0]).toMatchObject({ kind: 'insert', insert: { entries: [] } });
  expect(operations[0]!.kind === 'insert' && operations[0].insert.nodes).toHaveLength(1);
  expect(ways(bed)).toEqual([`p1 …99 ${LABELS}`]);
});

test('it is lost, and there is no other: all routes are off the wire after one operation', async () => {
  const bed = await edge(TABLE, ['10.0.1.2@1']);
  bed.neighborGone(1, '10.0.1.2');
  bed.programmer.pump();
  bed.answer();
  expect(ways(bed)).toEqual(['punt 4']);
});

test('it is lost, and there is another: none of the routes is written, only the paths of each VRF', async () => {
  const bed = await edge(TABLE, ['10.0.1.2@1', '10.0.2.2@2']);
  const both = [`p1 …0a ${LABELS}`, `p2 …0b ${LABELS}`];
  expect(ways(bed)).toEqual(both);
  const operations = bed.operationsFor(() => bed.neighborGone(1, '10.0.1.2'));
  expect(ways(bed)).toEqual([`p2 …0b ${LABELS}`]);
  // One for the neighbor, and the slots of a hundred load balancers, 4096 an operation; then the nodes go that nothing leads to any more.
  const inserts = operations.flatMap((one) => (one.kind === 'insert' ? [one.insert] : []));
  expect(inserts.map(({ nodes }) => nodes.length)).toEqual([1, 0, 0]);
  expect(inserts.flatMap(({ entries }) => entries).filter(({ key }) => key.data.kind === 'prefix')).toEqual([]);
  const removed = operations.flatMap((one) => (one.kind === 'remove' ? one.remove.entries : []));
  expect(removed).toEqual([]);
  bed.neighbor(1, '10.0.1.2', A).settle();
  expect(ways(bed)).toEqual(both);
});

test('another transport label (LDP): each stack is written once, none of the routes', async () => {
  const bed = await edge(TABLE, ['10.0.1.2@1']);
  const operations = bed.operationsFor(() => {
    for (let i = 0; i < VRFS; i++)
      bed.nexthop(1000 + i, { kind: 'path', path: pushing('10.0.1.2@1', FIRST_LABEL + i, TRANSPORT + 1) });
  });
  const inserts = operations.flatMap((one) => (one.kind === 'insert' ? [one.insert] : []));
  // For each stack two labels, a token for the nexthop id and one for its group.
  expect(inserts.reduce((sum, { nodes }) => sum + nodes.length, 0)).toBeLessThanOrEqual(4 * VRFS);
  expect(inserts.flatMap(({ entries }) => entries)).toEqual([]);
  expect(operations.length).toBeLessThanOrEqual(8);
  expect(ways(bed)).toEqual([`p1 …0a ${TRANSPORT + 1}/${FIRST_LABEL + 42}`]);
});

test('under 100,000 LSPs, each with an outgoing label of its own: one operation of one node', async () => {
  const LSPS = 100_000;
  const bed = new Bed(new Server());
  for (const port of bed.server.ports.keys()) bed.fib.setLabelInput(port, true);
  bed.neighbor(1, '10.0.1.2', A);
  await bed.up();
  for (let i = 0; i < LSPS; i++) {
    const paths = [{ ...pathOf('10.0.1.2@1'), outLabels: [FIRST_LABEL + i] }];
    bed.apply({ kind: 'lspAdd', label: 1000 + i, protocol: 193, paths });
  }
  bed.settle();
  const operations = bed.operationsFor(() => bed.neighbor(1, '10.0.1.2', NEW));
  expect(operations).toHaveLength(1);
  expect(operations[0]).toMatchObject({ kind: 'insert', insert: { entries: [] } });
  expect(operations[0]!.kind === 'insert' && operations[0].insert.nodes).toHaveLength(1);
  for (const i of [0, 4711, LSPS - 1]) {
    bed.frame(labelledFrame(macOfPort(0), [[1000 + i, 9]]));
    const { frame } = bed.server.ports[1]!.sent[0]!;
    expect([frame[5], ...stackOf(frame)]).toEqual([0x99, { label: FIRST_LABEL + i, ttl: 8, trafficClass: 0 }]);
  }
});
