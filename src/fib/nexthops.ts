/**
 * Nexthop groups: what a route's target resolves to. One group stands for one zebra nexthop id, or for one inline group of
 * nexthops (shared by all routes that carry the same), or for a fixed fate (drop, to the host), or for one neighbor
 * (host entries). A group keeps its number while its content changes, so routes never notice.
 *
 * A zebra nexthop id is only meaningful within one life of zebra. When zebra reconnects, ids start a new generation: an
 * id that comes with the content it had before keeps its group (nothing to reprogram), any other gets a new group, and the
 * old one serves the routes that zebra has not confirmed yet.
 *
 * Groups depend on neighbors (by `users` of the neighbor), on interfaces, and groups on their members (`parents`).
 */
import { bytesEqual, formatAddress } from '../net/address';
import { intentsEqual, type NexthopIntent } from './intents';
import type { Neighbor } from './neighbors';
import { copyPath, Gateways, pathKey } from './nexthop-paths';
import { SmallSet } from './small-set';
import type { DropKind, NexthopAdd, NexthopContent, NexthopPath } from './updates';

export type GroupContent =
  | { readonly kind: 'paths'; readonly paths: readonly NexthopPath[] }
  | { readonly kind: 'group'; readonly members: readonly { readonly group: NexthopGroup; readonly weight: number }[] }
  | { readonly kind: 'fixed'; readonly intent: NexthopIntent; readonly detail?: string }
  | { readonly kind: 'neighbor'; readonly neighbor: Neighbor };

export interface NexthopGroup {
  readonly id: number;
  readonly name: string;
  /** zebra's id; undefined for all other groups. */
  readonly zebraId: number | undefined;
  /** Key of an inline group in the table of inline groups: its name. */
  readonly inlineKey: string | undefined;
  readonly direct: boolean;
  content: GroupContent;
  protocol: number;
  /** What it resolves to now, and what the vASIC acknowledged last. */
  intent: NexthopIntent;
  acked: NexthopIntent | undefined;
  /** Why the vASIC refused it. */
  error: string | undefined;
  /** It does what it no longer should, and the vASIC refuses every change of it: its routes' entries go to the host. */
  stuck: boolean;
  /** When its content came, and when the vASIC acknowledged what it resolves to (`now`). */
  receivedAt: number | undefined;
  ackedAt: number | undefined;
  /** Routes that name it (zebra's, and own subnets'), entries that point at it in the vASIC (or will, in flight), groups that hold it. */
  namedBy: number;
  entries: number;
  readonly parents: SmallSet<NexthopGroup>;
  /** Interfaces its paths name, and neighbors they depend on. */
  readonly interfaces: SmallSet<number>;
  readonly neighbors: SmallSet<Neighbor>;
  /** Labels whose LSPs want it. */
  readonly lsps: SmallSet<number>;
  /** First row of the list of rows that want it, and their number. */
  firstRow: number;
  rows: number;
  /** zebra deleted the id, or has not sent it yet. */
  deleted: boolean;
  /** Never goes away. */
  readonly permanent: boolean;
}

/** The intent of routes that zebra calls unreachable, prohibit or blackhole. */
export function dropIntent(drop: DropKind): NexthopIntent {
  switch (drop) {
    case 'blackhole':
      return { kind: 'drop' };
    case 'unreachable':
    case 'prohibit':
      return { kind: 'punt', reason: drop };
  }
}

/** What an update has done: the groups to be resolved anew, and the members that groups have lost. */
export interface NexthopChange {
  readonly changed: readonly NexthopGroup[];
  readonly orphans: readonly NexthopGroup[];
}

interface DeferredGroup {
  readonly update: NexthopAdd;
  readonly members: readonly { readonly id: number; readonly weight: number }[];
  /** So many of its members are known, the first ones. */
  known: number;
}

const MISSING: GroupContent = { kind: 'fixed', intent: { kind: 'punt', reason: 'missingNexthop' } };

export class NexthopTable {
  private readonly groups: (NexthopGroup | undefined)[] = [undefined];
  private freeIds: number[] = [];
  private readonly gateways = new Gateways();
  private readonly inline = new Map<string, NexthopGroup>();
  private zebra = new Map<number, NexthopGroup>();
  private previous = new Map<number, NexthopGroup>();
  /** Groups of a replay that came before their members, and which of them an id lets go on. */
  private readonly deferred = new Map<number, DeferredGroup>();
  private readonly awaited = new Map<number, number[]>();

  get(id: number): NexthopGroup | undefined {
    return this.groups[id];
  }

  *all(): Generator<NexthopGroup> {
    for (const group of this.groups) if (group !== undefined) yield group;
  }

  private make(
    name: string,
    content: GroupContent,
    intent: NexthopIntent,
    options: { zebraId?: number; inlineKey?: string; direct?: boolean; permanent?: boolean; protocol?: number },
  ): NexthopGroup {
    const id = this.freeIds.pop() ?? this.groups.length;
    const group: NexthopGroup = {
      id,
      name,
      zebraId: options.zebraId,
      inlineKey: options.inlineKey,
      direct: options.direct === true,
      content,
      protocol: options.protocol ?? 0,
      intent,
      acked: undefined,
      error: undefined,
      stuck: false,
      receivedAt: undefined,
      ackedAt: undefined,
      namedBy: 0,
      entries: 0,
      parents: new SmallSet(),
      interfaces: new SmallSet(),
      neighbors: new SmallSet(),
      lsps: new SmallSet(),
      firstRow: 0,
      rows: 0,
      deleted: false,
      permanent: options.permanent === true,
    };
    this.groups[id] = group;
    return group;
  }

  /** A group that always means the same. */
  fixed(name: string, intent: NexthopIntent, detail?: string): NexthopGroup {
    const content: GroupContent = { kind: 'fixed', intent, ...(detail === undefined ? {} : { detail }) };
    return this.make(name, content, intent, { direct: true, permanent: true });
  }

  /** The group of a neighbor's host entry. */
  forNeighbor(neighbor: Neighbor): NexthopGroup {
    const intent: NexthopIntent = { kind: 'forward', paths: [{ adjacency: neighbor.id, weight: 1 }] };
    const name = `neighbor ${formatAddress(neighbor.address)}`;
    return this.make(name, { kind: 'neighbor', neighbor }, intent, { direct: true });
  }

  /** The group of a route's own nexthops: the same for all routes with the same. `isNew` calls for resolving it. */
  forPaths(paths: readonly NexthopPath[]): { group: NexthopGroup; isNew: boolean } {
    const key = ['inline', paths.map(pathKey).join(', ')].join(' ');
    const known = this.inline.get(key);
    if (known !== undefined) return { group: known, isNew: false };
    const content: GroupContent = { kind: 'paths', paths: paths.map((path) => copyPath(path, this.gateways)) };
    const group = this.make(key, content, { kind: 'punt', reason: 'unresolved' }, { inlineKey: key });
    this.inline.set(key, group);
    return { group, isNew: true };
  }

  /** The group of a zebra nexthop id; a stand-in that traps while zebra has not sent the id. */
  forZebraId(id: number): NexthopGroup {
    const known = this.zebra.get(id);
    if (known !== undefined) return known;
    const group = this.make(`id ${id}`, MISSING, { kind: 'punt', reason: 'missingNexthop' }, { zebraId: id });
    group.deleted = true;
    this.zebra.set(id, group);
    return group;
  }

  zebraIdCount(): number {
    return this.zebra.size;
  }

  /** zebra (re)connected: ids mean something new from here on. Returns groups of the life before the last, now deleted. */
  beginGeneration(): NexthopGroup[] {
    const outlived: NexthopGroup[] = [];
    for (const [id, group] of this.zebra) {
      const older = this.previous.get(id);
      if (older !== undefined) outlived.push(older);
      this.previous.set(id, group);
    }
    for (const group of outlived) group.deleted = true;
    this.zebra = new Map();
    // Of a replay that broke off: its ids mean nothing in this one.
    this.deferred.clear();
    this.awaited.clear();
    return outlived;
  }

  /** Ends the replay. `gone`: the groups of ids that it didn't bring; the others as `addZebra` returns them. */
  endGeneration(): NexthopChange & { readonly gone: NexthopGroup[] } {
    const change = { changed: [], orphans: [] };
    for (const { update } of this.deferred.values()) this.apply(update, change);
    this.deferred.clear();
    this.awaited.clear();
    const gone = [...this.previous.values()];
    this.previous = new Map();
    for (const group of gone) group.deleted = true;
    return { ...change, gone };
  }

  /** Applies RTM_NEWNEXTHOP. */
  addZebra(update: NexthopAdd): NexthopChange {
    const { content, id } = update;
    const change = { changed: [], orphans: [] };
    this.deferred.delete(id);
    // A replay sends groups before their members, and only members that are known tell whether the group is the same.
    if (this.previous.size > 0 && content.kind === 'group' && content.members.some((m) => !this.zebra.has(m.id))) {
      const members = content.members.map((m) => ({ ...m }));
      const group = { update: { ...update, content: { kind: 'group' as const, members } }, members, known: 0 };
      this.deferred.set(id, group);
      this.await(group);
      return change;
    }
    this.apply(update, change);
    const came = [id];
    for (let next = came.pop(); next !== undefined; next = came.pop()) {
      const waiting = this.awaited.get(next) ?? [];
      this.awaited.delete(next);
      for (const groupId of waiting) {
        const group = this.deferred.get(groupId);
        if (group === undefined || !this.await(group)) continue;
        this.deferred.delete(groupId);
        this.apply(group.update, change);
        came.push(groupId);
      }
    }
    return change;
  }

  /** Has a group wait for the first of its members that isn't known; true: all are. Each member is looked at once. */
  private await(group: DeferredGroup): boolean {
    const { members, update } = group;
    while (group.known < members.length && this.zebra.has(members[group.known]!.id)) group.known++;
    const missing = members[group.known];
    if (missing === undefined) return true;
    const waiting = this.awaited.get(missing.id);
    if (waiting === undefined) this.awaited.set(missing.id, [update.id]);
    else waiting.push(update.id);
    return false;
  }

  private apply(update: NexthopAdd, change: { changed: NexthopGroup[]; orphans: NexthopGroup[] }): void {
    const content = this.contentOf(update.content);
    let group = this.zebra.get(update.id);
    if (group === undefined) {
      const before = this.previous.get(update.id);
      if (before !== undefined && contentsEqual(before.content, content)) {
        this.previous.delete(update.id);
        this.zebra.set(update.id, before);
        before.deleted = false;
        return;
      }
      group = this.forZebraId(update.id);
    }
    group.protocol = update.protocol;
    const same = !group.deleted && contentsEqual(group.content, content);
    group.deleted = false;
    if (same) return;
    change.orphans.push(...this.setContent(group, content));
    change.changed.push(group);
  }

  /** Applies RTM_DELNEXTHOP. Routes that still name the id keep its last content. */
  deleteZebra(id: number): NexthopGroup | undefined {
    this.deferred.delete(id);
    const group = this.zebra.get(id);
    if (group !== undefined) group.deleted = true;
    return group;
  }

  private contentOf(content: NexthopContent): GroupContent {
    switch (content.kind) {
      case 'path':
        return { kind: 'paths', paths: [copyPath(content.path, this.gateways)] };
      case 'group':
        return {
          kind: 'group',
          members: content.members.map(({ id, weight }) => ({ group: this.forZebraId(id), weight })),
        };
      case 'drop':
        return { kind: 'fixed', intent: dropIntent(content.drop), detail: content.drop };
      case 'unsupported':
        return { kind: 'fixed', intent: { kind: 'punt', reason: 'unsupported' }, detail: content.reason };
    }
  }

  /** Returns the members that are none any more. */
  private setContent(group: NexthopGroup, content: GroupContent): NexthopGroup[] {
    const before = group.content.kind === 'group' ? group.content.members.map((member) => member.group) : [];
    const members = new Set(content.kind === 'group' ? content.members.map((member) => member.group) : []);
    group.content = content;
    for (const member of members) member.parents.add(group);
    const orphans = before.filter((member) => !members.has(member));
    for (const member of orphans) member.parents.delete(group);
    return orphans;
  }

  /** Whether anything still needs the group, apart from entries in the vASIC. Groups that only hold each other need nothing. */
  wanted(group: NexthopGroup): boolean {
    if (isWantedItself(group)) return true;
    if (group.parents.size === 0) return false;
    const holders = new Set(group.parents);
    for (const holder of holders) {
      if (isWantedItself(holder)) return true;
      for (const parent of holder.parents) holders.add(parent);
    }
    return false;
  }

  /** Takes a group out of every index. Returns the members of a group that lost a parent by it. */
  retire(group: NexthopGroup): NexthopGroup[] {
    if (group.inlineKey !== undefined && this.inline.get(group.inlineKey) === group)
      this.inline.delete(group.inlineKey);
    if (group.zebraId !== undefined) {
      if (this.zebra.get(group.zebraId) === group) this.zebra.delete(group.zebraId);
      if (this.previous.get(group.zebraId) === group) this.previous.delete(group.zebraId);
    }
    const orphans = group.content.kind === 'group' ? group.content.members.map((member) => member.group) : [];
    for (const member of orphans) member.parents.delete(group);
    group.content = MISSING;
    return orphans;
  }

  /** The group's number may be given to another. */
  release(group: NexthopGroup): void {
    this.groups[group.id] = undefined;
    this.freeIds.push(group.id);
  }
}

/** Whether an entry of the vASIC is to lead to it. */
export function isUsed(group: NexthopGroup): boolean {
  return group.rows > 0 || group.lsps.size > 0;
}

/** Whether something other than a group needs it. */
function isWantedItself(group: NexthopGroup): boolean {
  if (group.permanent || group.namedBy > 0 || isUsed(group)) return true;
  if (group.content.kind === 'neighbor') return group.content.neighbor.hostGroup === group.id;
  return group.zebraId !== undefined && !group.deleted;
}

function contentsEqual(a: GroupContent, b: GroupContent): boolean {
  if (a === MISSING || b === MISSING || a.kind !== b.kind) return a === b;
  switch (a.kind) {
    case 'paths':
      return (
        b.kind === 'paths' &&
        a.paths.length === b.paths.length &&
        a.paths.every((path, i) => pathKey(path) === pathKey(b.paths[i]!))
      );
    case 'group':
      return (
        b.kind === 'group' &&
        a.members.length === b.members.length &&
        a.members.every((m, i) => m.group === b.members[i]!.group && m.weight === b.members[i]!.weight)
      );
    case 'fixed':
      return b.kind === 'fixed' && intentsEqual(a.intent, b.intent) && a.detail === b.detail;
    case 'neighbor':
      return b.kind === 'neighbor' && bytesEqual(a.neighbor.address, b.neighbor.address);
  }
}
