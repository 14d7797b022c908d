/**
 * Protobuf codec of the AFT model: data, keys, parameters and entries, each a pair of functions over a Writer and a
 * Reader; nodes are in wire-nodes.ts. Field numbers are those of proto/afi/afi.proto.
 *
 * Decoded values are complete and own their bytes; what the model can't hold (a key without data, an address of the wrong
 * size, an unknown field number) is a WireError. Fields of newer versions are skipped. `next` is absent in a decoded node
 * whose wire form says "none"; where the wire says nothing it is 0, discard, as proto3 has it.
 */
import {
  FIELD_NAMES,
  AftField,
  PARAM,
  TOKEN_DISCARD,
  TOKEN_NONE,
  type AftData,
  type AftEntry,
  type AftKey,
  type AftParams,
  type Token,
} from './model';
import type { Reader } from './protobuf-reader';
import type { Writer } from './protobuf-writer';

const MAX_LABEL = 0xfffff;
const PARAM_NAMES = Object.values(PARAM).map((text) => ({ text, bytes: Buffer.from(text) }));

/** Checks a field number from the wire. */
export function fieldOf(reader: Reader, value: number): AftField {
  if (!(value in FIELD_NAMES)) reader.fail(`unknown packet field ${value}`);
  return value;
}

/** Reads a repeated field list. */
export function readFields(reader: Reader, into: AftField[]): void {
  const start = into.length;
  reader.repeated(into);
  for (let i = start; i < into.length; i++) fieldOf(reader, into[i]!);
}

export function writeData(writer: Writer, field: number, data: AftData): void {
  const mark = writer.begin(field);
  switch (data.kind) {
    case 'int':
      writer.sintAlways(1, data.value);
      break;
    case 'bool':
      writer.uintAlways(2, data.value ? 1 : 0);
      break;
    case 'string':
      writer.stringAlways(3, data.value);
      break;
    case 'prefix': {
      const inner = writer.begin(4);
      writer.bytes(1, data.bytes);
      writer.uint(2, data.length);
      writer.end(inner);
      break;
    }
    case 'ip4':
      writer.bytesAlways(5, data.bytes);
      break;
    case 'ip6':
      writer.bytesAlways(6, data.bytes);
      break;
    case 'ether':
      writer.bytesAlways(7, data.bytes);
      break;
    case 'label':
      writer.uintAlways(8, data.value);
      break;
    default:
      data satisfies never;
  }
  writer.end(mark);
}

function readPrefix(reader: Reader): AftData {
  let bytes: Uint8Array | undefined;
  let length = 0;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) bytes = reader.bytes();
    else if (field === 2) length = reader.uint32();
    else reader.skip();
  }
  reader.leave(outer);
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16) || length > bytes.length * 8) {
    return reader.fail(`prefix of ${bytes?.length ?? 0} bytes, length ${length}`);
  }
  return { kind: 'prefix', bytes, length };
}

function readLabel(reader: Reader): AftData {
  const value = reader.uint32();
  if (value > MAX_LABEL) reader.fail(`label ${value} beyond 20 bits`);
  return { kind: 'label', value };
}

export function readData(reader: Reader): AftData {
  let data: AftData | undefined;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 4) data = readPrefix(reader);
    else if (field === 1) data = { kind: 'int', value: reader.sint() };
    else if (field === 2) data = { kind: 'bool', value: reader.bool() };
    else if (field === 3) data = { kind: 'string', value: reader.string() };
    else if (field === 5) data = { kind: 'ip4', bytes: reader.fixedBytes(4, 'IPv4 address') };
    else if (field === 6) data = { kind: 'ip6', bytes: reader.fixedBytes(16, 'IPv6 address') };
    else if (field === 7) data = { kind: 'ether', bytes: reader.fixedBytes(6, 'Ethernet address') };
    else if (field === 8) data = readLabel(reader);
    else reader.skip();
  }
  reader.leave(outer);
  return data ?? reader.fail('data without a value');
}

export function writeKey(writer: Writer, field: number, key: AftKey): void {
  const mark = writer.begin(field);
  writer.uint(1, key.field);
  writeData(writer, 2, key.data);
  writer.end(mark);
}

export function readKey(reader: Reader): AftKey {
  let keyField = AftField.None;
  let data: AftData | undefined;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) keyField = fieldOf(reader, reader.token());
    else if (field === 2) data = readData(reader);
    else reader.skip();
  }
  reader.leave(outer);
  if (data === undefined) return reader.fail('key without data');
  return { field: keyField, data };
}

export function writeParams(writer: Writer, field: number, params: AftParams | undefined): void {
  if (params === undefined) return;
  for (const name of Object.keys(params)) {
    const mark = writer.begin(field);
    writer.string(1, name);
    writeData(writer, 2, params[name]!);
    writer.end(mark);
  }
}

/** Reads one parameter into `params`. A name that would mean something to JavaScript objects is nobody's: ignored. */
export function readParam(reader: Reader, params: Record<string, AftData>): void {
  let name = '';
  let data: AftData | undefined;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) name = reader.internedString(PARAM_NAMES);
    else if (field === 2) data = readData(reader);
    else reader.skip();
  }
  reader.leave(outer);
  if (data === undefined) return reader.fail(`parameter ${JSON.stringify(name)} without a value`);
  if (name !== '__proto__') params[name] = data;
}

export function writeEntry(writer: Writer, field: number, entry: AftEntry): void {
  const mark = writer.begin(field);
  writer.uint(1, entry.parent);
  writeKey(writer, 2, entry.key);
  writer.uint(3, entry.next);
  writeParams(writer, 4, entry.params);
  writer.end(mark);
}

export function readEntry(reader: Reader): AftEntry {
  let parent: Token = 0;
  let key: AftKey | undefined;
  let next: Token = TOKEN_DISCARD;
  let params: Record<string, AftData> | undefined;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) parent = reader.token();
    else if (field === 2) key = readKey(reader);
    else if (field === 3) next = reader.token();
    else if (field === 4) readParam(reader, (params ??= {}));
    else reader.skip();
  }
  reader.leave(outer);
  if (key === undefined) return reader.fail('entry without a key');
  return params === undefined ? { parent, key, next } : { parent, key, next, params };
}

/** A token for the wire where the model may leave it out. */
export function tokenOrNone(token: Token | undefined): Token {
  return token ?? TOKEN_NONE;
}
