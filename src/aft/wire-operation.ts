/**
 * Protobuf codec of the Operate stream: operations (inserts and removes) and their replies. These are the hot messages, an
 * operation may hold thousands of entries. One writer is shared by all encoders of a thread: encoding isn't re-entrant.
 */
import type { AftEntry, AftError, AftErrorCode, AftInsert, AftNode, AftOperation, AftRemove } from './model';
import { TOKEN_DISCARD, type Token } from './model';
import { Reader, WireError } from './protobuf-reader';
import { Writer } from './protobuf-writer';
import { PrefixBatch, prefixEntries } from './prefix-batch';
import { readEntry, writeEntry, writeKey } from './wire-aft';
import { readNode, writeNode } from './wire-nodes';
import { readPrefix, writePrefixes } from './wire-prefixes';

export interface OperationMessage {
  readonly sandboxId: number;
  /** The client's number for the operation. */
  readonly id: number;
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
];
const ITEM_LISTS = [undefined, 'node', 'entry', 'token', 'bind'] as const;

export const writer = new Writer();

/** Runs `write` over the shared writer and returns the bytes; an error leaves the writer clean. */
export function encode(write: () => void): Buffer {
  try {
    write();
    return writer.finish();
  } catch (error) {
    writer.reset();
    throw error;
  }
}

/** Calls `take` with each field's number until the message ends; a false answer means: not known, skip it. */
export function eachField(reader: Reader, take: (field: number) => boolean): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) if (!take(field)) reader.skip();
}

export function nested<T>(reader: Reader, read: () => T): T {
  const outer = reader.enter();
  const value = read();
  reader.leave(outer);
  return value;
}

export function writeError(field: number, error: AftError): void {
  const mark = writer.begin(field);
  writer.uint(1, ERROR_CODES.indexOf(error.code));
  writer.string(2, error.message);
  if (error.item !== undefined) {
    writer.uint(3, ITEM_LISTS.indexOf(error.item.list));
    writer.uint(4, error.item.index);
  }
  writer.end(mark);
}

/** A code that this version doesn't know counts as `internal`. */
export function readError(reader: Reader): AftError {
  let code = 0;
  let message = '';
  let list = 0;
  let index = 0;
  eachField(reader, (field) => {
    if (field === 1) code = reader.uint();
    else if (field === 2) message = reader.string();
    else if (field === 3) list = reader.uint();
    else if (field === 4) index = reader.uint32();
    else return false;
    return true;
  });
  const item = ITEM_LISTS[list];
  const error = { code: ERROR_CODES[code] ?? 'internal', message };
  return item === undefined ? error : { ...error, item: { list: item, index } };
}

function writeInsert(field: number, insert: AftInsert): void {
  const mark = writer.begin(field);
  for (const node of insert.nodes) writeNode(writer, 1, node);
  for (const entry of insert.entries) writeEntry(writer, 2, entry);
  if (insert.prefixes !== undefined) writePrefixes(writer, 2, insert.prefixes, true);
  for (const bind of insert.binds ?? []) {
    const inner = writer.begin(3);
    writer.uint(1, bind.port);
    writer.uint(2, bind.next);
    writer.end(inner);
  }
  writer.end(mark);
}

function readBind(reader: Reader): { port: number; next: Token } {
  const bind = { port: 0, next: TOKEN_DISCARD };
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) bind.port = reader.uint32();
    else if (field === 2) bind.next = reader.token();
    else reader.skip();
  }
  reader.leave(outer);
  return bind;
}

/** The entries of an operation: a batch as long as all of them are plain routes of one tree, else objects. */
class Entries {
  list: AftEntry[] = [];
  batch: PrefixBatch | undefined;

  /** Reads one, of a message of so many bytes. */
  read(reader: Reader, bytes: number): void {
    if (this.list.length === 0) {
      this.batch ??= new PrefixBatch(TOKEN_DISCARD, Math.ceil(bytes / LEAST_ENTRY_BYTES));
      if (readPrefix(reader, this.batch)) return;
    }
    if (this.batch !== undefined) {
      this.list = prefixEntries(this.batch);
      this.batch = undefined;
    }
    this.list.push(readEntry(reader));
  }
}

/** Bytes that an IPv4 route takes on the wire at the least, more or less. */
const LEAST_ENTRY_BYTES = 22;

function readInsert(reader: Reader, bytes: number): AftInsert {
  const nodes: AftNode[] = [];
  const entries = new Entries();
  let binds: { port: number; next: Token }[] | undefined;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) entries.read(reader, bytes);
    else if (field === 1) nodes.push(readNode(reader));
    else if (field === 3) (binds ??= []).push(readBind(reader));
    else reader.skip();
  }
  reader.leave(outer);
  const { list, batch } = entries;
  return { nodes, entries: list, ...(batch && { prefixes: batch }), ...(binds && { binds }) };
}

function writeRemove(field: number, remove: AftRemove): void {
  const mark = writer.begin(field);
  for (const { parent, key } of remove.entries) {
    const inner = writer.begin(1);
    writer.uint(1, parent);
    writeKey(writer, 2, key);
    writer.end(inner);
  }
  if (remove.prefixes !== undefined) writePrefixes(writer, 1, remove.prefixes, false);
  writer.packed(2, remove.tokens);
  writer.end(mark);
}

function readRemove(reader: Reader, bytes: number): AftRemove {
  const entries = new Entries();
  const tokens: Token[] = [];
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) entries.read(reader, bytes);
    else if (field === 2) reader.repeated(tokens);
    else reader.skip();
  }
  reader.leave(outer);
  const { list, batch } = entries;
  return { entries: list.map(({ parent, key }) => ({ parent, key })), ...(batch && { prefixes: batch }), tokens };
}

export function encodeOperation(message: OperationMessage): Buffer {
  return encode(() => {
    writer.uint(1, message.sandboxId);
    writer.uint(2, message.id);
    const { operation } = message;
    if (operation.kind === 'insert') writeInsert(3, operation.insert);
    else writeRemove(4, operation.remove);
  });
}

export function decodeOperation(bytes: Buffer): OperationMessage {
  const reader = new Reader(bytes);
  let sandboxId = 0;
  let id = 0;
  let operation: AftOperation | undefined;
  eachField(reader, (field) => {
    if (field === 1) sandboxId = reader.uint32();
    else if (field === 2) id = reader.uint();
    else if (field === 3) operation = { kind: 'insert', insert: readInsert(reader, bytes.length) };
    else if (field === 4) operation = { kind: 'remove', remove: readRemove(reader, bytes.length) };
    else return false;
    return true;
  });
  return { sandboxId, id, operation: operation ?? reader.fail('operation with neither insert nor remove') };
}

/** The id of an operation whose contents may be malformed; undefined when not even that can be read. */
export function peekOperationId(bytes: Buffer): number | undefined {
  const reader = new Reader(bytes);
  let id = 0;
  try {
    eachField(reader, (field) => field === 2 && ((id = reader.uint()), true));
    return id;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

export function encodeOperationReply(reply: OperationReply): Buffer {
  return encode(() => {
    writer.uint(1, reply.id);
    if (reply.error === undefined) writer.bool(2, true);
    else writeError(3, reply.error);
  });
}

export function decodeOperationReply(bytes: Buffer): OperationReply {
  const reader = new Reader(bytes);
  let id = 0;
  let ok = false;
  let error: AftError | undefined;
  eachField(reader, (field) => {
    if (field === 1) id = reader.uint();
    else if (field === 2) ok = reader.bool();
    else if (field === 3) error = nested(reader, () => readError(reader));
    else return false;
    return true;
  });
  return ok ? { id } : { id, error: error ?? { code: 'internal', message: 'the server gave no reason' } };
}
