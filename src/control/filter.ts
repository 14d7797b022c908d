/** The query part of a control request: from text to a RouteFilter, and whether a route is what it asks for. */
import { parseAddress, parsePrefix } from '../net/address';
import { ROUTE_STATES } from './types';
import type { ListName, RouteFilter, RouteState, RouteView } from './types';

/** A request that can't be answered; `status` is HTTP's. */
export class RequestError extends Error {
  constructor(
    readonly status: 400 | 404 | 405 | 503,
    message: string,
  ) {
    super(message);
  }
}

/** Reads a list's query. Throws RequestError (400) naming the parameter and what it may be. */
export function parseFilter(query: URLSearchParams, list: ListName): { filter: RouteFilter; stream: boolean } {
  const filter: { -readonly [K in keyof RouteFilter]: RouteFilter[K] } = {};
  let stream = false;
  for (const [name, value] of query) {
    if (name === 'stream') {
      if (value !== '1' && value !== '0') throw wrong(name, value, '0 or 1');
      stream = value === '1';
      continue;
    }
    if (name === 'limit') {
      filter.limit = whole(name, value);
      continue;
    }
    if (list !== 'routes') throw new RequestError(400, `${name}: unknown parameter of ${list}, known: limit, stream`);
    switch (name) {
      case 'prefix': {
        const prefix = value.includes('/') ? parsePrefix(value) : undefined;
        if (prefix === undefined) throw wrong(name, value, 'a prefix such as 10.0.255.0/24 or 2001:db8::/32');
        filter.prefix = prefix;
        break;
      }
      case 'longest': {
        const address = parseAddress(value);
        if (address === undefined) throw wrong(name, value, 'an IPv4 or IPv6 address');
        filter.longest = address;
        break;
      }
      case 'table':
        filter.table = whole(name, value);
        break;
      case 'state':
        if (!isRouteState(value)) throw wrong(name, value, `one of ${ROUTE_STATES.join(', ')}`);
        filter.state = value;
        break;
      case 'protocol':
        filter.protocol = value;
        break;
      default: {
        const known = 'prefix, longest, table, state, protocol, limit, stream';
        throw new RequestError(400, `${name}: unknown parameter of routes, known: ${known}`);
      }
    }
  }
  return { filter, stream };
}

/** Whether a route passes the filters that don't need a lookup. */
export function routeMatches(route: Pick<RouteView, 'table' | 'state' | 'protocol'>, filter: RouteFilter): boolean {
  return (
    (filter.table === undefined || route.table === filter.table) &&
    (filter.state === undefined || route.state === filter.state) &&
    (filter.protocol === undefined || route.protocol === filter.protocol)
  );
}

function isRouteState(text: string): text is RouteState {
  return ROUTE_STATES.some((state) => state === text);
}

function whole(name: string, value: string): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : NaN;
  if (!(number <= 0xffff_ffff)) throw wrong(name, value, 'a whole number from 0 to 4294967295');
  return number;
}

function wrong(name: string, value: string, expected: string): RequestError {
  return new RequestError(400, `${name}: got ${JSON.stringify(value)}, expected ${expected}`);
}
