/**
 * Resolution: keeps each nexthop group's intent in step with what it depends on (its paths' interfaces and neighbors, a
 * group's members), and marks dirty only what comes out different.
 */
import { intentsEqual, type ForwardPath, type NexthopIntent, type TrapReason } from './intents';
import { labelActionKey, lspActionOf, pushOf, type LabelAction } from './label-actions';
import type { Interfaces } from './interfaces';
import { NeighborTable, type Neighbor } from './neighbors';
import { leavesOf } from './leaves';
import { isUsed, type NexthopGroup } from './nexthops';
import type { Rows } from './rows';
import type { NexthopPath } from './updates';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What one path resolves to. */
type PathResult =
  | { readonly kind: 'forward'; readonly adjacency: number; readonly labels: LabelAction | undefined }
  | { readonly kind: 'lookup'; readonly table: number }
  | { readonly kind: 'punt'; readonly reason: TrapReason };

/** When no path forwards, the reason that is reported: the one that comes first here. */
const REASON_ORDER: readonly TrapReason[] = [
  'unresolved',
  'linkDown',
  'glean',
  'unsupported',
  'notAPort',
  'missingNexthop',
  'otherTable',
];

export interface ResolutionOptions {
  readonly rows: Rows;
  readonly interfaces: Interfaces;
  /** A neighbor is needed by a route, or no longer. */
  readonly onNeed: (ifindex: number, address: Uint8Array, needed: boolean) => void;
  /** The group has become, or ceased to be, a connected subnet's, or is one and leads elsewhere now. */
  readonly onGlean: (group: NexthopGroup) => void;
}

export class Resolution {
  readonly neighbors = new NeighborTable();
  private readonly groupsByInterface = new Map<number, Set<NexthopGroup>>();

  constructor(private readonly options: ResolutionOptions) {}

  /** How many interfaces groups name. */
  get namedInterfaces(): number {
    return this.groupsByInterface.size;
  }

  /** A group has new content, or an interface of it changed: registers what it depends on and resolves it. */
  contentChanged(group: NexthopGroup): void {
    this.detach(group);
    if (group.content.kind === 'paths') for (const path of group.content.paths) this.attach(group, path);
    this.resolveContent(group);
    for (const parent of group.parents) this.resolveContent(parent);
  }

  /** An interface became a port or ceased to be one. */
  interfaceChanged(ifindex: number): void {
    for (const group of [...(this.groupsByInterface.get(ifindex) ?? [])]) this.contentChanged(group);
  }

  neighborChanged(neighbor: Neighbor): void {
    for (const id of [...neighbor.users]) {
      const group = this.options.rows.nexthops.get(id)!;
      if (this.resolve(group)) this.parentsChanged(group);
    }
  }

  private attach(group: NexthopGroup, path: NexthopPath): void {
    let users = this.groupsByInterface.get(path.ifindex);
    if (users === undefined) this.groupsByInterface.set(path.ifindex, (users = new Set()));
    users.add(group);
    group.interfaces.add(path.ifindex);
    if (path.gateway === undefined || this.options.interfaces.portOf(path.ifindex) === undefined) return;
    const neighbor = this.neighbors.demand(path.ifindex, path.gateway);
    if (neighbor.users.has(group.id)) return;
    if (neighbor.users.size === 0) this.tellNeed(neighbor, isAskedFor(neighbor));
    neighbor.users.add(group.id);
    group.neighbors.add(neighbor);
  }

  /** Undoes what `contentChanged` registered. */
  detach(group: NexthopGroup): void {
    for (const ifindex of group.interfaces) {
      const users = this.groupsByInterface.get(ifindex)!;
      users.delete(group);
      if (users.size === 0) this.groupsByInterface.delete(ifindex);
    }
    group.interfaces.clear();
    const neighbors = [...group.neighbors];
    group.neighbors.clear();
    for (const neighbor of neighbors) {
      neighbor.users.delete(group.id);
      if (neighbor.users.size > 0) continue;
      this.tellNeed(neighbor, false);
      this.neighbors.dropIfUnused(neighbor);
    }
  }

  /** The configuration names this neighbor, or no more. */
  neighborConfigured(ifindex: number, address: Uint8Array): void {
    const neighbor = this.neighbors.find(ifindex, address);
    if (neighbor !== undefined && neighbor.users.size > 0) this.tellNeed(neighbor, isAskedFor(neighbor));
  }

  private tellNeed({ ifindex, address }: Neighbor, needed: boolean): void {
    this.options.onNeed(ifindex, address, needed);
  }

  /** A group's members are no groups (leaves.ts): nothing above its parents can change. */
  private parentsChanged(group: NexthopGroup): void {
    for (const parent of group.parents) this.resolve(parent);
  }

  /** A connected subnet that moves to another interface comes to the same as before, and its hosts move with it. */
  private resolveContent(group: NexthopGroup): void {
    if (!this.resolve(group) && isGlean(group)) this.options.onGlean(group);
  }

  /** Returns whether the group comes to something else now. */
  private resolve(group: NexthopGroup): boolean {
    const intent = resolveGroup(group, (path) => this.resolvePath(path));
    if (intentsEqual(intent, group.intent)) return false;
    const wasGlean = isGlean(group);
    group.intent = intent;
    if (isUsed(group) || group.acked !== undefined) this.options.rows.markNexthop(group);
    if (wasGlean !== isGlean(group)) this.options.onGlean(group);
    return true;
  }

  private resolvePath(path: NexthopPath): PathResult {
    const punt = (reason: TrapReason): PathResult => ({ kind: 'punt', reason });
    if (path.encap !== undefined && path.encap.kind !== 'mpls') return punt('unsupported');
    const table = this.lookupOf(path);
    if (table !== undefined) return this.options.rows.vrfs.has(table) ? { kind: 'lookup', table } : punt('otherTable');
    if (this.options.interfaces.portOf(path.ifindex) === undefined) return punt('notAPort');
    const labels = labelsOf(path);
    // Whose MAC address a labelled packet would be for, nothing says.
    if (path.gateway === undefined) return punt(labels === undefined ? 'glean' : 'unsupported');
    // zebra may leave a group's paths on a dead interface to the kernel: it doesn't always take them back itself.
    if (!this.options.interfaces.isUp(path.ifindex)) return punt('linkDown');
    const neighbor = this.neighbors.find(path.ifindex, path.gateway);
    if (neighbor?.mac === undefined) return punt('unresolved');
    return { kind: 'forward', adjacency: neighbor.id, labels };
  }

  /** The table that packets of an LSP are looked up in, once its label is gone; undefined: they go to a neighbor. */
  private lookupOf({ gateway, ifindex, outLabels }: NexthopPath): number | undefined {
    if (gateway !== undefined || outLabels === undefined || lspActionOf(outLabels).op !== 'pop') return undefined;
    return this.options.interfaces.lookupTable(ifindex);
  }
}

/** The kernel isn't asked for a neighbor that the configuration names: it may not answer. */
function isAskedFor(neighbor: Neighbor): boolean {
  return !neighbor.told.has('static');
}

/** What a path does to the labels of its packets. */
function labelsOf({ encap, outLabels }: NexthopPath): LabelAction | undefined {
  if (outLabels !== undefined) return lspActionOf(outLabels);
  return encap?.kind === 'mpls' ? pushOf(encap.labels) : undefined;
}

/** Whether packets of the group are for neighbors still to be found: it is a connected subnet's. */
export function isGlean(group: NexthopGroup): boolean {
  return group.intent.kind === 'punt' && group.intent.reason === 'glean';
}

/**
 * What a group comes to. `resolvePath` says what one path does. A group forwards over all paths that can; when none can, its
 * packets go to the host. One that holds a group forwards by nothing, as in the kernel, which takes none such.
 */
function resolveGroup(group: NexthopGroup, resolvePath: (path: NexthopPath) => PathResult): NexthopIntent {
  const forward = new Map<string, Mutable<ForwardPath>>();
  const add = (path: ForwardPath): void => {
    const key = `${path.adjacency} ${labelActionKey(path.labels)}`;
    const known = forward.get(key);
    if (known === undefined) forward.set(key, path);
    else known.weight += path.weight;
  };
  const reasons = new Set<TrapReason>();
  let drops = 0;
  for (const leaf of leavesOf(group)) {
    switch (leaf.kind) {
      case 'path': {
        const result = resolvePath(leaf.path);
        if (result.kind === 'punt') reasons.add(result.reason);
        else if (result.kind === 'forward') {
          const { adjacency, labels } = result;
          const { weight } = leaf;
          add(labels === undefined ? { adjacency, weight } : { adjacency, weight, labels });
        } else if (leavesOf(group).length === 1) return result;
        // A label that is taken off here has nowhere else to go.
        else reasons.add('unsupported');
        break;
      }
      case 'neighbor':
        add({ adjacency: leaf.neighbor.id, weight: leaf.weight });
        break;
      case 'fixed':
        if (leaf.intent.kind === 'punt') reasons.add(leaf.intent.reason);
        else drops++;
        break;
      case 'nested':
        return { kind: 'punt', reason: 'unsupported' };
    }
  }
  if (forward.size > 0) return { kind: 'forward', paths: [...forward.values()] };
  if (reasons.size > 0) {
    const reason = REASON_ORDER.find((candidate) => reasons.has(candidate)) ?? [...reasons][0]!;
    return { kind: 'punt', reason };
  }
  return drops > 0 ? { kind: 'drop' } : { kind: 'punt', reason: 'unresolved' };
}
