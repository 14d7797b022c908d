/**
 * Nexthop groups in the vASIC: an AftIndirect that route entries point at, leading to a neighbor's AftIndirect, to what is done
 * to labels in front of one (label-writer.ts), to an AftLoadBalance over several of them, to a receive node or to discard.
 *
 * A group that once had several paths keeps its AftLoadBalance for good: a new resolution is the slots that change, written
 * in place in one transaction, so that only flows of those slots move. Adjacencies that slots lead to are held until a
 * transaction that takes them out is acknowledged. After a lost connection it is not known whether the last transaction
 * went in: then the table is written whole, and what either version needs is held until that is acknowledged.
 *
 * A change that the server refuses doesn't leave the old one in force: the AftIndirect is pointed at the host. When that is
 * refused as well, the FIB is told that it is stuck, and takes the entries away from it.
 *
 * Direct groups have no node: their entries point at the neighbor's AftIndirect, the receive node or discard itself.
 * What an intent comes to is nexthop-plan.ts's.
 */
import { trapToken } from './base-graph';
import type { AdjacencyWriter } from './adjacency-writer';
import {
  NOTHING,
  WRITTEN,
  type BuildResult,
  type Garbage,
  type Graph,
  type NodeInsert,
  type NodeWriter,
  type ProgrammedNode,
  type TokenUse,
} from './graph';
import type { LabelWriter } from './label-writer';
import type { Token } from '../aft/model';
import { NexthopPlan } from './nexthop-plan';
import { addDifference, balancerOf, newState, slotKey, type GroupState, type Version } from './nexthop-version';
import { RecentTables } from './recent-tables';
import { WaitingGroups } from './waiting-groups';
import { intentsEqual, type ForwardingSource, type NexthopIntent } from '../fib/intents';
import { WorkSet } from '../fib/work-set';
import type { Logger } from '../observe/log';

const HELD_BACK: NexthopIntent = { kind: 'punt', reason: 'unresolved' };

export class NexthopWriter implements NodeWriter {
  readonly dirty = new WorkSet();
  written = 0;
  private readonly states = new Map<number, GroupState>();
  /** Groups whose adjacencies or labels the vASIC doesn't have (yet, or refused). */
  private readonly waiting = new WaitingGroups(this.dirty, (id) => this.states.has(id));
  private readonly recent = new RecentTables();
  private readonly plan: NexthopPlan;

  constructor(
    private readonly source: ForwardingSource,
    private readonly graph: Graph,
    private readonly adjacencies: AdjacencyWriter,
    private readonly labels: LabelWriter,
    private readonly log: Logger,
  ) {
    this.plan = new NexthopPlan({
      source,
      graph,
      adjacencies,
      labels,
      recent: this.recent,
      slotsOf: (id) => this.states.get(id)?.current?.slots,
    });
  }

  clear(): void {
    this.states.clear();
    this.waiting.clear();
    this.dirty.clear();
    this.recent.clear();
  }

  /** An adjacency got its verdict, or a tree is there: who waits may go on. */
  wake(): void {
    this.waiting.wakeAll();
  }

  /** These label actions got their verdict: who waits for one of them may go on. */
  labelsDone(actions: readonly number[]): void {
    this.waiting.wakeLabels(actions);
  }

  /** The token that a route entry of this group points at; undefined while the vASIC doesn't have the group. */
  tokenOf(id: number): Token | undefined {
    const state = this.states.get(id);
    if (state?.current === undefined || state.removing) return undefined;
    return state.indirect ?? state.current.next;
  }

  /** An adjacency was refused: who leads to it has to say so, and to leave it if it is stuck. */
  adjacencyRefused(adjacency: number): void {
    for (const [id, { current }] of this.states) if (current?.adjacencies.includes(adjacency)) this.dirty.add(id);
  }

  /** What was refused may be tried again. */
  retryRefused(): void {
    for (const state of this.states.values()) state.refused = undefined;
    // What is done to labels may have been collected, with its refusal, while nobody held it.
    this.waiting.wakeAllLabels();
  }

  build(id: number, insert: NodeInsert): BuildResult {
    const wanted = this.source.nexthop(id);
    let state = this.states.get(id);
    if (wanted === undefined) return this.remove(id, state, insert);
    if (state === undefined) {
      const indirect = wanted.direct ? undefined : this.graph.newToken();
      this.states.set(id, (state = newState(id, indirect)));
    }
    if (state.sending !== undefined) {
      state.again = true;
      return NOTHING;
    }
    if (state.refused !== undefined && intentsEqual(wanted.intent, state.refused.intent)) {
      return this.leave(state, state.refused.reason, insert);
    }
    state.refused = undefined;
    const result = this.plan.versionOf(state, wanted.intent);
    switch (result.kind) {
      case 'waiting':
        this.waiting.add(id, result.labels);
        return NOTHING;
      case 'refused': {
        this.waiting.add(id, result.labels);
        const left = result.stuck ? this.leave(state, result.reason, insert) : NOTHING;
        if (left.kind === 'written') return left;
        return { kind: 'settled', verdict: { acked: undefined, error: result.reason, stuck: false } };
      }
      case 'version':
        return this.send(state, result.version, insert);
    }
  }

  private send(state: GroupState, version: Version, insert: NodeInsert): BuildResult {
    for (const adjacency of version.adjacencies) this.adjacencies.acquire(adjacency);
    for (const id of version.labels) this.labels.acquire(id);
    const found = this.find(state, version);
    if (found !== undefined) {
      this.acknowledged(state, found);
      return { kind: 'settled', verdict: { acked: found.intent, error: undefined, stuck: false } };
    }
    if (state.indirect !== undefined && addDifference(state.indirect, state, version, insert)) {
      state.sending = version;
      state.mayExist = true;
      return WRITTEN;
    }
    this.acknowledged(state, version);
    return { kind: 'settled', verdict: { acked: version.intent, error: undefined, stuck: false } };
  }

  /** Goes on with the nodes of an earlier life that the group's entries lead to, where they are just as they would be made. */
  private find(state: GroupState, version: Version): Version | undefined {
    const there = state.mayExist ? undefined : this.plan.found(state);
    if (there === undefined) return undefined;
    const { indirect, target, balancer } = there;
    if (version.slots === undefined) {
      if (target !== version.next) return undefined;
      this.graph.adopted.take(indirect);
    } else {
      if (balancer === undefined || !sameTokens(balancer.slots, version.slots)) return undefined;
      if (!sameTokens(balancer.fields, state.fields)) return undefined;
      this.graph.adopted.take(indirect, target);
      state.balancer = target;
    }
    state.indirect = indirect;
    state.mayExist = true;
    return version.slots === undefined ? version : { ...version, next: target };
  }

  /** Points the group at the host, as what it leads to may not stay, unless it is there. Its slots stay for what comes next. */
  private leave(state: GroupState, reason: string, insert: NodeInsert): BuildResult {
    const { current, indirect } = state;
    if (indirect === undefined || current === undefined || current.next === trapToken('unresolved')) return NOTHING;
    const version = { ...current, intent: HELD_BACK, next: trapToken('unresolved') };
    const result = this.send(state, version, insert);
    if (result.kind === 'written') state.retreat = reason;
    return result;
  }

  /** The server holds this version, and none before it. */
  private acknowledged(state: GroupState, version: Version): void {
    if (version.slots === undefined && state.current?.slots === undefined) this.forgetBalancer(state);
    if (state.current !== undefined) this.letGo(state.current);
    for (const old of state.unconfirmed) this.letGo(old);
    if (state.unconfirmed.length > 0) state.unconfirmed = [];
    state.current = version;
    if (state.balancer !== undefined && version.slots !== undefined) this.recent.note(state.balancer, version.slots);
  }

  /** Removes the load balancer that nobody knows whether the server has, as the answer was lost, and that nothing leads to. */
  private forgetBalancer(state: GroupState): void {
    const { balancer, unconfirmed } = state;
    const slots = slotsOf(unconfirmed);
    if (balancer === undefined || slots === 0) return;
    state.balancer = undefined;
    this.recent.forget(balancer);
    this.graph.discard({ entries: slotsIn(balancer, slots), tokens: [balancer], done: () => undefined });
  }

  private letGo(version: Version): void {
    for (const id of version.adjacencies) this.adjacencies.release(id);
    for (const id of version.labels) this.labels.release(id);
  }

  private remove(id: number, state: GroupState | undefined, insert: NodeInsert): BuildResult {
    if (state === undefined) return { kind: 'gone' };
    // The acknowledgement in flight, or the removal of its last entry, brings it back here.
    if (state.sending !== undefined) state.again = true;
    if (state.removing || state.sending !== undefined || this.source.entriesUsing(id) > 0) return NOTHING;
    // What isn't known to be there can't be removed as a whole: it is written first.
    if (state.indirect !== undefined && state.unconfirmed.length > 0 && !state.settled) {
      state.settled = true;
      const nothing = this.plan.discarding(state);
      addDifference(state.indirect, state, nothing, insert);
      state.sending = nothing;
      state.again = true;
      return WRITTEN;
    }
    state.removing = true;
    this.waiting.delete(id);
    const { current, unconfirmed, indirect, balancer } = state;
    const versions = [...(current === undefined ? [] : [current]), ...unconfirmed];
    const slots = slotsOf(versions);
    const release = (): void => {
      for (const version of versions) this.letGo(version);
      this.states.delete(id);
    };
    const done = (): void => {
      release();
      this.source.nexthopGone(id);
    };
    if (balancer !== undefined) this.recent.forget(balancer);
    if (indirect === undefined || !state.mayExist) {
      release();
      return { kind: 'gone' };
    }
    if (balancer === undefined || slots === 0) this.graph.discard({ entries: [], tokens: [indirect], done });
    else {
      this.graph.discard({ entries: slotsIn(balancer, slots), tokens: [indirect, balancer], done });
    }
    return NOTHING;
  }

  done(id: number, error: string | undefined): void {
    const state = this.states.get(id);
    const version = state?.sending;
    if (state === undefined || version === undefined) return;
    const { retreat } = state;
    state.sending = undefined;
    state.retreat = undefined;
    if (error === undefined) {
      this.written++;
      this.acknowledged(state, version);
      this.source.nexthopDone(id, { acked: version.intent, error: retreat, stuck: false });
    } else {
      this.letGo(version);
      this.log.warn('the vASIC refused a nexthop', {
        code: 'afi-nexthop-refused',
        nexthop: this.source.nexthop(id)?.name,
        reason: error,
      });
      this.wasRefused(id, state, version, `nexthop refused: ${error}`, retreat !== undefined);
    }
    if (!state.again) return;
    state.again = false;
    this.dirty.add(id);
  }

  private wasRefused(id: number, state: GroupState, version: Version, error: string, stuck: boolean): void {
    if (!stuck) {
      state.refused = { intent: version.intent, reason: error };
      state.again = true;
    }
    this.source.nexthopDone(id, { acked: undefined, error, stuck });
  }

  returned(id: number): void {
    const state = this.states.get(id);
    if (state?.sending === undefined) return;
    this.letGo(state.sending);
    state.sending = undefined;
    state.retreat = undefined;
    state.settled = false;
  }

  uncertain(id: number): void {
    const state = this.states.get(id);
    if (state?.sending === undefined) return;
    state.unconfirmed = [...state.unconfirmed, state.sending];
    state.sending = undefined;
    state.retreat = undefined;
    state.settled = false;
    this.dirty.add(id);
  }

  /** The nodes made for each group, the one that entries point at first. */
  tokensByGroup(): Map<number, Token[]> {
    const tokens = new Map<number, Token[]>();
    for (const [id, state] of this.states) if (state.indirect !== undefined) tokens.set(id, this.tokensOf(id));
    return tokens;
  }

  /** The nodes made for a group, the one that entries point at first; none for a direct group. */
  tokensOf(id: number): Token[] {
    const state = this.states.get(id);
    if (state?.indirect === undefined) return [];
    const balancer = balancerOf(state);
    return balancer === undefined ? [state.indirect] : [state.indirect, balancer];
  }

  /** What is done to labels on the acknowledged paths of a group, by the label writer's numbers. */
  labelsOf(id: number): readonly number[] {
    return this.states.get(id)?.current?.labels ?? [];
  }

  *tokens(): Generator<TokenUse> {
    for (const [id, state] of this.states) {
      const { indirect, current } = state;
      if (indirect === undefined) continue;
      const name = `nexthop ${this.source.nexthop(id)?.name ?? 'that is gone'}`;
      yield { token: indirect, type: 'indirect', name, next: current === undefined ? [] : [current.next] };
      const balancer = balancerOf(state);
      if (balancer === undefined) continue;
      yield { token: balancer, type: 'loadBalance', name, next: [...new Set(current?.slots)] };
    }
  }

  /** What the vASIC is known to hold of each set that has nodes. */
  *programmed(): Generator<ProgrammedNode> {
    for (const [id, { indirect, balancer, fields, current, sending, unconfirmed, removing }] of this.states) {
      if (indirect === undefined) continue;
      const settled = sending === undefined && unconfirmed.length === 0 && !removing && !this.dirty.has(id);
      const sure = settled ? current : undefined;
      const common = {
        layer: 'nexthop',
        id,
        name: `nexthop ${this.source.nexthop(id)?.name ?? 'that is gone'}`,
      } as const;
      const target = sure?.next;
      const node = target === undefined ? undefined : ({ type: 'indirect', token: indirect, target } as const);
      yield { ...common, token: indirect, node, entries: undefined };
      if (balancer === undefined) continue;
      const slots = sure?.slots;
      const max = slots?.length;
      const table = max === undefined ? undefined : ({ type: 'loadBalance', token: balancer, max, fields } as const);
      const entries = slots && { size: slots.length, get: (key: string): Token | undefined => slots[Number(key)] };
      yield { ...common, token: balancer, node: table, entries };
    }
  }

  /** Has a set's nodes written again, whatever the vASIC holds. */
  rewrite(id: number): void {
    const state = this.states.get(id);
    if (state?.current === undefined || state.sending !== undefined || state.removing) return;
    // The neighbors and labels are held by `current` once.
    state.unconfirmed = [...state.unconfirmed, { ...state.current, adjacencies: [], labels: [] }];
    this.dirty.add(id);
  }
}

/** The most slots of any of these. */
function slotsOf(versions: readonly Version[]): number {
  return Math.max(0, ...versions.map((version) => version.slots?.length ?? 0));
}

function slotsIn(parent: Token, slots: number): Garbage['entries'] {
  return Array.from({ length: slots }, (_, slot) => ({ parent, key: slotKey(slot) }));
}

function sameTokens(a: readonly Token[], b: readonly Token[]): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}
