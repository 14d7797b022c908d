/** The queries of `why` and `trace`: from text, as the control API and the command line get them, to values. */
import { parseAddress, parsePrefix } from '../net/address';
import { isInterfaceName } from '../net/interface-name';
import { LAST_LABEL } from '../net/labels';
import { parseProbe, PROBE_WORDS, wholeWord, WordError } from '../net/probe-words';
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

/** Throws RequestError (400). */
function whole(query: URLSearchParams, name: string, least: number, most: number, absent: number): number {
  return asRequest(() => wholeWord(name, query.get(name), { least, most, absent }));
}

/** What is wrong with a word of the query, as an answer to it. */
function asRequest<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw error instanceof WordError ? new RequestError(400, error.message) : error;
  }
}

/** A port by its index or TAP, as in `show routes --port`. */
function portQuery(query: URLSearchParams): Pick<TraceQuery, 'port'> {
  const port = query.get('port');
  if (port === null) return {};
  const isName = isInterfaceName(port) && !/^\d+$/.test(port);
  return { port: isName ? port : whole(query, 'port', 0, 65_535, 0) };
}

/** Throws RequestError (400) naming the parameter and what it may be. */
export function parseTrace(query: URLSearchParams): TraceQuery {
  only(query, [...PROBE_WORDS, 'table', 'vrf', 'port']);
  return {
    ...tableQuery(query),
    ...portQuery(query),
    ...asRequest(() => parseProbe((name) => query.get(name))),
  };
}
