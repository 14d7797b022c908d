/**
 * Where packets must go that are looked up in one table, computed from what zebra and the kernel said in the plainest way: the
 * longest prefix of the router's own addresses in the table's VRF, zebra's routes in the table, the addresses' subnets where zebra has no route for them, and the
 * neighbors on connected subnets, looked for anew for every packet.
 */
import { PuntReason } from '../../../src/aft/model';
import type { DropKind, NeighborSource, NeighborState, NexthopPath, RouteStatus } from '../../../src/fib/updates';
import {
  bytesEqual,
  formatAddress,
  formatPrefix,
  isLinkLocal,
  parsePrefix,
  prefixContains,
  type Prefix,
} from '../../../src/net/address';
import { VAGUE_MEANING, type Inputs, type Meaning, type Route } from './inputs';

/** A neighbor that packets are sent to. */
interface Hop {
  readonly port: number;
  readonly mac: Uint8Array;
  /** What they have then, outermost first. */
  readonly labels: readonly number[];
}

/** What becomes of packets. `passing`: for the host until something comes that is missed. */
type Fate =
  | { readonly kind: 'drop' }
  | { readonly kind: 'punt'; readonly reason: PuntReason; readonly passing: boolean }
  | { readonly kind: 'forward'; readonly hops: readonly Hop[] }
  /** What is below the label is looked up in this table. */
  | { readonly kind: 'lookup'; readonly table: number }
  | { readonly kind: 'vague' };

/** What is expected of packets: any of these; undefined: nothing is. */
export type Expected = ReadonlySet<string> | undefined;

const VAGUE: Fate = { kind: 'vague' };
const DROP: Fate = { kind: 'drop' };
const punt = (reason: PuntReason, passing = false): Fate => ({ kind: 'punt', reason, passing });
const UNRESOLVED = punt(PuntReason.Unresolved, true);
const MISSING = punt(PuntReason.Unresolved, true);
const GLEAN = punt(PuntReason.Glean);
const UNSUPPORTED = punt(PuntReason.Unsupported);
const NOT_A_PORT = punt(PuntReason.NotAPort);
/** No port is bound to it. */
const NO_TABLE = punt(PuntReason.NotAPort);

const ALWAYS_HOST: readonly (readonly [Prefix, PuntReason])[] = [
  [parsePrefix('224.0.0.0/4')!, PuntReason.Multicast],
  [parsePrefix('255.255.255.255/32')!, PuntReason.Broadcast],
  [parsePrefix('ff00::/8')!, PuntReason.Multicast],
  [parsePrefix('fe80::/10')!, PuntReason.LinkLocal],
];
/** Never on the wire (RFC 3032). */
const IMPLICIT_NULL = 3;
const SOURCES: readonly NeighborSource[] = ['static', 'fpm', 'kernel'];
const USABLE: readonly NeighborState[] = ['reachable', 'stale', 'delay', 'probe', 'permanent', 'noarp'];

const hostPrefix = (address: Uint8Array): Prefix => ({
  family: address.length === 4 ? 4 : 6,
  bytes: address,
  length: 8 * address.length,
});

const fateOfDrop = (drop: DropKind): Fate => (drop === 'blackhole' ? DROP : punt(PuntReason.NoRoute));

/** The answers for one moment; what is looked for often is looked for once. */
export class Oracle {
  /** zebra's, and connected subnets that zebra has not. */
  private readonly routes: readonly Route[];
  private readonly hosts = new Map<string, { readonly prefix: Prefix; readonly reasons: Set<PuntReason> }>();
  private readonly knownNeighbors: readonly { readonly ifindex: number; readonly address: Uint8Array }[];

  constructor(
    private readonly inputs: Inputs,
    table: number,
  ) {
    const zebra = [...inputs.routes.values()].filter(({ update }) => update.table === table);
    this.routes = [...zebra, ...this.ownSubnets(zebra, table)];
    for (const [prefix, reason] of ALWAYS_HOST) this.host(prefix, reason);
    for (const { ifindex, address, length } of inputs.addresses.values()) {
      if (isLinkLocal(address) || inputs.tableOf(ifindex) !== table) continue;
      this.host(hostPrefix(address), PuntReason.Local);
      if (address.length !== 4 || length > 30) continue;
      const number = Buffer.from(address).readUInt32BE(0);
      const broadcast = Buffer.alloc(4);
      broadcast.writeUInt32BE((number | (2 ** (32 - length) - 1)) >>> 0, 0);
      this.host(hostPrefix(broadcast), PuntReason.Broadcast);
    }
    const names = new Map<string, { ifindex: number; address: Uint8Array }>();
    for (const { ifindex, address } of inputs.neighbors.values())
      names.set(`${ifindex} ${formatAddress(address)}`, { ifindex, address });
    this.knownNeighbors = [...names.values()];
  }

  /** Which of several interfaces counts depends on the order in which the kernel spoke of them: nobody's promise. */
  private ownSubnets(zebra: readonly Route[], table: number): Route[] {
    if (!this.inputs.isTold) return [];
    const told = new Set(zebra.map(({ update }) => formatPrefix(update.prefix)));
    return [...this.inputs.ownSubnets(table)].flatMap(([name, { prefix, ifindexes }]): Route[] => {
      if (told.has(name)) return [];
      const base = { kind: 'routeAdd', table, prefix, protocol: 2, metric: 0 } as const;
      const [ifindex] = ifindexes;
      if (ifindexes.size > 1)
        return [{ update: { ...base, target: { kind: 'nexthopId', id: 0 } }, meaning: VAGUE_MEANING, generation: 0 }];
      const target = { kind: 'paths', paths: [{ ifindex: ifindex!, weight: 1 }] } as const;
      return [{ update: { ...base, target }, meaning: undefined, generation: 0 }];
    });
  }

  private host(prefix: Prefix, reason: PuntReason): void {
    const name = formatPrefix(prefix);
    const known = this.hosts.get(name);
    if (known === undefined) this.hosts.set(name, { prefix, reasons: new Set([reason]) });
    else known.reasons.add(reason);
  }

  // ---- nexthops ---------------------------------------------------------------------------------------------------

  private macOf(ifindex: number, address: Uint8Array): Uint8Array | undefined {
    for (const source of SOURCES) {
      const told = this.inputs.neighbors.get(`${source} ${ifindex} ${formatAddress(address)}`);
      if (told?.mac !== undefined && (told.mac[0]! & 1) === 0 && USABLE.includes(told.state)) return told.mac;
    }
    return undefined;
  }

  private fateOfPath(path: NexthopPath): Fate {
    if (path.encap !== undefined && path.encap.kind !== 'mpls') return UNSUPPORTED;
    const said = path.outLabels ?? path.encap?.labels ?? [];
    const labels = said.filter((label) => label !== IMPLICIT_NULL);
    const table = this.inputs.lookupTable(path.ifindex);
    if (path.gateway === undefined && path.outLabels !== undefined && labels.length === 0 && table !== undefined)
      return this.inputs.tables().has(table) ? { kind: 'lookup', table } : NO_TABLE;
    const port = this.inputs.portOf(path.ifindex);
    if (port === undefined) return NOT_A_PORT;
    if (path.gateway === undefined) return path.outLabels === undefined && labels.length === 0 ? GLEAN : UNSUPPORTED;
    if (this.inputs.links.get(path.ifindex)?.up !== true || this.inputs.portsDown.has(port)) return UNRESOLVED;
    const mac = this.macOf(path.ifindex, path.gateway);
    return mac === undefined ? UNRESOLVED : { kind: 'forward', hops: [{ port, mac, labels }] };
  }

  /** All that forward are used; the reason of one that can't counts only when none does. */
  private together(fates: readonly Fate[]): Fate {
    if (fates.includes(VAGUE)) return VAGUE;
    const hops = fates.flatMap((fate) => (fate.kind === 'forward' ? fate.hops : []));
    if (hops.length > 0) return { kind: 'forward', hops };
    if (fates.length === 1) return fates[0]!;
    // Only as a label's one path can a packet be looked up again.
    if (fates.some(({ kind }) => kind === 'lookup') && !fates.includes(UNRESOLVED)) return UNSUPPORTED;
    for (const fate of [UNRESOLVED, GLEAN, UNSUPPORTED, NOT_A_PORT, MISSING, NO_TABLE])
      if (fates.includes(fate)) return fate;
    return fates.find(({ kind }) => kind === 'punt') ?? fates[0] ?? UNRESOLVED;
  }

  private fateOfMeaning({ update, members, vague }: Meaning): Fate {
    if (vague) return VAGUE;
    const content = update?.content;
    if (content === undefined) return MISSING;
    switch (content.kind) {
      case 'path':
        return this.fateOfPath(content.path);
      case 'drop':
        return fateOfDrop(content.drop);
      case 'unsupported':
        return UNSUPPORTED;
      case 'group':
        if (members.some((member) => member.vague)) return VAGUE;
        if (members.some((member) => member.update?.content.kind === 'group')) return UNSUPPORTED;
        return this.together(members.map((member) => this.fateOfMeaning(member)));
    }
  }

  private fateOfRoute({ update: { target }, meaning }: Route): Fate {
    switch (target.kind) {
      case 'nexthopId':
        return this.fateOfMeaning(meaning!);
      case 'paths':
        return this.together(target.paths.map((path) => this.fateOfPath(path)));
      case 'drop':
        return fateOfDrop(target.drop);
      case 'host':
        return punt(PuntReason.Local);
      case 'unsupported':
        return UNSUPPORTED;
    }
  }

  // ---- connected subnets ------------------------------------------------------------------------------------------

  private interfacesOf({ update: { target }, meaning }: Route): number[] {
    const content = meaning?.update?.content;
    const paths =
      target.kind === 'paths'
        ? target.paths
        : content?.kind === 'path'
          ? [content.path]
          : content?.kind === 'group'
            ? meaning!.members.flatMap(({ update }) => (update?.content.kind === 'path' ? [update.content.path] : []))
            : [];
    return paths.flatMap(({ gateway, ifindex }) => (gateway === undefined ? [ifindex] : []));
  }

  /** Where an address on a connected subnet is reached; undefined: it isn't on one, or nobody answers there. */
  private neighborFate(address: Uint8Array): Fate | undefined {
    if (isLinkLocal(address)) return undefined;
    const cover = longest(this.routes, ({ update }) => update.prefix, address);
    if (cover === undefined) return undefined;
    const fate = this.fateOfRoute(cover);
    if (fate !== GLEAN && fate !== VAGUE) return undefined;
    const hops = this.knownNeighbors.flatMap((neighbor): Hop[] => {
      if (!bytesEqual(neighbor.address, address)) return [];
      const port = this.inputs.portOf(neighbor.ifindex);
      const mac = this.macOf(neighbor.ifindex, address);
      const onLink = fate === VAGUE || this.interfacesOf(cover).includes(neighbor.ifindex);
      return port === undefined || mac === undefined || !onLink ? [] : [{ port, mac, labels: [] }];
    });
    if (hops.length === 0) return undefined;
    return fate === VAGUE ? VAGUE : { kind: 'forward', hops };
  }

  // ---- packets ----------------------------------------------------------------------------------------------------

  /** The prefixes that must have entries; undefined: nobody can say. */
  prefixes(): ReadonlySet<string> | undefined {
    const names = new Set([...this.hosts.keys(), ...this.routes.map(({ update }) => formatPrefix(update.prefix))]);
    for (const { address } of this.knownNeighbors) {
      const fate = this.neighborFate(address);
      if (fate === VAGUE) return undefined;
      if (fate !== undefined) names.add(formatPrefix(hostPrefix(address)));
    }
    return names;
  }

  /** What the entry of a prefix does. */
  private fatesAt(prefix: Prefix): readonly Fate[] {
    const host = this.hosts.get(formatPrefix(prefix));
    if (host !== undefined) return [...host.reasons].map((reason) => punt(reason));
    const neighbor = prefix.length === 8 * prefix.bytes.length ? this.neighborFate(prefix.bytes) : undefined;
    if (neighbor !== undefined) return [neighbor];
    const route = this.routes.find(({ update }) => formatPrefix(update.prefix) === formatPrefix(prefix));
    return route === undefined ? [] : [this.fateOfRoute(route)];
  }

  /** @param present the prefixes that have entries, where the server has no room for all of them */
  packet(destination: Uint8Array, present?: ReadonlySet<string>): Expected {
    const candidates = [
      hostPrefix(destination),
      ...[...this.hosts.values()].map(({ prefix }) => prefix),
      ...this.routes.map(({ update }) => update.prefix),
    ].filter((prefix) => prefixContains(prefix, destination));
    candidates.sort((a, b) => b.length - a.length);
    for (const prefix of candidates) {
      if (present !== undefined && !present.has(formatPrefix(prefix))) continue;
      const fates = this.fatesAt(prefix);
      if (fates.length === 0) continue;
      if (fates.includes(VAGUE)) return undefined;
      const forwards = fates.some(({ kind }) => kind === 'forward');
      return new Set([
        ...fates.flatMap((fate) => this.outcomes(fate)),
        ...(forwards && isMartian(destination) ? ['dropped'] : []),
      ]);
    }
    return new Set([`punt ${PuntReason.NoRoute}`]);
  }

  /** What becomes of a packet with this label: it may be looked up in a table by what is behind. */
  labelled(label: number): Expected | { readonly lookup: number } {
    const said = this.inputs.lsps.get(label);
    if (said === undefined) return new Set(['dropped']);
    const { paths } = said.update;
    const fate = paths.length === 0 ? UNSUPPORTED : this.together(paths.map((path) => this.fateOfPath(path)));
    if (fate.kind === 'lookup') return { lookup: fate.table };
    return fate === VAGUE ? undefined : new Set(this.outcomes(fate));
  }

  private outcomes(fate: Fate): string[] {
    switch (fate.kind) {
      case 'drop':
        return ['dropped'];
      case 'punt':
        return [`punt ${fate.reason}`];
      case 'forward':
        return fate.hops.map(({ port, mac, labels }) => {
          const stack = labels.length === 0 ? '' : ` label ${labels.join('/')}`;
          return this.inputs.portsDown.has(port) ? 'dropped' : `p${port} ${Buffer.from(mac).toString('hex')}${stack}`;
        });
      case 'lookup':
      case 'vague':
        return [];
    }
  }

  /** What zebra must have been told of a route of the table, which is forwarded by; undefined: nobody can say. */
  status(prefix: Prefix): RouteStatus | undefined {
    const [fate] = this.fatesAt(prefix);
    if (fate === undefined || fate.kind === 'vague') return undefined;
    if (fate.kind !== 'punt') return 'offloaded';
    return fate.passing ? 'unresolved' : 'trapped';
  }

  /** Addresses whose packets may tell something. */
  destinations(): Uint8Array[] {
    return [
      ...[...this.hosts.values()].map(({ prefix }) => prefix.bytes),
      ...this.routes.map(({ update }) => update.prefix.bytes),
      ...this.knownNeighbors.map(({ address }) => address),
    ];
  }
}

/** Whether no router forwards there, be there a route or not (RFC 1812 5.3.7, RFC 4291 2.5). */
function isMartian(address: Uint8Array): boolean {
  const [first, second] = address as unknown as [number, number];
  if (address.length === 4) return first === 0 || first === 127 || first >= 224;
  if (first === 0xff || (first === 0xfe && (second & 0xc0) === 0x80)) return true;
  return address.subarray(0, 15).every((byte) => byte === 0) && address[15]! <= 1;
}

function longest<T>(list: readonly T[], prefixOf: (item: T) => Prefix, address: Uint8Array): T | undefined {
  let best: T | undefined;
  for (const item of list) {
    if (!prefixContains(prefixOf(item), address)) continue;
    if (best === undefined || prefixOf(item).length > prefixOf(best).length) best = item;
  }
  return best;
}
