/**
 * The entries that the vASIC needs beside zebra's routes: the router's own addresses (to the host), and each known
 * neighbor on a connected subnet (straight to it, where the subnet itself goes to the host to be resolved).
 *
 * A neighbor has a host entry only while zebra's longest route to it is a connected subnet on its interface, be it as long
 * as the address itself (a point-to-point peer, a /32 by interface): a longer route that leads elsewhere is zebra's
 * decision and stands.
 */
import { formatAddress, isLinkLocal, parsePrefix, prefixContains, type Prefix } from '../net/address';
import type { TrapReason } from './intents';
import type { Interfaces } from './interfaces';
import type { Neighbor, NeighborTable } from './neighbors';
import { leavesOf } from './leaves';
import type { NexthopGroup } from './nexthops';
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

export class HostEntries {
  /** How many connected subnets on ports there are of each prefix length, IPv4 and IPv6. */
  private readonly connectedLengths = [new Map<number, number>(), new Map<number, number>()] as const;
  /** zebra's routes in the programmed table by prefix length, IPv4 and IPv6. */
  private readonly zebraLengths = [new Uint32Array(33), new Uint32Array(129)] as const;
  /** The router's own addresses on ports, by owner. */
  private readonly own = new Map<string, AddressAdd>();
  private readonly key = newKey();
  private readonly probe = newKey();

  constructor(
    private readonly rows: Rows,
    private readonly neighbors: NeighborTable,
    private readonly interfaces: Interfaces,
  ) {
    for (const [text, reason] of HOST_PREFIXES) {
      const prefix = parsePrefix(text)!;
      this.addHost(prefix.bytes, prefix.length, 'always', reason);
    }
  }

  // ---- the router's own addresses ---------------------------------------------------------------------------------

  addAddress(update: AddressAdd): void {
    if (isLinkLocal(update.address)) return;
    const owner = addressOwner(update);
    this.own.set(owner, { ...update, address: Uint8Array.from(update.address) });
    this.addHost(update.address, 8 * update.address.length, owner, 'local');
    const broadcast = broadcastOf(update);
    if (broadcast !== undefined) this.addHost(broadcast, 32, owner, 'broadcast');
  }

  /** Whether an address of this interface makes this its subnet. */
  hasSubnet(ifindex: number, subnet: Prefix): boolean {
    for (const { ifindex: of, address, length } of this.own.values()) {
      if (of === ifindex && length === subnet.length && prefixContains(subnet, address)) return true;
    }
    return false;
  }

  removeAddress(update: AddressDelete): void {
    const owner = addressOwner(update);
    this.own.delete(owner);
    this.removeHost(update.address, 8 * update.address.length, owner);
    const broadcast = broadcastOf(update);
    if (broadcast !== undefined) this.removeHost(broadcast, 32, owner);
  }

  private addHost(bytes: Uint8Array, length: number, owner: string, reason: TrapReason): void {
    const row = this.rows.routes.upsert(setKey(this.key, this.rows.table, bytes, length));
    this.rows.addHostPart(row, owner, this.rows.fixed({ kind: 'punt', reason }));
  }

  private removeHost(bytes: Uint8Array, length: number, owner: string): void {
    const row = this.rows.routes.find(setKey(this.key, this.rows.table, bytes, length));
    if (row !== 0) this.rows.removeHostPart(row, owner);
  }

  // ---- neighbors on connected subnets -----------------------------------------------------------------------------

  /** A neighbor came, changed or went: decides on its host entry. */
  evaluate(neighbor: Neighbor): void {
    const { nexthops, routes } = this.rows;
    const eligible = this.eligible(neighbor);
    if (eligible && neighbor.hostRow === 0) {
      const bits = 8 * neighbor.address.length;
      const group = nexthops.forNeighbor(neighbor);
      neighbor.hostRow = routes.upsert(setKey(this.key, this.rows.table, neighbor.address, bits));
      neighbor.hostGroup = group.id;
      this.rows.setNeighborPart(neighbor.hostRow, group);
    } else if (!eligible && neighbor.hostRow !== 0) {
      const row = neighbor.hostRow;
      const group = nexthops.get(neighbor.hostGroup)!;
      neighbor.hostRow = 0;
      neighbor.hostGroup = 0;
      this.rows.removeNeighborPart(row, group, this.heirOf(neighbor));
      this.rows.retireIfUnwanted(group);
      this.neighbors.dropIfUnused(neighbor);
    }
  }

  /** The same address may answer on another interface of the subnet. */
  private heirOf({ ifindex, address }: Neighbor): NexthopGroup | undefined {
    for (const other of this.interfaces.portInterfaces()) {
      const neighbor = other === ifindex ? undefined : this.neighbors.find(other, address);
      if (neighbor !== undefined && neighbor.hostGroup !== 0) return this.rows.nexthops.get(neighbor.hostGroup);
    }
    return undefined;
  }

  private eligible(neighbor: Neighbor): boolean {
    if (neighbor.mac === undefined || isLinkLocal(neighbor.address)) return false;
    if (this.interfaces.portOf(neighbor.ifindex) === undefined) return false;
    const bits = 8 * neighbor.address.length;
    const cover = this.longestZebra(setKey(this.key, this.rows.table, neighbor.address, bits), bits);
    if (cover === 0 || (this.rows.routes.flags[cover]! & ROW.connected) === 0) return false;
    const group = this.rows.nexthops.get(this.rows.routes.zebraGroup[cover]!);
    return group !== undefined && reachesDirectly(group, neighbor.ifindex);
  }

  /** The row of zebra's longest prefix that covers the key's and is at most `length` bits long; 0: none. */
  private longestZebra(key: RouteKey, length: number): number {
    const { routes } = this.rows;
    const counts = this.zebraLengths[key.ip6 ? 1 : 0];
    for (let bits = Math.min(length, counts.length - 1); bits >= 0; bits--) {
      if (counts[bits] === 0) continue;
      const row = routes.find(shortenKey(this.probe, key, bits));
      if (row !== 0 && (routes.flags[row]! & ROW.zebra) !== 0) return row;
    }
    return 0;
  }

  // ---- zebra's routes ---------------------------------------------------------------------------------------------

  /** zebra's part of a row came (1) or went (-1): neighbors below it may gain or lose their host entry. */
  zebraChanged(row: number, by: 1 | -1): void {
    const { routes } = this.rows;
    if (routes.tableOf(row) !== this.rows.table) return;
    this.zebraLengths[routes.isIp6(row) ? 1 : 0][routes.lengthOf(row)]! += by;
    if (!this.targetChanged(row) && this.underConnected(row)) this.evaluateIn(row);
  }

  /**
   * What a row's route leads to has changed: it may be a connected subnet now, or none any more, or one on another interface.
   * Returns whether the neighbors below it were looked at.
   */
  targetChanged(row: number): boolean {
    const { nexthops, routes } = this.rows;
    const flags = routes.flags[row]!;
    const group = nexthops.get(routes.zebraGroup[row]!);
    const isZebra = (flags & ROW.zebra) !== 0 && routes.tableOf(row) === this.rows.table;
    const is = isZebra && group !== undefined && isGlean(group);
    if (is === ((flags & ROW.connected) !== 0)) {
      if (is) this.evaluateIn(row);
      return is;
    }
    routes.flags[row]! ^= ROW.connected;
    const lengths = this.connectedLengths[routes.isIp6(row) ? 1 : 0];
    const length = routes.lengthOf(row);
    const count = (lengths.get(length) ?? 0) + (is ? 1 : -1);
    if (count === 0) lengths.delete(length);
    else lengths.set(length, count);
    this.rows.chooseWanted(row);
    this.evaluateIn(row);
    return true;
  }

  private underConnected(row: number): boolean {
    const { routes } = this.rows;
    const length = routes.lengthOf(row);
    const key = routes.readKey(row, this.key);
    for (const shorter of this.connectedLengths[key.ip6 ? 1 : 0].keys()) {
      if (shorter > length) continue;
      const cover = routes.find(shortenKey(this.probe, key, shorter));
      if (cover !== 0 && (routes.flags[cover]! & ROW.connected) !== 0) return true;
    }
    return false;
  }

  private evaluateIn(row: number): void {
    const prefix = this.rows.prefixOf(row);
    if (prefix.length === 8 * prefix.bytes.length) {
      for (const ifindex of this.interfaces.portInterfaces()) {
        const neighbor = this.neighbors.find(ifindex, prefix.bytes);
        if (neighbor !== undefined) this.evaluate(neighbor);
      }
      return;
    }
    for (const neighbor of [...this.neighbors.all()]) {
      if (prefixContains(prefix, neighbor.address)) this.evaluate(neighbor);
    }
  }
}

/** The name under which an address asks for its host entries. */
export function addressOwner(update: Pick<AddressAdd, 'ifindex' | 'address' | 'length'>): string {
  return `address ${update.ifindex} ${formatAddress(update.address)}/${update.length}`;
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
  return update.address.map((byte, i) => byte | (0xff >> Math.max(0, Math.min(8, update.length - 8 * i))));
}
