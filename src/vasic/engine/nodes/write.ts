/**
 * AftWrite: changes a packet field (set, or, and, xor with a value), and with it the checksums that cover the field: the IPv4
 * header's, and TCP's, UDP's or ICMPv6's for addresses and ports (RFC 1624). A packet without the field passes unchanged.
 */
import { AftField } from '../../../aft/model';
import type { AftData, WriteOp } from '../../../aft/model';
import { OFFLOAD_NEEDS_CSUM } from '../../../net/offload';
import { fold, read16, sumBytes, updateChecksum, write16 } from '../../../net/checksum';
import { ABSENT, checkNumber, dataNumber, fieldName, isAddressField, isField, layoutOf, locate } from '../fields';
import type { Layout } from '../fields';
import { PROTO } from '../headers';
import type { Walk } from '../walk';
import type { NodeKind } from '../node-kind';

/** The value as `bytes` bytes, shifted to the field's place. */
function operand(data: AftData, layout: Layout): Uint8Array {
  if (data.kind === 'ip6') return data.bytes;
  const bytes = new Uint8Array(layout.bytes);
  let rest = dataNumber(data)! * 2 ** layout.shift;
  for (let i = layout.bytes - 1; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** Ones where the field's bits are. */
function maskOf(layout: Layout): Uint8Array {
  if (layout.bits === layout.bytes * 8) return new Uint8Array(layout.bytes).fill(0xff);
  return operand({ kind: 'int', value: 2 ** layout.bits - 1 }, layout);
}

function apply(op: WriteOp, old: number, value: number): number {
  switch (op) {
    case 'set':
      return value;
    case 'or':
      return old | value;
    case 'and':
      return old & value;
    case 'xor':
      return old ^ value;
  }
}

/** Where the transport checksum is that covers this field, or ABSENT. */
function transportChecksum(walk: Walk, field: AftField): number {
  const isPort = field === AftField.L4Sport || field === AftField.L4Dport;
  if (!isPort && !isAddressField(field)) return ABSENT;
  const { at, proto } = walk.transport();
  if (at < 0) return ABSENT;
  const offset =
    proto === PROTO.tcp ? 16 : proto === PROTO.udp ? 6 : proto === PROTO.icmp6 && walk.isIp6 && !isPort ? 2 : -1;
  if (offset < 0 || at + offset + 2 > walk.end) return ABSENT;
  return at + offset;
}

function isPartial(walk: Walk, checksumAt: number): boolean {
  const { flags, csumStart, csumOffset } = walk.offload;
  return (flags & OFFLOAD_NEEDS_CSUM) !== 0 && walk.frame + csumStart + csumOffset === checksumAt;
}

function fixTransport(walk: Walk, at: number, field: AftField, before: number, after: number): void {
  const old = read16(walk.buffer, at);
  const proto = walk.transport().proto;
  if (isPartial(walk, at)) {
    // So far it is the plain sum of the pseudo header, which has addresses in it but no ports.
    if (!isAddressField(field)) return;
    walk.keep(at, 2);
    write16(walk.buffer, at, fold(old + (~before & 0xffff) + after));
    return;
  }
  if (proto === PROTO.udp && old === 0) return;
  walk.keep(at, 2);
  const sum = updateChecksum(old, before, after);
  write16(walk.buffer, at, sum === 0 && proto === PROTO.udp ? 0xffff : sum);
}

export const write: NodeKind<'write'> = {
  noneAllowed: false,
  targets: () => [],
  check(node) {
    const { field, data } = node.key;
    if (!isField(field)) return `there is no ${fieldName(field)}`;
    const layout = layoutOf(field);
    if (layout === undefined) return `${fieldName(field)} cannot be written`;
    if (layout.bytes !== 16) return checkNumber(field, data);
    return data.kind === 'ip6' && data.bytes.length === 16 ? undefined : `${fieldName(field)} needs an IPv6 address`;
  },
  link(node, context) {
    const next = context.slotOf(node.next);
    const { field, data } = node.key;
    const layout = layoutOf(field)!;
    const value = operand(data, layout);
    const mask = maskOf(layout);
    // Checksums go by 16-bit words: the whole words that the field touches.
    const wordsFrom = layout.at & ~1;
    const wordsTo = (layout.at + layout.bytes + 1) & ~1;
    const inIp4Header = layout.layer === 'ip4';

    return {
      execute(walk) {
        const base = locate(walk, layout.layer);
        if (base === ABSENT) return next;
        const buffer = walk.buffer;
        const at = base + layout.at;
        const transportAt = transportChecksum(walk, field);
        walk.keep(at, layout.bytes);
        const before = sumBytes(buffer, base + wordsFrom, base + wordsTo);
        for (let i = 0; i < layout.bytes; i++) {
          const old = buffer[at + i]!;
          buffer[at + i] = (old & ~mask[i]!) | (apply(node.op, old, value[i]!) & mask[i]!);
        }
        const after = sumBytes(buffer, base + wordsFrom, base + wordsTo);
        if (inIp4Header) {
          walk.keep(base + 10, 2);
          write16(buffer, base + 10, updateChecksum(read16(buffer, base + 10), before, after));
        }
        if (transportAt !== ABSENT) fixTransport(walk, transportAt, field, before, after);
        walk.reread();
        return next;
      },
    };
  },
  describe: (node) => () => `${node.op} ${fieldName(node.key.field)}`,
};
