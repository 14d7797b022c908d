/** The comparison behind the soak finds each kind of difference, and nothing where there is none. */
import type { ZebraRoute } from '../../compat/zebra-table';
import type { RouteView } from '../../../src/control/types';
import { differences } from '../../bench/agreement';
import type { VasicEnds } from '../../compat/tables';
import { growth } from '../../bench/soak';

const MAC = '02:01:00:00:00:05';
const macs = new Map([['10.1.0.2', MAC]]);

const zebraRoute: ZebraRoute = {
  prefix: '20.0.0.0/8',
  protocol: 'bgp',
  kind: 'unicast',
  hops: ['10.1.0.2 tap1'],
  idle: [],
  offloaded: true,
  trapped: false,
};
const zebra = new Map([[zebraRoute.prefix, zebraRoute]]);
const path = { gateway: '10.1.0.2', interface: 'tap1', ifindex: 7, mac: MAC, weight: 1, state: 'ready' as const };
const route: RouteView = {
  prefix: zebraRoute.prefix,
  table: 254,
  protocol: 'bgp',
  metric: 20,
  origin: 'zebra',
  type: 'unicast',
  nexthops: [path],
  state: 'offloaded',
};
const host: RouteView = {
  ...route,
  prefix: '10.1.0.1/32',
  protocol: 'kernel',
  origin: 'local',
  nexthops: [],
  state: 'trapped',
};
const ends: VasicEnds = { '20.0.0.0/8': [`port 1 to ${MAC}`], '10.1.0.1/32': ['receive local'] };

test('nothing where the three agree', () => {
  expect(differences(zebra, [route, host], ends, macs)).toEqual([]);
});

test.each<[string, RegExp, ReturnType<typeof differences>]>([
  ['a route missing in the bridge', /missing in the bridge/, differences(zebra, [host], ends, macs)],
  ['a route too many', /not in zebra/, differences(new Map(), [route, host], ends, macs)],
  [
    'another gateway',
    /leaves by 10.1.0.3 tap1, in zebra by 10.1.0.2 tap1/,
    differences(zebra, [{ ...route, nexthops: [{ ...path, gateway: '10.1.0.3' }] }, host], ends, macs),
  ],
  ['a state', /is pending/, differences(zebra, [{ ...route, state: 'pending' }, host], ends, macs)],
  [
    "zebra's own flag",
    /zebra does not know/,
    differences(new Map([[zebraRoute.prefix, { ...zebraRoute, offloaded: false }]]), [route, host], ends, macs),
  ],
  ['an entry too many', /in the vASIC and not/, differences(zebra, [route, host], { ...ends, '9.0.0.0/8': [] }, macs)],
  [
    'an entry missing',
    /20.0.0.0\/8 is not in the vASIC/,
    differences(zebra, [route, host], { '10.1.0.1/32': ['receive local'] }, macs),
  ],
  [
    'another MAC in the vASIC',
    /the vASIC has port 1 to 02:01:00:00:00:06/,
    differences(zebra, [route, host], { ...ends, '20.0.0.0/8': ['port 1 to 02:01:00:00:00:06'] }, macs),
  ],
  [
    'a MAC that both have wrong',
    /has MAC/,
    differences(zebra, [route, host], ends, new Map([['10.1.0.2', '02:00:00:00:00:01']])),
  ],
])('%s', (_, pattern, found) => {
  expect(found.join('\n')).toMatch(pattern);
});

test('growth is of the last quarter against the second', () => {
  expect(growth([50, 100, 100, 100, 100, 100, 110, 110])).toBe(10);
  expect(growth([100, 100])).toBe(0);
  expect(growth([100, 150])).toBe(50);
});
