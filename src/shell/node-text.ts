/**
 * Nodes as the shell writes them: `node 2001 encap template=ethernet packet.ether.saddr=… next=out:ge1 meta.nhid=7`. A word with a
 * dot in its name is a parameter, or a key of an encapsulation or a write where it begins with `packet.`; all others are properties.
 */
import {
  FIELD_NAMES,
  PARAM,
  TOKEN_NONE,
  type AftData,
  type AftKey,
  type AftNode,
  type AftParams,
  type Token,
} from '../aft/model';
import { nearest } from '../config/nearest';
import { dataOf, formatData, parseData, parseField } from './data-text';
import { parseKind, propertiesOf } from './properties';
import { formatToken, parseToken, type TokenLabels, type TokenNames } from './tokens';
import { UsageError } from '../net/error-text';
import { quoteWhereNeeded, splitPair, unquote } from './words';

/** Parameters that name a node. */
const TOKEN_PARAMS: ReadonlySet<string> = new Set([
  PARAM.rtTtlExpired,
  PARAM.rtMtuExceeded,
  PARAM.rtIpOptions,
  PARAM.rtLinkLocalSource,
  PARAM.labelStack,
  PARAM.mplsTtlExpired,
]);
const KEY_PREFIX = 'packet.';
/** In front of a parameter's name that isn't one by its looks. */
const PARAM_PREFIX = 'param:';
const PLAIN_PARAM = /^[a-z]\w*(\.\w+)+$/i;

function parseParam(what: string, name: string, text: string, names: TokenNames): AftData {
  const data = dataOf(text);
  if (data !== undefined) return data;
  if (TOKEN_PARAMS.has(name)) return { kind: 'int', value: parseToken(what, text, names) };
  if (/^[a-z][\w.-]*$/i.test(text)) return { kind: 'string', value: text };
  return parseData(what, text);
}

/** The name of the parameter that a word sets; undefined: it sets none. */
function paramName(written: string): string | undefined {
  if (written.startsWith(PARAM_PREFIX)) return unquote(written.slice(PARAM_PREFIX.length));
  return PLAIN_PARAM.test(written) && !written.startsWith(KEY_PREFIX) ? written : undefined;
}

/**
 * The parameters among the words of an entry, which has nothing else.
 * @throws UsageError naming `what`
 */
export function parseParams(what: string, words: readonly string[], names: TokenNames): AftParams | undefined {
  const params = new Map<string, AftData>();
  for (const word of words) {
    const pair = splitPair(word);
    const name = pair && paramName(pair.name);
    if (pair === undefined || name === undefined) {
      throw new UsageError(`${what}: ${word} is no parameter, such as ${PARAM.routeString}="text"`);
    }
    params.set(name, parseParam(`${what}: ${name}`, name, pair.value, names));
  }
  return params.size === 0 ? undefined : Object.fromEntries(params);
}

function formatParam(name: string, data: AftData, labels: TokenLabels | undefined): string {
  const plain = paramName(name) === name ? name : `${PARAM_PREFIX}${quoteWhereNeeded(name, /^[\w.]+$/)}`;
  const isToken = TOKEN_PARAMS.has(name) && data.kind === 'int' && data.value >= -1;
  return `${plain}=${isToken ? formatToken(data.value, labels) : formatData(data)}`;
}

/** As `parseParams` reads them. */
export function formatParams(params: AftParams | undefined, labels?: TokenLabels): string[] {
  return Object.entries(params ?? {}).map(([name, data]) => formatParam(name, data, labels));
}

/** The property that packet fields by themselves belong to, and whether it holds several. */
function keyProperty(type: AftNode['type']): 'keys' | 'key' | undefined {
  const known = propertiesOf(type);
  return 'keys' in known ? 'keys' : 'key' in known ? 'key' : undefined;
}

/**
 * Reads the words behind `node`: token, kind, and `NAME=VALUE` words.
 * @throws UsageError that names the node and the word
 */
export function parseNode([tokenWord, kindWord, ...words]: readonly string[], names: TokenNames): AftNode {
  const token = tokenWord !== undefined && /^\d+$/.test(tokenWord) ? Number(tokenWord) : NaN;
  if (!Number.isSafeInteger(token)) {
    throw new UsageError(`node ${tokenWord ?? ''}: a node begins with its token, such as node 2000 discard`);
  }
  if (kindWord === undefined) throw new UsageError(`node ${token}: of which kind? node ${token} discard, say`);
  const type = parseKind(kindWord);
  const what = `node ${token} ${type}`;
  const given = new Map<string, unknown>();
  const keys: AftKey[] = [];
  const params = new Map<string, AftData>();
  const set = (name: string, value: unknown): void => {
    if (given.has(name)) throw new UsageError(`${what}: ${name} is given twice`);
    given.set(name, value);
  };
  const known = propertiesOf(type);
  const keysAs = keyProperty(type);
  for (const word of words) {
    const pair = splitPair(word);
    if (pair === undefined) throw new UsageError(`${what}: ${word} is not NAME=VALUE`);
    const { name, value } = pair;
    const where = `${what}: ${name}`;
    const param = paramName(name);
    if (name === 'name') set(name, unquote(value));
    else if (name === 'next') set(name, parseToken(where, value, names));
    else if (Object.hasOwn(known, name)) set(name, known[name]!.parse(where, value, names));
    else if (keysAs !== undefined && name.startsWith(KEY_PREFIX)) {
      keys.push({ field: parseField(what, name), data: parseData(where, value) });
    } else if (param !== undefined) params.set(param, parseParam(where, param, value, names));
    else throw new UsageError(`${what}: ${unknownProperty(name, known)}`);
  }
  if (keys.length > 0) {
    if (keysAs === 'key' && keys.length > 1) throw new UsageError(`${what}: it writes one field`);
    set(keysAs!, keysAs === 'keys' ? keys : keys[0]);
  }
  const properties = Object.entries(known).map(([name, { otherwise, shape }]) => {
    const value = given.has(name) ? given.get(name) : otherwise;
    if (value === undefined) throw new UsageError(`${what}: ${name}=${shape} is missing`);
    return [name, value];
  });
  const common = ['name', 'next'].filter((name) => given.has(name)).map((name) => [name, given.get(name)]);
  const more = params.size === 0 ? {} : { params: Object.fromEntries(params) };
  return { token, type, ...Object.fromEntries([...common, ...properties]), ...more } as AftNode;
}

function unknownProperty(name: string, known: Readonly<Record<string, unknown>>): string {
  const there = [...Object.keys(known), 'name', 'next'];
  const meant = nearest(name, there);
  return `it has no ${name}; ${meant === undefined ? `it has ${there.join(', ')}, and parameters with a dot in their names` : `did you mean ${meant}?`}`;
}

/** A node in a line, as `parseNode` reads it behind `node`; what is as it would be anyway is left out. */
export function formatNode(node: AftNode, labels?: TokenLabels): string {
  const { token, type, name, next } = node;
  const values = node as unknown as Readonly<Record<string, unknown>>;
  const keysAs = keyProperty(type);
  const words = Object.entries(propertiesOf(type)).flatMap(([property, { format, otherwise }]) => {
    const value = values[property];
    const keys = property === keysAs ? ([value].flat() as readonly AftKey[]) : [];
    if (keys.length > 0 && keys.every(({ field }) => FIELD_NAMES[field].startsWith(KEY_PREFIX))) {
      return keys.map(({ field, data }) => `${FIELD_NAMES[field]}=${formatData(data)}`);
    }
    const text = format(value, labels);
    return otherwise !== undefined && text === format(otherwise, labels) ? [] : [`${property}=${text}`];
  });
  return [
    `node ${token} ${type}`,
    ...(name === undefined ? [] : [`name=${quoteWhereNeeded(name)}`]),
    ...words,
    ...(next === undefined ? [] : [`next=${formatToken(next, labels)}`]),
    ...formatParams(node.params, labels),
  ].join(' ');
}

/** The nodes that a node leads to by itself, without its entries; what isn't there is not among them. */
export function nodesNamed(node: AftNode): Token[] {
  const values = node as unknown as Readonly<Record<string, unknown>>;
  const ofKind = Object.entries(propertiesOf(node.type)).flatMap(([name, { tokens }]) => tokens?.(values[name]) ?? []);
  const ofParams = Object.entries(node.params ?? {}).flatMap(([name, data]) =>
    TOKEN_PARAMS.has(name) && data.kind === 'int' ? [data.value] : [],
  );
  return [...ofKind, ...(node.next === undefined ? [] : [node.next]), ...ofParams].filter((one) => one !== TOKEN_NONE);
}
