/**
 * AftMatch: compares a field with a value and goes one of two ways. Numbers, IPv4 and hardware addresses compare as
 * numbers, IPv6 addresses bytewise; a prefix equals the addresses within it. A packet that doesn't have the field goes
 * the false way, whatever the comparison (`ne` included).
 */
import { AftField } from '../../../aft/model';
import type { AftData, MatchOp } from '../../../aft/model';
import { prefixContains } from '../../../net/address';
import type { Prefix } from '../../../net/address';
import {
  ABSENT,
  checkNumber,
  dataNumber,
  describeField,
  isAddressField,
  isField,
  fieldName,
  locateAddress,
  readNumber,
} from '../fields';
import { checkPrefix } from '../prefix-key';
import type { Walk } from '../walk';
import type { NodeKind, NodeOf } from '../node-kind';

/** The outcome for a field that compares as `order` (negative: smaller than the value). */
function holds(op: MatchOp, order: number): boolean {
  switch (op) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
  }
}

function checkValue(node: NodeOf<'match'>): string | undefined {
  const { field, value, op } = node;
  if (value.kind === 'prefix') {
    if (!isAddressField(field)) return `${fieldName(field)} cannot be compared with a prefix`;
    if (op !== 'eq' && op !== 'ne') return 'a prefix can be compared for eq and ne only';
    return checkPrefix(field, value);
  }
  if (value.kind === 'ip6') {
    const fits = field === AftField.Ip6Saddr || field === AftField.Ip6Daddr || field === AftField.PacketLookupKey;
    if (!fits) return `${fieldName(field)} cannot be compared with an IPv6 address`;
    return value.bytes.length === 16 ? undefined : 'an IPv6 address has 16 bytes';
  }
  if (value.kind === 'ip4' && field === AftField.PacketLookupKey) {
    return value.bytes.length === 4 ? undefined : 'an IPv4 address has 4 bytes';
  }
  return checkNumber(field, value);
}

/** Compares bytes at `at` with `bytes`, as numbers in network order. */
function compareBytes(buffer: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) {
    const difference = buffer[at + i]! - bytes[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A function that says whether the field of a packet compares with the value as asked. */
function comparison(field: AftField, op: MatchOp, value: AftData): (walk: Walk) => boolean {
  const found = { at: 0, size: 0 };
  if (value.kind === 'prefix') {
    const prefix: Prefix = { family: value.bytes.length === 4 ? 4 : 6, bytes: value.bytes, length: value.length };
    return (walk) => {
      locateAddress(walk, field, found);
      if (found.size === 0) return false;
      const inside = prefixContains(prefix, walk.buffer.subarray(found.at, found.at + found.size));
      return inside === (op === 'eq');
    };
  }
  if (value.kind === 'ip6' || (value.kind === 'ip4' && field === AftField.PacketLookupKey)) {
    const bytes = value.bytes;
    return (walk) => {
      locateAddress(walk, field, found);
      return found.size === bytes.length && holds(op, compareBytes(walk.buffer, found.at, bytes));
    };
  }
  const number = dataNumber(value)!;
  return (walk) => {
    const actual = readNumber(walk, field);
    return actual !== ABSENT && holds(op, actual - number);
  };
}

export const match: NodeKind<'match'> = {
  noneAllowed: true,
  targets: (node) => [node.trueNext, node.falseNext],
  check(node) {
    if (!isField(node.field)) return `there is no ${fieldName(node.field)}`;
    return checkValue(node);
  },
  link(node, context) {
    const whenTrue = context.slotOf(node.trueNext);
    const whenFalse = context.slotOf(node.falseNext);
    const compare = comparison(node.field, node.op, node.value);
    return { execute: (walk) => (compare(walk) ? whenTrue : whenFalse) };
  },
  image({ field, op, value, trueNext, falseNext }, context) {
    if (field !== AftField.EtherDaddr || op !== 'eq' || value.kind !== 'ether') return { kind: 'slow', reason: 'node' };
    const [whenTrue, whenFalse] = [context.slotOf(trueNext), context.slotOf(falseNext)];
    return { kind: 'matchMac', mac: value.bytes, whenTrue, whenFalse };
  },
  describe(node, walk, { graph }) {
    const value = describeField(walk, node.field);
    return (next) => `${fieldName(node.field)} is ${value}: ${next === graph.slotOf(node.trueNext) ? 'yes' : 'no'}`;
  },
};
