/**
 * Linux's word on the ports, in the vASIC: each port's nodes are written again in place when it changes, and its input is
 * bound anew in the same operation. Groups and VLANs that Linux doesn't name any more go the way of all others at once, and
 * their entries are removed after that; meanwhile the port waits, so that no removal meets an entry that has come back.
 */
import type { AftEntry, AftKey, Token } from '../aft/model';
import { sameRules } from '../fib/intents';
import { WorkSet } from '../fib/work-set';
import { sameBytes } from '../net/address';
import type { Logger } from '../observe/log';
import {
  NOTHING,
  WRITTEN,
  programmedParts,
  type BuildResult,
  type Graph,
  type NodeInsert,
  type NodeWriter,
  type ProgrammedNode,
} from './graph';
import { filterKeys, otherwise, portGraph, type BasePort } from './port-graph';

interface FilterKey {
  readonly parent: Token;
  readonly key: AftKey;
}

interface PortState {
  acked: BasePort | undefined;
  sent: BasePort | undefined;
  busy: boolean;
  /** Entries of its switches that the vASIC has or may have, by name. */
  readonly present: Map<string, FilterKey>;
  error: string | undefined;
  /** The removal of entries that make no difference was refused, and is not tried again before something else was removed. */
  kept: boolean;
}

export class PortWriter implements NodeWriter {
  readonly dirty = new WorkSet();
  private readonly states = new Map<number, PortState>();

  /** @param vrfs where a port may lead */
  constructor(
    private readonly graph: Graph,
    private readonly vrfs: { isPlaced(table: number): boolean; errorOf(table: number): string | undefined },
    private readonly log: Logger,
  ) {}

  clear(): void {
    this.states.clear();
    this.dirty.clear();
  }

  /** An entry that an earlier life of the bridge left in a switch of a port. */
  adopt(port: number, entry: FilterKey): void {
    this.stateOf(port).present.set(nameOf(entry), entry);
  }

  /** The base graph is in place, which ports lead to: those that are not there yet can be written. */
  basePlaced(): void {
    for (const { index } of this.graph.ports) {
      this.stateOf(index);
      this.dirty.add(index);
    }
  }

  /** All ports may have become something else. */
  review(): void {
    for (const port of this.states.keys()) this.dirty.add(port);
  }

  build(id: number, insert: NodeInsert): BuildResult {
    const wanted = this.toVrf(this.graph.portOf(id));
    const state = this.states.get(id);
    // The acknowledgement brings back what is busy.
    if (wanted === undefined || state === undefined || state.busy) return NOTHING;
    if (state.acked !== undefined && samePort(state.acked, wanted)) {
      // What was refused is not wanted any more.
      state.error = undefined;
      if (!state.kept) this.removeLeftOver(id, state, state.acked);
      return NOTHING;
    }
    const { nodes, entries, binds } = portGraph(wanted);
    insert.nodes.push(...nodes);
    insert.entries.push(...entries, ...this.leftOver(state, wanted).map((entry) => likeOthers(wanted, entry)));
    insert.binds.push(...binds);
    for (const key of filterKeys(wanted)) state.present.set(nameOf(key), key);
    state.sent = wanted;
    state.busy = true;
    return WRITTEN;
  }

  /**
   * Where the port may go: undefined where its VRF isn't there yet, which brings it back here. Where the vASIC will have none,
   * it is Linux's: never may its packets be looked up in the VRF that it was in before.
   */
  private toVrf(port: BasePort | undefined): BasePort | undefined {
    const rules = port?.rules;
    if (port === undefined || rules === undefined || this.vrfs.isPlaced(rules.table)) return port;
    if (this.vrfs.errorOf(rules.table) === undefined) return undefined;
    const { index, mac } = port;
    return { index, mac, rules: { ...rules, input: rules.input === 'discard' ? 'discard' : 'host' } };
  }

  /** Whether a port may lead to this node. */
  mayLeadTo(etherTypes: Token): boolean {
    for (const { acked, sent, busy } of this.states.values()) {
      if (acked === undefined || acked.etherTypes === etherTypes) return true;
      if (busy && sent?.etherTypes === etherTypes) return true;
    }
    return false;
  }

  done(id: number, error: string | undefined): void {
    const state = this.states.get(id);
    if (state?.sent === undefined) return;
    const { sent } = state;
    state.busy = false;
    state.error = error;
    if (error !== undefined) {
      const wanted = this.toVrf(this.graph.portOf(id));
      if (wanted === undefined || !samePort(sent, wanted)) this.dirty.add(id);
      this.log.warn('the vASIC refused what Linux says of a port', {
        code: 'afi-port-refused',
        port: id,
        reason: error,
      });
      return;
    }
    state.acked = sent;
    this.dirty.add(id);
    this.removeLeftOver(id, state, sent);
  }

  /** Entries that make no difference any more are removed; the port waits for that. */
  private removeLeftOver(id: number, state: PortState, port: BasePort): void {
    const entries = this.leftOver(state, port);
    if (entries.length === 0) return;
    const answered = (): void => {
      state.busy = false;
      this.dirty.add(id);
    };
    state.busy = true;
    this.graph.discard({
      entries,
      tokens: [],
      done: () => {
        for (const entry of entries) state.present.delete(nameOf(entry));
        answered();
      },
      // They do no harm: what else Linux says of the port must not wait for them.
      refused: () => {
        state.kept = true;
        answered();
      },
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
    state.acked = undefined;
    this.dirty.add(id);
  }

  /** Has those written again that were refused, and entries removed that could not be. */
  retryRefused(): void {
    for (const [id, state] of this.states) {
      if (state.error !== undefined || state.kept) this.dirty.add(id);
      state.kept = false;
    }
  }

  /** Ports whose rules the vASIC refused, and why. */
  *failures(): Generator<readonly [port: number, reason: string]> {
    for (const [id, { error }] of this.states) if (error !== undefined) yield [id, error];
  }

  /** What the vASIC is known to hold of each port. */
  *programmed(): Generator<ProgrammedNode> {
    for (const [id, { acked, busy }] of this.states) {
      const port = acked ?? this.graph.portOf(id);
      if (port === undefined) continue;
      const sure = acked !== undefined && !busy && !this.dirty.has(id);
      for (const part of programmedParts(portGraph(port), 'port', id)) {
        yield sure ? part : { ...part, node: undefined };
      }
    }
  }

  /** Has a port's nodes written again, whatever the vASIC holds. */
  rewrite(id: number): void {
    if (this.states.get(id)?.busy === false) this.uncertain(id);
  }

  /** The same for all ports. */
  rewriteAll(): void {
    for (const port of this.states.keys()) this.rewrite(port);
  }

  private stateOf(port: number): PortState {
    let state = this.states.get(port);
    if (state === undefined) {
      state = { acked: undefined, sent: undefined, busy: false, present: new Map(), error: undefined, kept: false };
      this.states.set(port, state);
    }
    return state;
  }

  private leftOver(state: PortState, wanted: BasePort): FilterKey[] {
    const keys = new Set(filterKeys(wanted).map(nameOf));
    return [...state.present].flatMap(([name, entry]) => (keys.has(name) ? [] : [entry]));
  }
}

/** As if it weren't there, until it isn't. */
function likeOthers(port: BasePort, { parent, key }: FilterKey): AftEntry {
  return { parent, key, next: otherwise(port, parent) };
}

function nameOf({ parent, key: { data } }: FilterKey): string {
  const value = data.kind === 'ether' ? Buffer.from(data.bytes).toString('hex') : data.kind === 'int' ? data.value : '';
  return `${parent} ${value}`;
}

function samePort(a: BasePort, b: BasePort): boolean {
  if (!sameBytes(a.mac, b.mac) || a.etherTypes !== b.etherTypes) return false;
  return a.rules === undefined || b.rules === undefined ? a.rules === b.rules : sameRules(a.rules, b.rules);
}
