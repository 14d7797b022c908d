/** Which neighbors have an entry of their own: those that zebra's longest route, as it is now, says are on their interface. */
import { parseAddress, parseMac } from '../../../src/net/address';
import { Bed, ifindexOf } from '../../bed/bed';

const MAC = '02:00:00:00:00:09';
const TO_1 = /^p1 020000000009/;
const TO_2 = /^p2 020000000009/;

/** A host on a connected subnet behind port 1. */
async function ready(): Promise<Bed> {
  const bed = new Bed();
  bed.address(1, '198.18.1.1/24').via('198.18.1.0/24', '@1').neighbor(1, '198.18.1.9', MAC);
  await bed.up();
  expect(bed.packet('198.18.1.9')).toMatch(TO_1);
  return bed;
}

test('a subnet that moves to another port in one update takes its host along', async () => {
  const bed = await ready();
  bed.via('198.18.1.0/24', '@2').settle();
  expect(bed.packet('198.18.1.9')).toMatch(/^punt/);
  expect(bed.entries().has('198.18.1.9/32')).toBe(false);
  bed.neighbor(2, '198.18.1.9', MAC).settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_2);
});

test('a subnet that moves to a port where the host is known already leads there at once', async () => {
  const bed = await ready();
  bed.neighbor(2, '198.18.1.9', MAC).settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_1);
  bed.via('198.18.1.0/24', '@2').settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_2);
});

test('a nexthop id whose interface is replaced in place takes the hosts along, through a group too', async () => {
  const bed = await ready();
  bed.neighbor(2, '198.18.1.9', MAC).nexthop(7, '@1').viaId('198.18.1.0/24', 7).settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_1);
  bed.nexthop(7, '@2').settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_2);
  bed.group(8, 7).viaId('198.18.1.0/24', 8).settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_2);
  bed.nexthop(7, '@1').settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_1);
});

test('the same for IPv6', async () => {
  const bed = new Bed();
  bed.via('2001:db8:1::/64', '@1').neighbor(1, '2001:db8:1::9', MAC).neighbor(2, '2001:db8:1::9', MAC);
  await bed.up();
  expect(bed.packet('2001:db8:1::9')).toMatch(TO_1);
  bed.via('2001:db8:1::/64', '@2').settle();
  expect(bed.packet('2001:db8:1::9')).toMatch(TO_2);
});

test.each([
  ['10.56.0.9', '10.56.0.9/32'],
  ['2001:db8:56::9', '2001:db8:56::9/128'],
])('a host route onto an interface leads straight to the host once it is known: %s', async (host, prefix) => {
  const bed = await new Bed().via(prefix, '@1').up();
  expect(bed.packet(host)).toMatch(/^punt/);
  expect(bed.told.get(prefix)).toBe('trapped');
  bed.neighbor(1, host, MAC).settle();
  expect(bed.packet(host)).toMatch(TO_1);
  expect(bed.told.get(prefix)).toBe('offloaded');
  bed.neighbor(2, host, MAC).via(prefix, '@2').settle();
  expect(bed.packet(host)).toMatch(TO_2);
  bed.neighborGone(2, host).settle();
  expect(bed.packet(host)).toMatch(/^punt/);
  expect(bed.told.get(prefix)).toBe('trapped');
  bed.withdraw(prefix).settle();
  expect(bed.entries().has(prefix)).toBe(false);
});

test('a longer route that leads elsewhere stands before the host, and the host is back when it goes', async () => {
  const bed = await ready();
  bed.via('10.1.2.0/24', '@2').neighbor(2, '10.1.2.5', '02:00:00:00:00:05').via('198.18.1.9/32', '10.1.2.5@2').settle();
  expect(bed.packet('198.18.1.9')).toMatch(/^p2 020000000005/);
  bed.via('198.18.1.9/32', '@1').settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_1);
  bed.via('198.18.1.9/32', '10.1.2.5@2').settle();
  expect(bed.packet('198.18.1.9')).toMatch(/^p2 020000000005/);
  bed.withdraw('198.18.1.9/32').settle();
  expect(bed.packet('198.18.1.9')).toMatch(TO_1);
});

test('the port of a host route that goes and comes again', async () => {
  const bed = await new Bed().via('10.56.0.9/32', '@1').neighbor(1, '10.56.0.9', MAC).up();
  expect(bed.packet('10.56.0.9')).toMatch(TO_1);
  bed.link(1, false).settle();
  expect(bed.packet('10.56.0.9')).toMatch(/^punt/);
  bed.link(1, true).settle();
  expect(bed.packet('10.56.0.9')).toMatch(TO_1);
});

test.each(['198.18.1.0/24', '198.18.1.9/32'])(
  'an address that answers on both interfaces of a subnet: when one goes the other is sent to: %s',
  async (prefix) => {
    const bed = await new Bed().via(prefix, '@1', '@2').up();
    bed.neighbor(1, '198.18.1.9', MAC).neighbor(2, '198.18.1.9', MAC).settle();
    expect(bed.packet('198.18.1.9')).toMatch(TO_2);
    bed.neighborGone(2, '198.18.1.9').settle();
    expect(bed.packet('198.18.1.9')).toMatch(TO_1);
    bed.neighborGone(1, '198.18.1.9').settle();
    expect(bed.packet('198.18.1.9')).toMatch(/^punt/);
  },
);

test('what zebra said of a neighbor it can take back when the interface is no port any more', async () => {
  const bed = await ready();
  const neighbor = { source: 'fpm', ifindex: ifindexOf(1), address: parseAddress('198.18.1.7')! } as const;
  bed.apply({ kind: 'neighborAdd', ...neighbor, mac: parseMac(MAC)!, state: 'permanent' }).settle();
  expect(bed.packet('198.18.1.7')).toMatch(TO_1);
  bed
    .link(1, false)
    .apply({ kind: 'neighborDelete', ...neighbor })
    .link(1, true)
    .settle();
  expect(bed.packet('198.18.1.7')).toMatch(/^punt/);
});
