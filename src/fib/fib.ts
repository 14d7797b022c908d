/**
 * The FIB: what zebra wants, what the kernel knows of neighbors, and what the vASIC has acknowledged, brought together.
 *
 * Updates only change tables and mark what they touched dirty; the programmer looks at the final state when it asks for work, so a delete followed by an add is a
 * replace and a flap costs one operation. This file applies updates; the parts it joins are vrfs.ts (which tables are forwarded by), rows.ts (routes and queues),
 * resolution.ts (nexthop groups and neighbors), host-entries.ts (own addresses, known neighbors), own-subnets.ts (connected subnets that zebra has not),
 * forwarding-state.ts (the programmer's side) and route-status.ts (what zebra is told).
 */
import { ForwardingState } from './forwarding-state';
import { RouteGenerations, type ReplayTables } from './generations';
import { HostEntries } from './host-entries';
import { Interfaces, type PortOrigin } from './interfaces';
import type { Neighbor } from './neighbors';
import type { OwnPort } from './port-rules';
import { KeptThings } from './kept';
import { LspTable } from './lsps';
import { KernelRoutes } from './kernel-routes';
import { dropIntent, type NexthopChange, type NexthopGroup } from './nexthops';
import { OwnSubnets } from './own-subnets';
import { Replays } from './replays';
import { Resolution } from './resolution';
import { newKey, setKey } from './route-key';
import { RouteStatuses } from './route-status';
import { ROW } from './route-table';
import { Rows } from './rows';
import { encodeTime } from './times';
import { Vrfs, type NamedTable } from './vrfs';
import { Withdrawals } from './withdrawals';
import type { Prefix } from '../net/address';
import {
  NO_TABLE,
  type FpmUpdate,
  type KernelUpdate,
  type LinkChange,
  type NeighborAdd,
  type NexthopPath,
  type RouteAdd,
  type RouteDelete,
  type RouteTarget,
} from './updates';

export interface FibOptions {
  /** The default VRF's kernel table. */
  readonly table: number;
  /** TAP name → port index. */
  readonly ports: ReadonlyMap<string, number>;
  /** Port index → table, of ports that are in another than the default VRF where Linux has them in none. */
  readonly portTables?: ReadonlyMap<number, number>;
  /** VRFs that the configuration names. */
  readonly vrfs?: readonly NamedTable[];
  /** There is something for the programmer to do. */
  readonly onWork: () => void;
  /** There is something to tell zebra. */
  readonly onReport: () => void;
  /** A neighbor is needed by a route (or no longer). */
  readonly onNeed: (ifindex: number, address: Uint8Array, needed: boolean) => void;
  /** zebra sent a route that it has from the kernel: it is to be checked whether the kernel has it still. */
  readonly onKernelRoute?: () => void;
  /** zebra withdrew a prefix without saying of which table, and has it in these. */
  readonly onUnclearDelete?: (prefix: Prefix, tables: readonly number[]) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

export class Fib {
  readonly vrfs: Vrfs;
  readonly rows: Rows;
  readonly interfaces: Interfaces;
  readonly forwarding: ForwardingState;
  readonly status: RouteStatuses;
  readonly lsps: LspTable;
  readonly kept: KeptThings;
  readonly subnets: OwnSubnets;
  readonly kernelRoutes: KernelRoutes;

  private readonly replays = new Replays();
  private readonly resolution: Resolution;
  private readonly hosts: HostEntries;
  private readonly generations: RouteGenerations;
  private readonly withdrawals: Withdrawals;
  private readonly key = newKey();

  constructor(private readonly options: FibOptions) {
    this.vrfs = new Vrfs({
      defaultTable: options.table,
      configured: options.vrfs ?? [],
      onChange: (table, forwarded) => this.tableChanged(table, forwarded),
    });
    this.interfaces = new Interfaces({
      ports: options.ports,
      defaultTable: options.table,
      configuredTables: options.portTables ?? new Map(),
      namedTables: new Map((options.vrfs ?? []).map(({ name, table }) => [name, table])),
      onRules: (port, sending) => this.portRulesChanged(port, sending),
      onVrfs: (ports, devices) => this.vrfs.set(ports, devices),
    });
    this.rows = new Rows({
      vrfs: this.vrfs,
      onWork: options.onWork,
      onReport: options.onReport,
      onRetire: (group) => this.resolution.detach(group),
    });
    this.resolution = new Resolution({
      rows: this.rows,
      interfaces: this.interfaces,
      onNeed: options.onNeed,
      onGlean: (group) => this.gleanChanged(group),
    });
    const { neighbors } = this.resolution;
    this.generations = new RouteGenerations(this.rows, this.replays);
    this.kept = new KeptThings(this.replays);
    this.subnets = new OwnSubnets({
      rows: this.rows,
      interfaces: this.interfaces,
      groupOnto: (ifindex) => this.groupOfPaths([{ ifindex, weight: 1 }]),
      setRouteGroup: (row, group) => this.setRouteGroup(row, group),
      now: options.now,
    });
    this.hosts = new HostEntries(this.rows, neighbors, this.interfaces, this.subnets);
    this.withdrawals = new Withdrawals({ rows: this.rows, hosts: this.hosts, generations: this.generations });
    this.kernelRoutes = new KernelRoutes({
      rows: this.rows,
      remove: (row) => this.withdraw(row),
      isPort: (ifindex) => this.interfaces.portOf(ifindex) !== undefined,
      hasSubnet: (ifindex, subnet) => this.hosts.hasSubnet(ifindex, subnet),
      nexthop: (update) => this.applyFpm(update),
      onSuspect: () => options.onKernelRoute?.(),
    });
    this.status = new RouteStatuses(this.rows, options.now);
    this.lsps = new LspTable({
      rows: this.rows,
      replays: this.replays,
      groupOf: (paths) => this.groupOfPaths(paths),
      now: options.now,
    });
    this.forwarding = new ForwardingState(this.rows, neighbors, this.interfaces, this.status, this.lsps, options.now);
    this.interfaces.begin();
  }

  get neighbors(): Resolution['neighbors'] {
    return this.resolution.neighbors;
  }

  // ---- what zebra tells -------------------------------------------------------------------------------------------

  /** Applies one update from zebra. Nothing is resolved for the vASIC before the programmer asks. */
  applyFpm(update: FpmUpdate): void {
    switch (update.kind) {
      case 'routeAdd':
        return this.addRoute(update);
      case 'routeDelete':
        return this.deleteRoute(update);
      case 'nexthopAdd':
        return this.nexthopsChanged(this.rows.nexthops.addZebra(update));
      case 'nexthopDelete': {
        const group = this.rows.nexthops.deleteZebra(update.id);
        if (group !== undefined) this.rows.retireIfUnwanted(group);
        return;
      }
      case 'neighborAdd':
        if (this.isOfPorts(update)) this.applyKernel(update);
        return;
      case 'neighborDelete':
        // The interface may have been a port when zebra spoke of the neighbor.
        return this.applyKernel(update);
      case 'lspAdd':
      case 'lspDelete':
        return this.lsps.apply(update);
      case 'macAdd':
      case 'macDelete':
      case 'sidAdd':
      case 'sidDelete':
        return this.kept.apply(update);
    }
  }

  /**
   * zebra may speak of neighbors on any interface; ours are those on ports, be it that Linux has the port for itself meanwhile, as
   * zebra doesn't say again what it has said when Linux gives it back.
   */
  private isOfPorts({ source, ifindex, address }: NeighborAdd): boolean {
    return (
      this.interfaces.isCalledLikePort(ifindex) || this.neighbors.find(ifindex, address)?.told.has(source) === true
    );
  }

  /** Has the replay confirm zebra's word of a neighbor; returns its generation, undefined for that of others. */
  private confirmNeighbor({ source, ifindex, address }: NeighborAdd): number | undefined {
    if (source !== 'fpm') return undefined;
    return this.replays.confirm(this.neighbors.find(ifindex, address)?.told.get(source)?.generation);
  }

  /** Takes zebra's word of neighbors back that the replay didn't confirm; returns of how many. */
  private sweepNeighbors(): number {
    let swept = 0;
    for (const { ifindex, address, told } of [...this.neighbors.all()]) {
      const generation = told.get('fpm')?.generation;
      if (generation === undefined || !this.replays.isStale(generation)) continue;
      this.neighborChanged(this.neighbors.remove('fpm', ifindex, address));
      swept++;
    }
    return swept;
  }

  private addRoute(update: RouteAdd): void {
    const { routes } = this.rows;
    const row = routes.upsert(setKey(this.key, update.table, update.prefix.bytes, update.prefix.length));
    // zebra has just sent the route, so it has forgotten what it was told of it.
    routes.flags[row]! |= ROW.zebra | ROW.untold;
    routes.reported[row] = 0;
    this.generations.confirm(row);
    routes.protocol[row] = update.protocol;
    routes.metric[row] = update.metric;
    this.setRouteGroup(row, this.groupOfTarget(update.target));
    this.received(row);
    this.rows.markReport(row);
    this.kernelRoutes.received(row);
  }

  /** What the row's route leads to, zebra's or an own subnet's; undefined: there is none any more. */
  private setRouteGroup(row: number, group: NexthopGroup | undefined): void {
    const { nexthops, routes } = this.rows;
    const before = nexthops.get(routes.routeGroup[row]!);
    if (before === group) return;
    if (group !== undefined) group.namedBy++;
    routes.routeGroup[row] = group?.id ?? 0;
    if (before !== undefined) before.namedBy--;
    this.rows.chooseWanted(row);
    if (before !== undefined && group !== undefined) this.hosts.targetChanged(row);
    else this.hosts.routeChanged(row, group === undefined ? -1 : 1);
    if (before !== undefined) this.rows.retireIfUnwanted(before);
  }

  private deleteRoute(update: RouteDelete): void {
    const { routes } = this.rows;
    const table = update.table === NO_TABLE ? this.withdrawnFrom(update.prefix) : update.table;
    if (table === undefined) return;
    const row = routes.find(setKey(this.key, table, update.prefix.bytes, update.prefix.length));
    if (row !== 0 && (routes.flags[row]! & ROW.zebra) !== 0) this.withdraw(row);
  }

  /** The table of a withdrawal that names none; undefined: there is none, or it isn't clear. */
  private withdrawnFrom(prefix: Prefix): number | undefined {
    const tables = this.withdrawals.tablesOf(prefix);
    if (tables.length > 1) this.options.onUnclearDelete?.(prefix, tables);
    return tables.length === 1 ? tables[0] : undefined;
  }

  private withdraw(row: number): void {
    this.removeZebra(row);
    this.received(row);
  }

  /** A message of zebra about the row was applied just now. */
  private received(row: number): void {
    const { routes } = this.rows;
    routes.receivedAt[row] = encodeTime(this.options.now());
    const flags = routes.flags[row]!;
    if ((flags & ROW.dirty) !== 0) routes.flags[row] = flags | ROW.timed;
  }

  private removeZebra(row: number): void {
    this.rows.changes.listener?.routeGone(row);
    const { routes } = this.rows;
    this.kernelRoutes.forget(row);
    routes.flags[row]! &= ~ROW.zebra;
    routes.reported[row] = 0;
    routes.metric[row] = 0;
    this.setRouteGroup(row, this.subnets.groupOf(row));
    this.rows.freeIfDone(row);
  }

  private groupOfTarget(target: RouteTarget): NexthopGroup {
    const { nexthops } = this.rows;
    switch (target.kind) {
      case 'nexthopId':
        return nexthops.forZebraId(target.id);
      case 'paths':
        return this.groupOfPaths(target.paths);
      case 'drop':
        return this.rows.fixed(dropIntent(target.drop));
      case 'host':
        return this.rows.fixed({ kind: 'punt', reason: 'local' });
      case 'unsupported':
        return this.rows.fixed({ kind: 'punt', reason: 'unsupported' }, target.reason);
    }
  }

  private groupOfPaths(paths: readonly NexthopPath[]): NexthopGroup {
    const { group, isNew } = this.rows.nexthops.forPaths(paths);
    if (isNew) this.nexthopsChanged({ changed: [group], orphans: [] });
    return group;
  }

  private nexthopsChanged({ changed, orphans }: NexthopChange): void {
    for (const group of changed) {
      group.receivedAt = this.options.now();
      this.resolution.contentChanged(group);
    }
    for (const orphan of orphans) this.rows.retireIfUnwanted(orphan);
  }

  private gleanChanged(group: NexthopGroup): void {
    for (const row of this.rows.rowsNaming(group)) this.hosts.targetChanged(row);
  }

  // ---- what the kernel tells --------------------------------------------------------------------------------------

  /** Applies one update from the kernel (or a neighbor from another source). */
  applyKernel(update: KernelUpdate): void {
    switch (update.kind) {
      case 'neighborAdd':
        this.neighborChanged(this.neighbors.add(update, this.confirmNeighbor(update)));
        if (update.source === 'static') this.resolution.neighborConfigured(update.ifindex, update.address);
        return;
      case 'neighborDelete':
        this.neighborChanged(this.neighbors.remove(update.source, update.ifindex, update.address));
        if (update.source === 'static') this.resolution.neighborConfigured(update.ifindex, update.address);
        return;
      case 'addressAdd':
        return this.hosts.addAddress(update);
      case 'addressDelete':
        return this.hosts.removeAddress(update);
      case 'link':
        return this.linkChanged(update);
      case 'groups':
        return this.interfaces.applyGroups(update);
    }
  }

  private linkChanged(update: LinkChange): void {
    const { ifindex } = update;
    const table = this.interfaces.lookupTable(ifindex);
    const ownTable = this.interfaces.tableOf(ifindex);
    const vrfTable = this.interfaces.get(ifindex)?.vrfTable;
    const changed = this.interfaces.apply(update);
    for (const each of changed) this.interfaceChanged(each);
    // Of one that the vASIC doesn't forward for, only the subnets ask whether it is up.
    if (!changed.includes(ifindex)) this.subnets.interfaceChanged(ifindex);
    // Its addresses go along, of interfaces of all kinds, and those of what is in its VRF.
    if (this.interfaces.tableOf(ifindex) !== ownTable || this.interfaces.get(ifindex)?.vrfTable !== vrfTable)
      this.hosts.tablesMoved();
    // An LSP may lead to its table.
    if (this.interfaces.lookupTable(ifindex) !== table) this.resolution.interfaceChanged(ifindex);
  }

  /** Whether a port takes packets with labels. */
  setLabelInput(port: number, labels: boolean): void {
    this.interfaces.setLabels(port, labels);
  }

  /** What the port is by itself, and who makes its interface that. */
  portOwn(port: number, own: OwnPort, origin: PortOrigin): void {
    this.interfaces.setOwn(port, own, origin);
  }

  /** The vASIC is to forward by a table, or not any more: its routes are to go there, or to go. */
  private tableChanged(table: number, forwarded: boolean): void {
    const { routes } = this.rows;
    for (let row = 1; row < routes.end; row++) {
      if (!routes.live(row) || routes.tableOf(row) !== table) continue;
      this.rows.chooseWanted(row);
      this.rows.markReport(row);
    }
    this.hosts.tableChanged(table, forwarded);
    for (const ifindex of this.interfaces.devicesOf(table)) this.resolution.interfaceChanged(ifindex);
    this.forwarding.dirtyTables.add(table);
    this.options.onWork();
  }

  private portRulesChanged(port: number, sending: boolean): void {
    this.forwarding.dirtyPorts.add(port);
    if (sending) {
      for (const neighbor of this.neighbors.all()) {
        if (this.interfaces.portOf(neighbor.ifindex) === port) this.forwarding.dirtyAdjacencies.add(neighbor.id);
      }
    }
    this.options.onWork();
  }

  /** The vASIC tells that a port's link came or went. */
  portChanged(port: number, up: boolean): void {
    for (const ifindex of this.interfaces.setPort(port, up)) this.interfaceChanged(ifindex);
  }

  private interfaceChanged(ifindex: number): void {
    this.resolution.interfaceChanged(ifindex);
    this.subnets.interfaceChanged(ifindex);
    for (const neighbor of [...this.neighbors.all()]) {
      if (neighbor.ifindex === ifindex) this.neighborChanged(neighbor);
    }
  }

  private neighborChanged(neighbor: Neighbor | undefined): void {
    if (neighbor === undefined) return;
    this.rows.changes.listener?.neighbor(neighbor);
    this.forwarding.dirtyAdjacencies.add(neighbor.id);
    this.resolution.neighborChanged(neighbor);
    this.hosts.evaluate(neighbor);
    this.options.onWork();
  }

  // ---- replay -----------------------------------------------------------------------------------------------------

  /** zebra (re)connected and sends everything again; what we have stays until `endReplay`. */
  beginReplay(): void {
    this.replays.begin();
    this.generations.begin();
    this.vrfs.beginReplay();
    this.kernelRoutes.beginReplay();
    for (const group of this.rows.nexthops.beginGeneration()) this.rows.retireIfUnwanted(group);
  }

  /** How much replays have confirmed, ever: a replay goes on while that grows. */
  get confirmed(): number {
    return this.replays.anew;
  }

  /** How far the replay has come: zebra's routes that it has confirmed, and what ending it now would remove. Looks at all rows. */
  replayStanding(): { readonly confirmed: number; readonly unconfirmed: number } {
    const { confirmed, unconfirmed } = this.generations.standing();
    return { confirmed, unconfirmed: unconfirmed + this.forwarding.adopted };
  }

  /** Connected subnets that zebra has not sent by now are missing in its table: from here on each of the router's own addresses has its subnet. */
  countOwnSubnets(): void {
    this.subnets.begin();
  }

  /** The replay is over: drops what it didn't confirm, of any table or of those that zebra tells whole. Returns how many routes, nexthops, found entries … that were. */
  endReplay(tables: ReplayTables = 'told'): {
    routes: number;
    nexthops: number;
    lsps: number;
    neighbors: number;
    adopted: number;
    kept: number;
  } {
    let swept = 0;
    for (const row of this.generations.unconfirmed(tables)) {
      this.removeZebra(row);
      swept++;
    }
    this.countOwnSubnets();
    const lsps = this.lsps.endReplay();
    const neighbors = this.sweepNeighbors();
    const adopted = this.forwarding.dropAdopted();
    const { gone, ...change } = this.rows.nexthops.endGeneration();
    this.nexthopsChanged(change);
    for (const group of gone) this.rows.retireIfUnwanted(group);
    return { routes: swept, nexthops: gone.length, lsps, neighbors, adopted, kept: this.kept.endReplay() };
  }

  /** Whether zebra's route has not been confirmed since zebra connected last. */
  isStale(row: number): boolean {
    return this.generations.isStale(row);
  }
}
