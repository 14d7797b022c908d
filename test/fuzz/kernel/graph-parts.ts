/** What the graphs for the comparison of the two engines are made of. */
import {
  AftField,
  PARAM,
  TOKEN_FIRST_CLIENT,
  type AftEntry,
  type AftInsert,
  type AftKey,
  type AftNode,
  type AftOperation,
  type AftParams,
  type Token,
} from '../../../src/aft/model';
import { maskAddress } from '../../../src/net/address';
import type { Random } from '../random';

/** Of each sandbox. */
export const PORTS = 4;
/** Theirs, by number. */
export const MACS = Array.from({ length: PORTS }, (_, port) => Uint8Array.of(2, 0, 0, 0, 1, port));

/** What a graph is like. */
export type Shape = 'fpm2afi' | 'plain' | 'odd';

/** Addresses that routes and packets have in common. */
export interface Prefixed {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** A graph, as what is told to a sandbox one after the other; refused operations are part of it. */
export interface GraphPlan {
  readonly shape: Shape;
  readonly operations: readonly AftOperation[];
  readonly prefixes: readonly Prefixed[];
  /** Another change of it. */
  readonly change: () => AftOperation;
}

/** Tokens of the graphs start here. */
export const FIRST = TOKEN_FIRST_CLIENT + 20_000;

/** An operation that puts these in. */
export const insert = (what: Partial<AftInsert>): AftOperation => ({
  kind: 'insert',
  insert: { nodes: [], entries: [], ...what },
});

/** One that takes these out. */
export const remove = (entries: readonly { parent: Token; key: AftKey }[], tokens: readonly Token[]): AftOperation => ({
  kind: 'remove',
  remove: { entries, tokens },
});

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** One in a few networks, so that prefixes nest, and packets meet them. */
export function address(random: Random, size: 4 | 16): Uint8Array {
  const found = bytes(random, size);
  if (size === 4) found.set([10, random.below(3), random.below(4)].slice(0, 1 + random.below(3)));
  else found.set([0x20, 0x01, 0x0d, 0xb8, 0, random.below(3)].slice(0, 3 + random.below(4)));
  return found;
}

/** A prefix of any length. */
export function prefixed(random: Random): Prefixed {
  const size = random.below(2) === 0 ? 4 : 16;
  const length = random.below(8) === 0 ? random.below(16) : random.below(size * 8 + 1);
  return { bytes: maskAddress(address(random, size), length), length };
}

/** The route of a tree. */
export function routeTo(parent: Token, { bytes: prefix, length }: Prefixed, next: Token): AftEntry {
  const field = prefix.length === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr;
  return { parent, key: { field, data: { kind: 'prefix', bytes: prefix, length } }, next };
}

/** An int, as keys and parameters have it. */
export const int = (value: number): { kind: 'int'; value: number } => ({ kind: 'int', value });

/** An Ethernet header with random addresses, and at times an MTU. */
export function ethernet(random: Random, token: Token, next: Token): AftNode {
  const ether = (field: AftField, mac: Uint8Array): AftKey => ({ field, data: { kind: 'ether', bytes: mac } });
  const keys = [ether(AftField.EtherDaddr, bytes(random, 6)), ether(AftField.EtherSaddr, bytes(random, 6))];
  const mtu: AftParams =
    random.below(4) === 0 ? { [PARAM.nhMtu]: int(random.pick([1, 68, 600, 1280, 1500, 9000])) } : {};
  return { type: 'encap', token, template: 'ethernet', keys, next, params: mtu };
}
