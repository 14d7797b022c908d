/**
 * proto/afi/afi.proto as protobufjs knows it: its message types, whose codecs protobufjs generates from the schema, over
 * AFI's reader and writer (protobuf-io.ts). A message is a plain object with the schema's names in camel case.
 */
import { join } from 'node:path';
import * as protobuf from 'protobufjs';
import { AfiReader, AfiWriter, WireError } from './protobuf-io';

const PROTO_ROOT = join(__dirname, '..', '..', '..', 'proto', 'afi');

/** Names of the top-level messages that are encoded or decoded on their own. */
export type MessageName =
  | 'AfiSandboxName'
  | 'AfiSandboxRequest'
  | 'AfiSandboxReply'
  | 'AfiPortEvent'
  | 'AfiOperation'
  | 'AfiOperationReply'
  | 'AfiFindRequest'
  | 'AfiFindReply'
  | 'AfiNodeInfoRequest'
  | 'AfiNodeInfoReply'
  | 'AfiTestRequest'
  | 'AfiTestReply'
  | 'AfiInjectRequest'
  | 'AfiInjectReply'
  | 'AftInsert'
  | 'AftRemove'
  | 'AftNode'
  | 'AftEntry'
  | 'AftBind';

const types = new Map<MessageName, protobuf.Type>();
let root: protobuf.Root | undefined;

/** The schema, loaded when the first message comes. */
function schema(): protobuf.Root {
  if (root !== undefined) return root;
  root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(PROTO_ROOT, target);
  root.loadSync('afi.proto').resolveAll();
  numbersByDefault(root);
  return root;
}

/** An absent 64-bit field is the number 0; protobufjs would have it a Long. */
function numbersByDefault(namespace: protobuf.NamespaceBase): void {
  for (const nested of namespace.nestedArray) {
    if (nested instanceof protobuf.Type) {
      const prototype = (nested.ctor as { readonly prototype: Record<string, unknown> }).prototype;
      for (const field of nested.fieldsArray) if (field.long && !field.repeated) prototype[field.name] = 0;
    }
    if (nested instanceof protobuf.Namespace) numbersByDefault(nested);
  }
}

/** A message type of package fpm2afi.afi. */
export function messageType(name: MessageName): protobuf.Type {
  let type = types.get(name);
  if (type === undefined) types.set(name, (type = schema().lookupType(`fpm2afi.afi.${name}`)));
  return type;
}

/** The bytes of a message. Values of undefined aren't written. */
export function encodeMessage(name: MessageName, message: object): Buffer {
  return messageType(name).encode(message, new AfiWriter()).finish() as Buffer;
}

/** Decodes bytes and turns the message into a value. Whatever is wrong with the bytes is a WireError. */
export function decodeMessage<Message, Value>(
  name: MessageName,
  bytes: Buffer,
  convert: (message: Message) => Value,
): Value {
  return reading(new AfiReader(bytes), (reader) => convert(messageType(name).decode(reader) as unknown as Message));
}

/** Runs `read`; its failures are WireErrors that name the fields that this version didn't know. */
export function reading<Value>(reader: AfiReader, read: (reader: AfiReader) => Value): Value {
  try {
    return read(reader);
  } catch (error) {
    // protobufjs throws errors of several kinds for bytes that it can't read.
    const { message } = error as Error;
    const unknown = reader.skipped.size === 0 ? '' : ` (unknown fields: ${[...reader.skipped].join(', ')})`;
    if (error instanceof WireError && unknown === '') throw error;
    if (error instanceof WireError || error instanceof RangeError || (error as Error).constructor === Error) {
      throw new WireError(message + unknown);
    }
    throw error;
  }
}
