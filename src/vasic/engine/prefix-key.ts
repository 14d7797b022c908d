/** Prefix keys: what makes one sound for an address field, and addresses as the words that the trie works on. */
import { AftField } from '../../aft/fields';
import type { AftData } from '../../aft/model';
import { formatPrefix } from '../../net/address';
import { read32 } from '../../net/checksum';
import { fieldName } from './fields';
import { ADDRESS_WORDS } from './trie-bits';

export type PrefixData = Extract<AftData, { kind: 'prefix' }>;

/** Address bytes that a field's prefixes have: 4, 16, or either for the lookup key. */
function fits(field: AftField, bytes: number): boolean {
  switch (field) {
    case AftField.PacketLookupKey:
      return bytes === 4 || bytes === 16;
    case AftField.Ip4Saddr:
    case AftField.Ip4Daddr:
      return bytes === 4;
    case AftField.Ip6Saddr:
    case AftField.Ip6Daddr:
      return bytes === 16;
    default:
      return false;
  }
}

/** What is wrong with a prefix as a value of that address field; undefined: nothing. */
export function checkPrefix(field: AftField, data: PrefixData): string | undefined {
  const { bytes, length } = data;
  if (!fits(field, bytes.length)) return `${bytes.length} bytes are no address for ${fieldName(field)}`;
  if (!Number.isInteger(length) || length < 0 || length > bytes.length * 8) {
    return `${length} is no prefix length for ${bytes.length} bytes of address`;
  }
  return hasHostBits(bytes, 0, bytes.length, length) ? `${formatPrefix(data)} has host bits set` : undefined;
}

/** Whether any bit beyond the first `length` is set in the `size` bytes from `at`. */
export function hasHostBits(bytes: Uint8Array, at: number, size: number, length: number): boolean {
  const whole = length >> 3;
  if (whole === size) return false;
  if ((bytes[at + whole]! & (0xff >> (length & 7))) !== 0) return true;
  for (let i = whole + 1; i < size; i++) if (bytes[at + i] !== 0) return true;
  return false;
}

/** Loads 4 or 16 bytes into `words`, the rest zero. */
export function loadAddress(words: Uint32Array, bytes: Uint8Array, at: number, size: number): void {
  words[0] = read32(bytes, at);
  if (size === 4) {
    words[1] = 0;
    return;
  }
  words[1] = read32(bytes, at + 4);
  words[2] = read32(bytes, at + 8);
  words[3] = read32(bytes, at + 12);
  words[4] = 0;
}

/** The address bytes of trie words: 4 or 16. */
export function storeAddress(words: Uint32Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = words[i >> 2]! >>> (24 - 8 * (i & 3));
  return bytes;
}

export function newAddress(): Uint32Array {
  return new Uint32Array(ADDRESS_WORDS);
}
