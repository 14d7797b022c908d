/**
 * Resolution: keeps each nexthop set's intent in step with what it depends on (its legs' interfaces and neighbors, a
 * group's members), and marks dirty only what comes out different.
 */
import { intentsEqual, type NexthopIntent, type TrapReason } from './intents';
import type { Interfaces } from './interfaces';
import { NeighborTable, type Neighbor } from './neighbors';
import type { NexthopSet, SetContent } from './nexthops';
import type { Rows } from './rows';
import type { NexthopLeg } from './updates';

/** What one leg resolves to. */
type LegResult =
  { readonly kind: 'forward'; readonly adjacency: number } | { readonly kind: 'punt'; readonly reason: TrapReason };

/** When no leg forwards, the reason that is told: the one that comes first here. */
const REASON_ORDER: readonly TrapReason[] = [
  'unresolved',
  'linkDown',
  'glean',
  'unsupported',
  'notAPort',
  'missingNexthop',
];

export interface ResolutionOptions {
  readonly rows: Rows;
  readonly interfaces: Interfaces;
  /** A neighbor is needed by a route, or no longer. */
  readonly onNeed: (ifindex: number, address: Uint8Array, needed: boolean) => void;
  /** The set has become, or ceased to be, a connected subnet's. */
  readonly onGlean: (set: NexthopSet) => void;
}

export class Resolution {
  readonly neighbors = new NeighborTable();
  private readonly setsByInterface = new Map<number, Set<NexthopSet>>();

  constructor(private readonly options: ResolutionOptions) {}

  /** A set has new content, or an interface of it changed: registers what it depends on and resolves it. */
  contentChanged(set: NexthopSet): void {
    this.detach(set);
    if (set.content.kind === 'legs') for (const leg of set.content.legs) this.attach(set, leg);
    this.resolve(set);
    this.parentsChanged(set);
  }

  /** An interface became a port or ceased to be one. */
  interfaceChanged(ifindex: number): void {
    for (const set of [...(this.setsByInterface.get(ifindex) ?? [])]) this.contentChanged(set);
  }

  neighborChanged(neighbor: Neighbor): void {
    for (const id of [...neighbor.users]) {
      const set = this.options.rows.nexthops.get(id)!;
      if (this.resolve(set)) this.parentsChanged(set);
    }
  }

  private attach(set: NexthopSet, leg: NexthopLeg): void {
    let users = this.setsByInterface.get(leg.ifindex);
    if (users === undefined) this.setsByInterface.set(leg.ifindex, (users = new Set()));
    users.add(set);
    if (leg.gateway === undefined || this.options.interfaces.portOf(leg.ifindex) === undefined) return;
    const neighbor = this.neighbors.demand(leg.ifindex, leg.gateway);
    if (neighbor.users.has(set.id)) return;
    if (neighbor.users.size === 0) this.tellNeed(neighbor, !neighbor.told.has('static'));
    neighbor.users.add(set.id);
    set.neighbors.push(neighbor);
  }

  /** Undoes what `contentChanged` registered. */
  detach(set: NexthopSet): void {
    for (const users of this.setsByInterface.values()) users.delete(set);
    const neighbors = set.neighbors;
    set.neighbors = [];
    for (const neighbor of neighbors) {
      neighbor.users.delete(set.id);
      if (neighbor.users.size > 0) continue;
      this.tellNeed(neighbor, false);
      this.neighbors.dropIfUnused(neighbor);
    }
  }

  /** The configuration names this neighbor: the kernel isn't asked for one that may not answer. */
  neighborConfigured(ifindex: number, address: Uint8Array): void {
    const neighbor = this.neighbors.find(ifindex, address);
    if (neighbor !== undefined && neighbor.users.size > 0) this.tellNeed(neighbor, false);
  }

  private tellNeed({ ifindex, address }: Neighbor, needed: boolean): void {
    this.options.onNeed(ifindex, address, needed);
  }

  private parentsChanged(set: NexthopSet): void {
    for (const parent of [...set.parents]) if (this.resolve(parent)) this.parentsChanged(parent);
  }

  /** Returns whether the set comes to something else now. */
  private resolve(set: NexthopSet): boolean {
    const intent = resolveSet(set, (leg) => this.resolveLeg(leg));
    if (intentsEqual(intent, set.intent)) return false;
    const wasGlean = isGlean(set);
    set.intent = intent;
    if (set.rows > 0 || set.acked !== undefined) this.options.rows.markNexthop(set);
    if (wasGlean !== isGlean(set)) this.options.onGlean(set);
    return true;
  }

  private resolveLeg(leg: NexthopLeg): LegResult {
    const punt = (reason: TrapReason): LegResult => ({ kind: 'punt', reason });
    if (leg.encap !== undefined) return punt('unsupported');
    if (this.options.interfaces.portOf(leg.ifindex) === undefined) return punt('notAPort');
    if (leg.gateway === undefined) return punt('glean');
    // zebra may leave a group's legs on a dead interface to the kernel: it doesn't always take them back itself.
    if (!this.options.interfaces.isUp(leg.ifindex)) return punt('linkDown');
    const neighbor = this.neighbors.find(leg.ifindex, leg.gateway);
    return neighbor?.mac === undefined ? punt('unresolved') : { kind: 'forward', adjacency: neighbor.id };
  }
}

/** Whether packets of the set are for neighbors still to be found: it is a connected subnet's. */
export function isGlean(set: NexthopSet): boolean {
  return set.intent.kind === 'punt' && set.intent.reason === 'glean';
}

/**
 * Resolves a set. `resolveLeg` says what one leg comes to. A group forwards over all legs that can; when none can, its
 * packets go to the host.
 */
function resolveSet(set: NexthopSet, resolveLeg: (leg: NexthopLeg) => LegResult): NexthopIntent {
  const forward = new Map<number, number>();
  const reasons = new Set<TrapReason>();
  let drops = 0;

  const visit = (content: SetContent, weight: number, depth: number): void => {
    switch (content.kind) {
      case 'legs':
        for (const leg of content.legs) {
          const result = resolveLeg(leg);
          if (result.kind === 'punt') reasons.add(result.reason);
          else forward.set(result.adjacency, (forward.get(result.adjacency) ?? 0) + weight * leg.weight);
        }
        return;
      case 'group':
        // zebra sends no groups of groups; the bound keeps a hostile cycle finite.
        if (depth > 4) reasons.add('unsupported');
        else for (const member of content.members) visit(member.set.content, weight * member.weight, depth + 1);
        return;
      case 'neighbor':
        forward.set(content.neighbor.id, weight);
        return;
      case 'fixed':
        if (content.intent.kind === 'punt') reasons.add(content.intent.reason);
        else drops++;
    }
  };
  visit(set.content, 1, 0);

  if (forward.size > 0) {
    return { kind: 'forward', legs: Array.from(forward, ([adjacency, weight]) => ({ adjacency, weight })) };
  }
  if (reasons.size > 0) {
    const reason = REASON_ORDER.find((candidate) => reasons.has(candidate)) ?? [...reasons][0]!;
    return { kind: 'punt', reason };
  }
  return drops > 0 ? { kind: 'drop' } : { kind: 'punt', reason: 'unresolved' };
}
