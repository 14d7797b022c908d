/**
 * The VRFs in the vASIC: which of them it has a tree and a switch for. The default one comes with the base graph; others are
 * written after that and as they come, before ports are led to them and routes go in. One of an earlier life is gone on with, and
 * written again in place. One that isn't wanted any more goes when
 * no port leads to it and none of its routes is left.
 */
import type { ForwardingSource } from '../fib/intents';
import type { Logger } from '../observe/log';
import { tableOfToken, vrfTokens, type VrfTokens } from './base-tokens';
import { NOTHING, WRITTEN, programmedParts, type BuildResult } from './graph';
import type { Garbage, NodeInsert, NodeWriter, ProgrammedNode } from './graph';
import { switchEntries, treeName, vrfGraph, type BaseVrf } from './vrf-graph';
import type { AftNode, Token } from '../aft/model';
import { WorkSet } from '../fib/work-set';

interface VrfState {
  /** `absent`: being written, or refused. `unknown`: the same, but it may be there, as an operation's outcome is not known. */
  state: 'absent' | 'unknown' | 'placed' | 'removing';
  busy: boolean;
  error: string | undefined;
  /** As an earlier life made it, so it is to be written again, and forwards meanwhile. */
  stale: boolean;
  /** Its removal was refused, and is not tried again before something else was removed. */
  kept: boolean;
}

export class VrfWriter implements NodeWriter {
  readonly dirty = new WorkSet();
  private readonly states = new Map<number, VrfState>();
  /** Tables that have a tree there: one that was found is left as it is, whatever exactly it is. */
  private readonly trees = new Map<number, 'found' | 'made'>();
  /** Tables of which the FIB was told last that the vASIC refuses them, whatever it holds. */
  private readonly failed = new Set<number>();

  /**
   * @param discard queues nodes for removal
   * @param placed a VRF is there now, or was refused: ports may be led there, or are to be led elsewhere
   */
  constructor(
    private readonly source: ForwardingSource,
    private readonly discard: (garbage: Garbage) => void,
    private readonly placed: () => void,
    private readonly log: Logger,
  ) {}

  /** The vASIC has nothing. */
  clear(): void {
    this.dirty.clear();
    this.states.clear();
    this.trees.clear();
  }

  /** The tokens of a table's VRF, whether or not it is there. */
  tokensOf(table: number): VrfTokens {
    return vrfTokens(table, this.source.defaultTable);
  }

  /** The vASIC has this node of an earlier life of the bridge; returns the table whose tree it is. */
  adopt({ token, type }: AftNode): number | undefined {
    const table = tableOfToken(token, this.source.defaultTable);
    if (table === undefined) return undefined;
    const state = this.stateOf(table);
    // It is there when both of its nodes are.
    state.state = state.state === 'absent' ? 'unknown' : 'placed';
    state.stale = true;
    if (type !== 'tree') return undefined;
    this.trees.set(table, 'found');
    return table;
  }

  /** For the base graph: the default one. */
  base(): BaseVrf {
    return this.vrfOf(this.source.defaultTable);
  }

  /** The base graph is in place: the others may follow. */
  basePlaced(): void {
    this.made(this.source.defaultTable);
    for (const table of this.source.tables) this.dirty.add(table);
  }

  private vrfOf(table: number): BaseVrf {
    return { table, tokens: this.tokensOf(table), withTree: !this.trees.has(table) };
  }

  private made(table: number): void {
    Object.assign(this.stateOf(table), { state: 'placed', error: undefined, stale: false });
    if (!this.trees.has(table)) this.trees.set(table, 'made');
  }

  /** Whether entries and ports may lead there. */
  isPlaced(table: number): boolean {
    return this.states.get(table)?.state === 'placed';
  }

  /** Why the vASIC has refused to make it. */
  errorOf(table: number): string | undefined {
    return this.states.get(table)?.error;
  }

  /** Those that the vASIC has. */
  *all(): Generator<Omit<BaseVrf, 'withTree'>> {
    for (const [table, { state }] of this.states) {
      if (state === 'placed') yield { table, tokens: this.tokensOf(table) };
    }
  }

  build(table: number, insert: NodeInsert): BuildResult {
    const state = this.stateOf(table);
    if (state.busy || state.state === 'removing' || (state.state === 'placed' && !state.stale)) return NOTHING;
    if (!this.source.tables.has(table)) {
      if (state.state === 'absent') this.states.delete(table);
      return NOTHING;
    }
    const { nodes, entries } = vrfGraph(this.vrfOf(table));
    insert.nodes.push(...nodes);
    insert.entries.push(...entries);
    state.busy = true;
    return WRITTEN;
  }

  done(table: number, error: string | undefined): void {
    const state = this.stateOf(table);
    const wasThere = state.state === 'placed';
    state.busy = false;
    if (error === undefined) this.made(table);
    else if (wasThere) {
      this.log.warn('the vASIC refused a VRF as this version makes it: it stays as an earlier one did', {
        code: 'afi-vrf-kept',
        table,
        reason: error,
      });
      return;
    } else {
      state.error = error;
      this.log.error('the vASIC refused a VRF: its ports and routes are left to Linux', {
        code: 'afi-vrf-refused',
        table,
        reason: error,
      });
    }
    if (error !== undefined) this.failed.add(table);
    else if (!this.failed.delete(table) && wasThere) return;
    this.source.tableDone(table, error);
    this.placed();
  }

  returned(table: number): void {
    this.stateOf(table).busy = false;
  }

  uncertain(table: number): void {
    const state = this.stateOf(table);
    state.busy = false;
    doubt(state);
    this.dirty.add(table);
  }

  /** Has those written again that were refused, and those removed that could not be. */
  retryRefused(): void {
    for (const [table, state] of this.states) {
      state.kept = false;
      if (state.error !== undefined || state.stale) this.dirty.add(table);
    }
  }

  /**
   * Queues those for removal that nothing is in and nothing leads to. Call when nothing is under way.
   * @param isLed whether a port may lead to this node
   * @returns whether there were some
   */
  collect(isLed: (etherTypes: Token) => boolean): boolean {
    let found = false;
    for (const [table, state] of this.states) {
      if (state.busy || (state.state !== 'placed' && state.state !== 'unknown')) continue;
      if (state.kept || this.source.tables.has(table)) continue;
      const tokens = this.tokensOf(table);
      if (this.source.tableHasEntries(table) || isLed(tokens.etherTypes)) continue;
      this.remove(table, state, tokens);
      found = true;
    }
    return found;
  }

  private remove(table: number, state: VrfState, { tree, etherTypes }: VrfTokens): void {
    const before = state.state;
    state.state = 'removing';
    const all = {
      entries: switchEntries(etherTypes, tree).map(({ parent, key }) => ({ parent, key })),
      tokens: [etherTypes, tree],
    };
    this.discard({
      ...all,
      done: () => {
        this.trees.delete(table);
        state.state = 'absent';
        this.dirty.add(table);
      },
      refused: ({ entries, tokens }) => {
        if (!tokens.includes(tree)) this.trees.delete(table);
        const isWhole = entries.length === all.entries.length && tokens.length === all.tokens.length;
        state.state = isWhole ? before : 'unknown';
        state.kept = true;
        // What may be there in part is written whole where it is wanted again.
        this.dirty.add(table);
        if (state.state !== 'placed' || !this.source.tables.has(table)) return;
        // What waited for it goes on.
        this.source.tableDone(table, undefined);
        this.placed();
      },
    });
  }

  /** What the vASIC is known to hold of each VRF. */
  *programmed(): Generator<ProgrammedNode> {
    for (const vrf of this.all()) {
      const isMade = this.trees.get(vrf.table) === 'made';
      yield* programmedParts(vrfGraph({ ...vrf, withTree: isMade }), 'vrf', vrf.table);
      const { tree } = vrf.tokens;
      if (isMade) continue;
      yield { layer: 'vrf', id: vrf.table, name: treeName(vrf), token: tree, node: undefined, entries: undefined };
    }
  }

  /** Has a VRF's nodes written again, whatever the vASIC holds; its tree is left as it is. */
  rewrite(table: number): void {
    const state = this.stateOf(table);
    if (state.busy || state.state !== 'placed') return;
    state.state = 'unknown';
    this.dirty.add(table);
  }

  private stateOf(table: number): VrfState {
    let state = this.states.get(table);
    if (state === undefined) {
      state = { state: 'absent', busy: false, error: undefined, stale: false, kept: false };
      this.states.set(table, state);
    }
    return state;
  }
}

/** An operation that makes it has an outcome that isn't known (yet). */
function doubt(state: VrfState): void {
  if (state.state === 'absent') state.state = 'unknown';
}
