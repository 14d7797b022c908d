/**
 * How the parts of AFT values look in messages, each in both directions: a `Part` turns a property of a value into a field
 * of a message and back, and a `Shape` has one for every property of a value, so that none is forgotten.
 *
 * Defaults of proto3 aren't written. What the model can't hold (a key without data, an address of the wrong size, a number
 * that an enum doesn't have) is a WireError.
 */
import { FIELD_NAMES, type AftData, type AftEntry, type AftField, type AftKey, type AftParams } from './model';
import { WireError } from './protobuf-io';

/** One property of a value as a field of a message. */
export interface Part<Value> {
  /** Undefined: not written. */
  readonly to: (value: Value) => unknown;
  readonly from: (raw: unknown) => Value;
}

/** A part for every property. The properties have the names of the schema. */
export type Shape<Value> = { readonly [P in keyof Value]-?: Part<Value[P]> };

/** The message of a value. */
export function toMessage<Value>(shape: Shape<Value>, value: Value): object {
  const message: Record<string, unknown> = {};
  for (const name in shape) message[name] = shape[name].to(value[name]);
  return message;
}

/** The value of a message; properties that are undefined are left out. */
export function fromMessage<Value>(shape: Shape<Value>, message: unknown): Value {
  const value: Partial<Value> = {};
  addFromMessage(shape, message, value);
  return value as Value;
}

/** Likewise, to a value that has others. */
export function addFromMessage<Value>(shape: Shape<Value>, message: unknown, value: Partial<Value>): void {
  for (const name in shape) {
    const found = shape[name].from((message as Record<string, unknown>)[name]);
    if (found !== undefined) value[name] = found;
  }
}

function unlessDefault(value: number | string | boolean): unknown {
  return value === 0 || value === '' || value === false ? undefined : value;
}

function asNumber(raw: unknown): number {
  return raw as number;
}

/** A token, TOKEN_NONE included. */
export const token: Part<number> = { to: unlessDefault, from: asNumber };
/** An unsigned integer below 2^53. */
export const count: Part<number> = {
  to: unlessDefault,
  from: (raw) => (asNumber(raw) < 0 ? fail('value beyond 2^53') : asNumber(raw)),
};
/** An unsigned integer of 32 bits. */
export const uint32: Part<number> = token;
export const flag: Part<boolean> = { to: unlessDefault, from: (raw) => raw as boolean };
export const text: Part<string> = { to: unlessDefault, from: (raw) => raw as string };
export const bytes: Part<Uint8Array> = {
  to: (value) => (value.length === 0 ? undefined : value),
  from: (raw) => Uint8Array.from(raw as Uint8Array),
};
export const tokens: Part<readonly number[]> = { to: (value) => value, from: (raw) => [...(raw as number[])] };

/** Names that stand for the numbers of an enum, from 0 on. */
export function choice<Name extends string>(what: string, names: readonly Name[]): Part<Name> {
  return {
    to: (name) => unlessDefault(names.indexOf(name)),
    from: (raw) => names[asNumber(raw)] ?? fail(`unknown ${what} ${asNumber(raw)}`),
  };
}

/** A message within a message. */
export function nested<Value>(what: string, shape: Shape<Value>): Part<Value> {
  return {
    to: (value) => toMessage(shape, value),
    from: (raw) => (raw === null || raw === undefined ? fail(`no ${what}`) : fromMessage(shape, raw)),
  };
}

/** Any number of messages. */
export function many<Value>(part: Part<Value>): Part<readonly Value[]> {
  return { to: (values) => values.map(part.to), from: (raw) => (raw as unknown[]).map(part.from) };
}

function fail(message: string): never {
  throw new WireError(message);
}

function fieldOf(raw: unknown): AftField {
  return asNumber(raw) in FIELD_NAMES ? asNumber(raw) : fail(`unknown packet field ${asNumber(raw)}`);
}
export const field: Part<AftField> = { to: unlessDefault, from: fieldOf };
export const fields: Part<readonly AftField[]> = {
  to: (value) => value,
  from: (raw) => (raw as number[]).map(fieldOf),
};

const MAX_LABEL = 0xfffff;

/** AftData as protobufjs decodes it: the oneof's name, and what it chose. */
interface DataMessage {
  readonly value?: AftData['kind'];
  readonly int: number;
  readonly bool: boolean;
  readonly string: string;
  readonly prefix: { readonly bytes: Uint8Array; readonly length: number };
  readonly ip4: Uint8Array;
  readonly ip6: Uint8Array;
  readonly ether: Uint8Array;
  readonly label: number;
}

function dataMessage(value: AftData): object {
  switch (value.kind) {
    case 'int':
      return { int: value.value };
    case 'bool':
      return { bool: value.value };
    case 'string':
      return { string: value.value };
    case 'prefix':
      return { prefix: { bytes: bytes.to(value.bytes), length: unlessDefault(value.length) } };
    case 'ip4':
      return { ip4: value.bytes };
    case 'ip6':
      return { ip6: value.bytes };
    case 'ether':
      return { ether: value.bytes };
    case 'label':
      return { label: value.value };
  }
}

function sized(value: Uint8Array, size: number, what: string): Uint8Array {
  return value.length === size ? value : fail(`${what} of ${value.length} bytes, not ${size}`);
}

function prefixOf({ bytes: address, length }: DataMessage['prefix']): AftData {
  if ((address.length !== 4 && address.length !== 16) || length > address.length * 8) {
    fail(`prefix of ${address.length} bytes, length ${length}`);
  }
  return { kind: 'prefix', bytes: address, length };
}

function dataOf(message: DataMessage): AftData {
  const kind = message.value;
  switch (kind) {
    case 'int':
      return { kind, value: message.int };
    case 'bool':
      return { kind, value: message.bool };
    case 'string':
      return { kind, value: message.string };
    case 'prefix':
      return prefixOf(message.prefix);
    case 'ip4':
      return { kind, bytes: sized(message.ip4, 4, 'IPv4 address') };
    case 'ip6':
      return { kind, bytes: sized(message.ip6, 16, 'IPv6 address') };
    case 'ether':
      return { kind, bytes: sized(message.ether, 6, 'Ethernet address') };
    case 'label':
      return message.label > MAX_LABEL ? fail(`label ${message.label} beyond 20 bits`) : { kind, value: message.label };
    case undefined:
      return fail('data without a value');
  }
}

export const data: Part<AftData> = {
  to: dataMessage,
  from: (raw) => (raw === null || raw === undefined ? fail('no data') : dataOf(raw as DataMessage)),
};

/** AftKey as protobufjs decodes it. */
interface KeyMessage {
  readonly field: number;
  readonly data?: unknown;
}

// Keys and entries are spelled out rather than shapes: a find lists a million of them.
export const key: Part<AftKey> = {
  to: (value) => ({ field: unlessDefault(value.field), data: dataMessage(value.data) }),
  from(raw) {
    if (raw === null || raw === undefined) return fail('no key');
    const message = raw as KeyMessage;
    return { field: fieldOf(message.field), data: data.from(message.data) };
  },
};

/** A name that would mean something to JavaScript objects is nobody's: ignored. */
export const params: Part<AftParams | undefined> = {
  to: (value) => value && Object.keys(value).map((name) => ({ name: text.to(name), data: dataMessage(value[name]!) })),
  from(raw) {
    const list = raw as readonly { readonly name: string; readonly data: unknown }[];
    if (list.length === 0) return undefined;
    const found: Record<string, AftData> = {};
    for (const param of list) {
      const value = data.from(param.data);
      if (param.name !== '__proto__') found[param.name] = value;
    }
    return found;
  },
};

/** Text that is absent when empty. */
export const optionalText: Part<string | undefined> = {
  to: (value) => (value === '' ? undefined : value),
  from: (raw) => (raw === '' ? undefined : (raw as string)),
};

/** AftEntry as protobufjs decodes it. */
interface EntryMessage {
  readonly parent: number;
  readonly key?: unknown;
  readonly next: number;
  readonly params: readonly unknown[];
}

export const entry: Part<AftEntry> = {
  to: (value) => ({
    parent: unlessDefault(value.parent),
    key: key.to(value.key),
    next: unlessDefault(value.next),
    params: params.to(value.params),
  }),
  from(raw) {
    const message = raw as EntryMessage;
    const plain = { parent: message.parent, key: key.from(message.key), next: message.next };
    const found = params.from(message.params);
    return found === undefined ? plain : { ...plain, params: found };
  },
};
