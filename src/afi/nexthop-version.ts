/**
 * What a nexthop group is in the vASIC, version by version, and what has to be written to get from one to the next. Pure: who
 * writes, and what comes of it, is nexthop-writer.ts.
 */
import type { NodeInsert } from './graph';
import { AftField, FLOW_FIELDS, type AftKey, type Token } from '../aft/model';
import type { NexthopIntent } from '../fib/intents';

/** One version of a group in the vASIC, or on its way there: where it leads, and the adjacencies and labels it holds on to. */
export interface Version {
  readonly intent: NexthopIntent;
  /** What the AftIndirect leads to: the load balancer where there are slots. */
  readonly next: Token;
  readonly slots: readonly Token[] | undefined;
  readonly adjacencies: readonly number[];
  /** What is done to labels, by the label writer's numbers. */
  readonly labels: readonly number[];
}

/** What an intent comes to. */
export type VersionResult =
  | { readonly kind: 'version'; readonly version: Version }
  /** Its adjacencies aren't in the vASIC yet, or what is done to labels isn't: this number of the label writer's. */
  | { readonly kind: 'waiting'; readonly labels?: number }
  /** An adjacency was refused, or `labels` were. `stuck`: it goes on sending to where it should not. */
  | { readonly kind: 'refused'; readonly reason: string; readonly stuck: boolean; readonly labels?: number };

/** A nexthop group as the writer knows it. */
export interface GroupState {
  readonly id: number;
  /** The AftIndirect; undefined for direct groups. */
  indirect: Token | undefined;
  /** The AftLoadBalance, once it needed one. */
  balancer: Token | undefined;
  /** What its load balancer tells flows apart by. */
  fields: readonly AftField[];
  current: Version | undefined;
  sending: Version | undefined;
  /** What is being sent only ends what may not stay, for this reason. */
  retreat: string | undefined;
  /** What the server refused last, and its reason: not tried again by itself. */
  refused: { readonly intent: NexthopIntent; readonly reason: string } | undefined;
  /** Sent since `current`, outcome unknown. */
  unconfirmed: readonly Version[];
  /** The server may hold the AftIndirect: it was sent, whatever became of it. */
  mayExist: boolean;
  /** Came up while it was in flight. */
  again: boolean;
  removing: boolean;
  /** It was tried to make it known what the server holds. */
  settled: boolean;
}

/** The key of a load balancer's entry. */
export function slotKey(slot: number): AftKey {
  return { field: AftField.None, data: { kind: 'int', value: slot } };
}

/** Adds what has to be written to get from what the server holds to `version`; false when that is nothing. */
export function addDifference(
  indirect: Token,
  state: GroupState,
  version: Version,
  { nodes, entries }: NodeInsert,
): boolean {
  const sure = state.unconfirmed.length === 0 ? state.current : undefined;
  const { slots, next } = version;
  const before = [nodes.length, entries.length];
  if (slots !== undefined && state.balancer !== undefined) {
    const parent = state.balancer;
    const same = sure?.slots?.length === slots.length ? sure.slots : undefined;
    if (same === undefined) {
      nodes.push({ type: 'loadBalance', token: parent, max: slots.length, fields: state.fields });
    }
    slots.forEach((target, slot) => {
      if (target !== same?.[slot]) entries.push({ parent, key: slotKey(slot), next: target });
    });
  }
  if (sure?.next !== next) nodes.push({ type: 'indirect', token: indirect, target: next });
  return nodes.length > before[0]! || entries.length > before[1]!;
}

/** The load balancer that the server is known to have. */
export function balancerOf({ balancer, current }: GroupState): Token | undefined {
  return current?.slots === undefined ? undefined : balancer;
}

/** Of most groups. */
const NONE: readonly Version[] = [];

/** Nothing was sent of it yet. `indirect`: undefined for a direct group. */
export function newState(id: number, indirect: Token | undefined): GroupState {
  return {
    id,
    indirect,
    balancer: undefined,
    fields: FLOW_FIELDS,
    current: undefined,
    sending: undefined,
    retreat: undefined,
    refused: undefined,
    unconfirmed: NONE,
    mayExist: false,
    again: false,
    removing: false,
    settled: false,
  };
}
