/** What the campaign takes for a difference: each comparison finds what it is for, and equal tables have none. */
import type { RouteView } from '../../../src/control/types';
import { hostDifferences, vasicDifferences, type Tables } from '../../faults/compare';
import { chooseProbes, renewed, wrongEnd } from '../../faults/probes';
import { unhandledLines } from '../../faults/health';
import { hostMac } from '../../against-linux/plan';
import { Random } from '../../fuzz/random';
import type { ZebraRoute } from '../../compat/zebra-table';

const MAC = hostMac(1, '10.1.1.2', 3);
const zebraRoute: ZebraRoute = {
  ...{ prefix: '10.50.0.0/24', protocol: 'static', kind: 'unicast', hops: ['10.1.1.2 tap1'], idle: [] },
  ...{ offloaded: true, trapped: false },
};
const route: RouteView = {
  ...{ prefix: '10.50.0.0/24', table: 254, protocol: 'static', metric: 0, origin: 'zebra', type: 'unicast' },
  nexthops: [{ gateway: '10.1.1.2', interface: 'tap1', ifindex: 11, mac: MAC, weight: 1, state: 'ready' }],
  state: 'offloaded',
};
const glean: RouteView = {
  ...route,
  prefix: '10.1.1.0/24',
  origin: 'system',
  type: 'host',
  nexthops: [],
  state: 'trapped',
};
const tables: Tables = {
  zebra: { ipv4: new Map([[zebraRoute.prefix, zebraRoute]]), ipv6: new Map() },
  neighbors: [{ dev: 'tap1', address: '10.1.1.2', mac: MAC, state: 'STALE' }],
  routes: [route, glean],
  ends: { '10.50.0.0/24': [`port 1 to ${MAC}`], '10.1.1.0/24': ['switch'] },
};

test('the same everywhere', () => {
  expect([...hostDifferences(tables), ...vasicDifferences(tables)]).toEqual([]);
});

test.each<[string, Partial<Tables>, RegExp]>([
  [
    'a nexthop that zebra has not',
    { routes: [{ ...route, nexthops: [{ ...route.nexthops[0]!, gateway: '10.1.1.3' }] }] },
    /in zebra by 10.1.1.2/,
  ],
  [
    'another MAC than the kernel',
    { neighbors: [{ ...tables.neighbors[0]!, mac: '02:00:00:00:00:01' }] },
    /the kernel 02:00:00:00:00:01/,
  ],
  ['a neighbor that is failed', { neighbors: [{ ...tables.neighbors[0]!, state: 'FAILED' }] }, /the kernel none/],
  ['a route that is pending', { routes: [{ ...route, state: 'pending' }] }, /is pending/],
  ['a route that is missing', { routes: [glean] }, /is missing/],
  [
    'a status that zebra has not',
    { zebra: { ipv4: new Map([['10.50.0.0/24', { ...zebraRoute, offloaded: undefined }]]), ipv6: new Map() } },
    /has not taken the status/,
  ],
])('%s', (_name, over, expected) => {
  expect(hostDifferences({ ...tables, ...over }).join('\n')).toMatch(expected);
});

test('a path whose interface is down may be there or not', () => {
  const zebra = {
    ipv4: new Map([
      ['10.50.0.0/24', { ...zebraRoute, hops: ['10.1.1.2 tap1', '10.1.2.2 tap2'], idle: ['10.1.2.2 tap2'] }],
    ]),
    ipv6: new Map(),
  };
  expect(hostDifferences({ ...tables, zebra })).toEqual([]);
});

test.each<[string, Tables['ends'], RegExp]>([
  ['an entry too many', { ...tables.ends, '10.51.0.0/24': ['discard'] }, /in the vASIC and not in the bridge/],
  ['an entry missing', { '10.1.1.0/24': ['switch'] }, /10.50.0.0\/24 is not in the vASIC/],
  ['another MAC', { ...tables.ends, '10.50.0.0/24': ['port 1 to 02:00:00:00:00:01'] }, /means port 1/],
  ['another port', { ...tables.ends, '10.50.0.0/24': [`port 2 to ${MAC}`] }, /has port 2/],
  [
    'forwarded though it is for the host',
    { ...tables.ends, '10.1.1.0/24': [`port 1 to ${MAC}`] },
    /is trapped, and the vASIC has port 1/,
  ],
])('the vASIC: %s', (_name, ends, expected) => {
  expect(vasicDifferences({ ...tables, ends }).join('\n')).toMatch(expected);
});

test('a probe is expected where the host truly is, whatever the bridge believes', () => {
  const routes = [{ ...route, nexthops: [{ ...route.nexthops[0]!, mac: '02:00:00:00:00:01' }] }];
  const [probe] = chooseProbes(new Random(1), { ...tables, routes }, new Map([['10.1.1.2', 3]]), 1);
  expect(probe).toMatchObject({ prefix: '10.50.0.0/24', expected: [`1 ${MAC}`] });
  expect(wrongEnd(probe!, [`1 ${MAC}`])).toBeUndefined();
  expect(wrongEnd(probe!, [])).toContain('left by nowhere');
  expect(wrongEnd(probe!, [`1 ${MAC}`, `1 ${MAC}`])).toContain('and');
  // Nobody answers there: nothing is expected, so nothing is sent.
  expect(chooseProbes(new Random(1), tables, new Map(), 1)).toEqual([]);
});

test('what is expected of a probe follows the tables: another nexthop that was found, a route that is gone', () => {
  const hosts = new Map([
    ['10.1.1.2', 3],
    ['10.1.2.2', 1],
  ]);
  const probes = chooseProbes(new Random(1), tables, hosts, 1);
  const second = { ...route.nexthops[0]!, gateway: '10.1.2.2', interface: 'tap2' };
  const both = { ...tables, routes: [{ ...route, nexthops: [...route.nexthops, second] }] };
  expect(renewed(probes, both, hosts)).toEqual([{ ...probes[0]!, expected: [`1 ${MAC}`, '2 02:02:04:01:00:02'] }]);
  expect(renewed(probes, { ...tables, routes: [] }, hosts)).toEqual([]);
  expect(renewed(probes, tables, new Map())).toEqual([]);
});

test('a longer prefix goes before the one that a probe is for', () => {
  const inner = Array.from({ length: 256 }, (_, i) => ({ ...glean, prefix: `10.50.0.${i}/32` }));
  expect(chooseProbes(new Random(1), { ...tables, routes: [route, ...inner] }, new Map([['10.1.1.2', 3]]), 1)).toEqual(
    [],
  );
});

test('what programs print of errors that nobody handled', () => {
  expect(
    unhandledLines(['info all is well', 'Node.js v20.20.2', '    at foo (/a/b.js:1:2)', 'unhandledRejection: x']),
  ).toHaveLength(3);
});
