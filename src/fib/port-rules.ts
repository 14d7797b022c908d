/**
 * Linux's word on a port: what it would do with a frame that comes in at the TAP, and how it would send. The vASIC is to
 * do the same, or to hand the frame to Linux. Pure; interfaces.ts keeps what this is made of.
 */
import type { PortRules } from './intents';
import type { LinkChange } from './updates';

/** What a port is by itself, before Linux says anything. */
export interface OwnPort {
  readonly mac?: Uint8Array | undefined;
  readonly mtu?: number | undefined;
}

/** What is known of a port. */
export interface PortFacts {
  readonly own: OwnPort;
  /**
   * The interface has been group up as the port's, by whoever does that: what it is now somebody wants. Until then its
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
