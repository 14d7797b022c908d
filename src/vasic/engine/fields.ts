/**
 * Packet and metadata fields: where each lies in a packet, how it is read as a number, and which values it can be
 * compared with. One table says it for all of them; nodes that match, switch, hash or write go by it.
 *
 * The ether type is the first one in the frame: 0x8100 where it has a VLAN tag, whatever is behind that.
 * A field that the packet at hand doesn't have reads as ABSENT and compares as unequal to everything.
 */
import { formatAddress, formatMac } from '../../net/address';
import { ETHERTYPE_MPLS, ethertypeText } from '../../net/ethertypes';
import { AftField, FIELD_NAMES } from '../../aft/fields';
import type { AftData } from '../../aft/model';
import { PROTO } from './headers';
import { hasLabel, labelFlow } from './label-stack';
import type { Walk } from './walk';

export const ABSENT = -1;

type Layer = 'ether' | 'vlan1' | 'vlan2' | 'ip4' | 'ip6' | 'transport' | 'mpls';

/** `bytes` bytes at offset `at` of the layer; the field is `bits` wide, `shift` bits above the lowest of them. */
export interface Layout {
  readonly layer: Layer;
  readonly at: number;
  readonly bytes: number;
  readonly bits: number;
  readonly shift: number;
}

function whole(layer: Layer, at: number, bytes: number): Layout {
  return { layer, at, bytes, bits: bytes * 8, shift: 0 };
}

/** Fields that are not in the packet's bytes (the lookup key is one of two that are) have no layout. */
const LAYOUTS: Readonly<Record<AftField, Layout | undefined>> = {
  [AftField.None]: undefined,
  [AftField.PacketLookupKey]: undefined,
  [AftField.EtherDaddr]: whole('ether', 0, 6),
  [AftField.EtherSaddr]: whole('ether', 6, 6),
  [AftField.EtherGroup]: { layer: 'ether', at: 0, bytes: 1, bits: 1, shift: 0 },
  [AftField.EtherType]: whole('ether', 12, 2),
  [AftField.EtherVlan1]: { layer: 'vlan1', at: 0, bytes: 2, bits: 12, shift: 0 },
  [AftField.EtherVlan2]: { layer: 'vlan2', at: 0, bytes: 2, bits: 12, shift: 0 },
  [AftField.Ip4Saddr]: whole('ip4', 12, 4),
  [AftField.Ip4Daddr]: whole('ip4', 16, 4),
  [AftField.Ip4Ttl]: whole('ip4', 8, 1),
  [AftField.Ip4Proto]: whole('ip4', 9, 1),
  [AftField.Ip4Tos]: whole('ip4', 1, 1),
  [AftField.Ip6Saddr]: whole('ip6', 8, 16),
  [AftField.Ip6Daddr]: whole('ip6', 24, 16),
  [AftField.Ip6HopLimit]: whole('ip6', 7, 1),
  [AftField.Ip6NextHeader]: whole('ip6', 6, 1),
  [AftField.Ip6FlowLabel]: { layer: 'ip6', at: 0, bytes: 4, bits: 20, shift: 0 },
  [AftField.Ip6TrafficClass]: { layer: 'ip6', at: 0, bytes: 4, bits: 8, shift: 20 },
  [AftField.L4Sport]: whole('transport', 0, 2),
  [AftField.L4Dport]: whole('transport', 2, 2),
  [AftField.MplsLabel]: { layer: 'mpls', at: 0, bytes: 4, bits: 20, shift: 12 },
  [AftField.MetaIfInput]: undefined,
  [AftField.MetaIfOutput]: undefined,
  [AftField.MetaNhId]: undefined,
  [AftField.MplsFlow]: undefined,
};

export function layoutOf(field: AftField): Layout | undefined {
  return LAYOUTS[field];
}

/** `packet.ip4.daddr`, or the number of a field that doesn't exist (the wire may carry any). */
export function fieldName(field: AftField): string {
  return FIELD_NAMES[field] ?? `field ${field}`;
}

export function isField(field: AftField): boolean {
  return field !== AftField.None && field in FIELD_NAMES;
}

/** Offset of a layer's first byte in the packet as it is now, ABSENT where it has none. */
export function locate(walk: Walk, layer: Layer): number {
  switch (layer) {
    case 'ether':
      return walk.l2 < 0 ? ABSENT : walk.l2;
    case 'vlan1':
      return walk.l2 < 0 || walk.vlan1 < 0 ? ABSENT : walk.l2 + 14;
    case 'vlan2':
      return walk.l2 < 0 || walk.vlan2 < 0 ? ABSENT : walk.l2 + 18;
    case 'ip4':
      return walk.isIp4 ? walk.l3 : ABSENT;
    case 'ip6':
      return walk.isIp6 ? walk.l3 : ABSENT;
    case 'mpls':
      return walk.proto === ETHERTYPE_MPLS && walk.l3 + 4 <= walk.end ? walk.l3 : ABSENT;
    case 'transport': {
      const { at, proto } = walk.transport();
      const hasPorts = proto === PROTO.tcp || proto === PROTO.udp || proto === 33 || proto === 132 || proto === 136;
      return at < 0 || !hasPorts || at + 4 > walk.end ? ABSENT : at;
    }
  }
}

/** The value of a field of at most 48 bits; ABSENT where the packet doesn't have it. */
export function readNumber(walk: Walk, field: AftField): number {
  const layout = LAYOUTS[field];
  if (layout === undefined) return readMeta(walk, field);
  const base = locate(walk, layout.layer);
  if (base === ABSENT) return ABSENT;
  let value = 0;
  for (let i = base + layout.at, end = i + layout.bytes; i < end; i++) value = value * 256 + walk.buffer[i]!;
  if (layout.bits === layout.bytes * 8) return value;
  return (value >>> layout.shift) & ((1 << layout.bits) - 1);
}

function readMeta(walk: Walk, field: AftField): number {
  if (field === AftField.MetaIfInput) return walk.port.index;
  if (field === AftField.MetaNhId) return walk.nhId;
  if (field === AftField.MplsFlow && hasLabel(walk)) return labelFlow(walk);
  return ABSENT;
}

/** Offset and size of an address field (the lookup key is the destination of either family); size 0 where absent. */
export function locateAddress(walk: Walk, field: AftField, out: { at: number; size: number }): void {
  out.size = 0;
  if (field === AftField.PacketLookupKey) {
    if (walk.isIp4) setAddress(out, walk.l3 + 16, 4);
    else if (walk.isIp6) setAddress(out, walk.l3 + 24, 16);
    return;
  }
  const layout = LAYOUTS[field];
  if (layout === undefined) return;
  const base = locate(walk, layout.layer);
  if (base !== ABSENT) setAddress(out, base + layout.at, layout.bytes);
}

function setAddress(out: { at: number; size: number }, at: number, size: number): void {
  out.at = at;
  out.size = size;
}

/** Whether the field is a network address. */
export function isAddressField(field: AftField): boolean {
  switch (field) {
    case AftField.PacketLookupKey:
    case AftField.Ip4Saddr:
    case AftField.Ip4Daddr:
    case AftField.Ip6Saddr:
    case AftField.Ip6Daddr:
      return true;
    default:
      return false;
  }
}

/** Bits of a field that is read as a number; 0 for one that isn't (IPv6 addresses, the lookup key). */
export function numberBits(field: AftField): number {
  const layout = LAYOUTS[field];
  if (layout !== undefined) return layout.bits > 48 ? 0 : layout.bits;
  if (field === AftField.MplsFlow) return 32;
  return field === AftField.MetaIfInput || field === AftField.MetaNhId ? 48 : 0;
}

/** A number read from a field, as people write it. */
export function describeNumber(field: AftField, value: number): string {
  if (value === ABSENT) return 'absent';
  if (field === AftField.EtherSaddr || field === AftField.EtherDaddr) {
    return formatMac(Uint8Array.from({ length: 6 }, (_, i) => Math.floor(value / 256 ** (5 - i)) % 256));
  }
  return field === AftField.EtherType ? ethertypeText(value) : String(value);
}

/** A packet's value of a field, as people write it. */
export function describeField(walk: Walk, field: AftField): string {
  if (!isAddressField(field)) return describeNumber(field, readNumber(walk, field));
  const found = { at: 0, size: 0 };
  locateAddress(walk, field, found);
  return found.size === 0 ? 'absent' : formatAddress(walk.buffer.subarray(found.at, found.at + found.size));
}

/** A value as a number comparable with readNumber(); undefined for kinds that have none. */
export function dataNumber(data: AftData): number | undefined {
  switch (data.kind) {
    case 'int':
    case 'label':
      return Number.isSafeInteger(data.value) && data.value >= 0 ? data.value : undefined;
    case 'bool':
      return data.value ? 1 : 0;
    case 'ip4':
      return data.bytes.length === 4 ? bytesNumber(data.bytes) : undefined;
    case 'ether':
      return data.bytes.length === 6 ? bytesNumber(data.bytes) : undefined;
    case 'string':
    case 'prefix':
    case 'ip6':
      return undefined;
  }
}

function bytesNumber(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** What keeps `data` from being a value of a number field; undefined: nothing. */
export function checkNumber(field: AftField, data: AftData): string | undefined {
  const bits = numberBits(field);
  if (bits === 0) return `${fieldName(field)} cannot be used as a number`;
  const value = dataNumber(data);
  if (value === undefined) return `a ${data.kind} value is no number for ${fieldName(field)}`;
  return value < 2 ** bits ? undefined : `${value} does not fit ${fieldName(field)} (${bits} bits)`;
}
