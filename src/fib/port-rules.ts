/**
 * Linux's word on a port: what it would do with a frame that comes in at the TAP, and how it would send. The vASIC is to
 * do the same, or to hand the frame to Linux. Pure; interfaces.ts keeps what this is made of.
 */
import { sameBytes } from '../net/address';
import type { LinkChange } from './updates';

export interface PortRules {
  /**
   * `forward`: the vASIC forwards. `host`: everything is for Linux, which has given the port to a bridge, a bond or a VRF
   * of another table. `discard`: Linux would not receive, the interface is set down.
   */
  readonly input: 'forward' | 'host' | 'discard';
  /** The interface's hardware address; undefined: not known, or not ours yet. */
  readonly mac: Uint8Array | undefined;
  /** The interface's MTU where it is below the vASIC port's own, or that isn't known. */
  readonly mtu: number | undefined;
  /** Linux takes frames for other hardware addresses too. */
  readonly promiscuous: boolean;
  /** Group addresses that Linux takes; undefined: all. */
  readonly groups: readonly Uint8Array[] | undefined;
  /** VLANs that Linux takes; undefined: all. */
  readonly vlans: readonly number[] | undefined;
}

/** What a port is by itself, before Linux says anything. */
export interface OwnPort {
  readonly mac?: Uint8Array | undefined;
  readonly mtu?: number | undefined;
}

/** What is known of a port. */
export interface PortFacts {
  readonly own: OwnPort;
  /**
   * The interface has been set up as the port's, by whoever does that: what it is now somebody wants. Until then its
   * address and state are those of a device just made.
   */
  readonly settled: boolean;
  readonly link: LinkChange | undefined;
  readonly groups: readonly Uint8Array[] | undefined;
  /** The link that it belongs to; undefined where its index is not known. */
  readonly master: LinkChange | undefined;
  /** VLAN devices on it. */
  readonly vlans: readonly number[];
  /** Kernel table that the vASIC forwards by. */
  readonly table: number;
}

/** Frames with tag 0 have a priority and no VLAN: Linux takes them as its own. */
const PRIORITY_TAG = 0;

/** What the vASIC has to do for Linux at this port. */
export function portRules(facts: PortFacts): PortRules {
  const { own, settled, link, groups, vlans } = facts;
  const promiscuous = link?.promiscuous === true;
  const mac = settled ? link?.mac : undefined;
  const mtu = link?.mtu;
  return {
    input: settled && link?.adminDown === true ? 'discard' : isHostPort(facts) ? 'host' : 'forward',
    mac,
    mtu: mtu !== undefined && (own.mtu === undefined || mtu < own.mtu) ? mtu : undefined,
    promiscuous,
    groups: promiscuous || link?.allMulticast === true ? undefined : groups,
    vlans: promiscuous ? undefined : [PRIORITY_TAG, ...vlans],
  };
}

/** Whether Linux has given the port to a device that the vASIC knows nothing of. */
export function isHostPort({ link, master, table }: Pick<PortFacts, 'link' | 'master' | 'table'>): boolean {
  return link !== undefined && link.master !== 0 && master?.vrfTable !== table;
}

/** Whether frames fare the same by both. */
export function sameRules(a: PortRules, b: PortRules): boolean {
  return a.input === b.input && a.promiscuous === b.promiscuous && sameSending(a, b) && sameFilter(a, b);
}

/** Whether what is sent out of the port is the same by both. */
export function sameSending(a: PortRules, b: PortRules): boolean {
  return a.mtu === b.mtu && sameBytes(a.mac, b.mac);
}

function sameFilter(a: PortRules, b: PortRules): boolean {
  const { groups, vlans } = b;
  if ((a.groups === undefined) !== (groups === undefined) || (a.vlans === undefined) !== (vlans === undefined))
    return false;
  return (
    a.groups?.length === groups?.length &&
    a.vlans?.length === vlans?.length &&
    (a.groups ?? []).every((group, i) => sameBytes(group, groups![i])) &&
    (a.vlans ?? []).every((id, i) => id === vlans![i])
  );
}
