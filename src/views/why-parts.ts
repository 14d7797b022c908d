/**
 * What the stories of a route and of an LSP have in common: its nexthops with all that is known of their neighbors, and the nodes
 * that its packets pass.
 */
import type { TokenUse } from '../afi/graph';
import { TOKEN_DISCARD, TOKEN_FIRST_CLIENT, type Token } from '../aft/model';
import type { Programmer } from '../afi/programmer';
import type { WhyNexthop, WhyNode, WhyPath } from '../control/explain-types';
import type { AfiStatus } from '../control/status-types';
import type { Fib } from '../fib/fib';
import type { ForwardPath } from '../fib/intents';
import { describeLabelAction } from '../fib/label-actions';
import { pathsOf } from '../fib/leaves';
import type { NexthopGroup } from '../fib/nexthops';
import type { NexthopPath } from '../fib/updates';
import { formatAddress, formatMac } from '../net/address';
import type { LastKnown } from './known';
import type { RouteViews } from './routes';
import { isoTime } from '../observe/moment';

/** What is told of the connection and of the server's ports. */
export interface WhyContext {
  readonly afi: AfiStatus['state'];
  readonly afiError: string | undefined;
  readonly afiRemedy?: string;
  readonly afiServer: string;
  /** Set while the vASIC can't be asked. */
  readonly known: LastKnown | undefined;
  /** Names of the server's own tokens: output ports. */
  readonly portNames: ReadonlyMap<Token, string>;
}

export interface WhyOptions {
  readonly fib: Fib;
  readonly programmer: Programmer;
  readonly views: RouteViews;
  readonly kernelNeighbors: boolean;
  /** What was done to resolve a neighbor; undefined: it isn't needed. */
  readonly progress: (
    ifindex: number,
    address: Uint8Array,
  ) => { readonly asked: number; readonly nextInMs?: number } | undefined;
}

/** Nodes shown below a route's entry at most. */
const MAX_NODES = 300;

/** The member, where there is a value. */
export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

/** By which neighbor, and with which labels. */
export function wayText(fib: Fib, { adjacency, labels }: ForwardPath): string {
  const neighbor = fib.neighbors.byIdOf(adjacency);
  if (neighbor === undefined) return 'a neighbor that is gone';
  const action = labels === undefined ? '' : `, ${describeLabelAction(labels)}`;
  return `via ${formatAddress(neighbor.address)}, ${fib.interfaces.nameOf(neighbor.ifindex)}${action}`;
}

/** A nexthop group as `why` tells of it, with its members. */
export function whyNexthop(options: WhyOptions, group: NexthopGroup): WhyNexthop {
  const { content } = group;
  return content.kind === 'group'
    ? { ...whyGroup(group), legs: [], members: content.members.map(({ group }) => whyMember(options, group)) }
    : whyMember(options, group);
}

/** A member that is a group itself isn't looked into: nothing is resolved by it. */
function whyMember(options: WhyOptions, group: NexthopGroup): WhyNexthop {
  return { ...whyGroup(group), legs: group.content.kind === 'group' ? [] : allPaths(options, group), members: [] };
}

function whyGroup(group: NexthopGroup): Omit<WhyNexthop, 'legs' | 'members'> {
  return {
    name: group.content.kind === 'paths' && group.zebraId === undefined ? 'inline' : group.name,
    ...optional('received', group.receivedAt === undefined ? undefined : isoTime(group.receivedAt)),
    ...optional('acknowledged', group.ackedAt === undefined ? undefined : isoTime(group.ackedAt)),
    ...optional('error', group.error),
  };
}

/** The paths of a group, those of its members included, with their share of its weight. */
export function allPaths(options: WhyOptions, group: NexthopGroup): WhyPath[] {
  return pathsOf(group).map(({ path, weight }) => whyPath(options, path, weight));
}

function whyPath(options: WhyOptions, path: NexthopPath, weight: number): WhyPath {
  const { fib, views, programmer, progress } = options;
  const port = fib.interfaces.portOf(path.ifindex);
  const view = views.path(path, weight);
  const shown = {
    ...view,
    ...optional('port', port),
    linkUp: fib.interfaces.isUp(path.ifindex),
    ...optional('setDown', fib.interfaces.get(path.ifindex)?.adminDown),
    ...optional('givenTo', fib.interfaces.givenTo(path.ifindex)),
  };
  if (path.gateway === undefined || port === undefined) return shown;
  const neighbor = fib.neighbors.find(path.ifindex, path.gateway);
  const asking = progress(path.ifindex, path.gateway);
  return {
    ...shown,
    neighbor: {
      state: neighbor?.state ?? 'none',
      ...optional('source', neighbor?.source),
      told: [...(neighbor?.told ?? [])].map(([source, { state, mac }]) => ({
        source,
        state,
        ...optional('mac', mac && formatMac(mac)),
      })),
      ...optional('asked', asking?.asked),
      ...optional('nextRequestMs', asking?.nextInMs === undefined ? undefined : Math.round(asking.nextInMs)),
      ...optional('token', neighbor && programmer.tables.tokenOfAdjacency(neighbor.id)),
    },
  };
}

/** From the input ports by way of the route tree, or the table of labels, to where the packets of this group end. */
export function chainOf(
  options: WhyOptions,
  { container, groupId }: { readonly container: Token; readonly groupId: number },
  uses: ReadonlyMap<Token, TokenUse>,
  context: WhyContext,
): WhyNode[] {
  const nodes: WhyNode[] = [];
  const show = (token: Token, depth: number, others: readonly Token[] = []): void => {
    const use = uses.get(token);
    const own = token === TOKEN_DISCARD ? 'discard' : 'outputPort';
    const purpose = use?.name ?? (token === TOKEN_DISCARD ? 'discarded' : (context.portNames.get(token) ?? 'a port'));
    const type = use?.type ?? (token < TOKEN_FIRST_CLIENT ? own : '?');
    nodes.push({ token, type, purpose, depth, ...(others.length === 0 ? {} : { others }) });
  };
  // What stands before it: whatever leads there, level by level.
  const levels: Token[][] = [];
  const seen = new Set<Token>();
  for (let level = [container]; level.length > 0 && levels.length < 8;) {
    levels.unshift(level);
    level.forEach((token) => seen.add(token));
    const below = new Set(level);
    level = [...uses.values()]
      .filter(({ token, next }) => !seen.has(token) && next.some((target) => below.has(target)))
      .map(({ token }) => token);
  }
  levels.forEach(([token, ...others], depth) => show(token!, depth, others));

  const entry = options.programmer.tables.tokenOfGroup(groupId);
  const visit = (token: Token, depth: number): void => {
    if (nodes.length >= MAX_NODES || depth > 24) return;
    show(token, depth);
    // A load balancer lists a path once for each of its places.
    for (const next of new Set(uses.get(token)?.next ?? [])) visit(next, depth + 1);
  };
  if (entry !== undefined) visit(entry, levels.length);
  return nodes;
}
