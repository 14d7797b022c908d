/**
 * What a nexthop group's intent comes to in the vASIC: where its AftIndirect leads, and, where there are several paths or once
 * were, which slots of its AftLoadBalance lead where. It may have to wait for neighbors and label actions, or be refused with
 * one of them. Slots begin with those that flows are in already: the group's own, those of the group that its routes had before,
 * those found in the vASIC, those of the group most like it. Who sends it, and what comes of it, is nexthop-writer.ts.
 */
import { trapToken } from './base-graph';
import type { AdoptedGroup } from './adopted-nodes';
import type { AdjacencyWriter } from './adjacency-writer';
import type { Graph } from './graph';
import type { LabelWork, LabelWriter } from './label-writer';
import type { GroupState, Version, VersionResult } from './nexthop-version';
import { assignSlots, tableSize, type WeightedTarget } from './path-slots';
import type { RecentTables } from './recent-tables';
import { FLOW_FIELDS, LABEL_FLOW_FIELDS, TOKEN_DISCARD, type AftField, type Token } from '../aft/model';
import type { ForwardingSource, NexthopIntent } from '../fib/intents';

const GONE: NexthopIntent = { kind: 'drop' };

/** One way of a group: straight to a node that is there, or by what is done to labels. */
type Way = { readonly target: Token; readonly weight: number } | { readonly work: LabelWork; readonly weight: number };

/** What tells the flows apart that come to a group: an LSP's packets have labels. */
function flowFields(intent: NexthopIntent): readonly AftField[] {
  const isLsp = intent.kind === 'forward' && intent.paths.some(({ labels }) => labels && labels.op !== 'push');
  return isLsp ? LABEL_FLOW_FIELDS : FLOW_FIELDS;
}

/** What a plan is made of. */
export interface PlanParts {
  readonly source: ForwardingSource;
  readonly graph: Graph;
  readonly adjacencies: AdjacencyWriter;
  readonly labels: LabelWriter;
  readonly recent: RecentTables;
  /** The acknowledged slots of a group; undefined where it has none. */
  slotsOf(group: number): readonly Token[] | undefined;
}

/** Versions of nexthop groups as their intents want them. */
export class NexthopPlan {
  constructor(private readonly parts: PlanParts) {}

  /** The nodes of an earlier life that the group's entries lead to; undefined once it has nodes of its own. */
  found({ id, indirect, current }: GroupState): AdoptedGroup | undefined {
    if (this.parts.graph.adopted.empty || indirect === undefined || current !== undefined) return undefined;
    const token = this.parts.source.adoptedTargetOf(id);
    return token === undefined ? undefined : this.parts.graph.adopted.group(token);
  }

  /** The version that an intent comes to. Gives the group a load balancer's token when it first needs one. */
  versionOf(state: GroupState, intent: NexthopIntent): VersionResult {
    switch (intent.kind) {
      case 'drop':
        return this.plain(state, intent, TOKEN_DISCARD);
      case 'punt':
        return this.plain(state, intent, trapToken(intent.reason));
      case 'lookup':
        return this.viaLabels(state, intent, [{ work: intent, weight: 1 }], []);
      case 'forward': {
        const adjacencies = intent.paths.map((path) => path.adjacency);
        const states = adjacencies.map((id) => this.parts.adjacencies.get(id));
        const refused = states.filter((known) => known?.error !== undefined);
        const [first] = refused;
        if (first?.error !== undefined) {
          const stuck = refused.some((known) => known?.stuck === true);
          return { kind: 'refused', reason: `neighbor refused: ${first.error}`, stuck };
        }
        if (states.some((known) => known?.exists !== true)) return { kind: 'waiting' };
        const ways = intent.paths.map(({ adjacency, weight, labels: action }, path): Way => {
          const target = states[path]!.indirect;
          return action === undefined ? { target, weight } : { work: { kind: 'neighbor', action, adjacency }, weight };
        });
        return this.viaLabels(state, intent, ways, adjacencies);
      }
    }
  }

  /** The version that discards, in the tables that the group has. */
  discarding(state: GroupState): Version {
    return this.fill(state, GONE, [{ target: TOKEN_DISCARD, weight: 1 }], []);
  }

  private plain(state: GroupState, intent: NexthopIntent, target: Token): VersionResult {
    return { kind: 'version', version: this.fill(state, intent, [{ target, weight: 1 }], []) };
  }

  /** The version that leads these ways, once the vASIC has all that is done to labels on them. */
  private viaLabels(
    state: GroupState,
    intent: NexthopIntent,
    ways: readonly Way[],
    adjacencies: readonly number[],
  ): VersionResult {
    const targets: WeightedTarget[] = [];
    const labels: number[] = [];
    let missing: number | undefined;
    for (const way of ways) {
      if ('target' in way) {
        targets.push(way);
        continue;
      }
      const { id, token, exists, error } = this.parts.labels.demand(way.work);
      if (error !== undefined) return { kind: 'refused', reason: `labels refused: ${error}`, stuck: false, labels: id };
      // The last that was asked for comes last, as a rule.
      if (!exists) missing = id;
      labels.push(id);
      targets.push({ target: token, weight: way.weight });
    }
    if (missing !== undefined) return { kind: 'waiting', labels: missing };
    // A copy has no room to grow, which would cost more than it holds.
    return { kind: 'version', version: this.fill(state, intent, targets, adjacencies, labels.slice()) };
  }

  private fill(
    state: GroupState,
    intent: NexthopIntent,
    targets: readonly WeightedTarget[],
    adjacencies: readonly number[],
    labels: readonly number[] = [],
  ): Version {
    const known = [...(state.current === undefined ? [] : [state.current]), ...state.unconfirmed];
    const tables = known.flatMap(({ slots }) => (slots === undefined ? [] : [slots]));
    const simple = tables.length === 0 && targets.length === 1;
    if (simple) return { intent, next: targets[0]!.target, slots: undefined, adjacencies, labels };
    if (state.balancer === undefined) {
      state.balancer = this.parts.graph.newToken();
      state.fields = flowFields(intent);
    }
    const before =
      tables[0] ?? this.inherited(state.id) ?? this.found(state)?.balancer?.slots ?? this.parts.recent.closest(targets);
    // A table never shrinks: another server may not allow it while it has entries, and flows would move.
    const least = Math.max(before?.length ?? 0, ...tables.map((table) => table.length));
    const size = Math.max(least, tableSize(targets.map(({ weight }) => weight)));
    const slots = assignSlots(before, targets, size);
    return { intent, next: state.balancer, slots, adjacencies, labels };
  }

  /** The slots of the group that the routes of this one had before. */
  private inherited(id: number): readonly Token[] | undefined {
    const before = this.parts.source.predecessor(id);
    return before === undefined ? undefined : this.parts.slotsOf(before);
  }
}
