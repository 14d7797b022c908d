/**
 * zebra's routes that are the kernel's: learned from it, or following from its addresses. zebra doesn't say over FPM when
 * one of them is gone (which, depends on its version), so each is a *suspect* when zebra sends it and when the kernel has
 * news that may have ended it. A check of the kernel's tables confirms suspects, and at its end removes the others.
 *
 * What zebra sends while a check runs is newer than the tables that it reads, maybe: such a route waits for the next check.
 * So an old message never takes a route away, and none stays that zebra sent late.
 */
import { formatAddress, type Prefix } from '../net/address';
import type { NexthopGroup } from './nexthops';
import type { NexthopIntent } from './intents';
import { leavesOf, pathsOf } from './leaves';
import { newKey, setKey } from './route-key';
import { ROW } from './route-table';
import type { Rows } from './rows';
import { VRF_TABLES, type NexthopAdd, type NexthopDelete } from './updates';

/** rtm_protocol of routes that the kernel makes itself, and which zebra gives for all that it has from the kernel. */
export const KERNEL_PROTOCOL = 2;

/** Where a route of the kernel's leads (src/kernel/route-leads.ts). */
export type KernelLeads =
  | {
      readonly kind: 'paths';
      readonly paths: readonly { readonly gateway?: Uint8Array; readonly ifindex: number }[];
    }
  | { readonly kind: 'drop' | 'unknown' };

export interface KernelRoutesOptions {
  readonly rows: Rows;
  /** Takes zebra's route out of a row. */
  readonly remove: (row: number) => void;
  /** Whether the interface is a port of the vASIC; whether it has an address in this very subnet. */
  readonly isPort: (ifindex: number) => boolean;
  readonly hasSubnet: (ifindex: number, subnet: Prefix) => boolean;
  readonly nexthop: (update: NexthopAdd | NexthopDelete) => void;
  /** zebra sent a route that is to be checked. */
  readonly onSuspect: () => void;
}

/** As who asks the kernel sees them: `SuspectRoutes` of src/kernel/route-check.ts. */
export class KernelRoutes {
  /** All rows of such routes: any news of a link asks for them, and a full table is no place to look for a few. */
  private readonly kernels = new Set<number>();
  /** Rows for the next check, and those of the one that runs. */
  private noted = new Set<number>();
  private suspects = new Set<number>();
  /** Ids of nexthops that these routes name; of these, those that zebra had not sent and the kernel was asked for. */
  private readonly named = new Set<number>();
  private readonly asked = new Set<number>();
  /** Of suspects that the running check has found in part: where they lead, as far as the kernel has not said so yet. */
  private readonly unseen = new Map<number, Set<string>>();
  private readonly key = newKey();

  constructor(private readonly options: KernelRoutesOptions) {}

  /** zebra sent the row's route just now. */
  received(row: number): void {
    if (!this.isKernels(row)) return this.forget(row);
    const { zebraId } = this.groupOf(row);
    if (zebraId !== undefined) this.named.add(zebraId);
    this.kernels.add(row);
    this.suspects.delete(row);
    this.noted.add(row);
    this.options.onSuspect();
  }

  /** The row's route isn't there any more, or isn't the kernel's: there is nothing left to check. */
  forget(row: number): void {
    if (this.kernels.size > 0) this.kernels.delete(row);
    if (this.suspects.size > 0) this.suspects.delete(row);
    if (this.noted.size > 0) this.noted.delete(row);
  }

  /** The kernel lost this route, or one of several for the prefix. Returns whether there is something to check. */
  lost(table: number, address: Uint8Array, length: number): boolean {
    const row = this.options.rows.routes.find(setKey(this.key, table, address, length));
    if (row === 0 || !this.isKernels(row)) return false;
    this.noted.add(row);
    return true;
  }

  /** The kernel may have lost any of them. */
  lostAny(): boolean {
    for (const row of this.kernels) this.noted.add(row);
    return this.noted.size > 0;
  }

  /** A check begins: the kernel's tables are read after this. */
  begin(): { readonly missingNexthops: readonly number[] } {
    this.suspects = new Set([...this.noted].filter((row) => this.isKernels(row)));
    this.unseen.clear();
    this.noted = new Set();
    const missing = new Set<number>();
    for (const row of this.suspects) for (const id of missingIn(this.groupOf(row))) missing.add(id);
    for (const id of missing) this.asked.add(id);
    return { missingNexthops: [...missing] };
  }

  /** Suspects that the kernel can be asked for by an address, at most so many. */
  some(most: number): { readonly address: Uint8Array; readonly length: number; readonly ifindex?: number }[] {
    const found = [];
    for (const row of this.suspects) {
      if (found.length === most) break;
      const { bytes, length } = this.options.rows.prefixOf(row);
      const ifindex = pathsOf(this.groupOf(row)).find(({ path }) => path.ifindex !== 0)?.path.ifindex;
      found.push({ address: bytes, length, ...(ifindex === undefined ? {} : { ifindex }) });
    }
    return found;
  }

  /** Where suspects are left. */
  left(): readonly { readonly table: number; readonly ip6: boolean }[] {
    const { routes } = this.options.rows;
    const scopes = new Map<string, { table: number; ip6: boolean }>();
    for (const row of this.suspects) {
      const scope = { table: routes.tableOf(row), ip6: routes.isIp6(row) };
      scopes.set(`${scope.table} ${scope.ip6}`, scope);
    }
    return [...scopes.values()];
  }

  /**
   * The kernel has this route, or one of several for the prefix. What zebra has of it is there when all its ways are: of the
   * kernel's, zebra may leave some out.
   */
  confirm(table: number, address: Uint8Array, length: number, protocol: number, leads: KernelLeads): void {
    const row = this.options.rows.routes.find(setKey(this.key, table, address, length));
    if (row === 0 || !this.suspects.has(row)) return;
    // zebra passes over routes that the kernel made by itself: only what zebra derives from addresses corresponds to them.
    if (protocol === KERNEL_PROTOCOL && this.hasGateway(row)) return;
    const unseen = this.unseen.get(row) ?? waysOf(this.groupOf(row));
    if (leads.kind === 'drop') unseen.delete(DROP);
    else if (leads.kind === 'paths')
      for (const { gateway, ifindex } of leads.paths) unseen.delete(wayName(gateway, ifindex));
    else unseen.clear();
    if (unseen.size === 0) this.suspects.delete(row);
    else this.unseen.set(row, unseen);
  }

  /**
   * What zebra derives from an address is there although the kernel may have been told to make no route for its subnet. How long
   * the subnet is, is known of ports only; elsewhere any route without a gateway that holds the address stays, to Linux.
   * @param vrf the table of the VRF that the address is in; undefined: it is in the table of all local addresses, in no VRF
   */
  confirmAddress(vrf: number | undefined, address: Uint8Array): void {
    const { routes, vrfs } = this.options.rows;
    for (const row of this.suspects) {
      const length = routes.lengthOf(row);
      const table = routes.tableOf(row);
      if (vrf === undefined ? vrfs.hasDevice(table) : table !== vrf) continue;
      if (routes.isIp6(row) !== (address.length === 16)) continue;
      if (routes.find(setKey(this.key, routes.tableOf(row), address, length)) !== row) continue;
      if (this.hasGateway(row)) continue;
      if (length === 8 * address.length || this.isSubnet(row)) this.suspects.delete(row);
    }
  }

  private isSubnet(row: number): boolean {
    const { rows, isPort, hasSubnet } = this.options;
    const prefix = rows.prefixOf(row);
    return pathsOf(this.groupOf(row)).some(({ path: { ifindex } }) =>
      isPort(ifindex) ? hasSubnet(ifindex, prefix) : prefix.length > 0,
    );
  }

  /** All tables were read: what wasn't confirmed goes. Returns how many. */
  end(): number {
    let removed = 0;
    for (const row of this.suspects) {
      if (!this.isKernels(row)) continue;
      this.options.remove(row);
      removed++;
    }
    this.suspects = new Set();
    return removed;
  }

  /** The check could not be finished. */
  abandon(): void {
    for (const row of this.suspects) this.noted.add(row);
    this.suspects = new Set();
  }

  /**
   * The kernel's word on a nexthop object. zebra sends those that others have made when it connects, and not before; once it has
   * taken one over it is zebra's by its protocol. Returns the ids to be asked for: the members of a group.
   */
  applyNexthop(update: NexthopAdd | NexthopDelete): readonly number[] {
    if (!this.asked.has(update.id)) return [];
    this.options.nexthop(update);
    if (update.kind === 'nexthopDelete' || update.content.kind !== 'group') return [];
    const fresh = update.content.members.map(({ id }) => id).filter((id) => !this.asked.has(id));
    for (const id of fresh) this.asked.add(id);
    return fresh;
  }

  /** The kernel lost a nexthop object, and with it the routes that named it. Returns whether there is something to check. */
  lostNexthop(id: number): boolean {
    return (this.named.has(id) || this.asked.has(id)) && this.lostAny();
  }

  /** zebra (re)connected: ids mean something new. */
  beginReplay(): void {
    this.named.clear();
    this.asked.clear();
  }

  private isKernels(row: number): boolean {
    const { routes } = this.options.rows;
    if (routes.protocol[row] !== KERNEL_PROTOCOL || !routes.live(row)) return false;
    return (routes.flags[row]! & ROW.zebra) !== 0 && routes.tableOf(row) < VRF_TABLES;
  }

  private groupOf(row: number): NexthopGroup {
    return this.options.rows.nexthops.get(this.options.rows.routes.routeGroup[row]!)!;
  }

  private hasGateway(row: number): boolean {
    return pathsOf(this.groupOf(row)).some(({ path }) => path.gateway !== undefined);
  }
}

const DROP = 'drop';

function wayName(gateway: Uint8Array | undefined, ifindex: number): string {
  return `${gateway === undefined ? '' : formatAddress(gateway)}@${ifindex}`;
}

/** Whether a route with this intent is a blackhole, unreachable or prohibit. */
function isDrop(intent: NexthopIntent): boolean {
  return intent.kind === 'drop' || (intent.kind === 'punt' && /^(unreachable|prohibit)$/.test(intent.reason));
}

/** Where a group leads, as names to be compared with the kernel's; without what the kernel says otherwise, or not at all. */
function waysOf(group: NexthopGroup): Set<string> {
  if (leavesOf(group).some((leaf) => leaf.kind === 'fixed' && isDrop(leaf.intent))) return new Set([DROP]);
  const known = pathsOf(group).filter(({ path }) => path.ifindex !== 0 && path.encap === undefined);
  return new Set(known.map(({ path }) => wayName(path.gateway, path.ifindex)));
}

/** Ids that a group stands on and that nobody has sent. */
function missingIn(group: NexthopGroup): number[] {
  const { content, zebraId } = group;
  if (content.kind === 'group') {
    return content.members.flatMap(({ group }) => (group.content.kind === 'group' ? [] : missingIn(group)));
  }
  const isMissing =
    content.kind === 'fixed' && content.intent.kind === 'punt' && content.intent.reason === 'missingNexthop';
  return isMissing && zebraId !== undefined ? [zebraId] : [];
}
