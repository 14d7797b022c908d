/** The queries of `why` and `trace`: from text, as the control API and the command line get them, to values. */
import { parseAddress, parsePrefix } from '../net/address';
import { TRACE_PROTOCOLS } from './explain-types';
import type { TraceQuery, WhyQuery } from './explain-types';
import { RequestError } from './filter';
import type { TableQuery } from './types';

function refuse(name: string, value: string | null, expected: string): never {
  throw new RequestError(400, value === null ? `${name}: missing` : `${name}: ${value} is not ${expected}`);
}

function only(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) throw new RequestError(400, `${name}: unknown parameter, known: ${known.join(', ')}`);
  }
}

const LAST_LABEL = 0xfffff;
/** As many as zebra takes of a route (FRR's MPLS_MAX_LABELS). */
const MOST_LABELS = 16;

/** `where`: a prefix, an address, or an MPLS label. Throws RequestError (400). */
export function parseWhy(query: URLSearchParams): WhyQuery {
  only(query, ['where', 'table', 'vrf']);
  const asked = tableQuery(query);
  const where = query.get('where');
  if (where !== null && /^\d+$/.test(where)) return labelQuery(query, asked);
  const prefix = where?.includes('/') === true ? parsePrefix(where) : undefined;
  if (prefix !== undefined) return { ...asked, prefix };
  const address = where === null ? undefined : parseAddress(where);
  return address === undefined
    ? refuse('where', where, 'a prefix such as 10.0.255.0/24, an address such as 10.0.255.1 or a label such as 16')
    : { ...asked, address };
}

/** Labels belong to no VRF. */
function labelQuery(query: URLSearchParams, { table, vrf }: TableQuery): WhyQuery {
  const label = whole(query, 'where', 0, LAST_LABEL, 0);
  if (table !== undefined || vrf !== undefined)
    throw new RequestError(400, 'where: labels are the same for all tables');
  return { label };
}

/** `table`, `vrf`, or neither. */
function tableQuery(query: URLSearchParams): TableQuery {
  const vrf = query.get('vrf');
  return {
    ...(query.has('table') ? { table: whole(query, 'table', 0, 0xffff_ffff, 0) } : {}),
    ...(vrf === null ? {} : { vrf }),
  };
}

function whole(query: URLSearchParams, name: string, least: number, most: number, absent: number): number {
  const text = query.get(name);
  if (text === null) return absent;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= most ? value : refuse(name, text, `a whole number from ${least} to ${most}`);
}

function address(query: URLSearchParams, name: string): Uint8Array {
  const text = query.get(name);
  const bytes = text === null ? undefined : parseAddress(text);
  return bytes ?? refuse(name, text, 'an IPv4 or IPv6 address');
}

/** Throws RequestError (400) naming the parameter and what it may be. */
export function parseTrace(query: URLSearchParams): TraceQuery {
  only(query, ['src', 'dst', 'table', 'vrf', 'port', 'proto', 'sport', 'dport', 'ttl', 'flowlabel', 'size', 'labels']);
  const source = address(query, 'src');
  const destination = address(query, 'dst');
  if (source.length !== destination.length) {
    throw new RequestError(400, 'src and dst: one is IPv4 and the other IPv6');
  }
  const proto = query.get('proto') ?? 'udp';
  const protocol = TRACE_PROTOCOLS.find((known) => known === proto);
  return {
    ...tableQuery(query),
    source,
    destination,
    ...(query.has('port') ? { port: whole(query, 'port', 0, 65_535, 0) } : {}),
    protocol: protocol ?? refuse('proto', proto, `one of ${TRACE_PROTOCOLS.join(', ')}`),
    sourcePort: whole(query, 'sport', 0, 65_535, 50_000),
    destinationPort: whole(query, 'dport', 0, 65_535, 33_434),
    ttl: whole(query, 'ttl', 0, 255, 64),
    flowLabel: whole(query, 'flowlabel', 0, 0xfffff, 0),
    size: whole(query, 'size', 0, 9000, 0),
    ...(query.has('labels') ? { labels: labelStack(query.get('labels')!) } : {}),
  };
}

/** `100/200`, the outermost label first. */
function labelStack(text: string): number[] {
  const labels = /^\d{1,7}(\/\d{1,7})*$/.test(text) ? text.split('/').map(Number) : [];
  return labels.length > 0 && labels.length <= MOST_LABELS && labels.every((label) => label <= LAST_LABEL)
    ? labels
    : refuse('labels', text, `labels from 0 to ${LAST_LABEL}, the outermost first, as 100/200; ${MOST_LABELS} at most`);
}
