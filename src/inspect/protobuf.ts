/**
 * A frame of FPM's protobuf encoding in words: all fields that the schema knows, by their names there, and what the
 * project's decoder made of them.
 */
import type { FpmUpdate } from '../fib/updates';
import { decodeProtobuf, fpmMessageType } from '../fpm/protobuf/decoder';
import { formatAddress } from '../net/address';
import { hexOf } from './attributes';
import type { Verdict } from './message';

/** A message as an object of the schema's names; bytes in hex, enumerations by name. */
export interface ProtobufView {
  readonly message: string;
  /** From the start of the stream to the frame's payload. */
  readonly offset: number;
  readonly length: number;
  readonly prefix?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly hex?: string;
  readonly decoder: Verdict;
}

/** Describes the payload of a frame, which starts at `offset` of the stream. */
export function describeProtobuf(payload: Buffer, offset: number): ProtobufView {
  const updates: FpmUpdate['kind'][] = [];
  let decoder: Verdict = { updates };
  decodeProtobuf(payload, 0, payload.length, {
    update: (update) => void updates.push(update.kind),
    message: () => undefined,
    skipped: (reason) => (decoder = { skipped: reason }),
    malformed: (reason, at) => (decoder = { malformed: reason, offset: offset + at, hex: hexOf(payload) }),
  });
  const head = { offset, length: payload.length, decoder };
  let fields: Readonly<Record<string, unknown>>;
  try {
    const type = fpmMessageType();
    const plain: unknown = type.toObject(type.decode(payload), { enums: String, longs: String });
    fields = readable(plain) as Readonly<Record<string, unknown>>;
  } catch {
    // The decoder's verdict says what is wrong.
    return { message: 'unreadable', hex: hexOf(payload), ...head };
  }
  const prefix = prefixIn(fields);
  const message = typeof fields.type === 'string' ? fields.type : `message type ${String(fields.type)}`;
  return { message, ...(prefix !== undefined && { prefix }), fields, ...head };
}

/** The same with bytes in hex. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return hexOf(value);
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}

/** The prefix of a route, as text. */
function prefixIn(fields: unknown): string | undefined {
  const route = at(fields, 'addRoute') ?? at(fields, 'deleteRoute');
  const length = at(route, 'key', 'prefix', 'length');
  const hex = at(route, 'key', 'prefix', 'bytes');
  if (typeof length !== 'number') return undefined;
  const size = at(route, 'addressFamily') === 'IPV6' ? 16 : 4;
  const bytes = Buffer.alloc(size);
  if (typeof hex === 'string') Buffer.from(hex, 'hex').copy(bytes);
  return `${formatAddress(bytes)}/${length}`;
}
