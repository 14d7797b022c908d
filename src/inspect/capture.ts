/**
 * Capture files: classic pcap (both byte orders, micro- and nanoseconds) and pcapng (sections, interfaces with their time
 * resolution, enhanced, simple and old packets) to packets. Formats: draft-ietf-opsawg-pcap and -pcapng.
 */
import type { ByteReader } from './stream';

export interface Packet {
  /** Microseconds since 1970; absent in pcapng's simple packets. */
  readonly time?: number;
  readonly linkType: number;
  /** What was captured of it. */
  readonly bytes: Buffer;
}

/** No capture file has larger packets or blocks; a length beyond it means that the file is damaged. */
const MAX_BLOCK = 16 * 1024 * 1024;

const MICRO = 0xa1b2c3d4;
const NANO = 0xa1b23c4d;
const SECTION = 0x0a0d0d0a;

/** Whether a file that starts with these bytes is a capture. */
export function isCapture(first: Buffer): boolean {
  if (first.length < 4) return false;
  const [big, little] = [first.readUInt32BE(0), first.readUInt32LE(0)];
  return [MICRO, NANO].some((magic) => magic === big || magic === little) || big === SECTION;
}

/** The packets of a capture. `fault` is told what is wrong with the file; what was read until then has been given. */
export function readCapture(file: ByteReader, first: Buffer, fault: (reason: string) => void): AsyncGenerator<Packet> {
  return first.readUInt32BE(0) === SECTION ? readPcapng(file, fault) : readPcap(file, fault);
}

async function* readPcap(file: ByteReader, fault: (reason: string) => void): AsyncGenerator<Packet> {
  const header = await file.take(24);
  if (header === undefined) return fault('the file ends within its header');
  const little = [MICRO, NANO].includes(header.readUInt32LE(0));
  const u32 = (bytes: Buffer, at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const perMicro = u32(header, 0) === NANO ? 1000 : 1;
  const linkType = u32(header, 20) & 0xffff;
  for (;;) {
    const at = file.offset;
    const record = await file.take(16);
    if (record === undefined) {
      if ((await file.peek(1)).length > 0) fault(`the file ends within a packet's header at offset ${at}`);
      return;
    }
    const length = u32(record, 8);
    if (length > MAX_BLOCK) return fault(`packet of ${length} bytes at offset ${at}: the file is damaged`);
    const bytes = await file.take(length);
    if (bytes === undefined) return fault(`the file ends within the packet at offset ${at}`);
    yield { time: u32(record, 0) * 1e6 + u32(record, 4) / perMicro, linkType, bytes };
  }
}

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of time stamps in a microsecond. */
  readonly perMicro: number;
  /** Seconds to add. */
  readonly offset: number;
}

async function* readPcapng(file: ByteReader, fault: (reason: string) => void): AsyncGenerator<Packet> {
  let little = true;
  let interfaces: Interface[] = [];
  for (;;) {
    const at = file.offset;
    const start = await file.peek(12);
    if (start.length === 0) return;
    if (start.length < 12) return fault(`the file ends within a block at offset ${at}`);
    if (start.readUInt32BE(0) === SECTION) {
      little = start.readUInt32LE(8) === 0x1a2b3c4d;
      if (!little && start.readUInt32BE(8) !== 0x1a2b3c4d) return fault(`no byte order in the section at offset ${at}`);
      interfaces = [];
    }
    const u32 = (bytes: Buffer, where: number): number =>
      little ? bytes.readUInt32LE(where) : bytes.readUInt32BE(where);
    const [type, length] = [u32(start, 0), u32(start, 4)];
    if (length < 12 || length > MAX_BLOCK)
      return fault(`block of ${length} bytes at offset ${at}: the file is damaged`);
    const block = await file.take(length);
    if (block === undefined) return fault(`the file ends within the block at offset ${at}`);
    const body = block.subarray(8, length - 4);
    if (type === 1 && body.length >= 8) interfaces.push(interfaceOf(body, little));
    else {
      const packet = packetOf(type, body, interfaces, u32, little);
      if (typeof packet === 'string') fault(`${packet} at offset ${at}`);
      else if (packet !== undefined) yield packet;
    }
  }
}

/** An interface description block; options if_tsresol (9) and if_tsoffset (14) say how to read its times. */
function interfaceOf(body: Buffer, little: boolean): Interface {
  const u16 = (at: number): number => (little ? body.readUInt16LE(at) : body.readUInt16BE(at));
  const snapLength = little ? body.readUInt32LE(4) : body.readUInt32BE(4);
  let perMicro = 1;
  let offset = 0;
  for (let at = 8; body.length - at >= 4;) {
    const [code, size] = [u16(at), u16(at + 2)];
    if (code === 0 || size > body.length - at - 4) break;
    const value = body[at + 4]!;
    if (code === 9 && size === 1) perMicro = (value & 0x80 ? 2 ** (value & 0x7f) : 10 ** value) / 1e6;
    if (code === 14 && size === 8) offset = Number(little ? body.readBigInt64LE(at + 4) : body.readBigInt64BE(at + 4));
    at += 4 + ((size + 3) & ~3);
  }
  return { linkType: u16(0), snapLength, perMicro, offset };
}

/** A packet; undefined for blocks that hold none; a string where one is broken. */
function packetOf(
  type: number,
  body: Buffer,
  interfaces: readonly Interface[],
  u32: (bytes: Buffer, at: number) => number,
  little: boolean,
): Packet | string | undefined {
  if (type === 3) {
    const from = interfaces[0];
    if (from === undefined || body.length < 4) return 'simple packet without interface';
    const length = Math.min(u32(body, 0), from.snapLength || MAX_BLOCK, body.length - 4);
    return { linkType: from.linkType, bytes: body.subarray(4, 4 + length) };
  }
  if (type !== 6 && type !== 2) return undefined;
  if (body.length < 20) return 'packet block that is too short';
  // The obsolete packet block (2) has 16 bits of interface and a count of drops in the same place.
  const index = type === 6 ? u32(body, 0) : little ? body.readUInt16LE(0) : body.readUInt16BE(0);
  const from = interfaces[index];
  if (from === undefined) return `packet of interface ${index}, which the file doesn't describe`;
  const length = u32(body, 12);
  if (length > body.length - 20) return `packet of ${length} bytes in a block of ${body.length}`;
  const units = u32(body, 4) * 2 ** 32 + u32(body, 8);
  return {
    time: units / from.perMicro + from.offset * 1e6,
    linkType: from.linkType,
    bytes: body.subarray(20, 20 + length),
  };
}
