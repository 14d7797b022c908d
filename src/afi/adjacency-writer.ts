/**
 * Adjacencies in the vASIC: per neighbor an AftEncap with the hardware addresses, leading to the output port, and an
 * AftIndirect in front of it that nexthops point at. A new hardware address is the AftEncap written again in place: one
 * node, however many routes lead to it. A lost neighbor is the AftIndirect pointed at the host, and so is one whose new address
 * the vASIC refuses: its packets must not go on to the old one.
 */
import { trapToken } from './base-graph';
import {
  FOUND,
  NOTHING,
  WRITTEN,
  type BuildResult,
  type Graph,
  type NodeInsert,
  type NodeWriter,
  type ProgrammedNode,
  type TokenUse,
} from './graph';
import { AftField, PARAM, TOKEN_NONE, type AftNode, type Token } from '../aft/model';
import type { ForwardingSource } from '../fib/intents';
import { WorkSet } from '../fib/work-set';
import { formatAddress, sameBytes } from '../net/address';
import type { Logger } from '../observe/log';

/** How packets go to the neighbor: its hardware address, and what the port they leave by says. */
interface Link {
  readonly mac: Uint8Array;
  /** The port's own address; undefined: not known. */
  readonly from: Uint8Array | undefined;
  readonly mtu: number | undefined;
  /** The output port's token; undefined: the vASIC has none. */
  readonly out: Token | undefined;
}

function sameLink(a: Link | undefined, b: Link): boolean {
  if (a === undefined || a.mtu !== b.mtu || a.out !== b.out) return false;
  return sameBytes(a.mac, b.mac) && sameBytes(a.from, b.from);
}

interface AdjacencyState {
  readonly encap: Token;
  readonly indirect: Token;
  /** What the vASIC acknowledged; undefined with `exists`: pointed at the host. */
  link: Link | undefined;
  sent: Link | undefined;
  exists: boolean;
  busy: boolean;
  /** Nexthop groups that lead to it, acknowledged or in flight. */
  users: number;
  /** What the vASIC refused last, and its reason. */
  refused: { readonly link: Link; readonly reason: string } | undefined;
  /** It can't be pointed at the host either, so it goes on sending by `link`. */
  stuck: string | undefined;
}

/** A neighbor's nodes as nexthop groups see them. */
export interface AdjacencyView {
  /** The token to point at. */
  readonly indirect: Token;
  /** What packets to the neighbor pass last. */
  readonly encap: Token;
  /** Whether the vASIC has it. */
  readonly exists: boolean;
  /** Why it doesn't lead to the neighbor: it leads to the host instead, unless it is `stuck`. */
  readonly error: string | undefined;
  /** It sends to an address that isn't the neighbor's any more, and the vASIC refuses to have that ended. */
  readonly stuck: boolean;
}

export class AdjacencyWriter implements NodeWriter {
  readonly dirty = new WorkSet();
  written = 0;
  private readonly states = new Map<number, AdjacencyState>();

  constructor(
    private readonly source: ForwardingSource,
    private readonly graph: Graph,
    private readonly log: Logger,
  ) {}

  clear(): void {
    this.states.clear();
    this.dirty.clear();
  }

  get(id: number): AdjacencyView | undefined {
    const state = this.states.get(id);
    if (state === undefined) return undefined;
    const { indirect, encap, exists, stuck } = state;
    return { indirect, encap, exists, error: stuck ?? state.refused?.reason, stuck: stuck !== undefined };
  }

  acquire(id: number): void {
    this.states.get(id)!.users++;
  }

  release(id: number): void {
    const state = this.states.get(id);
    if (state === undefined || --state.users > 0) return;
    if (this.source.adjacency(id)?.mac === undefined) this.dirty.add(id);
  }

  build(id: number, { nodes }: NodeInsert): BuildResult {
    const state = this.states.get(id);
    // The acknowledgement brings it back.
    if (state?.busy === true) return NOTHING;
    const intent = this.source.adjacency(id);
    if (intent?.mac !== undefined) return this.buildUsable(id, intent.port, intent.mac, state, nodes);
    if (state === undefined) return NOTHING;
    state.refused = undefined;
    if (state.users === 0) {
      this.states.delete(id);
      this.graph.discard({ entries: [], tokens: [state.indirect, state.encap], done: () => undefined });
      return NOTHING;
    }
    return this.toHost(state, nodes);
  }

  private toHost(state: AdjacencyState, nodes: AftNode[]): BuildResult {
    if (state.stuck !== undefined || (state.exists && state.link === undefined)) return NOTHING;
    state.busy = true;
    state.sent = undefined;
    nodes.push({ type: 'indirect', token: state.indirect, target: trapToken('unresolved') });
    return WRITTEN;
  }

  private buildUsable(
    id: number,
    port: number,
    mac: Uint8Array,
    before: AdjacencyState | undefined,
    nodes: AftNode[],
  ): BuildResult {
    const { mac: from, rules } = this.graph.portOf(port) ?? { mac: undefined };
    const next = this.graph.outputs.get(port);
    const link: Link = { mac, from, mtu: rules?.mtu, out: next };
    if (before === undefined && next !== undefined && this.find(id, link, next)) return FOUND;
    const state = before ?? this.newState(id);
    if (state.exists && sameLink(state.link, link) && state.refused === undefined) return NOTHING;
    if (state.refused !== undefined && sameLink(state.refused.link, link)) {
      return state.exists ? this.toHost(state, nodes) : NOTHING;
    }
    if (next === undefined) {
      state.refused = { link, reason: `the vASIC has no output port ${port}` };
      return state.exists ? this.toHost(state, nodes) : NOTHING;
    }
    nodes.push(encapNode(this.numberOf(id), state.encap, link, next));
    if (!state.exists || state.link === undefined) {
      nodes.push({ type: 'indirect', token: state.indirect, target: state.encap });
    }
    state.busy = true;
    state.sent = link;
    return WRITTEN;
  }

  /** Goes on with the nodes of an earlier life, where they are just as they would be made. */
  private find(id: number, link: Link, next: Token): boolean {
    const { adopted } = this.graph;
    const found = adopted.empty
      ? undefined
      : adopted.takeAdjacency(encapNode(this.numberOf(id), TOKEN_NONE, link, next));
    if (found === undefined) return false;
    const state = this.newState(id, found);
    state.exists = true;
    state.link = link;
    return true;
  }

  /** The same in each life of the bridge, so that a neighbor's nodes can be told from those of another with its hardware address. */
  private numberOf(id: number): number {
    const intent = this.source.adjacency(id);
    let hash = 0x811c9dc5;
    for (const byte of [...(intent?.address ?? []), intent?.port ?? 0]) hash = Math.imul(hash ^ byte, 0x01000193);
    return hash >>> 1;
  }

  private newState(
    id: number,
    { encap, indirect }: Pick<AdjacencyState, 'encap' | 'indirect'> = {
      encap: this.graph.newToken(),
      indirect: this.graph.newToken(),
    },
  ): AdjacencyState {
    const nothing = { link: undefined, sent: undefined, exists: false, busy: false, users: 0 };
    const state: AdjacencyState = { encap, indirect, ...nothing, refused: undefined, stuck: undefined };
    this.states.set(id, state);
    return state;
  }

  done(id: number, error: string | undefined): void {
    const state = this.states.get(id);
    if (state === undefined) return;
    state.busy = false;
    // Its intent may have changed meanwhile, and what was refused must lead to the host.
    this.dirty.add(id);
    if (error === undefined) {
      this.written++;
      state.exists = true;
      state.link = state.sent;
      state.stuck = undefined;
      if (state.sent !== undefined) state.refused = undefined;
      return;
    }
    if (state.sent === undefined) state.stuck = error;
    else state.refused = { link: state.sent, reason: error };
    const address = this.source.adjacency(id)?.address;
    this.log.warn('the vASIC refused a neighbor', {
      code: 'afi-neighbor-refused',
      neighbor: address && formatAddress(address),
      reason: error,
    });
  }

  returned(id: number): void {
    const state = this.states.get(id);
    if (state !== undefined) state.busy = false;
  }

  uncertain(id: number): void {
    const state = this.states.get(id);
    if (state === undefined) return;
    state.busy = false;
    state.exists = false;
    this.dirty.add(id);
  }

  retryRefused(): void {
    for (const [id, state] of this.states) {
      if (state.refused === undefined && state.stuck === undefined) continue;
      state.refused = undefined;
      state.stuck = undefined;
      this.dirty.add(id);
    }
  }

  *tokens(): Generator<TokenUse> {
    for (const [id, state] of this.states) {
      const intent = this.source.adjacency(id);
      const name = intent === undefined ? 'a neighbor that is gone' : `neighbor ${formatAddress(intent.address)}`;
      const port = state.link?.out ?? (intent && this.graph.outputs.get(intent.port));
      const target = state.link === undefined ? trapToken('unresolved') : state.encap;
      yield { token: state.encap, type: 'encap', name, next: port === undefined ? [] : [port] };
      yield { token: state.indirect, type: 'indirect', name, next: [target] };
    }
  }

  /** What the vASIC is known to hold of each neighbor. */
  *programmed(): Generator<ProgrammedNode> {
    for (const [id, { encap, indirect, link, exists, busy }] of this.states) {
      const intent = this.source.adjacency(id);
      const next = link?.out;
      const name = intent === undefined ? 'a neighbor that is gone' : `neighbor ${formatAddress(intent.address)}`;
      const sure = exists && !busy && !this.dirty.has(id);
      const target = link === undefined ? trapToken('unresolved') : encap;
      const known = sure && link !== undefined && next !== undefined;
      const common = { layer: 'adjacency', id, name, entries: undefined } as const;
      yield { ...common, token: encap, node: known ? encapNode(this.numberOf(id), encap, link, next) : undefined };
      yield { ...common, token: indirect, node: sure ? { type: 'indirect', token: indirect, target } : undefined };
    }
  }

  /** Has a neighbor's nodes written again, whatever the vASIC holds. */
  rewrite(id: number): void {
    if (this.states.get(id)?.busy === false) this.uncertain(id);
  }
}

function encapNode(number: number, token: Token, { mac, from, mtu }: Link, next: Token): AftNode {
  return {
    type: 'encap',
    token,
    template: 'ethernet',
    keys: [
      { field: AftField.EtherSaddr, data: { kind: 'ether', bytes: from ?? new Uint8Array(6) } },
      { field: AftField.EtherDaddr, data: { kind: 'ether', bytes: mac } },
    ],
    next,
    params: {
      [PARAM.metaNhId]: { kind: 'int', value: number },
      ...(mtu === undefined ? {} : { [PARAM.nhMtu]: { kind: 'int', value: mtu } }),
    },
  };
}
