/** A bridge for tests of the control API: fixed answers of every kind that the views allow. */
import type { TraceQuery, WhyQuery } from '../../../src/control/explain-types';
import type { AuditView } from '../../../src/control/audit-types';
import { RequestError, routeMatches } from '../../../src/control/filter';
import type { GraphView } from '../../../src/control/graph-types';
import { TRACE, WHY } from './explained';
import type { ControlBackend } from '../../../src/control/backend';
import type { MonitorEvent } from '../../../src/control/monitor-types';
import type {
  EvpnView,
  PathView,
  LspView,
  NeighborView,
  NexthopView,
  PortView,
  PuntReasonView,
  RouteFilter,
  RouteRow,
  RouteSummaryView,
  RouteView,
  SidView,
  TokenView,
  VrfView,
} from '../../../src/control/types';
import type { StatusView } from '../../../src/control/status-types';

export const GRAPH: GraphView = {
  nodes: [
    { token: 1, type: 'inputPort', purpose: 'port 0', detail: '' },
    {
      token: 1030,
      type: 'match',
      purpose: 'my "MAC"',
      detail: 'packet.ether.daddr eq 02:00:00:00:00:01 & <more> of it than fits a line',
    },
    { token: 0, type: 'discard', purpose: '', detail: '' },
  ],
  edges: [
    { from: 1, to: 1030, label: 'next' },
    { from: 1030, to: 0, label: '' },
  ],
  leftOut: 3,
  missing: ['10.9.9.0/24'],
};

export const STATUS: StatusView = {
  version: '0.1.0',
  pid: 4711,
  time: '2026-01-02T12:00:00.000Z',
  uptimeSeconds: 93_784,
  fpm: {
    state: 'connected',
    listen: '127.0.0.1:2620',
    peer: '127.0.0.1:40404',
    since: '2026-01-02T11:52:43.000Z',
    frames: 12,
    messages: 40,
    updates: 38,
    malformed: 0,
    skipped: 2,
    feedbackMode: 'auto',
    feedback: 'table',
    feedbackReason: 'zebra 10.7.1',
    statuses: 31,
  },
  afi: {
    state: 'up',
    server: '127.0.0.1:50051',
    engine: 'trio',
    sandbox: 'green',
    instance: '7f3a',
    since: '2026-01-02T11:00:00.000Z',
    opsInFlight: 1,
    opsSent: 120,
    opsFailed: 3,
    opsRetried: 2,
    entries: 1023,
    unknownLabels: 7,
  },
  fib: {
    routes: 8,
    ipv4: 7,
    ipv6: 1,
    offloaded: 3,
    trapped: 2,
    failed: 1,
    unresolved: 1,
    pending: 1,
    stale: 0,
    nexthops: 2,
    neighbors: 2,
    dirty: 0,
    lsps: { offloaded: 2, trapped: 1, failed: 0, unresolved: 0, pending: 0 },
  },
  told: {
    count: 38,
    p50Ms: 8,
    p99Ms: 25,
    maxMs: 25,
    buckets: [
      { upToMs: 8, count: 37 },
      { upToMs: 25, count: 1 },
    ],
  },
  latency: {
    count: 40,
    p50Ms: 3,
    p99Ms: 17,
    maxMs: 17,
    buckets: [
      { upToMs: 3, count: 39 },
      { upToMs: 17, count: 1 },
    ],
  },
  punt: { mode: 'worker', punted: 1200, injected: 1100, drops: 4 },
  loop: {
    meanMs: 0.31,
    p99Ms: 1.25,
    maxMs: 11,
    delays: [
      { upToMs: 0, count: 500 },
      { upToMs: 11, count: 1 },
    ],
  },
  problems: ['1 route was refused by the AFI server: fpm2afi show routes --state failed'],
};

const leg = (gateway: string | undefined, port: number, mac?: string, more: Partial<PathView> = {}): PathView => ({
  interface: `tap${port}`,
  ifindex: 4 + port,
  weight: 1,
  state: mac === undefined ? 'unresolved' : 'ready',
  ...(gateway === undefined ? {} : { gateway }),
  ...(mac === undefined ? {} : { mac }),
  ...more,
});

const route = (prefix: string, state: RouteView['state'], more: Partial<RouteView> = {}): RouteView => ({
  prefix,
  table: 254,
  protocol: 'ospf',
  metric: 20,
  origin: 'zebra',
  type: 'unicast',
  nexthops: [],
  state,
  ...more,
});

const F0 = '32:26:0a:2e:cc:f0';
const F1 = '32:26:0a:2e:cc:f1';

export const ROUTES: readonly RouteView[] = [
  route('10.0.255.0/32', 'offloaded', {
    nexthops: [leg('103.30.0.3', 0, F0)],
    token: 1041,
    nexthopId: 17,
    reported: 'offloaded',
  }),
  route('10.0.255.1/32', 'failed', {
    protocol: 'bgp',
    nexthops: [leg('103.30.0.3', 0, F0, { weight: 2 }), leg('103.30.10.3', 1)],
    reason: 'refused by the AFI server: table full',
    reported: 'failed',
  }),
  route('10.9.0.0/16', 'offloaded', { protocol: 'static', type: 'blackhole', token: 0 }),
  route('103.30.0.0/24', 'trapped', {
    protocol: 'kernel',
    nexthops: [leg(undefined, 0, undefined, { state: 'glean' })],
    reason: 'connected: the host resolves neighbors',
  }),
  route('103.30.0.3/32', 'offloaded', { origin: 'neighbor', nexthops: [leg('103.30.0.3', 0, F0)], token: 1041 }),
  route('198.51.100.0/24', 'unresolved', { nexthops: [leg('103.30.10.9', 1)], reason: 'no MAC for 103.30.10.9' }),
  route('203.0.113.0/24', 'pending', {
    table: 1000,
    stale: true,
    nexthops: [leg(undefined, 0, undefined, { interface: '?', state: 'host', ifindex: 99 })],
  }),
  route('2001:db8::/32', 'trapped', { origin: 'system', type: 'host', reason: 'for the host' }),
];

const counts = { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 };
export const SUMMARY: RouteSummaryView = {
  sources: [
    { family: 'ipv4', table: 254, protocol: 'ospf', routes: 12, ...counts, offloaded: 10, pending: 2 },
    { family: 'ipv4', table: 254, protocol: 'bgp', routes: 100_000, ...counts, offloaded: 99_999, failed: 1 },
    { family: 'ipv6', table: 1000, vrf: 'red', protocol: 'kernel', routes: 1, ...counts, trapped: 1 },
  ],
  own: 17,
};

const time = '2026-01-02T12:00:00.000Z';
export const EVENTS: readonly MonitorEvent[] = [
  { time, kind: 'route', change: 'set', route: ROUTES[1]! },
  { time, kind: 'route', change: 'set', route: ROUTES[2]! },
  {
    time,
    kind: 'route',
    change: 'gone',
    route: { prefix: '10.9.0.0/16', table: 1000, vrf: 'red', protocol: 'static' },
  },
  { time, kind: 'session', session: 'fpm', state: 'connected', peer: '127.0.0.1:40404' },
  { time, kind: 'session', session: 'afi', state: 'down', server: 'vasic:1', error: 'no answer' },
  { time, kind: 'problem', change: 'new', text: 'zebra is not connected' },
  { time, kind: 'problem', change: 'over', text: 'zebra is not connected' },
  { time, kind: 'port', change: 'set', port: { index: 1, tap: 'tap1', tapState: 'absent', vasicState: 'unknown' } },
  { time, kind: 'skipped', count: 12 },
];

export const NEXTHOPS: readonly NexthopView[] = [
  {
    id: 17,
    kind: 'zebra',
    content: 'single',
    legs: [leg('103.30.0.3', 0, F0)],
    routes: 3,
    state: 'offloaded',
    tokens: [1041, 1030],
  },
  {
    id: 20,
    kind: 'zebra',
    content: 'group',
    members: [17, 18],
    legs: [leg('103.30.0.3', 0, F0), leg('103.30.10.3', 1, F1)],
    routes: 12,
    state: 'offloaded',
    tokens: [1050],
  },
  { kind: 'inline', content: 'blackhole', legs: [], routes: 1, state: 'offloaded', tokens: [], reason: 'drops' },
];

export const NEIGHBORS: readonly NeighborView[] = [
  {
    interface: 'tap0',
    ifindex: 4,
    address: '103.30.0.3',
    mac: F0,
    state: 'reachable',
    source: 'kernel',
    usedBy: { routes: 3, nexthops: 2 },
    token: 1030,
  },
  {
    interface: 'tap1',
    ifindex: 5,
    address: '103.30.10.9',
    state: 'failed',
    source: 'kernel',
    usedBy: { routes: 1, nexthops: 1 },
  },
];

export const PORTS: readonly PortView[] = [
  {
    index: 0,
    tap: 'tap0',
    ifindex: 4,
    mac: '32:26:0a:2e:aa:f0',
    mtu: 1500,
    tapState: 'up',
    vasicState: 'up',
    input: { packets: 100, bytes: 15_000, drops: 0 },
    output: { packets: 99, bytes: 14_000, drops: 1 },
    engine: { name: 'kernel', hook: 'tc (tcx)', fast: 88, slow: { ttl: 2, host: 10 } },
    punt: { punted: 10, injected: 11, drops: 2 },
  },
  { index: 1, tap: 'tap1', tapState: 'absent', vasicState: 'unknown', punt: { punted: 0, injected: 0, drops: 0 } },
];

export const TOKENS: readonly TokenView[] = [
  { token: 1024, type: 'tree', name: 'routeTable', purpose: 'routes of table 254', next: [3], references: 4 },
  { token: 1030, type: 'encap', purpose: 'neighbor 103.30.0.3 on tap0', next: [5], references: 2 },
];

export const LSPS: readonly LspView[] = [
  {
    label: 100,
    protocol: 'ldp',
    legs: [
      { ...leg('103.30.0.3', 0, F0, { state: 'host' }), operation: 'swap 200/300', outbound: '200/300' },
      { ...leg('103.30.10.3', 1, F1, { state: 'host' }), operation: 'pop', outbound: 'implicit-null' },
    ],
    state: 'trapped',
    reason: 'out of an interface that is no port',
    packets: 12,
    tokens: [9000, 9001],
    stale: true,
  },
];

export const EVPN: readonly EvpnView[] = [
  { mac: F1, vtep: '198.51.100.2', vlan: 10, vni: 5000, interface: 'vxlan0', ifindex: 9, bridge: 8, sticky: true },
  { mac: F0, nexthopId: 7, interface: '?', ifindex: 12, sticky: false, stale: true },
];

export const SIDS: readonly SidView[] = [
  { sid: '2001:db8:f::1', behavior: 'End.X', format: '32/16/16/0', gateway: 'fe80::2', ifindex: 4 },
  { sid: '2001:db8:f::2', behavior: 'End.DT46', vrf: 5, stale: true },
];

export const VRFS: readonly VrfView[] = [
  {
    ...{ table: 254, vrf: 'default', forwarded: true, token: 1088, ports: ['tap0', 'tap1'], ipv4: 3, ipv6: 1 },
    ...{ offloaded: 2, trapped: 1, failed: 0, unresolved: 1, pending: 0, entries: 9 },
  },
  {
    ...{ table: 1001, vrf: 'red', forwarded: true, ports: ['tap2'], ipv4: 2, ipv6: 0 },
    ...{ offloaded: 0, trapped: 0, failed: 2, unresolved: 0, pending: 0, entries: 0, reason: 'full: no more nodes' },
  },
  {
    ...{ table: 77, forwarded: false, ports: [], ipv4: 1, ipv6: 0 },
    ...{ offloaded: 0, trapped: 1, failed: 0, unresolved: 0, pending: 0, entries: 0 },
  },
];

export const PUNT: readonly PuntReasonView[] = [
  { reason: 'glean', passed: 1200, dropped: 31_000, rate: 1000, delivered: 1199 },
  { reason: 'local', rate: 0 },
];

export const AUDIT: AuditView = {
  time: '2026-01-02T12:00:00.000Z',
  durationMs: 1234,
  layers: [
    { layer: 'zebra', state: 'notCompared', reason: '/var/run/frr/zebra.vty: no such file' },
    {
      layer: 'kernel',
      state: 'compared',
      compared: 12,
      differences: { missing: 0, surplus: 0, differs: 0 },
      shown: [],
    },
    {
      ...{ layer: 'vasic', state: 'compared', compared: 40, differences: { missing: 1, surplus: 1, differs: 0 } },
      shown: [{ kind: 'missing', what: '10.9.0.0/16', why: 'acknowledged, and the vASIC has no such entry' }],
    },
  ],
};

/** A route as a listing has it. */
export function rowOf({ prefix, ...rest }: RouteView): RouteRow {
  return { prefix, rest };
}

/** The lookup is left out: prefix and address filters go by the text of the answers above. */
async function* routesFor(filter: RouteFilter, asked: RouteFilter[]): AsyncGenerator<readonly RouteRow[]> {
  asked.push(filter);
  const wanted =
    filter.prefix !== undefined ? '10.0.255.1/32' : filter.longest !== undefined ? '10.9.0.0/16' : undefined;
  yield await Promise.resolve(
    ROUTES.map(rowOf).filter(
      ({ prefix, rest }) => routeMatches(rest, filter) && (wanted === undefined || prefix === wanted),
    ),
  );
}

/** Answers with the constants above, and notes the filters and queries it was given. */
export function fakeBackend(): ControlBackend & {
  readonly asked: RouteFilter[];
  readonly queries: (WhyQuery | TraceQuery)[];
  /** How often zebra's place was given away. */
  readonly displaced: () => number;
} {
  let displaced = 0;
  const asked: RouteFilter[] = [];
  const queries: (WhyQuery | TraceQuery)[] = [];
  return {
    asked,
    queries,
    displaced: () => displaced,
    displace: () => void displaced++,
    debug: (query) => {
      if (query?.component === 'fmp') throw new RequestError(404, 'no component fmp has a log, but afi, fpm');
      return [
        { component: 'afi', debug: false },
        { component: 'fpm', debug: query?.on ?? false },
      ];
    },
    reload: () => Promise.reject(new RequestError(409, 'not reloaded: afi.server needs a restart')),
    why: (query) => {
      queries.push(query);
      return Promise.resolve(WHY);
    },
    trace: (query) => {
      queries.push(query);
      if (query.ttl === 77)
        return Promise.reject(new RequestError(503, 'the AFI server at vasic:1 cannot trace packets'));
      return Promise.resolve(TRACE);
    },
    graph: ({ prefixes }) =>
      prefixes.length > 0 ? Promise.reject(new RequestError(404, 'no tree has it')) : Promise.resolve(GRAPH),
    audit: ({ repair }) =>
      Promise.resolve(repair ? { ...AUDIT, repair: { actions: ['something'], before: AUDIT.layers } } : AUDIT),
    status: () => Promise.resolve(STATUS),
    routes: (filter) => routesFor(filter, asked),
    vrfs: () => Promise.resolve(VRFS),
    monitor: async function* ({ kinds }) {
      yield await Promise.resolve(EVENTS.filter(({ kind }) => kind === 'skipped' || kinds.has(`${kind}s`)));
    },
    routeSummary: () => Promise.resolve(SUMMARY),
    nexthops: () => NEXTHOPS,
    neighbors: () => NEIGHBORS,
    ports: async function* () {
      yield* await Promise.resolve(PORTS);
    },
    tokens: () => TOKENS,
    lsps: () => LSPS,
    evpn: () => EVPN,
    sids: () => SIDS,
    punt: () => PUNT,
  };
}
