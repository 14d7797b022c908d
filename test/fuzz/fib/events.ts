/**
 * What happens in a history of the FIB: updates as they are, what the AFI server does, and looking. An event needs nothing of
 * those before it, so that any of them can be left out.
 */
import type { FpmUpdate, KernelUpdate } from '../../../src/fib/updates';
import { formatAddress, formatMac } from '../../../src/net/address';

export type Event =
  | { readonly do: 'fpm'; readonly update: FpmUpdate }
  | { readonly do: 'kernel'; readonly update: KernelUpdate }
  /** The vASIC's port loses or gets its link. */
  | { readonly do: 'port'; readonly port: number; readonly up: boolean }
  /** The server answers so many operations. */
  | { readonly do: 'answer'; readonly count: number }
  /** The server refuses the next operation, whatever it is. */
  | { readonly do: 'refuse' }
  /** The server refuses every operation that has such a node, or removes something of such a kind, until the next check. */
  | { readonly do: 'refuseKind'; readonly kind: RefusedKind }
  /** The base graph is written again, as after a reload of rate limits, or for an audit. */
  | { readonly do: 'base' }
  /**
   * The connection breaks when so many operations in flight were done. `lost`: the sandbox was closed. `linger`: the others
   * are still on their way, in some queue.
   */
  | { readonly do: 'down'; readonly applied: number; readonly lost: boolean; readonly linger: boolean }
  | { readonly do: 'up' }
  /** So many operations of broken connections arrive after all. */
  | { readonly do: 'late'; readonly count: number }
  /** Another client has the sandbox for a while, removes what it finds, and writes what it likes. */
  | { readonly do: 'otherClient' }
  /** Empty tables, with room for so many entries. */
  | { readonly do: 'serverRestart'; readonly limit: number | undefined }
  /** Another bridge on the same server; zebra and the kernel say everything again. */
  | { readonly do: 'bridgeRestart' }
  /** zebra connects again. `retell`: it sends all that it had, else only what comes by chance. */
  | { readonly do: 'beginReplay'; readonly retell: 'no' | 'membersFirst' | 'groupsFirst' }
  | { readonly do: 'endReplay' }
  /** Everything is settled, and compared with the model. */
  | { readonly do: 'check' };

/** What a server may have no room for. */
export const REFUSED_KINDS = ['tree', 'encap', 'indirect', 'loadBalance', 'decap', 'ports', 'removal'] as const;
export type RefusedKind = (typeof REFUSED_KINDS)[number];

/** Where the withdrawal of everything begins. */
export type Ending = 'routes' | 'nexthops' | 'neighbors' | 'links';
export const ENDINGS: readonly Ending[] = ['routes', 'nexthops', 'neighbors', 'links'];

export interface History {
  /** For the packets. */
  readonly seed: number;
  readonly batch: number;
  readonly inFlight: number;
  readonly ending: Ending;
  readonly events: readonly Event[];
}

/** One event on one line, addresses readable. */
export function describeEvent(event: Event): string {
  return JSON.stringify(event, (_key, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    if (value.length === 6) return formatMac(value);
    return value.length === 4 || value.length === 16 ? formatAddress(value) : Buffer.from(value).toString('hex');
  });
}
