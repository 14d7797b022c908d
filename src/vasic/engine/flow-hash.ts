/**
 * A 32-bit hash over packet fields, for spreading flows (mix.ts). Packets of one flow hash alike; fields that a packet doesn't
 * have are left out. Ports count only in packets that aren't fragments, or a datagram's fragments would part ways.
 */
import { AftField } from '../../aft/fields';
import { read32 } from '../../net/checksum';
import { ABSENT, isAddressField, locateAddress, readNumber } from './fields';
import { avalanche, mix } from './mix';
import type { Walk } from './walk';

const found = { at: 0, size: 0 };

/** Hash of those fields of the packet, 0…2^32-1. */
export function hashFlow(walk: Walk, fields: readonly AftField[]): number {
  let hash = 0x5bd1e995;
  for (const field of fields) {
    if (isAddressField(field)) {
      locateAddress(walk, field, found);
      for (let i = 0; i < found.size; i += 4) hash = mix(hash, read32(walk.buffer, found.at + i));
    } else {
      const isPort = field === AftField.L4Sport || field === AftField.L4Dport;
      if (isPort && walk.transport().fragment) continue;
      const value = readNumber(walk, field);
      if (value === ABSENT) continue;
      hash = mix(hash, value | 0);
      if (value > 0xffffffff) hash = mix(hash, Math.floor(value / 0x100000000));
    }
  }
  return avalanche(hash);
}

/** A share of `n`, 0…n-1, by the high bits of a hash. */
export function pick(hash: number, n: number): number {
  return Math.floor((hash * n) / 0x100000000);
}
