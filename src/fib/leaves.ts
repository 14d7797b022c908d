/**
 * What a nexthop group comes to when its members are looked into: the one walk over a group's content.
 *
 * It goes one level deep and never further. The kernel takes no group as the member of a group (net/ipv4/nexthop.c,
 * valid_group_nh) and zebra sends none, so a member that is a group itself (the group itself, even) is a leaf that says so,
 * and whoever resolves has nothing to forward by. That bounds every walk by the number of members, whatever a stream means.
 */
import type { NexthopIntent } from './intents';
import type { Neighbor } from './neighbors';
import type { NexthopGroup } from './nexthops';
import type { NexthopPath } from './updates';

/** One end of a group. */
export type Leaf =
  /** `weight`: the path's own times its member's. */
  | { readonly kind: 'path'; readonly path: NexthopPath; readonly weight: number }
  | { readonly kind: 'neighbor'; readonly neighbor: Neighbor; readonly weight: number }
  | { readonly kind: 'fixed'; readonly intent: NexthopIntent; readonly detail: string | undefined }
  /** A group within the group. */
  | { readonly kind: 'nested'; readonly group: NexthopGroup };

/** The leaves of a group in the order in which zebra named them. */
export function leavesOf(group: NexthopGroup): readonly Leaf[] {
  const { content } = group;
  if (content.kind !== 'group') return leavesOfMember(group, 1);
  return content.members.flatMap((member) =>
    member.group.content.kind === 'group'
      ? [{ kind: 'nested', group: member.group }]
      : leavesOfMember(member.group, member.weight),
  );
}

function leavesOfMember({ content }: NexthopGroup, weight: number): readonly Leaf[] {
  switch (content.kind) {
    case 'paths':
      return content.paths.map((path) => ({ kind: 'path', path, weight: weight * path.weight }));
    case 'neighbor':
      return [{ kind: 'neighbor', neighbor: content.neighbor, weight }];
    case 'fixed':
      return [{ kind: 'fixed', intent: content.intent, detail: content.detail }];
    case 'group':
      return [];
  }
}

/** A path and its share of the group's weight. */
export interface WeightedPath {
  readonly path: NexthopPath;
  readonly weight: number;
}

/** The paths of a group, a neighbor's own among them. */
export function pathsOf(group: NexthopGroup): WeightedPath[] {
  return leavesOf(group).flatMap((leaf): WeightedPath[] => {
    switch (leaf.kind) {
      case 'path':
        return [leaf];
      case 'neighbor': {
        const { ifindex, address } = leaf.neighbor;
        return [{ path: { ifindex, gateway: address, weight: 1 }, weight: leaf.weight }];
      }
      case 'fixed':
      case 'nested':
        return [];
    }
  });
}
