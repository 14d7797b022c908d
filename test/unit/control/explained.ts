/** Answers of `why` and `trace` for tests. */
import type { TraceView, WhyRoute, WhyView } from '../../../src/control/explain-types';
import type { RouteView } from '../../../src/control/types';

const leg = { gateway: '10.1.1.99', interface: 'tap1', ifindex: 5, weight: 1, state: 'unresolved' } as const;
const route: RouteView = {
  prefix: '10.40.0.0/16',
  table: 254,
  protocol: 'static',
  metric: 0,
  origin: 'zebra',
  type: 'unicast',
  nexthops: [leg],
  state: 'unresolved',
  nexthopId: 17,
  token: 8200,
  reported: 'trapped',
};

export const STORY: WhyRoute = {
  route,
  programmed: true,
  received: '2026-01-02T11:59:00.000Z',
  acknowledged: '2026-01-02T11:59:00.012Z',
  reported: '2026-01-02T11:59:04.000Z',
  nexthop: {
    name: 'id 17',
    received: '2026-01-02T11:59:00.000Z',
    acknowledged: '2026-01-02T11:59:59.900Z',
    legs: [
      {
        ...leg,
        port: 1,
        linkUp: true,
        neighbor: {
          state: 'failed',
          source: 'kernel',
          told: [{ source: 'kernel', state: 'failed' }],
          asked: 4,
          nextRequestMs: 7300,
        },
      },
    ],
    members: [],
  },
  chain: [
    { token: 1152, type: 'match', purpose: 'frames for port 0', depth: 0, others: [1153, 1154] },
    { token: 1088, type: 'tree', purpose: 'the route tree', depth: 1 },
    { token: 8200, type: 'indirect', purpose: 'nexthop id 17', depth: 2 },
    { token: 1028, type: 'receive', purpose: 'to the host: Unresolved', depth: 3 },
  ],
};

const byDefault: WhyRoute = {
  route: { ...route, prefix: '0.0.0.0/0', state: 'offloaded', token: 8201 },
  programmed: true,
  chain: [],
};

export const WHY: WhyView = {
  query: '10.40.0.0/16',
  ...{ table: 254, vrf: 'default' },
  time: '2026-01-02T12:00:00.000Z',
  routes: [STORY, byDefault],
  decides: '10.40.0.0/16',
  result: 'the vASIC hands them to the host by the entry 10.40.0.0/16: no usable neighbor yet',
  stops: { at: 'neighbor', why: 'no ARP answer from 10.1.1.99 on tap1, asked 4 times', remedy: 'is 10.1.1.99 up?' },
  notes: [],
};

export const TRACE: TraceView = {
  packet: '10.1.0.2 > 10.9.1.1, udp 50000 > 33434, TTL 64, 28 bytes',
  input: { port: 0, tap: 'tap0', table: 254, vrf: 'default' },
  steps: [
    { token: 1, type: 'inputPort', purpose: '', detail: 'p0' },
    { token: 1088, type: 'tree', purpose: 'the route tree', detail: '10.9.1.1/32' },
    { token: 513, type: 'outputPort', purpose: '', detail: 'p1' },
  ],
  outcome: {
    kind: 'output',
    port: 1,
    tap: 'tap1',
    sourceMac: '32:26:0a:2e:aa:f1',
    destinationMac: '32:26:0a:2e:cc:f1',
    ttl: 63,
    frame: '32260a2eccf1',
  },
};
