/** Packets that aren't forwarded because of their addresses: what Linux 6.18 did with one of each kind. */
import { PuntReason } from '../../../src/aft/model';
import type { AftNode } from '../../../src/aft/model';
import { ethernet, ip4Frame, ip6Frame, out, route, testbed, tree } from './testbed';
import type { Testbed } from './testbed';

const TREE = 3000;
const NEXTHOP = 3001;
const HOST = 3002;
const BACK = 3003;

/** A router with default routes out of port 1, back out of port 0 for one destination, and the groups of one to the host. */
function router(policy: Parameters<typeof tree>[1] = { ttl: HOST, linkLocal: HOST }): Testbed {
  const bed = testbed();
  const nodes: AftNode[] = [
    { type: 'receive', token: HOST, code: PuntReason.Local, context: 0 },
    tree(TREE, policy),
    ethernet(NEXTHOP, out(1)),
    ethernet(BACK, out(0)),
  ];
  bed.run(nodes, TREE, [
    route(TREE, '0.0.0.0/0', NEXTHOP),
    route(TREE, '::/0', NEXTHOP),
    route(TREE, '255.255.255.255/32', HOST),
    route(TREE, '224.0.0.5/32', HOST),
    route(TREE, 'ff02::/16', HOST),
    route(TREE, 'fe80::77/128', BACK),
  ]);
  return bed;
}

const frameOf = (from: string, to: string): Buffer => (to.includes(':') ? ip6Frame : ip4Frame)({ from, to });

/** What becomes of a packet: the reason of a drop, `forwarded`, or `punted`. */
function fate(bed: Testbed, from: string, to: string): string {
  bed.receive(frameOf(from, to));
  if (bed.punted.length > 0) return 'punted';
  if (bed.ports.some(({ sent }) => sent.length > 0)) return 'forwarded';
  return Object.entries(bed.sandbox.drops())
    .map(([reason, count]) => `${reason} ${count}`)
    .join();
}

const SOURCES: Readonly<Record<string, readonly string[]>> = {
  'martianSource 1': [
    ...['0.0.0.0', '127.0.0.1', '127.255.255.255', '224.0.0.1', '239.255.255.255', '255.255.255.255'],
    ...['::', '::1', 'ff02::1', 'ff05::5', 'ff0e::5'],
  ],
  punted: ['fe80::5', 'febf::1'],
  forwarded: [
    ...['0.0.0.1', '0.255.255.255', '1.0.0.0', '126.255.255.255', '128.0.0.0', '223.255.255.255', '240.0.0.1'],
    ...['255.255.255.254', '169.254.1.1', '10.1.0.255', '192.0.2.1'],
    ...['::2', '::1.2.3.4', '::ffff:127.0.0.1', '::ffff:1.2.3.4', '100::1', 'fec0::5', 'fc00::5', 'fe00::1'],
  ],
};

const DESTINATIONS: Readonly<Record<string, readonly string[]>> = {
  'martianDestination 1': [
    ...['0.0.0.0', '127.0.0.1', '127.9.9.9', '224.0.1.1', '239.1.1.1'],
    ...['::1', 'ff00::1', 'ff05::5', 'ff0e::5', 'fe80::5'],
  ],
  punted: ['255.255.255.255', '224.0.0.5', 'ff02::1'],
  forwarded: [
    ...['0.0.0.1', '0.255.255.255', '1.0.0.0', '240.0.0.1', '255.255.255.254', '169.254.1.1'],
    ...['::', '::2', '::1.2.3.4', '::ffff:1.2.3.4', '100::1', 'fec0::5', 'fc00::5', 'fe80::77'],
  ],
};

const rows = (table: typeof SOURCES): [string, string][] =>
  Object.entries(table).flatMap(([expected, addresses]) =>
    addresses.map((address): [string, string] => [address, expected]),
  );

test.each(rows(SOURCES))('source %s: %s', (from, expected) => {
  expect(fate(router(), from, from.includes(':') ? '2001:db8::9' : '198.51.100.1')).toBe(expected);
});

test.each(rows(DESTINATIONS))('destination %s: %s', (to, expected) => {
  expect(fate(router(), to.includes(':') ? '2001:db8::9' : '198.51.100.1', to)).toBe(expected);
});

test('what is for the host gets there with any source', () => {
  expect(fate(router(), '0.0.0.0', '255.255.255.255')).toBe('punted');
  expect(fate(router(), '::', 'ff02::1')).toBe('punted');
});

test('an expired packet from such a source earns no answer', () => {
  const bed = router();
  bed.receive(ip4Frame({ from: '127.0.0.1', ttl: 1 }));
  expect(bed.punted).toEqual([]);
  expect(bed.sandbox.drops()).toEqual({ martianSource: 1 });
  expect(bed.sandbox.info().inputPorts[0]).toMatchObject({ packets: 1, drops: 1 });
});

test('a link-local source with no node for it is dropped', () => {
  expect(fate(router({ ttl: HOST }), 'fe80::5', '2001:db8::9')).toBe('linkLocalSource 1');
});

test('a tree without rt.ttlExpired is no router, and forwards anything', () => {
  expect(fate(router({}), '127.0.0.1', '198.51.100.1')).toBe('forwarded');
});

test('a trace says why', () => {
  const last = (from: string, to: string): string[] =>
    router()
      .sandbox.test(0, frameOf(from, to))
      .steps.map(({ detail }) => detail)
      .slice(-1);
  expect(last('0.0.0.0', '198.51.100.1')).toEqual(['not forwarded: no packet comes from such a source']);
  expect(last('192.0.2.1', '127.0.0.1')).toEqual(['not forwarded: its destination is none beyond its link']);
  expect(
    router()
      .sandbox.test(0, frameOf('fe80::5', '2001:db8::9'))
      .steps.map(({ detail }) => detail),
  ).toEqual([
    'ge-0/0/0',
    '::/0',
    'from 32:26:0a:2e:aa:f1 to 32:26:0a:2e:cc:f1',
    'not forwarded: its source is known on its link alone',
    'to the host: Local',
  ]);
});
