/**
 * What zebra and the kernel have said, kept as they said it: the input of the model (oracle.ts), which knows nothing of how the
 * FIB keeps it.
 *
 * What a deleted nexthop id means to a route that names it later is nobody's promise, nor is what an id means in the middle of
 * a replay: such a meaning is `vague`, and nothing is expected of what depends on it.
 */
import type {
  AddressAdd,
  FpmUpdate,
  KernelUpdate,
  LinkChange,
  LspAdd,
  NeighborAdd,
  NexthopAdd,
  NexthopContent,
  RouteAdd,
  RouteDelete,
} from '../../../src/fib/updates';
import { NO_TABLE, VRF_TABLES } from '../../../src/fib/updates';
import { formatAddress, formatPrefix, isLinkLocal, type Prefix } from '../../../src/net/address';
import { TABLE } from '../../bed/bed';

const PORTS = [0, 1, 2, 3] as const;

export const portOfName = (name: string): number | undefined => {
  const match = /^tap([0-3])$/.exec(name);
  return match === null ? undefined : Number(match[1]);
};

/** What a nexthop id of one life of zebra stands for. */
export interface Meaning {
  update: NexthopAdd | undefined;
  members: readonly Meaning[];
  deleted: boolean;
  vague: boolean;
}

export interface Route {
  readonly update: RouteAdd;
  readonly meaning: Meaning | undefined;
  readonly generation: number;
}

export interface SaidLsp {
  readonly update: LspAdd;
  readonly generation: number;
}

/** A meaning that nobody promises. */
export const VAGUE_MEANING: Meaning = { update: undefined, members: [], deleted: false, vague: true };

const newMeaning = (): Meaning => ({ update: undefined, members: [], deleted: false, vague: false });
const routeKey = (update: { readonly table: number; readonly prefix: RouteAdd['prefix'] }): string =>
  `${update.table} ${formatPrefix(update.prefix)}`;

const neighborKey = ({ source, ifindex, address }: Pick<NeighborAdd, 'source' | 'ifindex' | 'address'>): string =>
  `${source} ${ifindex} ${formatAddress(address)}`;

export class Inputs {
  readonly routes = new Map<string, Route>();
  readonly lsps = new Map<number, SaidLsp>();
  readonly links = new Map<number, LinkChange>();
  readonly neighbors = new Map<string, NeighborAdd>();
  /** Of zebra's words of neighbors: the replay that confirmed each. */
  private readonly neighborGenerations = new Map<string, number>();
  readonly addresses = new Map<string, AddressAdd>();
  readonly groups = new Map<number, Extract<KernelUpdate, { kind: 'groups' }>>();
  readonly portsDown = new Set<number>();
  inReplay = false;
  /** zebra has told a bridge all that it had, once. */
  isTold = false;
  private generation = 0;
  private meanings = new Map<number, Meaning>();

  isPort(ifindex: number): boolean {
    return this.portOf(ifindex) !== undefined;
  }

  portOf(ifindex: number): number | undefined {
    const link = this.links.get(ifindex);
    if (link === undefined || this.isEnslaved(link)) return undefined;
    return portOfName(link.name);
  }

  /** zebra's word of it counts: on what is called like a port, and where one counted before. */
  private takesNeighbor(update: NeighborAdd): boolean {
    const name = this.links.get(update.ifindex)?.name;
    return (name !== undefined && portOfName(name) !== undefined) || this.neighbors.has(neighborKey(update));
  }

  /** Linux has given it to a device that is no VRF's. */
  private isEnslaved({ master }: LinkChange): boolean {
    return master !== 0 && this.links.get(master)?.vrfTable === undefined;
  }

  /** The table of the VRF that the interface belongs to; of one that there isn't, the default VRF's. */
  tableOf(ifindex: number): number {
    const link = this.links.get(ifindex);
    return (link === undefined || link.master === 0 ? undefined : this.links.get(link.master)?.vrfTable) ?? TABLE;
  }

  /** The subnets of own addresses in a table that the kernel has routes for, with the interfaces of each. */
  ownSubnets(table: number): Map<string, { readonly prefix: Prefix; readonly ifindexes: Set<number> }> {
    const subnets = new Map<string, { prefix: Prefix; ifindexes: Set<number> }>();
    for (const { subnet, ifindex, address } of this.addresses.values()) {
      if (subnet === undefined || isLinkLocal(address) || this.tableOf(ifindex) !== table) continue;
      const port = this.portOf(ifindex);
      if (this.links.get(ifindex)?.up !== true || (port !== undefined && this.portsDown.has(port))) continue;
      const name = formatPrefix(subnet);
      const known = subnets.get(name);
      if (known === undefined) subnets.set(name, { prefix: subnet, ifindexes: new Set([ifindex]) });
      else known.ifindexes.add(ifindex);
    }
    return subnets;
  }

  /** The table that packets are looked up in which come in at a port. */
  tableOfPort(port: number): number {
    const link = [...this.links.values()].find(({ name }) => portOfName(name) === port);
    return link === undefined ? TABLE : this.tableOf(link.ifindex);
  }

  /** The tables that must be forwarded by: the default VRF's, and those that ports belong to. */
  tables(): ReadonlySet<number> {
    return new Set([TABLE, ...PORTS.map((port) => this.tableOfPort(port))]);
  }

  /** Where packets go that are sent to this device; undefined: neither a VRF's nor the loopback. */
  lookupTable(ifindex: number): number | undefined {
    const link = this.links.get(ifindex);
    return link?.name === 'lo' ? TABLE : link?.vrfTable;
  }

  /** Whether zebra's replay has all of a table: it leaves out those that no VRF has. */
  private isReplayed(table: number): boolean {
    if (table === TABLE || table >= VRF_TABLES) return true;
    return [...this.links.values()].some(({ vrfTable }) => vrfTable === table);
  }

  /** Whether frames that come in at a port are forwarded: Linux may have it for itself, or have set it down. */
  forwards(port: number): boolean {
    return [...this.links.values()].every(
      (link) => portOfName(link.name) !== port || (!this.isEnslaved(link) && link.adminDown !== true),
    );
  }

  ids(): number[] {
    return [...this.meanings].flatMap(([id, meaning]) => (meaning.update === undefined || meaning.deleted ? [] : [id]));
  }

  // ---- updates ----------------------------------------------------------------------------------------------------

  applyFpm(update: FpmUpdate): void {
    switch (update.kind) {
      case 'routeAdd': {
        const { target } = update;
        const meaning = target.kind === 'nexthopId' ? this.named(target.id) : undefined;
        this.routes.set(routeKey(update), { update, meaning, generation: this.generation });
        break;
      }
      case 'routeDelete':
        for (const table of this.tablesOf(update)) this.routes.delete(routeKey({ ...update, table }));
        break;
      case 'nexthopAdd':
        this.define(update);
        break;
      case 'nexthopDelete': {
        const meaning = this.meanings.get(update.id);
        if (meaning === undefined) break;
        meaning.deleted = true;
        meaning.vague ||= this.inReplay;
        break;
      }
      case 'neighborAdd':
      case 'neighborDelete':
        if (update.kind === 'neighborDelete' || this.takesNeighbor(update)) this.applyKernel(update);
        this.neighborGenerations.set(neighborKey(update), this.generation);
        return;
      case 'lspAdd':
        this.lsps.set(update.label, { update, generation: this.generation });
        return;
      case 'lspDelete':
        this.lsps.delete(update.label);
        return;
      case 'macAdd':
      case 'macDelete':
      case 'sidAdd':
      case 'sidDelete':
        return;
    }
    this.lookForUnheld();
  }

  applyKernel(update: KernelUpdate): void {
    switch (update.kind) {
      case 'neighborAdd':
      case 'neighborDelete': {
        const key = neighborKey(update);
        if (update.kind === 'neighborAdd') this.neighbors.set(key, update);
        else this.neighbors.delete(key);
        return;
      }
      case 'addressAdd':
      case 'addressDelete': {
        const key = `${update.ifindex} ${formatAddress(update.address)}/${update.length}`;
        if (update.kind === 'addressAdd') this.addresses.set(key, update);
        else this.addresses.delete(key);
        return;
      }
      case 'link':
        if (update.present) this.links.set(update.ifindex, update);
        else this.links.delete(update.ifindex);
        return;
      case 'groups':
        this.groups.set(update.ifindex, update);
        return;
    }
  }

  /** What the kernel's mirror takes back before it tells that an interface is gone, or is no TAP of ours any more (src/kernel/mirror.ts). */
  hangingOn({ ifindex, present, name }: LinkChange): KernelUpdate[] {
    const before = this.links.get(ifindex);
    if (before === undefined || portOfName(before.name) === undefined) return [];
    if (present && portOfName(name) !== undefined) return [];
    const isOn = (update: { readonly ifindex: number }): boolean => update.ifindex === ifindex;
    return [
      ...[...this.neighbors.values()]
        .filter((update) => isOn(update) && update.source === 'kernel')
        .map((update) => ({ ...update, kind: 'neighborDelete' as const })),
      ...[...this.addresses.values()].filter(isOn).map((update) => ({ ...update, kind: 'addressDelete' as const })),
    ];
  }

  /** The tables that a withdrawal is of: where it names none, the one that has the prefix, as far as zebra has sent it. */
  private tablesOf({ table, prefix }: RouteDelete): number[] {
    if (table !== NO_TABLE) return [table];
    const all = [...this.routes.values()].filter(
      ({ update }) => update.table < VRF_TABLES && formatPrefix(update.prefix) === formatPrefix(prefix),
    );
    const sent = all.filter(
      ({ update, generation }) => generation === this.generation || !this.isReplayed(update.table),
    );
    const tables = (sent.length > 0 ? sent : all).map(({ update }) => update.table);
    return tables.length === 1 ? tables : [];
  }

  private named(id: number): Meaning {
    let meaning = this.meanings.get(id);
    if (meaning === undefined) this.meanings.set(id, (meaning = newMeaning()));
    return meaning;
  }

  private define(update: NexthopAdd): void {
    const meaning = this.named(update.id);
    const { content } = update;
    meaning.update = update;
    meaning.members = content.kind === 'group' ? content.members.map(({ id }) => this.named(id)) : [];
    meaning.deleted = false;
    meaning.vague = false;
  }

  /** A deleted id, or one that never came, is forgotten when nothing names it; when exactly is nobody's promise. */
  private lookForUnheld(): void {
    const held = new Set<Meaning>();
    const hold = (meaning: Meaning): void => {
      if (held.has(meaning)) return;
      held.add(meaning);
      // Whether what nobody promises anything of has its members is nobody's promise either.
      if (!meaning.vague) meaning.members.forEach(hold);
    };
    for (const { meaning } of this.routes.values()) if (meaning !== undefined) hold(meaning);
    for (const meaning of this.meanings.values()) if (meaning.update !== undefined && !meaning.deleted) hold(meaning);
    for (const meaning of this.meanings.values()) {
      if (meaning.update !== undefined && meaning.deleted && !held.has(meaning)) meaning.vague = true;
    }
  }

  // ---- zebra's lives ----------------------------------------------------------------------------------------------

  beginReplay(): void {
    this.inReplay = true;
    this.generation++;
    this.meanings = new Map();
  }

  /** What the replay didn't bring is gone, but for plain tables: zebra's replay leaves those out. */
  endReplay(): void {
    this.inReplay = false;
    this.isTold = true;
    for (const [key, { generation, update }] of this.routes) {
      if (generation !== this.generation && this.isReplayed(update.table)) this.routes.delete(key);
    }
    for (const [label, { generation }] of this.lsps) if (generation !== this.generation) this.lsps.delete(label);
    for (const [key, { source }] of this.neighbors) {
      if (source === 'fpm' && this.neighborGenerations.get(key) !== this.generation) this.neighbors.delete(key);
    }
    this.lookForUnheld();
  }

  /** All that zebra would send to a new listener. */
  replayOf(order: 'membersFirst' | 'groupsFirst'): FpmUpdate[] {
    const nexthops = [...this.meanings.values()].flatMap(({ update, deleted }) =>
      update === undefined || deleted ? [] : [update],
    );
    const isGroup = ({ content }: { content: NexthopContent }): boolean => content.kind === 'group';
    const groups = nexthops.filter(isGroup);
    const others = nexthops.filter((update) => !isGroup(update));
    const routes = [...this.routes.values()].filter(({ generation }) => generation === this.generation);
    const sorted = order === 'groupsFirst' ? [...groups, ...others] : [...others, ...groups];
    const lsps = [...this.lsps.values()].filter(({ generation }) => generation === this.generation);
    return [...sorted, ...[...routes, ...lsps].map(({ update }) => update)];
  }

  /** All that the kernel and the configuration would say to a new listener, and zebra of neighbors. */
  kernelNews(): KernelUpdate[] {
    return [...this.links.values(), ...this.groups.values(), ...this.addresses.values(), ...this.neighbors.values()];
  }

  /** Another bridge listens, which has heard of nothing yet. */
  forgetZebra(): void {
    this.routes.clear();
    this.lsps.clear();
    this.meanings = new Map();
    this.inReplay = false;
    this.isTold = false;
    for (const [key, { source, ifindex }] of this.neighbors) {
      if (source === 'fpm' && portOfName(this.links.get(ifindex)?.name ?? '') === undefined) this.neighbors.delete(key);
    }
  }
}
