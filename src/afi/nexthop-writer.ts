/**
 * Nexthop sets in the vASIC: an AftIndirect that route entries point at, leading to a neighbor's AftIndirect, to an
 * AftLoadBalance over several of them, to a receive node or to discard. A new resolution is the AftIndirect written again
 * in place, together with the load balancer that it needs; what it led to before is removed after that is acknowledged.
 *
 * Direct sets have no node: their entries point at the neighbor's AftIndirect, the receive node or discard itself.
 */
import { trapToken } from './base-graph';
import type { AdjacencyWriter } from './adjacency-writer';
import type { Garbage, Graph, TokenUse } from './graph';
import { slotsOf } from './legs';
import { AftField, TOKEN_DISCARD, type AftEntry, type AftKey, type AftNode, type Token } from './model';
import type { ForwardingSource, NexthopIntent } from '../fib/intents';
import type { Logger } from '../observe/log';

interface LoadBalancer {
  readonly token: Token;
  readonly slots: readonly number[];
}

/** One version of a set in the vASIC, or on its way there: where it leads, and the adjacencies it holds on to. */
interface Version {
  readonly intent: NexthopIntent;
  readonly next: Token;
  readonly balancer: LoadBalancer | undefined;
  readonly adjacencies: readonly number[];
}

interface SetState {
  /** The AftIndirect; undefined for direct sets. */
  readonly indirect: Token | undefined;
  current: Version | undefined;
  sending: Version | undefined;
  /** The server may hold the AftIndirect: it was sent, whatever became of it. */
  mayExist: boolean;
  /** Came up while it was in flight. */
  again: boolean;
  removing: boolean;
}

/** What a load balancer chooses by: the 5-tuple, and the flow label for IPv6 (RFC 6438). */
const HASH_FIELDS: readonly AftField[] = [
  AftField.Ip4Saddr,
  AftField.Ip4Daddr,
  AftField.Ip4Proto,
  AftField.Ip6Saddr,
  AftField.Ip6Daddr,
  AftField.Ip6NextHeader,
  AftField.Ip6FlowLabel,
  AftField.L4Sport,
  AftField.L4Dport,
];

/** The key of a load balancer's entry. */
export function slotKey(slot: number): AftKey {
  return { field: AftField.None, data: { kind: 'int', value: slot } };
}

export class NexthopWriter {
  /** To be looked at again. */
  readonly dirty = new Set<number>();
  written = 0;
  /** Sets whose adjacencies the vASIC doesn't have (yet, or refused). */
  private readonly waiting = new Set<number>();
  private readonly states = new Map<number, SetState>();

  constructor(
    private readonly source: ForwardingSource,
    private readonly graph: Graph,
    private readonly adjacencies: AdjacencyWriter,
    private readonly log: Logger,
  ) {}

  clear(): void {
    this.states.clear();
    this.waiting.clear();
    this.dirty.clear();
  }

  /** An adjacency got its verdict: who waits may go on. */
  wake(): void {
    for (const id of this.waiting) this.dirty.add(id);
    this.waiting.clear();
  }

  /** The token that a route entry of this set points at; undefined while the vASIC doesn't have the set. */
  tokenOf(id: number): Token | undefined {
    const state = this.states.get(id);
    if (state?.current === undefined || state.removing) return undefined;
    return state.indirect ?? state.current.next;
  }

  /** Adds a set's nodes; false when there is nothing to write (now): it waits, it is done already, or it goes away. */
  build(id: number, insert: { nodes: AftNode[]; entries: AftEntry[] }): boolean {
    const wanted = this.source.nexthop(id);
    let state = this.states.get(id);
    if (wanted === undefined) {
      this.remove(id, state);
      return false;
    }
    if (state === undefined) {
      const indirect = wanted.direct ? undefined : this.graph.newToken();
      const nothing = { current: undefined, sending: undefined, mayExist: false, again: false, removing: false };
      this.states.set(id, (state = { indirect, ...nothing }));
    }
    if (state.sending !== undefined) {
      state.again = true;
      return false;
    }
    const version = this.versionOf(wanted.intent);
    if (version === 'wait') {
      this.waiting.add(id);
      return false;
    }
    if (typeof version === 'string') {
      this.waiting.add(id);
      this.source.nexthopDone(id, wanted.intent, version);
      return false;
    }
    for (const adjacency of version.adjacencies) this.adjacencies.acquire(adjacency);
    if (state.indirect === undefined) {
      if (state.current !== undefined) this.discard(state.current);
      state.current = version;
      this.source.nexthopDone(id, wanted.intent, undefined);
      return false;
    }
    if (version.balancer !== undefined) this.buildBalancer(version, version.balancer, insert);
    insert.nodes.push({ type: 'indirect', token: state.indirect, target: version.next });
    state.sending = version;
    state.mayExist = true;
    return true;
  }

  /** What an intent comes to in tokens; 'wait' until its adjacencies are there; another text is why it can't be had. */
  private versionOf(intent: NexthopIntent): Version | string {
    const plain = (next: Token): Version => ({ intent, next, balancer: undefined, adjacencies: [] });
    switch (intent.kind) {
      case 'drop':
        return plain(TOKEN_DISCARD);
      case 'punt':
        return plain(trapToken(intent.reason));
      case 'forward': {
        const adjacencies = intent.legs.map((leg) => leg.adjacency);
        const states = adjacencies.map((id) => this.adjacencies.get(id));
        const refused = states.find((state) => state?.error !== undefined);
        if (refused?.error !== undefined) return `neighbor refused: ${refused.error}`;
        if (states.some((state) => state?.exists !== true)) return 'wait';
        if (states.length === 1) return { intent, next: states[0]!.indirect, balancer: undefined, adjacencies };
        const balancer = { token: this.graph.newToken(), slots: slotsOf(intent.legs.map((leg) => leg.weight)) };
        return { intent, next: balancer.token, balancer, adjacencies };
      }
    }
  }

  private buildBalancer(
    version: Version,
    { token, slots }: LoadBalancer,
    insert: { nodes: AftNode[]; entries: AftEntry[] },
  ): void {
    insert.nodes.push({ type: 'loadBalance', token, max: slots.length, fields: HASH_FIELDS });
    slots.forEach((leg, slot) => {
      const next = this.adjacencies.get(version.adjacencies[leg]!)!.indirect;
      insert.entries.push({ parent: token, key: slotKey(slot), next });
    });
  }

  /** A version is not used any more: its load balancer goes, then its hold on the adjacencies. */
  private discard(version: Version): void {
    const done = (): void => this.releaseAdjacencies(version);
    if (version.balancer === undefined) done();
    else this.graph.discard({ ...balancerRemoval(version.balancer), done });
  }

  private releaseAdjacencies(version: Version): void {
    for (const id of version.adjacencies) this.adjacencies.release(id);
  }

  private remove(id: number, state: SetState | undefined): void {
    if (state === undefined) return this.source.nexthopGone(id);
    // The acknowledgement in flight, or the removal of its last entry, brings it back here.
    if (state.sending !== undefined) state.again = true;
    if (state.removing || state.sending !== undefined || this.source.entriesUsing(id) > 0) return;
    state.removing = true;
    this.waiting.delete(id);
    const { current, indirect } = state;
    const done = (): void => {
      if (current !== undefined) this.releaseAdjacencies(current);
      this.states.delete(id);
      this.source.nexthopGone(id);
    };
    if (indirect === undefined || !state.mayExist) return done();
    const { entries, tokens } = balancerRemoval(current?.balancer);
    this.graph.discard({ entries, tokens: [indirect, ...tokens], done });
  }

  /** The server's verdict. */
  done(id: number, error: string | undefined): void {
    const state = this.states.get(id);
    const version = state?.sending;
    if (state === undefined || version === undefined) return;
    state.sending = undefined;
    if (error === undefined) {
      this.written++;
      if (state.current !== undefined) this.discard(state.current);
      state.current = version;
    } else {
      this.releaseAdjacencies(version);
      this.log.warn('the vASIC refused a nexthop', { nexthop: this.source.nexthop(id)?.name, reason: error });
    }
    this.source.nexthopDone(id, version.intent, error === undefined ? undefined : `nexthop refused: ${error}`);
    if (!state.again) return;
    state.again = false;
    this.dirty.add(id);
  }

  /** Refused together with others: will be built anew. */
  returned(id: number): void {
    const state = this.states.get(id);
    if (state?.sending === undefined) return;
    this.releaseAdjacencies(state.sending);
    state.sending = undefined;
  }

  /** What became of it is not known: it is written again, and what it may have left is removed. */
  uncertain(id: number): void {
    const state = this.states.get(id);
    if (state?.sending === undefined) return;
    this.discard(state.sending);
    state.sending = undefined;
    this.dirty.add(id);
  }

  /** The nodes made for each set, the one that entries point at first. */
  tokensBySet(): Map<number, Token[]> {
    const tokens = new Map<number, Token[]>();
    for (const [id, { indirect, current }] of this.states) {
      if (indirect === undefined) continue;
      tokens.set(id, current?.balancer === undefined ? [indirect] : [indirect, current.balancer.token]);
    }
    return tokens;
  }

  *tokens(): Generator<TokenUse> {
    for (const [id, { indirect, current }] of this.states) {
      if (indirect === undefined) continue;
      const name = `nexthop ${this.source.nexthop(id)?.name ?? 'that is gone'}`;
      yield { token: indirect, type: 'indirect', name, next: current === undefined ? [] : [current.next] };
      if (current?.balancer !== undefined) {
        const next = current.adjacencies.map((adjacency) => this.adjacencies.get(adjacency)!.indirect);
        yield { token: current.balancer.token, type: 'loadBalance', name, next };
      }
    }
  }
}

function balancerRemoval(balancer: LoadBalancer | undefined): Pick<Garbage, 'entries' | 'tokens'> {
  if (balancer === undefined) return { entries: [], tokens: [] };
  const entries = balancer.slots.map((_, slot) => ({ parent: balancer.token, key: slotKey(slot) }));
  return { entries, tokens: [balancer.token] };
}
