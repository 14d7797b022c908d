/**
 * The Operate stream's messages. An operation holds thousands of routes: their columns are coded by hand
 * (prefix-codec.ts), so its envelope, AfiOperation { AftInsert or AftRemove }, is taken apart here; all else in it, and the
 * replies, are protobufjs's.
 */
import type { AftEntry, AftError, AftErrorCode, AftInsert, AftNode, AftOperation, AftRemove, Token } from './model';
import { TOKEN_DISCARD } from './model';
import { node } from './node-kinds';
import * as part from './parts';
import { PrefixBatch, prefixEntries } from './prefix-batch';
import { encodePrefixes, readPrefix } from './prefix-codec';
import { AfiReader, AfiWriter, WireError } from './protobuf-io';
import { decodeMessage, encodeMessage, messageType, reading, type MessageName } from './schema';

export interface OperationMessage {
  readonly sandboxId: number;
  /** The client's number for the operation. */
  readonly id: number;
  /** Of the session that it belongs to (owner.ts); absent: of a client that knows no epochs. */
  readonly epoch?: number;
  readonly operation: AftOperation;
}

/** No error: the operation was applied. */
export interface OperationReply {
  readonly id: number;
  readonly error?: AftError;
}

const ERROR_CODES: readonly AftErrorCode[] = [
  'unknownParent',
  'unknownToken',
  'inUse',
  'exists',
  'unknownEntry',
  'full',
  'refused',
  'invalid',
  'noSandbox',
  'internal',
  'fenced',
  'held',
];
const ITEM_LISTS = [undefined, 'node', 'entry', 'token', 'bind'] as const;

/** AfiError as protobufjs decodes it. */
export interface ErrorMessage {
  readonly code: number;
  readonly message: string;
  readonly list: number;
  readonly index: number;
}

export function errorMessage({ code, message, item }: AftError): object {
  return {
    code: ERROR_CODES.indexOf(code) || undefined,
    message: message || undefined,
    list: item && ITEM_LISTS.indexOf(item.list),
    index: item && part.uint32.to(item.index),
  };
}

/** The server's error. A code that this version doesn't know counts as `internal` and is named in the message. */
export function errorOf(raw: ErrorMessage | null | undefined): AftError {
  if (raw === null || raw === undefined) return { code: 'internal', message: 'the server gave no reason' };
  const code = ERROR_CODES[raw.code];
  const list = ITEM_LISTS[raw.list];
  return {
    code: code ?? 'internal',
    message: code === undefined ? `${raw.message} (unknown error code ${raw.code})` : raw.message,
    ...(list && { item: { list, index: raw.index } }),
  };
}

/** The tags of AfiOperation's and its two contents' fields. */
const SANDBOX_ID = 0x08;
const ID = 0x10;
const INSERT = 0x1a;
const REMOVE = 0x22;
const EPOCH = 0x28;
const INSERT_NODES = 0x0a;
const INSERT_ENTRIES = 0x12;
const INSERT_BINDS = 0x1a;
const REMOVE_ENTRIES = 0x0a;
const REMOVE_TOKENS = 0x10;
const REMOVE_TOKENS_PACKED = 0x12;

const bind = part.nested<{ readonly port: number; readonly next: Token }>('bind', {
  port: part.uint32,
  next: part.token,
});

function encodeInsert({ nodes, entries, prefixes, binds }: AftInsert): Buffer {
  return Buffer.concat([
    encodeMessage('AftInsert', { nodes: nodes.map(node.to), entries: entries.map(part.entry.to) }),
    ...(prefixes ? [encodePrefixes(INSERT_ENTRIES, prefixes, true)] : []),
    ...(binds ? [encodeMessage('AftInsert', { binds: binds.map(bind.to) })] : []),
  ]);
}

function encodeRemove({ entries, prefixes, tokens }: AftRemove): Buffer {
  const keys = entries.map(({ parent, key }) => ({ parent: part.token.to(parent), key: part.key.to(key) }));
  return Buffer.concat([
    encodeMessage('AftRemove', { entries: keys }),
    ...(prefixes ? [encodePrefixes(REMOVE_ENTRIES, prefixes, false)] : []),
    encodeMessage('AftRemove', { tokens }),
  ]);
}

export function encodeOperation({ sandboxId, id, epoch, operation }: OperationMessage): Buffer {
  const [tag, content] =
    operation.kind === 'insert' ? [INSERT, encodeInsert(operation.insert)] : [REMOVE, encodeRemove(operation.remove)];
  const head = { sandboxId: part.uint32.to(sandboxId), id: part.token.to(id), epoch: epoch || undefined };
  return messageType('AfiOperation').encode(head, new AfiWriter()).uint32(tag).bytes(content).finish() as Buffer;
}

/** Calls `take` with each field's tag until the message ends; a false answer means: not known, skip it. */
function eachField(reader: AfiReader, end: number, take: (tag: number) => boolean): void {
  const outer = reader.len;
  reader.len = end;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag < 8) reader.fail(`bad protobuf tag ${tag}`);
    if (!take(tag)) reader.skipType(tag & 7);
  }
  reader.len = outer;
}

/** Reads a message that protobufjs decodes, of the length that is next. */
function readMessage(reader: AfiReader, name: MessageName): unknown {
  return messageType(name).decode(reader, reader.size());
}

/** The entries of an operation: a batch as long as all of them are plain routes of one tree, else objects. */
class Entries {
  list: AftEntry[] = [];
  batch: PrefixBatch | undefined;

  /** Reads one, of a message of so many bytes. */
  read(reader: AfiReader, bytes: number): void {
    if (this.list.length === 0) {
      this.batch ??= new PrefixBatch(TOKEN_DISCARD, Math.ceil(bytes / LEAST_ENTRY_BYTES));
      if (readPrefix(reader, this.batch)) return;
    }
    if (this.batch !== undefined) {
      this.list = prefixEntries(this.batch);
      this.batch = undefined;
    }
    this.list.push(part.entry.from(readMessage(reader, 'AftEntry')));
  }
}

/** Bytes that an IPv4 route takes on the wire at the least, more or less. */
const LEAST_ENTRY_BYTES = 22;

function readInsert(reader: AfiReader): AftInsert {
  const length = reader.size();
  const nodes: AftNode[] = [];
  const entries = new Entries();
  const binds: { readonly port: number; readonly next: Token }[] = [];
  eachField(reader, reader.pos + length, (tag) => {
    if (tag === INSERT_ENTRIES) entries.read(reader, length);
    else if (tag === INSERT_NODES) nodes.push(node.from(readMessage(reader, 'AftNode')));
    else if (tag === INSERT_BINDS) binds.push(bind.from(readMessage(reader, 'AftBind')));
    else return false;
    return true;
  });
  const { list, batch } = entries;
  return { nodes, entries: list, ...(batch && { prefixes: batch }), ...(binds.length > 0 && { binds }) };
}

function readRemove(reader: AfiReader): AftRemove {
  const length = reader.size();
  const entries = new Entries();
  const tokens: Token[] = [];
  eachField(reader, reader.pos + length, (tag) => {
    if (tag === REMOVE_ENTRIES) entries.read(reader, length);
    else if (tag === REMOVE_TOKENS) tokens.push(reader.token());
    else if (tag === REMOVE_TOKENS_PACKED) {
      const size = reader.size();
      const end = reader.pos + size;
      while (reader.pos < end) tokens.push(reader.token());
      if (reader.pos > end) reader.fail('message cut short');
    } else return false;
    return true;
  });
  const { list, batch } = entries;
  return { entries: list.map(({ parent, key }) => ({ parent, key })), ...(batch && { prefixes: batch }), tokens };
}

export function decodeOperation(bytes: Buffer): OperationMessage {
  return reading(new AfiReader(bytes), (reader) => {
    let sandboxId = 0;
    let id = 0;
    let epoch = 0;
    let operation: AftOperation | undefined;
    eachField(reader, bytes.length, (tag) => {
      if (tag === SANDBOX_ID) sandboxId = reader.uint32();
      else if (tag === ID) id = part.count.from(reader.token());
      else if (tag === EPOCH) epoch = part.count.from(reader.token());
      else if (tag === INSERT) operation = { kind: 'insert', insert: readInsert(reader) };
      else if (tag === REMOVE) operation = { kind: 'remove', remove: readRemove(reader) };
      else return false;
      return true;
    });
    return {
      sandboxId,
      id,
      ...(epoch !== 0 && { epoch }),
      operation: operation ?? reader.fail('operation with neither insert nor remove'),
    };
  });
}

/** The id of an operation whose contents may be malformed; undefined when not even that can be read. */
export function peekOperationId(bytes: Buffer): number | undefined {
  let id = 0;
  try {
    reading(new AfiReader(bytes), (reader) =>
      eachField(reader, bytes.length, (tag) => tag === ID && ((id = part.count.from(reader.token())), true)),
    );
    return id;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

export function encodeOperationReply({ id, error }: OperationReply): Buffer {
  const outcome = error === undefined ? { ok: true } : { error: errorMessage(error) };
  return encodeMessage('AfiOperationReply', { id: part.count.to(id), ...outcome });
}

interface ReplyMessage {
  readonly id: number;
  readonly ok: boolean;
  readonly error?: ErrorMessage | null;
}

export function decodeOperationReply(bytes: Buffer): OperationReply {
  return decodeMessage('AfiOperationReply', bytes, ({ id, ok, error }: ReplyMessage) => ({
    id: part.count.from(id),
    ...(ok ? undefined : { error: errorOf(error) }),
  }));
}
