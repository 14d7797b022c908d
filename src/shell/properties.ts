/**
 * What each kind of node has, as the shell writes it: a property is `NAME=VALUE`, its name that of the model (src/aft/model.ts). A kind
 * or a property that is missing here doesn't compile.
 */
import {
  AftField,
  FIELD_NAMES,
  PuntReason,
  TOKEN_NONE,
  type AftData,
  type AftKey,
  type AftNode,
  type AftNodeType,
  type Token,
} from '../aft/model';
import { nearest } from '../config/nearest';
import { formatData, integerOf, parseData, parseField, parseKey } from './data-text';
import { formatToken, parseToken, type TokenLabels, type TokenNames } from './tokens';
import { UsageError } from '../net/error-text';
import { quoteWhereNeeded, splitList, splitPair, unquote } from './words';

/** A property's value, both ways. `what` is for messages: which one of which node. */
export interface Property<Value> {
  parse(what: string, text: string, names: TokenNames): Value;
  format(value: Value, labels: TokenLabels | undefined): string;
  /** What it is where nothing is said; absent: it has to be there. */
  readonly otherwise?: Value;
  /** Words for the help. */
  readonly shape: string;
  /** The nodes that a value names; absent: it names none. */
  readonly tokens?: (value: Value) => readonly Token[];
}

type Common = 'token' | 'name' | 'next' | 'params';
type Body<Kind extends AftNodeType> = Omit<Extract<AftNode, { type: Kind }>, Common | 'type'>;
/** The properties of a kind, in the order in which they are written. */
export type Properties<Value> = { readonly [P in keyof Value]-?: Property<Value[P]> };

const token: Property<Token> = {
  parse: parseToken,
  format: formatToken,
  shape: 'NODE',
  tokens: (value) => [value],
};
const orNone: Property<Token> = { ...token, otherwise: TOKEN_NONE };

const tokens: Property<readonly Token[]> = {
  parse: (what, text, names) => splitList(text).map((part) => parseToken(what, part, names)),
  format: (value, labels) => value.map((one) => formatToken(one, labels)).join(','),
  otherwise: [],
  shape: 'NODE,NODE…',
  tokens: (value) => value,
};

function count(most: number): Property<number> {
  return {
    parse(what, text) {
      const value = integerOf(text);
      if (value !== undefined && value >= 0 && value <= most) return value;
      throw new UsageError(`${what}: ${text} is not a whole number from 0 to ${most}`);
    },
    format: String,
    shape: 'N',
  };
}
const large = count(Number.MAX_SAFE_INTEGER);
const small = count(0xffff_ffff);

const flag: Property<boolean> = {
  parse(what, text) {
    if (text === 'true' || text === 'false') return text === 'true';
    throw new UsageError(`${what}: ${text} is neither true nor false`);
  },
  format: String,
  otherwise: false,
  shape: 'true|false',
};

const text: Property<string> = {
  parse: (_what, written) => unquote(written),
  format: (value) => quoteWhereNeeded(value),
  shape: 'TEXT',
};

const field: Property<AftField> = { parse: parseField, format: (value) => FIELD_NAMES[value], shape: 'FIELD' };

const fields: Property<readonly AftField[]> = {
  parse: (what, list) => splitList(list).map((name) => parseField(what, name)),
  format: (value) => value.map((one) => FIELD_NAMES[one]).join(','),
  otherwise: [],
  shape: 'FIELD,FIELD…',
};

const data: Property<AftData> = { parse: parseData, format: formatData, shape: 'VALUE' };

const key: Property<AftKey> = {
  parse(what, written) {
    if (splitPair(written) !== undefined) return parseKey(what, written);
    throw new UsageError(`${what}: ${written} is not FIELD=VALUE, such as packet.ip4.ttl=64`);
  },
  // The field is always there: a route's key does without.
  format: (value) => `${FIELD_NAMES[value.field]}=${formatData(value.data)}`,
  shape: 'FIELD=VALUE',
};

const keys: Property<readonly AftKey[]> = {
  parse: (what, list, names) => splitList(list).map((one) => key.parse(what, one, names)),
  format: (value, labels) => value.map((one) => key.format(one, labels)).join(','),
  otherwise: [],
  shape: 'FIELD=VALUE,…',
};

function choice<Name extends string>(names: readonly Name[]): Property<Name> {
  return {
    parse(what, written) {
      const found = names.find((name) => name === written);
      if (found !== undefined) return found;
      throw new UsageError(`${what}: ${written} is none of ${names.join(', ')}`);
    },
    format: String,
    otherwise: names[0]!,
    shape: names.join('|'),
  };
}

/** Why the host gets a packet: by number, or as PuntReason has it. */
const code: Property<number> = {
  parse(what, written, names) {
    const named = Object.entries(PuntReason).find(([name]) => name.toLowerCase() === written.toLowerCase())?.[1];
    return typeof named === 'number' ? named : small.parse(what, written, names);
  },
  format: String,
  shape: 'REASON',
};

/** What each kind has beside token, name, next and parameters. */
export const KIND_PROPERTIES: { readonly [Kind in AftNodeType]: Properties<Body<Kind>> } = {
  discard: {},
  list: { tokens },
  indexedList: { tokens },
  counter: { bytes: { ...large, otherwise: 0 }, packets: { ...large, otherwise: 0 } },
  policer: { rate: large, burst: large, packetMode: flag },
  match: {
    field,
    op: choice(['eq', 'ne', 'lt', 'le', 'gt', 'ge']),
    value: data,
    trueNext: orNone,
    falseNext: orNone,
  },
  switch: { field, defaultNext: orNone },
  tree: { fields: { ...fields, otherwise: [AftField.PacketLookupKey] }, defaultNext: orNone },
  table: { fields, size: large, defaultNext: orNone },
  lookup: { container: token, fields },
  indirect: { target: token },
  loadBalance: { max: small, fields },
  encap: { template: text, keys },
  decap: { template: text },
  receive: { code, context: { ...small, otherwise: 0 } },
  write: { key, op: choice(['set', 'or', 'and', 'xor']) },
  inputPort: { index: small },
  outputPort: { index: small },
  sandboxLink: { sandbox: text, port: small },
};

/** The kinds of nodes, by name. */
export const KINDS = Object.keys(KIND_PROPERTIES) as readonly AftNodeType[];

/** @throws UsageError that says what was meant */
export function parseKind(word: string): AftNodeType {
  const kind = KINDS.find((known) => known.toLowerCase() === word.toLowerCase());
  if (kind !== undefined) return kind;
  const meant = nearest(word, KINDS);
  throw new UsageError(
    `there is no node kind ${word}; ${meant === undefined ? `there are ${KINDS.join(', ')}` : `did you mean ${meant}?`}`,
  );
}

/** The properties of a kind by name. */
export function propertiesOf(kind: AftNodeType): Readonly<Record<string, Property<unknown>>> {
  return KIND_PROPERTIES[kind] as Readonly<Record<string, Property<unknown>>>;
}

/** A kind in a line, for the help: `indirect target=NODE`. */
export function kindUsage(kind: AftNodeType): string {
  const words = Object.entries(propertiesOf(kind)).map(([name, { shape, otherwise }]) =>
    otherwise === undefined ? `${name}=${shape}` : `[${name}=${shape}]`,
  );
  return [kind, ...words].join(' ');
}
