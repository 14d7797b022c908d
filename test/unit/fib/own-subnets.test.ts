/** Connected subnets of own addresses: what Linux sends onto the interface goes there, whether zebra has a route for it or not. */
import { parseAddress, parsePrefix } from '../../../src/net/address';
import { Bed, ifindexOf } from '../../bed/bed';

const SUBNET = '198.18.1.0/24';
const HOST = '198.18.1.9';
const MAC = '02:00:00:00:00:09';
const TO_1 = /^p1 020000000009/;
const TO_2 = /^p2 020000000009/;
const BY_DEFAULT = /^p3 020000000003/;
const PUNT = /^punt/;

/** A default route by port 3, and an own address on port 1; zebra has told all, and doesn't have the subnet. */
async function ready(): Promise<Bed> {
  const bed = new Bed();
  bed.via('10.1.3.0/24', '@3').neighbor(3, '10.1.3.2', '02:00:00:00:00:03').via('0.0.0.0/0', '10.1.3.2@3');
  bed.connected(1, '198.18.1.1/24');
  await bed.up();
  bed.fib.endReplay();
  return bed.settle();
}

test('a subnet that zebra has not: to Linux, and to each host that is known, not by the default route', async () => {
  const bed = await ready();
  expect(bed.packet(HOST)).toMatch(PUNT);
  bed.neighbor(1, HOST, MAC).settle();
  expect(bed.packet(HOST)).toMatch(TO_1);
  expect(bed.packet('198.18.1.10')).toMatch(PUNT);
  expect(bed.packet('198.18.2.9')).toMatch(BY_DEFAULT);
  expect([...bed.told.keys()].sort()).toEqual(['0.0.0.0/0', '10.1.3.0/24']);
});

test('zebra gets it, changes it, loses it: its word counts while it has one', async () => {
  const bed = (await ready()).neighbor(1, HOST, MAC).settle();
  bed.via(SUBNET, '@1').settle();
  expect(bed.packet(HOST)).toMatch(TO_1);
  expect(bed.told.get(SUBNET)).toBe('trapped');
  bed.via(SUBNET, '10.1.3.2@3').settle();
  expect(bed.packet(HOST)).toMatch(BY_DEFAULT);
  bed.withdraw(SUBNET).settle();
  expect(bed.packet(HOST)).toMatch(TO_1);
  expect(bed.packet('198.18.1.10')).toMatch(PUNT);
});

test('while the interface is down, or the vASIC calls the port down, it is as zebra says', async () => {
  const bed = (await ready()).neighbor(1, HOST, MAC).settle();
  bed.link(1, true, false).settle();
  expect(bed.packet(HOST)).toMatch(BY_DEFAULT);
  bed.link(1, true).settle();
  expect(bed.packet(HOST)).toMatch(TO_1);
  bed.fib.portChanged(1, false);
  expect(bed.settle().packet(HOST)).toMatch(BY_DEFAULT);
  bed.fib.portChanged(1, true);
  expect(bed.settle().packet(HOST)).toMatch(TO_1);
});

test('two addresses of one subnet, on two ports: the first counts, then the other; nothing stays of either', async () => {
  const bed = await ready();
  const before = bed.fib.rows.routes.size;
  bed.connected(1, '198.18.1.33/24').connected(2, '198.18.1.2/24');
  bed.neighbor(1, HOST, MAC).neighbor(2, HOST, MAC).settle();
  expect(bed.packet(HOST)).toMatch(TO_1);
  bed.connected(1, '198.18.1.1/24', false).settle();
  expect(bed.packet(HOST)).toMatch(TO_1);
  bed.connected(1, '198.18.1.33/24', false).settle();
  expect(bed.packet(HOST)).toMatch(TO_2);
  bed.connected(2, '198.18.1.2/24', false).settle();
  expect(bed.packet(HOST)).toMatch(BY_DEFAULT);
  bed.connected(1, '198.18.1.1/24').neighborGone(1, HOST).neighborGone(2, HOST).settle();
  expect(bed.fib.rows.routes.size).toBe(before);
});

test('an address whose subnet the kernel makes no route for, and one that has one from now on', async () => {
  const bed = await ready();
  bed.connected(1, '198.18.1.1/24', false).address(1, '198.18.1.1/24').neighbor(1, HOST, MAC).settle();
  expect(bed.packet(HOST)).toMatch(BY_DEFAULT);
  bed.connected(1, '198.18.1.1/24').settle();
  expect(bed.packet(HOST)).toMatch(TO_1);
  bed.address(1, '198.18.1.1/24').settle();
  expect(bed.packet(HOST)).toMatch(BY_DEFAULT);
});

test('what zebra has not sent yet is not missing: no operation for it before zebra has told all', async () => {
  const bed = new Bed();
  bed.connected(1, '198.18.1.1/24').connected(2, '2001:db8:1::1/64');
  await bed.up();
  expect(bed.entries().has(SUBNET)).toBe(false);
  bed.via(SUBNET, '@1').settle();
  const written = bed
    .operationsFor(() => bed.fib.endReplay())
    .flatMap((operation) => (operation.kind === 'insert' ? operation.insert.entries : []));
  expect(written).toHaveLength(1);
  expect(bed.entries().has('2001:db8:1::/64')).toBe(true);
});

test('an interface that comes into another table takes its subnet along', async () => {
  const bed = new Bed(undefined, { vrfs: [{ name: 'red', table: 1001 }] });
  bed.connected(1, '198.18.1.1/24').vrf(50, 'red', 1001);
  await bed.up();
  bed.fib.endReplay();
  expect(bed.settle().packet(HOST, 1)).toMatch(PUNT);
  bed.neighbor(1, HOST, MAC).neighbor(2, HOST, MAC).link(1, true, true, { master: 50 }).settle();
  expect(bed.entries().has(SUBNET)).toBe(false);
  bed.link(3, true, true, { master: 50 }).settle();
  expect(bed.packet(HOST, 3)).toMatch(TO_1);
});

test('an address with two peers: each has its subnet, and the address is the router’s own until both are gone', async () => {
  const bed = await ready();
  const tell = (kind: 'addressAdd' | 'addressDelete', peer: string, length = 32): void => {
    const base = { ifindex: ifindexOf(1), address: parseAddress('10.0.0.1')!, length, peer: parseAddress(peer)! };
    const subnet = parsePrefix(`${peer}/${length}`)!;
    bed.fib.applyKernel(kind === 'addressAdd' ? { kind, ...base, subnet } : { kind, ...base });
    bed.settle();
  };
  const packets = (): string[] => ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((to) => bed.packet(to).slice(0, 2));
  tell('addressAdd', '10.0.0.2');
  tell('addressAdd', '10.0.0.3');
  expect(packets()).toEqual(['pu', 'pu', 'pu']);
  tell('addressDelete', '10.0.0.2');
  expect(packets()).toEqual(['pu', 'p3', 'pu']);
  tell('addressDelete', '10.0.0.3');
  expect(packets()).toEqual(['p3', 'p3', 'p3']);
  tell('addressAdd', '10.0.9.0', 24);
  expect(bed.packet('10.0.9.255')).toMatch(PUNT);
  expect(bed.packet('10.0.0.255')).toMatch(BY_DEFAULT);
});
