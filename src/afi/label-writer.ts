/**
 * Labels in the vASIC: what is done to a packet's label stack on its way to a neighbor, or before a lookup. One node (a chain
 * of them, for several labels) for each action and neighbor, shared by all nexthop groups that need it, in front of the
 * neighbor's AftIndirect: a neighbor's new address, or its loss, is one operation however many stacks lead to it.
 *
 * A nexthop group asks for what it needs (`demand`), waits until that is acknowledged, and holds on to it while a version of it
 * leads there. What nobody holds is removed when the pipeline is idle, so that a group that comes back finds it.
 */
import type { AdjacencyWriter } from './adjacency-writer';
import {
  NOTHING,
  WRITTEN,
  type BuildResult,
  type Graph,
  type NodeInsert,
  type NodeWriter,
  type ProgrammedNode,
  type TokenUse,
} from './graph';
import { popAndLookUp, popParams, type LabelTtl } from './label-graph';
import { PARAM, TOKEN_NONE, type AftNode, type AftParams, type Token } from '../aft/model';
import { labelActionKey, type LabelAction } from '../fib/intents';
import { WorkSet } from '../fib/work-set';
import type { Logger } from '../observe/log';

/** What is done to the labels, and where the packet goes then. */
export type LabelWork =
  | { readonly kind: 'neighbor'; readonly action: LabelAction; readonly adjacency: number }
  /** Takes the label off and looks up in the tree of this kernel table. */
  | { readonly kind: 'lookup'; readonly table: number };

interface LabelState {
  readonly id: number;
  readonly key: string;
  readonly work: LabelWork;
  /** The first is pointed at. */
  readonly tokens: readonly Token[];
  exists: boolean;
  busy: boolean;
  /** Versions of nexthop groups that lead to it, acknowledged or in flight. */
  users: number;
  error: string | undefined;
  /** It may be in the vASIC, so its neighbor is held. */
  held: boolean;
}

/** A label action as a nexthop group sees it. */
export interface LabelView {
  readonly id: number;
  /** The token to point at. */
  readonly token: Token;
  /** Whether the vASIC has it. */
  readonly exists: boolean;
  readonly error: string | undefined;
}

function keyOf(work: LabelWork): string {
  return work.kind === 'lookup' ? `lookup ${work.table}` : `${labelActionKey(work.action)} via ${work.adjacency}`;
}

export class LabelWriter implements NodeWriter {
  readonly dirty = new WorkSet();
  private readonly states = new Map<number, LabelState>();
  private readonly byKey = new Map<string, LabelState>();
  private readonly waiting = new Set<number>();
  /** Those that nobody holds: looked at when the pipeline is idle, whatever the number of all. */
  private readonly unheld = new Set<number>();
  private nextId = 1;

  /** @param treeOf the route tree of a kernel table; undefined: the vASIC has none */
  constructor(
    private readonly graph: Graph,
    private readonly adjacencies: AdjacencyWriter,
    private readonly treeOf: (table: number) => Token | undefined,
    private readonly ttl: LabelTtl,
    private readonly log: Logger,
  ) {}

  clear(): void {
    this.states.clear();
    this.byKey.clear();
    this.waiting.clear();
    this.unheld.clear();
    this.dirty.clear();
  }

  /** What does this work, made if there was nothing. It may not be in the vASIC yet. */
  demand(work: LabelWork): LabelView {
    const key = keyOf(work);
    let state = this.byKey.get(key);
    if (state === undefined) {
      state = this.newState(key, work);
      this.states.set(state.id, state);
      this.byKey.set(key, state);
      if (!state.exists) this.dirty.add(state.id);
      this.unheld.add(state.id);
    }
    const { id, tokens, exists, error } = state;
    return { id, token: tokens[0]!, exists, error };
  }

  /** With nodes of its own, or with those of an earlier life where there are just such ones. */
  private newState(key: string, work: LabelWork): LabelState {
    const nodes = work.kind === 'lookup' ? 1 : Math.max(1, work.action.labels.length);
    const id = this.nextId++;
    const target = this.graph.adopted.empty ? undefined : this.targetOf(work);
    if (target !== undefined) {
      const tokens = Array<Token>(nodes).fill(TOKEN_NONE);
      const wanted = this.nodesOf({ work, tokens }, target).reverse();
      const found = this.graph.adopted.takeChain(wanted, target);
      if (found !== undefined) {
        if (work.kind === 'neighbor') this.adjacencies.acquire(work.adjacency);
        return { id, key, work, tokens: found, exists: true, busy: false, users: 0, error: undefined, held: true };
      }
    }
    const tokens = Array.from({ length: nodes }, () => this.graph.newToken());
    return { id, key, work, tokens, exists: false, busy: false, users: 0, error: undefined, held: false };
  }

  acquire(id: number): void {
    this.states.get(id)!.users++;
    this.unheld.delete(id);
  }

  release(id: number): void {
    const state = this.states.get(id);
    if (state !== undefined && --state.users === 0) this.unheld.add(id);
  }

  /** The node that packets meet first of this work. */
  tokenOf(id: number): Token | undefined {
    return this.states.get(id)?.tokens[0];
  }

  /** A neighbor, or a tree, got its verdict: what waits for one may go on. */
  wake(): void {
    for (const id of this.waiting) this.dirty.add(id);
    this.waiting.clear();
  }

  build(id: number, { nodes }: NodeInsert): BuildResult {
    const state = this.states.get(id);
    if (state === undefined || state.busy || state.exists || state.error !== undefined) return NOTHING;
    const next = this.targetOf(state.work);
    if (next === undefined) {
      this.waiting.add(id);
      return NOTHING;
    }
    nodes.push(...this.nodesOf(state, next));
    if (!state.held && state.work.kind === 'neighbor') this.adjacencies.acquire(state.work.adjacency);
    state.held = true;
    state.busy = true;
    return WRITTEN;
  }

  private targetOf(work: LabelWork): Token | undefined {
    if (work.kind === 'lookup') return this.treeOf(work.table);
    const adjacency = this.adjacencies.get(work.adjacency);
    return adjacency?.exists === true ? adjacency.indirect : undefined;
  }

  /** In the order of what leads where, the last first. */
  private nodesOf({ work, tokens }: Pick<LabelState, 'work' | 'tokens'>, target: Token): AftNode[] {
    const { ttl } = this;
    if (work.kind === 'lookup') return [popAndLookUp(tokens[0]!, target, ttl)];
    const { op, labels } = work.action;
    if (op === 'pop')
      return [{ type: 'decap', token: tokens[0]!, template: 'label', next: target, params: popParams(ttl) }];
    // A packet meets the innermost label first: that is the one in place of its own.
    const inner = [...labels].reverse();
    return inner
      .map((label, i): AftNode => {
        const params = op === 'swap' ? swapParams(label, i === 0) : pushParams(label, ttl);
        return { type: 'encap', token: tokens[i]!, template: 'label', keys: [], next: tokens[i + 1] ?? target, params };
      })
      .reverse();
  }

  done(id: number, error: string | undefined): void {
    const state = this.states.get(id);
    if (state === undefined) return;
    state.busy = false;
    state.error = error;
    state.exists = error === undefined;
    if (error !== undefined)
      this.log.warn('the vASIC refused labels', { code: 'afi-labels-refused', labels: state.key, reason: error });
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

  /** What was refused may be tried again. */
  retryRefused(): void {
    for (const [id, state] of this.states) {
      if (state.error === undefined) continue;
      state.error = undefined;
      this.dirty.add(id);
    }
  }

  /** Queues for removal what nobody holds. Returns whether there was something. */
  collect(): boolean {
    let some = false;
    for (const id of this.unheld) {
      const { busy, held, tokens, work, key } = this.states.get(id)!;
      if (busy) continue;
      this.unheld.delete(id);
      this.states.delete(id);
      this.byKey.delete(key);
      this.dirty.delete(id);
      this.waiting.delete(id);
      if (!held) continue;
      some = true;
      const done = (): void => {
        if (work.kind === 'neighbor') this.adjacencies.release(work.adjacency);
      };
      this.graph.discard({ entries: [], tokens, isNoRoom: true, done });
    }
    return some;
  }

  *tokens(): Generator<TokenUse> {
    for (const state of this.states.values()) {
      const target = this.targetOf(state.work);
      const { tokens } = state;
      for (const [i, token] of tokens.entries()) {
        const next = tokens[i + 1] ?? target;
        const type = isDecap(state.work) ? 'decap' : 'encap';
        yield { token, type, name: `labels: ${state.key}`, next: next === undefined ? [] : [next] };
      }
    }
  }

  /** What the vASIC is known to hold. */
  *programmed(): Generator<ProgrammedNode> {
    for (const state of this.states.values()) {
      const target = this.targetOf(state.work);
      const nodes = state.exists && !state.busy && target !== undefined ? this.nodesOf(state, target) : [];
      for (const token of state.tokens) {
        const node = nodes.find((one) => one.token === token);
        yield { layer: 'label', id: state.id, name: `labels: ${state.key}`, token, node, entries: undefined };
      }
    }
  }

  /** Has the nodes written again, whatever the vASIC holds. */
  rewrite(id: number): void {
    if (this.states.get(id)?.busy === false) this.uncertain(id);
  }
}

function isDecap(work: LabelWork): boolean {
  return work.kind === 'lookup' || work.action.op === 'pop';
}

/** All labels in place of one have its TTL less one, in either model, as in Linux. */
function swapParams(label: number, isInnermost: boolean): AftParams {
  return isInnermost
    ? { [PARAM.labelValue]: { kind: 'int', value: label }, [PARAM.labelSwap]: { kind: 'bool', value: true } }
    : propagating(label);
}

function pushParams(label: number, { propagate, initial }: LabelTtl): AftParams {
  return propagate
    ? propagating(label)
    : { [PARAM.labelValue]: { kind: 'int', value: label }, [PARAM.labelTtl]: { kind: 'int', value: initial } };
}

function propagating(label: number): AftParams {
  return {
    [PARAM.labelValue]: { kind: 'int', value: label },
    [PARAM.labelTtlPropagate]: { kind: 'bool', value: true },
  };
}
