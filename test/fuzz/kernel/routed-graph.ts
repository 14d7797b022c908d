/**
 * A small graph as fpm2afi builds it, for tests that look at the kernel's records: port 0 with its MAC address, a route tree, and a neighbor
 * whom groups lead to.
 */
import { AftField, type AftEntry, type AftInsert, type AftNode, type Token } from '../../../src/aft/model';
import { outputPortToken } from '../../../src/vasic/engine/ports';
import { finishIpv4 } from '../../bed/ipv4-header';
import { FIRST, int, MACS, PORTS, routeTo } from './graph-parts';

export const [MATCH, TYPES, TREE, DROP] = [FIRST, FIRST + 1, FIRST + 2, FIRST + 3];
export const [ENCAP, NEIGHBOR] = [FIRST + 10, FIRST + 11];
export const GROUPS = FIRST + 100;
/** Input ports that lead nowhere. */
export const UNBOUND = PORTS - 1;

const mac = (last: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 9, last);

/** The header to the neighbor with this MAC address. */
export function header(last: number, port = 1): AftNode {
  const ether = (
    field: AftField,
    bytes: Uint8Array,
  ): { field: AftField; data: { kind: 'ether'; bytes: Uint8Array } } => ({
    field,
    data: { kind: 'ether', bytes },
  });
  const keys = [ether(AftField.EtherDaddr, mac(last)), ether(AftField.EtherSaddr, MACS[port]!)];
  return { type: 'encap', token: ENCAP, template: 'ethernet', keys, next: outputPortToken(port), params: {} };
}

/** A node that only leads to another. */
export const leadOn = (token: Token, target: Token): AftNode => ({ type: 'indirect', token, target });

/** The nth /24. */
export const route = (n: number, next: Token): AftEntry =>
  routeTo(TREE, { bytes: Uint8Array.of(10, n >> 8, n & 255, 0), length: 24 }, next);

/** A frame to the nth /24, from a host on port 0. */
export function frameTo(n: number): Uint8Array {
  const frame = Buffer.alloc(60);
  frame.set(MACS[0]!, 0);
  frame.set([2, 0, 0, 0, 8, 8, 8, 0], 6);
  frame.set([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 99, 0, 1, 10, n >> 8, n & 255, 7], 14);
  finishIpv4(frame, 14);
  return frame;
}

/** What is there before any route: ethernet, the tree, and the neighbor 1 at port 1. */
export const ROUTED: Partial<AftInsert> = {
  nodes: [
    { type: 'discard', token: DROP },
    {
      type: 'tree',
      token: TREE,
      fields: [AftField.PacketLookupKey],
      defaultNext: DROP,
      params: { 'rt.ttlExpired': int(DROP) },
    },
    { type: 'switch', token: TYPES, field: AftField.EtherType, defaultNext: DROP },
    {
      ...{ type: 'match', token: MATCH, field: AftField.EtherDaddr, op: 'eq' },
      ...{ value: { kind: 'ether', bytes: MACS[0]! }, trueNext: TYPES, falseNext: DROP },
    },
    header(1),
    leadOn(NEIGHBOR, ENCAP),
  ],
  entries: [{ parent: TYPES, key: { field: AftField.EtherType, data: int(0x0800) }, next: TREE }],
  binds: [{ port: 0, next: MATCH }],
};
