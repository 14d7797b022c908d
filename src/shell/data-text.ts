/**
 * AFT values, fields and keys as the shell writes them, both ways: `10.0.0.0/8`, `2001:db8::1`, `02:00:00:00:00:01`, `42`, `0x800`,
 * `true`, `label:100`, `"text"`. What is written is read as the same value.
 */
import { AftField, FIELD_NAMES, type AftData, type AftKey } from '../aft/model';
import { routeField } from '../aft/prefix-batch';
import { nearest } from '../config/nearest';
import { formatAddress, formatMac, formatPrefix, parseAddress, parseMac } from '../net/address';
import { ethertypeText } from '../net/ethertypes';
import { UsageError } from '../net/error-text';
import { isQuoted, splitPair, unquote } from './words';

const LABEL = 'label:';
const FIELDS: ReadonlyMap<string, AftField> = new Map(
  Object.entries(FIELD_NAMES).map(([number, name]) => [name, Number(number) as AftField]),
);

/** An integer, also hexadecimal; undefined: it is none, or too large. */
export function integerOf(text: string): number | undefined {
  const value = /^(-?\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The value that a word stands for; undefined: none. */
export function dataOf(text: string): AftData | undefined {
  if (isQuoted(text)) return { kind: 'string', value: unquote(text) };
  if (text === 'true' || text === 'false') return { kind: 'bool', value: text === 'true' };
  const value = integerOf(text);
  // -0 is no integer of the wire.
  if (value !== undefined) return { kind: 'int', value: value + 0 };
  if (text.startsWith(LABEL)) {
    const label = integerOf(text.slice(LABEL.length));
    return label === undefined ? undefined : { kind: 'label', value: label };
  }
  const mac = parseMac(text);
  if (mac !== undefined) return { kind: 'ether', bytes: mac };
  const [address, length] = text.split('/', 2);
  const bytes = parseAddress(address!);
  if (bytes === undefined) return undefined;
  if (length === undefined) return { kind: bytes.length === 4 ? 'ip4' : 'ip6', bytes };
  // Host bits stay, for the server to refuse.
  if (!/^\d{1,3}$/.test(length) || text.split('/').length > 2) return undefined;
  return { kind: 'prefix', bytes, length: Number(length) };
}

/** @throws UsageError naming `what` */
export function parseData(what: string, text: string): AftData {
  const data = dataOf(text);
  if (data !== undefined) return data;
  const kinds = '42, 0x800, true, 10.0.0.1, 10.0.0.0/8, 2001:db8::/32, 02:00:00:00:00:01, label:100 or "text"';
  throw new UsageError(`${what}: ${text} is no value, such as ${kinds}`);
}

export function formatData(data: AftData): string {
  switch (data.kind) {
    case 'int':
    case 'bool':
      return String(data.value);
    case 'string':
      return JSON.stringify(data.value);
    case 'label':
      return `${LABEL}${data.value}`;
    case 'prefix':
      return formatPrefix(data);
    case 'ip4':
    case 'ip6':
      return formatAddress(data.bytes);
    case 'ether':
      return formatMac(data.bytes);
  }
}

/** A field by its name, such as `packet.ip4.daddr`; undefined: there is none. */
export function fieldOf(name: string): AftField | undefined {
  return FIELDS.get(name);
}

/** @throws UsageError naming `what` */
export function parseField(what: string, name: string): AftField {
  const field = fieldOf(name);
  if (field !== undefined) return field;
  const meant = nearest(name, [...FIELDS.keys()]);
  const hint = meant === undefined ? `there are ${[...FIELDS.keys()].slice(1).join(', ')}` : `did you mean ${meant}?`;
  throw new UsageError(`${what}: there is no field ${name}; ${hint}`);
}

/** The field that the key of a route has. */
function keyFieldOf(data: AftData): AftField {
  if (data.kind !== 'prefix') return AftField.None;
  return routeField(data.bytes.length);
}

/**
 * The key of an entry: a value by itself, or `FIELD=VALUE` where the field isn't clear: in trees by source addresses.
 * @throws UsageError
 */
export function parseKey(what: string, text: string): AftKey {
  const pair = splitPair(text);
  if (pair === undefined) {
    const data = parseData(what, text);
    return { field: keyFieldOf(data), data };
  }
  return { field: parseField(what, pair.name), data: parseData(what, pair.value) };
}

/** As `parseKey` reads it. `of`: the field by which the entry is found, where the key doesn't say. */
export function formatKey({ field, data }: AftKey, of?: AftField): string {
  const isType = field === AftField.EtherType || (field === AftField.None && of === AftField.EtherType);
  const value = isType && data.kind === 'int' && data.value >= 0 ? ethertypeText(data.value) : formatData(data);
  return field === keyFieldOf(data) ? value : `${FIELD_NAMES[field]}=${value}`;
}
