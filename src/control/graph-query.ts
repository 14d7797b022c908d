/** The query of `graph`, from text. */
import { parsePrefix, type Prefix } from '../net/address';
import { RequestError } from './filter';
import type { GraphQuery } from './graph-types';

export const GRAPH_LIMIT = 200;
const MOST_NODES = 5000;
const MOST_PREFIXES = 100;

/** `prefix`, several times, and `limit`. @throws RequestError 400 */
export function parseGraph(query: URLSearchParams): GraphQuery {
  for (const name of query.keys()) {
    if (name !== 'prefix' && name !== 'limit')
      throw new RequestError(400, `${name}: unknown parameter, known: prefix, limit`);
  }
  const prefixes = query.getAll('prefix').map(prefixOf);
  if (prefixes.length > MOST_PREFIXES) throw new RequestError(400, `prefix: at most ${MOST_PREFIXES} at a time`);
  const text = query.get('limit') ?? String(GRAPH_LIMIT);
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  if (!(limit >= 1 && limit <= MOST_NODES)) {
    throw new RequestError(400, `limit: ${text} is not a whole number from 1 to ${MOST_NODES}`);
  }
  return { prefixes, limit };
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new RequestError(400, `prefix: ${text} is not a prefix such as 10.0.255.0/24`);
  return prefix;
}
