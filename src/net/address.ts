/**
 * IP and hardware addresses as values: bytes in network order, with parsing and formatting. IPv4 is 4 bytes, IPv6 16.
 * Any room may import this; it imports only node:net for the syntax checks.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** Of IP: 4 or 6. */
export type Family = 4 | 6;

/** An address prefix; `bytes` is the whole address with the host bits zero. */
export interface Prefix {
  readonly family: Family;
  readonly bytes: Uint8Array;
  /** In bits. */
  readonly length: number;
}

/** Bytes of an address of this family. */
export function addressLength(family: Family): 4 | 16 {
  return family === 4 ? 4 : 16;
}

/** Parses dotted-quad or IPv6 text; undefined when it is neither. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  let source = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(source);
  if (dotted) {
    const v4 = parseAddress(dotted[2]!)!;
    source = `${dotted[1]}${((v4[0]! << 8) | v4[1]!).toString(16)}:${((v4[2]! << 8) | v4[3]!).toString(16)}`;
  }
  const [head, tail] = source.split('::');
  const left = head === '' ? [] : head!.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const words =
    tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const bytes = new Uint8Array(16);
  words.forEach((word, i) => {
    const value = parseInt(word, 16);
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 0xff;
  });
  return bytes;
}

/** Parses `address/length`; host bits are cleared. Undefined when it isn't a prefix. A bare address is a host prefix. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address, bits, rest] = text.split('/');
  const bytes = parseAddress(address!);
  if (bytes === undefined || rest !== undefined) return undefined;
  const max = bytes.length * 8;
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return undefined;
  const length = bits === undefined ? max : Number(bits);
  if (length > max) return undefined;
  return { family: bytes.length === 4 ? 4 : 6, bytes: maskAddress(bytes, length), length };
}

/** A copy with all bits beyond `length` cleared. */
export function maskAddress(bytes: Uint8Array, length: number): Uint8Array {
  const masked = Uint8Array.from(bytes);
  const whole = length >> 3;
  if (whole < masked.length) {
    masked[whole]! &= 0xff00 >> (length & 7);
    masked.fill(0, whole + 1);
  }
  return masked;
}

/** RFC 5952 text for 16 bytes, dotted quad for 4. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push((bytes[i]! << 8) | bytes[i + 1]!);
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8;) {
    let end = i;
    while (end < 8 && words[end] === 0) end++;
    if (end - i > bestLength) {
      bestStart = i;
      bestLength = end - i;
    }
    i = Math.max(end, i + 1);
  }
  const hex = (part: number[]): string => part.map((word) => word.toString(16)).join(':');
  if (bestStart < 0) return hex(words);
  return `${hex(words.slice(0, bestStart))}::${hex(words.slice(bestStart + bestLength))}`;
}

/** `address/length`, as parsePrefix reads it. */
export function formatPrefix(prefix: { readonly bytes: Uint8Array; readonly length: number }): string {
  return `${formatAddress(prefix.bytes)}/${prefix.length}`;
}

/** Whether `address` lies in the prefix; false for another family. */
export function prefixContains(prefix: Prefix, address: Uint8Array): boolean {
  const bytes = prefix.bytes;
  if (address.length !== bytes.length) return false;
  const whole = prefix.length >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== address[i]) return false;
  const rest = prefix.length & 7;
  return rest === 0 || ((bytes[whole]! ^ address[whole]!) & (0xff00 >> rest) & 0xff) === 0;
}

/** `aa:bb:cc:dd:ee:ff` */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Parses six hex bytes separated by colons or dashes; undefined when it isn't that. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (byte) => parseInt(byte, 16));
}

/** Whether it is the address of a group (multicast, broadcast): no single neighbor's. */
export function isGroupMac(bytes: Uint8Array): boolean {
  return (bytes[0]! & 1) !== 0;
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The same for bytes that may be unknown: two unknown ones are the same. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : bytesEqual(a, b);
}

/** fe80::/10. Not 169.254.0.0/16: Linux routes that as any other, and clouds number their interconnects from it. */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}
