/**
 * Which route a protobuf message is about that protobufjs refuses to decode as a whole: it reads field by field, and stops at
 * the first that can't be. The numbers are those of proto/fpm.proto and proto/qpb/qpb.proto.
 */
import { Reader } from 'protobufjs';

/** What names a route, in fpm.AddRoute and fpm.DeleteRoute. */
export interface RouteName {
  readonly vrfId: number;
  readonly addressFamily: number;
  readonly subAddressFamily: number;
  readonly key: { readonly prefix?: { readonly length: number; readonly bytes: Uint8Array } | null };
}

/** Fields of fpm.Message. */
const [TYPE, ADD_ROUTE, DELETE_ROUTE] = [1, 2, 3] as const;
/** Fields of fpm.AddRoute and fpm.DeleteRoute; `PROTOCOL` of the former only. */
const [VRF_ID, FAMILY, SUB_FAMILY, KEY, PROTOCOL] = [1, 2, 3, 4, 6] as const;
const PREFIX = 1;
const [PREFIX_LENGTH, PREFIX_BYTES] = [1, 2] as const;
const [VARINT, LENGTH_DELIMITED] = [0, 2] as const;

type Fields = ReadonlyMap<number, number | Uint8Array>;

/** The numbers and byte strings up to the first fault; of several of a field the last. A byte string that is cut counts so far. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, number | Uint8Array>();
  const reader = Reader.create(bytes);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if ((tag & 7) === VARINT) fields.set(tag >>> 3, reader.uint32());
      else if ((tag & 7) === LENGTH_DELIMITED) {
        const end = reader.uint32() + reader.pos;
        fields.set(tag >>> 3, bytes.subarray(reader.pos, end));
        if (end > reader.len) return fields;
        reader.pos = end;
      } else reader.skipType(tag & 7);
    }
  } catch {
    // What was read before stands.
  }
  return fields;
}

const bytesAt = (fields: Fields, field: number): Uint8Array | undefined => {
  const value = fields.get(field);
  return typeof value === 'number' ? undefined : value;
};
const numberAt = (fields: Fields, field: number): number | undefined => {
  const value = fields.get(field);
  return typeof value === 'number' ? value : undefined;
};

/** Undefined where the message is about no route, or names it only in part. */
export function readRouteName(
  message: Uint8Array,
): (RouteName & { readonly isAdd: boolean; readonly protocol: number }) | undefined {
  const outer = fieldsOf(message);
  const type = numberAt(outer, TYPE);
  const isAdd = type === 1;
  const body = isAdd ? bytesAt(outer, ADD_ROUTE) : type === 2 ? bytesAt(outer, DELETE_ROUTE) : undefined;
  if (body === undefined) return undefined;
  const route = fieldsOf(body);
  const vrfId = numberAt(route, VRF_ID);
  const addressFamily = numberAt(route, FAMILY);
  const subAddressFamily = numberAt(route, SUB_FAMILY);
  const key = bytesAt(route, KEY);
  const prefix = key && bytesAt(fieldsOf(key), PREFIX);
  if (vrfId === undefined || addressFamily === undefined || subAddressFamily === undefined || !prefix) return undefined;
  const parts = fieldsOf(prefix);
  const length = numberAt(parts, PREFIX_LENGTH);
  const bytes = bytesAt(parts, PREFIX_BYTES);
  if (length === undefined || bytes === undefined) return undefined;
  const protocol = numberAt(route, PROTOCOL) ?? 0;
  return { vrfId, addressFamily, subAddressFamily, key: { prefix: { length, bytes } }, isAdd, protocol };
}
