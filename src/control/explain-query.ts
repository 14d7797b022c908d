/** The queries of `why` and `trace`: from text, as the control API and the command line get them, to values. */
import { parseAddress, parsePrefix } from '../net/address';
import { TRACE_PROTOCOLS } from './explain-types';
import type { TraceQuery, WhyQuery } from './explain-types';
import { RequestError } from './filter';

function refuse(name: string, value: string | null, expected: string): never {
  throw new RequestError(400, value === null ? `${name}: missing` : `${name}: ${value} is not ${expected}`);
}

function only(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) throw new RequestError(400, `${name}: unknown parameter, known: ${known.join(', ')}`);
  }
}

/** `where`: a prefix or an address. Throws RequestError (400). */
export function parseWhy(query: URLSearchParams): WhyQuery {
  only(query, ['where']);
  const where = query.get('where');
  const prefix = where?.includes('/') === true ? parsePrefix(where) : undefined;
  if (prefix !== undefined) return { prefix };
  const address = where === null ? undefined : parseAddress(where);
  return address === undefined
    ? refuse('where', where, 'a prefix such as 10.0.255.0/24 or an address such as 10.0.255.1')
    : { address };
}

function whole(query: URLSearchParams, name: string, least: number, most: number, absent: number): number {
  const text = query.get(name);
  if (text === null) return absent;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= most ? value : refuse(name, text, `a whole number from ${least} to ${most}`);
}

function address(query: URLSearchParams, name: string): Uint8Array {
  const text = query.get(name);
  const bytes = text === null ? undefined : parseAddress(text);
  return bytes ?? refuse(name, text, 'an IPv4 or IPv6 address');
}

/** Throws RequestError (400) naming the parameter and what it may be. */
export function parseTrace(query: URLSearchParams): TraceQuery {
  only(query, ['src', 'dst', 'port', 'proto', 'sport', 'dport', 'ttl', 'flowlabel', 'size']);
  const source = address(query, 'src');
  const destination = address(query, 'dst');
  if (source.length !== destination.length) {
    throw new RequestError(400, 'src and dst: one is IPv4 and the other IPv6');
  }
  const proto = query.get('proto') ?? 'udp';
  const protocol = TRACE_PROTOCOLS.find((known) => known === proto);
  return {
    source,
    destination,
    ...(query.has('port') ? { port: whole(query, 'port', 0, 65_535, 0) } : {}),
    protocol: protocol ?? refuse('proto', proto, `one of ${TRACE_PROTOCOLS.join(', ')}`),
    sourcePort: whole(query, 'sport', 0, 65_535, 50_000),
    destinationPort: whole(query, 'dport', 0, 65_535, 33_434),
    ttl: whole(query, 'ttl', 0, 255, 64),
    flowLabel: whole(query, 'flowlabel', 0, 0xfffff, 0),
    size: whole(query, 'size', 0, 9000, 0),
  };
}
