/**
 * The entries that the vASIC needs beside zebra's routes, in each table that it forwards by: the router's own addresses (to the
 * host), and each known neighbor on a connected subnet (straight to it, where the subnet itself goes to the host to be resolved).
 *
 * An own address belongs to the table of its interface. A neighbor has entries in every table that has its subnet, which is
 * that of its interface, and others into which the subnet was leaked.
 *
 * A neighbor has a host entry only while the longest route to it is a connected subnet on its interface, be it as long
 * as the address itself (a point-to-point peer, a /32 by interface): a longer route that leads elsewhere is zebra's
 * decision and stands.
 */
import { formatAddress, isLinkLocal, parsePrefix, prefixContains, type Family, type Prefix } from '../net/address';
import type { TrapReason } from './intents';
import type { Interfaces } from './interfaces';
import type { Neighbor, NeighborTable } from './neighbors';
import { leavesOf } from './leaves';
import type { NexthopGroup } from './nexthops';
import type { OwnSubnets } from './own-subnets';
import { isGlean } from './resolution';
import { newKey, setKey, shortenKey, type RouteKey } from './route-key';
import { ROW } from './route-table';
import type { Rows } from './rows';
import type { AddressAdd, AddressDelete } from './updates';

/** Prefixes that always go to the host, whatever zebra says. */
const HOST_PREFIXES: readonly (readonly [string, TrapReason])[] = [
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['ff00::/8', 'multicast'],
  ['fe80::/10', 'linkLocal'],
];

/** The routes in one table by prefix length, IPv4 and IPv6. */
interface TableLengths {
  readonly table: number;
  readonly routes: readonly [Uint32Array, Uint32Array];
  /** How many of them are connected subnets on ports; in all. */
  readonly connected: readonly [Map<number, number>, Map<number, number>];
  connectedCount: number;
}

/** An own address and the table that it was put in. */
interface OwnAddress extends AddressAdd {
  readonly table: number;
}

export class HostEntries {
  /** What each table has of routes. */
  private readonly lengthsOf = new Map<number, TableLengths>();
  /** The router's own addresses on ports, by owner, and the table of each. */
  private readonly own = new Map<string, OwnAddress>();
  private last: TableLengths | undefined;
  private readonly key = newKey();
  private readonly probe = newKey();

  constructor(
    private readonly rows: Rows,
    private readonly neighbors: NeighborTable,
    private readonly interfaces: Interfaces,
    private readonly subnets: OwnSubnets,
  ) {
    for (const table of rows.vrfs.tables) this.tableChanged(table, true);
  }

  /** A table has come to be forwarded by, or ceased to be. */
  tableChanged(table: number, forwarded: boolean): void {
    for (const [text, reason] of HOST_PREFIXES) {
      const { bytes, length } = parsePrefix(text)!;
      if (forwarded) this.addHost(table, bytes, length, 'always', reason);
      else this.removeHost(table, bytes, length, 'always');
    }
    const isSubnets = (this.lengthsOf.get(table)?.connectedCount ?? 0) > 0;
    if (isSubnets) for (const neighbor of [...this.neighbors.all()]) this.evaluateIn(neighbor, table);
  }

  /** Interfaces may have come into another table: their addresses go along. */
  tablesMoved(): void {
    for (const [owner, known] of [...this.own]) {
      if (this.interfaces.tableOf(known.ifindex) === known.table) continue;
      this.dropAddress(owner, known);
      this.addAddress(known);
    }
  }

  // ---- the router's own addresses ---------------------------------------------------------------------------------

  addAddress(update: AddressAdd): void {
    if (isLinkLocal(update.address)) return;
    const owner = addressOwner(update);
    const table = this.interfaces.tableOf(update.ifindex);
    const known = this.own.get(owner);
    if (known !== undefined && known.table !== table) this.dropAddress(owner, known);
    const { peer } = update;
    const copy = {
      address: Uint8Array.from(update.address),
      ...(peer !== undefined && { peer: Uint8Array.from(peer) }),
    };
    this.own.set(owner, { ...update, ...copy, table });
    this.addHost(table, update.address, 8 * update.address.length, owner, 'local');
    const broadcast = broadcastOf(update);
    if (broadcast !== undefined) this.addHost(table, broadcast, 32, owner, 'broadcast');
    this.subnets.set(owner, update.subnet && { ...update.subnet, table, ifindex: update.ifindex });
  }

  /** Whether an address of this interface makes this its subnet. */
  hasSubnet(ifindex: number, subnet: Prefix): boolean {
    for (const own of this.own.values()) {
      if (own.ifindex === ifindex && own.length === subnet.length && prefixContains(subnet, subnetEnd(own)))
        return true;
    }
    return false;
  }

  removeAddress(update: AddressDelete): void {
    const owner = addressOwner(update);
    const known = this.own.get(owner);
    if (known !== undefined) this.dropAddress(owner, known);
  }

  private dropAddress(owner: string, { table, ...update }: OwnAddress): void {
    this.own.delete(owner);
    this.subnets.set(owner, undefined);
    this.removeHost(table, update.address, 8 * update.address.length, owner);
    const broadcast = broadcastOf(update);
    if (broadcast !== undefined) this.removeHost(table, broadcast, 32, owner);
  }

  private addHost(table: number, bytes: Uint8Array, length: number, owner: string, reason: TrapReason): void {
    const row = this.rows.routes.upsert(setKey(this.key, table, bytes, length));
    this.rows.addHostPart(row, owner, this.rows.fixed({ kind: 'punt', reason }));
  }

  private removeHost(table: number, bytes: Uint8Array, length: number, owner: string): void {
    const row = this.rows.routes.find(setKey(this.key, table, bytes, length));
    if (row !== 0) this.rows.removeHostPart(row, owner);
  }

  // ---- neighbors on connected subnets -----------------------------------------------------------------------------

  /** A neighbor came, changed or went: decides on its host entries. */
  evaluate(neighbor: Neighbor): void {
    for (const table of neighbor.hostRows.keys()) this.evaluateIn(neighbor, table);
    for (const [table, { connectedCount }] of this.lengthsOf) if (connectedCount > 0) this.evaluateIn(neighbor, table);
  }

  private evaluateIn(neighbor: Neighbor, table: number): void {
    const { nexthops, routes } = this.rows;
    const eligible = this.eligible(neighbor, table);
    const row = neighbor.hostRows.get(table);
    if (eligible && row === undefined) {
      const bits = 8 * neighbor.address.length;
      const group = nexthops.get(neighbor.hostGroup) ?? nexthops.forNeighbor(neighbor);
      const made = routes.upsert(setKey(this.key, table, neighbor.address, bits));
      neighbor.hostRows.set(table, made);
      neighbor.hostGroup = group.id;
      this.rows.setNeighborPart(made, group);
    } else if (!eligible && row !== undefined) {
      const group = nexthops.get(neighbor.hostGroup)!;
      neighbor.hostRows.delete(table);
      if (neighbor.hostRows.size === 0) neighbor.hostGroup = 0;
      this.rows.removeNeighborPart(row, group, this.heirOf(neighbor, table));
      this.rows.retireIfUnwanted(group);
      this.neighbors.dropIfUnused(neighbor);
    }
  }

  /** The same address may answer on another interface of the subnet. */
  private heirOf({ ifindex, address }: Neighbor, table: number): NexthopGroup | undefined {
    for (const other of this.interfaces.portInterfaces()) {
      const neighbor = other === ifindex ? undefined : this.neighbors.find(other, address);
      if (neighbor?.hostRows.has(table) === true) return this.rows.nexthops.get(neighbor.hostGroup);
    }
    return undefined;
  }

  private eligible(neighbor: Neighbor, table: number): boolean {
    if (neighbor.mac === undefined || isLinkLocal(neighbor.address) || !this.rows.vrfs.has(table)) return false;
    if (this.interfaces.portOf(neighbor.ifindex) === undefined) return false;
    const bits = 8 * neighbor.address.length;
    const cover = this.longestRoute(setKey(this.key, table, neighbor.address, bits), bits);
    if (cover === 0 || (this.rows.routes.flags[cover]! & ROW.connected) === 0) return false;
    const group = this.rows.nexthops.get(this.rows.routes.routeGroup[cover]!);
    return group !== undefined && reachesDirectly(group, neighbor.ifindex);
  }

  /** The row of the longest route that covers the key's prefix and is at most `length` bits long; 0: none. */
  private longestRoute(key: RouteKey, length: number): number {
    const { routes } = this.rows;
    const counts = this.lengthsOf.get(key.table)?.routes[key.ip6 ? 1 : 0];
    if (counts === undefined) return 0;
    for (let bits = Math.min(length, counts.length - 1); bits >= 0; bits--) {
      if (counts[bits] === 0) continue;
      const row = routes.find(shortenKey(this.probe, key, bits));
      if (row !== 0 && routes.routeGroup[row] !== 0) return row;
    }
    return 0;
  }

  // ---- routes ---------------------------------------------------------------------------------------------------------

  /** A row's route came (1) or went (-1): neighbors below it may gain or lose their host entry. */
  routeChanged(row: number, by: 1 | -1): void {
    const { routes } = this.rows;
    const lengths = this.lengthsIn(routes.tableOf(row));
    lengths.routes[routes.isIp6(row) ? 1 : 0][routes.lengthOf(row)]! += by;
    if (!this.targetChanged(row) && lengths.connectedCount > 0 && this.underConnected(row, lengths))
      this.evaluateUnder(row);
  }

  /** The tables with routes of this length. */
  *tablesHaving(family: Family, length: number): Generator<number> {
    for (const [table, { routes }] of this.lengthsOf) if (routes[family === 6 ? 1 : 0][length]! > 0) yield table;
  }

  /** Of a table; those of the one asked for last are at hand, as routes come table by table. */
  private lengthsIn(table: number): TableLengths {
    if (this.last?.table === table) return this.last;
    let lengths = this.lengthsOf.get(table);
    if (lengths === undefined) {
      lengths = {
        table,
        connected: [new Map(), new Map()],
        connectedCount: 0,
        routes: [new Uint32Array(33), new Uint32Array(129)],
      };
      this.lengthsOf.set(table, lengths);
    }
    return (this.last = lengths);
  }

  /**
   * What a row's route leads to has changed: it may be a connected subnet now, or none any more, or one on another interface.
   * Returns whether the neighbors below it were looked at.
   */
  targetChanged(row: number): boolean {
    const { nexthops, routes } = this.rows;
    const flags = routes.flags[row]!;
    const group = nexthops.get(routes.routeGroup[row]!);
    const is = group !== undefined && isGlean(group);
    if (is === ((flags & ROW.connected) !== 0)) {
      if (is) this.evaluateUnder(row);
      return is;
    }
    routes.flags[row]! ^= ROW.connected;
    const lengths = this.lengthsIn(routes.tableOf(row));
    const connected = lengths.connected[routes.isIp6(row) ? 1 : 0];
    const length = routes.lengthOf(row);
    const by = is ? 1 : -1;
    const count = (connected.get(length) ?? 0) + by;
    lengths.connectedCount += by;
    if (count === 0) connected.delete(length);
    else connected.set(length, count);
    this.rows.chooseWanted(row);
    this.evaluateUnder(row);
    return true;
  }

  private underConnected(row: number, { connected }: TableLengths): boolean {
    const { routes } = this.rows;
    const length = routes.lengthOf(row);
    const key = routes.readKey(row, this.key);
    for (const shorter of connected[key.ip6 ? 1 : 0].keys()) {
      if (shorter > length) continue;
      const cover = routes.find(shortenKey(this.probe, key, shorter));
      if (cover !== 0 && (routes.flags[cover]! & ROW.connected) !== 0) return true;
    }
    return false;
  }

  /** Looks at the neighbors below a row, for its table. */
  private evaluateUnder(row: number): void {
    const prefix = this.rows.prefixOf(row);
    const table = this.rows.routes.tableOf(row);
    if (prefix.length === 8 * prefix.bytes.length) {
      for (const ifindex of this.interfaces.portInterfaces()) {
        const neighbor = this.neighbors.find(ifindex, prefix.bytes);
        if (neighbor !== undefined) this.evaluateIn(neighbor, table);
      }
      return;
    }
    for (const neighbor of [...this.neighbors.all()]) {
      if (prefixContains(prefix, neighbor.address)) this.evaluateIn(neighbor, table);
    }
  }
}

/** The name under which an address asks for its host entries. */
export function addressOwner(update: Pick<AddressAdd, 'ifindex' | 'address' | 'length' | 'peer'>): string {
  const { ifindex, address, length, peer } = update;
  return `address ${ifindex} ${formatAddress(address)}/${length}${peer === undefined ? '' : ` peer ${formatAddress(peer)}`}`;
}

/** An address in the subnet that the address makes connected: the peer's where there is one, as in Linux. */
function subnetEnd({ address, peer }: Pick<AddressAdd, 'address' | 'peer'>): Uint8Array {
  return peer ?? address;
}

/** Whether the group's hosts are on this interface, without a gateway. */
function reachesDirectly(group: NexthopGroup, ifindex: number): boolean {
  return leavesOf(group).some(
    (leaf) => leaf.kind === 'path' && leaf.path.gateway === undefined && leaf.path.ifindex === ifindex,
  );
}

/** The subnet's broadcast address (RFC 919); /31 (RFC 3021) and /32 have none. */
function broadcastOf(update: AddressAdd | AddressDelete): Uint8Array | undefined {
  if (update.address.length !== 4 || update.length > 30) return undefined;
  return subnetEnd(update).map((byte, i) => byte | (0xff >> Math.max(0, Math.min(8, update.length - 8 * i))));
}
