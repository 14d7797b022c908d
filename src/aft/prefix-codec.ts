/**
 * Batches of prefixes on the wire, by hand: the same bytes as protobufjs has for AftEntry messages, written and read
 * without objects in between, as a full table consists of a million of them.
 *
 * An entry is AftEntry { parent = 1, key = 2 { field = 1, data = 2 { prefix = 4 { bytes = 1, length = 2 } } }, next = 3 }.
 */
import { TOKEN_DISCARD, type AftPrefixes } from './model';
import { ADDRESS_STEP, routeField, type PrefixBatch } from './prefix-batch';
import { checkToken, type AfiReader } from './protobuf-io';

/** The tags of bytes and varint fields 1 to 4. */
const BYTES_1 = 0x0a;
const BYTES_2 = 0x12;
const BYTES_4 = 0x22;
const VARINT_1 = 0x08;
const VARINT_2 = 0x10;
const VARINT_3 = 0x18;
/** Bytes that an entry takes at the most: below 128, so that each length in it is one byte. */
const MOST_ENTRY_BYTES = 64;

function writeVarint(into: Buffer, at: number, value: number): number {
  if (value < 0) {
    into.fill(0xff, at, at + 9);
    into[at + 9] = 1;
    return at + 10;
  }
  while (value > 0x7fff_ffff) {
    into[at++] = (value % 128) | 0x80;
    value = Math.floor(value / 128);
  }
  while (value > 127) {
    into[at++] = (value & 127) | 0x80;
    value >>>= 7;
  }
  into[at++] = value;
  return at;
}

/** Each item as an entry in field `tag >> 3`, or (in a removal) as the parent and key of one. */
export function encodePrefixes(tag: number, prefixes: AftPrefixes, withNext: boolean): Buffer {
  const { parent, count, addresses, sizes, lengths, nexts } = prefixes;
  const into = Buffer.allocUnsafe(count * MOST_ENTRY_BYTES);
  checkToken(parent);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const size = sizes[i]!;
    const length = lengths[i]!;
    const prefixBytes = 2 + size + (length === 0 ? 0 : length < 128 ? 2 : 3);
    into[at++] = tag;
    const start = ++at;
    if (parent !== 0) {
      into[at++] = VARINT_1;
      at = writeVarint(into, at, parent);
    }
    into[at++] = BYTES_2;
    into[at++] = prefixBytes + 6;
    into[at++] = VARINT_1;
    into[at++] = routeField(size);
    into[at++] = BYTES_2;
    into[at++] = prefixBytes + 2;
    into[at++] = BYTES_4;
    into[at++] = prefixBytes;
    into[at++] = BYTES_1;
    into[at++] = size;
    for (let from = i * ADDRESS_STEP, end = from + size; from < end; from++) into[at++] = addresses[from]!;
    if (length !== 0) {
      into[at++] = VARINT_2;
      at = writeVarint(into, at, length);
    }
    if (withNext && nexts[i] !== 0) {
      checkToken(nexts[i]!);
      into[at++] = VARINT_3;
      at = writeVarint(into, at, nexts[i]!);
    }
    into[start - 1] = at - start;
  }
  return into.subarray(0, at);
}

/** The parts of one entry as they are read. */
const found = { field: 0, size: 0, length: 0 };

/**
 * Reads one entry and adds it. False: it isn't a plain one with a destination prefix in the tree of those before it (or not
 * well-formed), so nothing was added and the reader is where it was.
 */
export function readPrefix(reader: AfiReader, batch: PrefixBatch): boolean {
  const { pos, len } = reader;
  if (readEntry(reader, batch)) return true;
  reader.pos = pos;
  reader.len = len;
  return false;
}

/** Goes into a nested message; where the message around it ends. */
function enter(reader: AfiReader): number {
  const length = reader.size();
  const outer = reader.len;
  reader.len = reader.pos + length;
  return outer;
}

function readEntry(reader: AfiReader, batch: PrefixBatch): boolean {
  const { count } = batch;
  const at = batch.reserve();
  let parent = 0;
  let next = TOKEN_DISCARD;
  found.size = 0;
  const outer = enter(reader);
  while (reader.pos < reader.len) {
    const tag = reader.token();
    if (tag === VARINT_1) parent = reader.token();
    else if (tag === VARINT_3) next = reader.token();
    else if (tag !== BYTES_2 || found.size !== 0 || !readKey(reader, batch.addresses, at)) return false;
  }
  reader.len = outer;
  const { field, size, length } = found;
  if (size === 0 || field !== routeField(size) || length > size * 8) return false;
  if (count === 0) batch.parent = parent;
  else if (parent !== batch.parent) return false;
  batch.sizes[count] = size;
  batch.lengths[count] = length;
  batch.nexts[count] = next;
  batch.count++;
  return true;
}

/** A key: its field, and data that is nothing but a prefix. */
function readKey(reader: AfiReader, addresses: Uint8Array, at: number): boolean {
  found.field = 0;
  const outer = enter(reader);
  while (reader.pos < reader.len) {
    const tag = reader.token();
    if (tag === VARINT_1) found.field = reader.token();
    else if (tag !== BYTES_2 || found.size !== 0 || !readData(reader, addresses, at)) return false;
  }
  reader.len = outer;
  return found.size !== 0;
}

function readData(reader: AfiReader, addresses: Uint8Array, at: number): boolean {
  const outer = enter(reader);
  if (reader.token() !== BYTES_4) return false;
  const inner = enter(reader);
  found.length = 0;
  while (reader.pos < reader.len) {
    const tag = reader.token();
    if (tag === BYTES_1 && found.size === 0) {
      const size = reader.size();
      if (size !== 4 && size !== 16) return false;
      for (let i = 0; i < size; i++) addresses[at + i] = reader.buf[reader.pos + i]!;
      reader.pos += size;
      found.size = size;
    } else if (tag === VARINT_2) found.length = reader.uint32();
    else return false;
  }
  reader.len = inner;
  if (found.size === 0 || reader.pos < reader.len) return false;
  reader.len = outer;
  return true;
}
