/**
 * The connected subnets of the router's own addresses, where zebra has no route for them. The kernel has one as long as the interface is up, and Linux would send there:
 * without it, packets for its hosts would leave by a shorter route. zebra's word counts where it has one. Not every zebra always has: 10.7 loses a connected subnet for
 * good when a second address of it is configured while the interface is down (zebra/connected.c, connected_up).
 *
 * What zebra has not sent yet isn't missing: the subnets count once it has told all for the first time, or had time enough.
 */
import type { Prefix } from '../net/address';
import type { Interfaces } from './interfaces';
import type { NexthopGroup } from './nexthops';
import { newKey, setKey } from './route-key';
import { ROW } from './route-table';
import type { Rows } from './rows';
import { decodeTime, encodeTime } from './times';

/** A subnet that is connected by an own address. */
export interface OwnSubnet extends Prefix {
  readonly table: number;
  readonly ifindex: number;
}

export interface OwnSubnetsOptions {
  readonly rows: Rows;
  readonly interfaces: Interfaces;
  /** The group of routes onto an interface, without a gateway. */
  readonly groupOnto: (ifindex: number) => NexthopGroup;
  /** Gives a row's route another group; undefined: takes the route away. */
  readonly setRouteGroup: (row: number, group: NexthopGroup | undefined) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

export class OwnSubnets {
  /** Row → owner → interface, in the order in which the addresses came. */
  private readonly subnets = new Map<number, Map<string, number>>();
  /** Owner → row. */
  private readonly rowOf = new Map<string, number>();
  private begun = false;
  private readonly key = newKey();

  constructor(private readonly options: OwnSubnetsOptions) {}

  /** zebra has told all that it has, or had time enough. */
  begin(): void {
    if (this.begun) return;
    this.begun = true;
    for (const row of this.subnets.keys()) this.review(row);
  }

  /** The subnet of an own address, by the address's owner; undefined: it has none (any more). */
  set(owner: string, subnet: OwnSubnet | undefined): void {
    const { routes } = this.options.rows;
    const before = this.rowOf.get(owner);
    const row = subnet === undefined ? 0 : routes.upsert(setKey(this.key, subnet.table, subnet.bytes, subnet.length));
    if (before !== undefined && before !== row) this.remove(owner, before);
    if (subnet === undefined) return;
    let owners = this.subnets.get(row);
    if (owners === undefined) this.subnets.set(row, (owners = new Map()));
    owners.set(owner, subnet.ifindex);
    this.rowOf.set(owner, row);
    routes.flags[row]! |= ROW.subnet;
    this.review(row);
  }

  private remove(owner: string, row: number): void {
    const { rows } = this.options;
    const owners = this.subnets.get(row)!;
    owners.delete(owner);
    this.rowOf.delete(owner);
    if (owners.size === 0) {
      this.subnets.delete(row);
      rows.routes.flags[row]! &= ~ROW.subnet;
    }
    this.review(row);
    rows.freeIfDone(row);
  }

  /** An interface went up or down, or the vASIC forwards for it from now on, or no more. */
  interfaceChanged(ifindex: number): void {
    for (const [row, owners] of this.subnets) {
      if ([...owners.values()].includes(ifindex)) this.review(row);
    }
  }

  /** The group of a row's own subnet; undefined: there is none, or it doesn't count. */
  groupOf(row: number): NexthopGroup | undefined {
    const { interfaces, rows, groupOnto } = this.options;
    if (!this.begun || (rows.routes.flags[row]! & ROW.subnet) === 0) return undefined;
    for (const ifindex of this.subnets.get(row)!.values()) if (interfaces.isUp(ifindex)) return groupOnto(ifindex);
    return undefined;
  }

  /** The rows of the subnets that count, as zebra has had no route for them for so many milliseconds at least. */
  *lacking(leastMs: number): Generator<number> {
    const { rows, now } = this.options;
    const { routes } = rows;
    for (const row of this.subnets.keys()) {
      if (routes.routeGroup[row] === 0 || (routes.flags[row]! & ROW.zebra) !== 0) continue;
      if (now() - decodeTime(routes.receivedAt[row]!)! >= leastMs) yield row;
    }
  }

  private review(row: number): void {
    const { rows, now, setRouteGroup } = this.options;
    const { flags, receivedAt, routeGroup } = rows.routes;
    if ((flags[row]! & ROW.zebra) !== 0) return;
    const before = routeGroup[row];
    setRouteGroup(row, this.groupOf(row));
    if (routeGroup[row] !== before) receivedAt[row] = encodeTime(now());
  }
}
