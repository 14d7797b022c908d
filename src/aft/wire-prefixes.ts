/** Batches of prefixes on the wire: the same bytes as entries (wire-aft.ts), written and read without objects in between. */
import { TOKEN_DISCARD, type AftPrefixes } from './model';
import { ADDRESS_STEP, routeField, type PrefixBatch } from './prefix-batch';
import type { Reader } from './protobuf-reader';
import type { Writer } from './protobuf-writer';

/** Writes each item as an entry, or (in a removal) as the parent and key of one. */
export function writePrefixes(writer: Writer, field: number, prefixes: AftPrefixes, withNext: boolean): void {
  const { parent, count, addresses, sizes, lengths, nexts } = prefixes;
  for (let i = 0; i < count; i++) {
    const size = sizes[i]!;
    const entry = writer.begin(field);
    writer.uint(1, parent);
    const key = writer.begin(2);
    writer.uint(1, routeField(size));
    const data = writer.begin(2);
    const prefix = writer.begin(4);
    writer.fewBytes(1, addresses, i * ADDRESS_STEP, size);
    writer.uint(2, lengths[i]!);
    writer.end(prefix);
    writer.end(data);
    writer.end(key);
    if (withNext) writer.uint(3, nexts[i]!);
    writer.end(entry);
  }
}

/** The parts of one entry as they are read. */
const found = { field: 0, size: 0, length: 0 };

/**
 * Reads one entry and adds it. False: it isn't a plain one with a destination prefix in the tree of those before it (or not
 * well-formed), so nothing was added and the reader is where it was.
 */
export function readPrefix(reader: Reader, batch: PrefixBatch): boolean {
  reader.mark();
  if (readEntry(reader, batch)) return true;
  reader.rewind();
  return false;
}

function readEntry(reader: Reader, batch: PrefixBatch): boolean {
  const { count } = batch;
  const at = batch.reserve();
  let parent = 0;
  let next = TOKEN_DISCARD;
  found.size = 0;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) parent = reader.token();
    else if (field === 3) next = reader.token();
    else if (field !== 2 || found.size !== 0 || !readKey(reader, batch.addresses, at)) return false;
  }
  reader.leave(outer);
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
function readKey(reader: Reader, addresses: Uint8Array, at: number): boolean {
  found.field = 0;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) found.field = reader.token();
    else if (field !== 2 || found.size !== 0 || !readData(reader, addresses, at)) return false;
  }
  reader.leave(outer);
  return found.size !== 0;
}

function readData(reader: Reader, addresses: Uint8Array, at: number): boolean {
  const outer = reader.enter();
  if (reader.next() !== 4) return false;
  const inner = reader.enter();
  found.length = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && found.size === 0) found.size = reader.addressInto(addresses, at);
    else if (field === 2) found.length = reader.uint32();
    else return false;
  }
  reader.leave(inner);
  if (found.size === 0 || reader.next() !== 0) return false;
  reader.leave(outer);
  return true;
}
