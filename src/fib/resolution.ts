/**
 * Resolution: keeps each nexthop group's intent in step with what it depends on (its paths' interfaces and neighbors, a
 * group's members), and marks dirty only what comes out different.
 */
import { intentsEqual, type NexthopIntent, type TrapReason } from './intents';
import type { Interfaces } from './interfaces';
import { NeighborTable, type Neighbor } from './neighbors';
import { leavesOf } from './leaves';
import type { NexthopGroup } from './nexthops';
import type { Rows } from './rows';
import type { NexthopPath } from './updates';

/** What one path resolves to. */
type PathResult =
  { readonly kind: 'forward'; readonly adjacency: number } | { readonly kind: 'punt'; readonly reason: TrapReason };

/** When no path forwards, the reason that is reported: the one that comes first here. */
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
  /** The group has become, or ceased to be, a connected subnet's, or is one and leads elsewhere now. */
  readonly onGlean: (set: NexthopGroup) => void;
}

export class Resolution {
  readonly neighbors = new NeighborTable();
  private readonly setsByInterface = new Map<number, Set<NexthopGroup>>();

  constructor(private readonly options: ResolutionOptions) {}

  /** A set has new content, or an interface of it changed: registers what it depends on and resolves it. */
  contentChanged(set: NexthopGroup): void {
    this.detach(set);
    if (set.content.kind === 'paths') for (const path of set.content.paths) this.attach(set, path);
    this.resolveContent(set);
    for (const parent of set.parents) this.resolveContent(parent);
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

  private attach(set: NexthopGroup, path: NexthopPath): void {
    let users = this.setsByInterface.get(path.ifindex);
    if (users === undefined) this.setsByInterface.set(path.ifindex, (users = new Set()));
    users.add(set);
    if (path.gateway === undefined || this.options.interfaces.portOf(path.ifindex) === undefined) return;
    const neighbor = this.neighbors.demand(path.ifindex, path.gateway);
    if (neighbor.users.has(set.id)) return;
    if (neighbor.users.size === 0) this.tellNeed(neighbor, !neighbor.told.has('static'));
    neighbor.users.add(set.id);
    set.neighbors.push(neighbor);
  }

  /** Undoes what `contentChanged` registered. */
  detach(set: NexthopGroup): void {
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

  /** A group's members are no groups (leaves.ts): nothing above its parents can change. */
  private parentsChanged(set: NexthopGroup): void {
    for (const parent of set.parents) this.resolve(parent);
  }

  /** A connected subnet that moves to another interface comes to the same as before, and its hosts move with it. */
  private resolveContent(set: NexthopGroup): void {
    if (!this.resolve(set) && isGlean(set)) this.options.onGlean(set);
  }

  /** Returns whether the set comes to something else now. */
  private resolve(set: NexthopGroup): boolean {
    const intent = resolveGroup(set, (path) => this.resolvePath(path));
    if (intentsEqual(intent, set.intent)) return false;
    const wasGlean = isGlean(set);
    set.intent = intent;
    if (set.rows > 0 || set.acked !== undefined) this.options.rows.markNexthop(set);
    if (wasGlean !== isGlean(set)) this.options.onGlean(set);
    return true;
  }

  private resolvePath(path: NexthopPath): PathResult {
    const punt = (reason: TrapReason): PathResult => ({ kind: 'punt', reason });
    if (path.encap !== undefined) return punt('unsupported');
    if (this.options.interfaces.portOf(path.ifindex) === undefined) return punt('notAPort');
    if (path.gateway === undefined) return punt('glean');
    // zebra may leave a group's paths on a dead interface to the kernel: it doesn't always take them back itself.
    if (!this.options.interfaces.isUp(path.ifindex)) return punt('linkDown');
    const neighbor = this.neighbors.find(path.ifindex, path.gateway);
    return neighbor?.mac === undefined ? punt('unresolved') : { kind: 'forward', adjacency: neighbor.id };
  }
}

/** Whether packets of the set are for neighbors still to be found: it is a connected subnet's. */
export function isGlean(set: NexthopGroup): boolean {
  return set.intent.kind === 'punt' && set.intent.reason === 'glean';
}

/**
 * What a group comes to. `resolvePath` says what one path does. A group forwards over all paths that can; when none can, its
 * packets go to the host. One that holds a group forwards by nothing, as in the kernel, which takes none such.
 */
function resolveGroup(group: NexthopGroup, resolvePath: (path: NexthopPath) => PathResult): NexthopIntent {
  const forward = new Map<number, number>();
  const reasons = new Set<TrapReason>();
  let drops = 0;
  for (const leaf of leavesOf(group)) {
    switch (leaf.kind) {
      case 'path': {
        const result = resolvePath(leaf.path);
        if (result.kind === 'punt') reasons.add(result.reason);
        else forward.set(result.adjacency, (forward.get(result.adjacency) ?? 0) + leaf.weight);
        break;
      }
      case 'neighbor':
        forward.set(leaf.neighbor.id, leaf.weight);
        break;
      case 'fixed':
        if (leaf.intent.kind === 'punt') reasons.add(leaf.intent.reason);
        else drops++;
        break;
      case 'nested':
        return { kind: 'punt', reason: 'unsupported' };
    }
  }
  if (forward.size > 0) {
    return { kind: 'forward', paths: Array.from(forward, ([adjacency, weight]) => ({ adjacency, weight })) };
  }
  if (reasons.size > 0) {
    const reason = REASON_ORDER.find((candidate) => reasons.has(candidate)) ?? [...reasons][0]!;
    return { kind: 'punt', reason };
  }
  return drops > 0 ? { kind: 'drop' } : { kind: 'punt', reason: 'unresolved' };
}
