/** The query part of a control request: from text to a RouteFilter, and whether a route is what it asks for. */
import { formatAddress, formatMac, parseAddress, parseMac, parsePrefix, type Prefix } from '../net/address';
import { MONITOR_KINDS, type MonitorQuery } from './monitor-types';
import { ROUTE_STATES } from './types';
import type { ListName, RouteFilter, RouteRest, RouteState } from './types';

/** A request that can't be answered; `status` is HTTP's. */
export class RequestError extends Error {
  constructor(
    readonly status: 400 | 404 | 405 | 409 | 503,
    message: string,
  ) {
    super(message);
  }
}

type Parsed = { -readonly [K in keyof RouteFilter]: RouteFilter[K] };

const PREFIX = 'a prefix such as 10.0.255.0/24 or 2001:db8::/32';
const ADDRESS = 'an IPv4 or IPv6 address';

/** What each parameter of `routes` does; the value's error names the parameter and what it may be. */
const ROUTE_PARAMETERS: Readonly<Record<string, (filter: Parsed, value: string, name: string) => void>> = {
  prefix: (filter, value, name) => {
    filter.prefix = prefixOf(value) ?? refuse(name, value, PREFIX);
  },
  longest: (filter, value, name) => {
    filter.longest = parseAddress(value) ?? refuse(name, value, ADDRESS);
  },
  covering: (filter, value, name) => {
    filter.covering = parsePrefix(value) ?? refuse(name, value, `${ADDRESS}, or ${PREFIX}`);
  },
  within: (filter, value, name) => {
    filter.within = prefixOf(value) ?? refuse(name, value, PREFIX);
  },
  table: (filter, value, name) => {
    filter.table = whole(name, value);
  },
  vrf: (filter, value) => {
    filter.vrf = value;
  },
  state: (filter, value, name) => {
    filter.state = isRouteState(value) ? value : refuse(name, value, `one of ${ROUTE_STATES.join(', ')}`);
  },
  protocol: (filter, value) => {
    filter.protocol = value;
  },
  port: (filter, value) => {
    filter.port = value;
  },
  nexthop: (filter, value, name) => {
    const address = parseAddress(value);
    if (address !== undefined) filter.nexthop = formatAddress(address);
    else if (/^\d+$/.test(value)) filter.nexthop = whole(name, value);
    else refuse(name, value, `${ADDRESS}, or zebra's id of a nexthop`);
  },
  neighbor: (filter, value, name) => {
    const [address, mac] = [parseAddress(value), parseMac(value)];
    if (address !== undefined) filter.neighbor = formatAddress(address);
    else if (mac !== undefined) filter.neighbor = formatMac(mac);
    else refuse(name, value, `${ADDRESS}, or a hardware address such as 32:26:0a:2e:cc:f0`);
  },
  all: (filter, value, name) => {
    filter.all = flag(name, value);
  },
};

/** Reads a list's query. Throws RequestError (400) naming the parameter and what it may be. */
export function parseFilter(query: URLSearchParams, list: ListName): { filter: RouteFilter; stream: boolean } {
  const filter: Parsed = {};
  let stream = false;
  for (const [name, value] of query) {
    if (name === 'stream') stream = flag(name, value);
    else if (name === 'limit') filter.limit = whole(name, value);
    else if (list !== 'routes') {
      throw new RequestError(400, `${name}: unknown parameter of ${list}, known: limit, stream`);
    } else {
      const parse = Object.hasOwn(ROUTE_PARAMETERS, name) ? ROUTE_PARAMETERS[name] : undefined;
      if (parse === undefined) {
        const known = [...Object.keys(ROUTE_PARAMETERS), 'limit', 'stream'].join(', ');
        throw new RequestError(400, `${name}: unknown parameter of routes, known: ${known}`);
      }
      parse(filter, value, name);
    }
  }
  return { filter, stream };
}

/** What a reader of `/v1/monitor` wants: kinds, and which routes. Filters of routes alone mean routes alone. */
export function parseMonitor(query: URLSearchParams): MonitorQuery {
  const rest = new URLSearchParams(query);
  rest.delete('kinds');
  for (const name of ['prefix', 'longest', 'covering', 'all', 'limit', 'stream']) {
    if (rest.has(name)) throw new RequestError(400, `${name}: unknown parameter of monitor`);
  }
  const { filter } = parseFilter(rest, 'routes');
  const asked = query.get('kinds')?.split(',') ?? (rest.size > 0 ? ['routes'] : MONITOR_KINDS);
  const kinds = asked.map(
    (name) =>
      MONITOR_KINDS.find((kind) => kind === name) ?? refuse('kinds', name, `some of ${MONITOR_KINDS.join(', ')}`),
  );
  return { kinds: new Set(kinds), filter };
}

/** Whether a route passes the filters that don't look at its prefix; a VRF is asked for by its table by then. */
export function routeMatches(route: RouteRest, filter: RouteFilter): boolean {
  const { table, state, protocol, port, nexthop, neighbor } = filter;
  return (
    (table === undefined || route.table === table) &&
    (state === undefined || route.state === state) &&
    (protocol === undefined || route.protocol === protocol) &&
    (port === undefined || route.nexthops.some((path) => path.interface === port)) &&
    (nexthop === undefined ||
      (typeof nexthop === 'number'
        ? route.nexthopId === nexthop
        : route.nexthops.some((path) => path.gateway === nexthop))) &&
    (neighbor === undefined || route.nexthops.some((path) => path.gateway === neighbor || path.mac === neighbor))
  );
}

function isRouteState(text: string): text is RouteState {
  return ROUTE_STATES.some((state) => state === text);
}

/** With its length: a bare address is none here. */
function prefixOf(text: string): Prefix | undefined {
  return text.includes('/') ? parsePrefix(text) : undefined;
}

function flag(name: string, value: string): boolean {
  if (value !== '1' && value !== '0') refuse(name, value, '0 or 1');
  return value === '1';
}

function whole(name: string, value: string): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : NaN;
  return number <= 0xffff_ffff ? number : refuse(name, value, 'a whole number from 0 to 4294967295');
}

function refuse(name: string, value: string, expected: string): never {
  throw new RequestError(400, `${name}: got ${JSON.stringify(value)}, expected ${expected}`);
}
