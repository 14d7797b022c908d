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
   * The interface has been set up as the port's, by whoever does that: what it is now somebody wants. Until then its
   * address and state are those of a device just made.
   */
  readonly settled: boolean;
  readonly link: LinkChange | undefined;
  readonly groups: readonly Uint8Array[] | undefined;
  /** The link that it belongs to; undefined where its index is not known. */
  readonly master: LinkChange | undefined;
  /** It takes packets with labels. */
  readonly labels: boolean;
  /** The tags that Linux takes there. */
  readonly vlans: readonly number[];
  /** Kernel table that the configuration binds the port to, where Linux has it in no VRF. */
  readonly table: number;
}

/** What the vASIC has to do for Linux at this port. */
export function portRules(facts: PortFacts): PortRules {
  const { own, settled, link, groups, vlans } = facts;
  const promiscuous = link?.promiscuous === true;
  const mac = settled ? link?.mac : undefined;
  const mtu = link?.mtu;
  return {
    input: settled && link?.adminDown === true ? 'discard' : isHostPort(facts) ? 'host' : 'forward',
    table: tableOf(facts),
    mac,
    mtu: mtu !== undefined && (own.mtu === undefined || mtu < own.mtu) ? mtu : undefined,
    promiscuous,
    labels: facts.labels,
    groups: promiscuous || link?.allMulticast === true ? undefined : groups,
    vlans: promiscuous ? undefined : vlans,
  };
}

/** Whether Linux has given the port to a device that the vASIC knows nothing of: any but a VRF. */
export function isHostPort({ link, master }: Pick<PortFacts, 'link' | 'master'>): boolean {
  return link !== undefined && link.master !== 0 && master?.vrfTable === undefined;
}

/** The table that Linux looks its packets up in: that of the VRF it belongs to, else the configured one. */
export function tableOf({ link, master, table }: Pick<PortFacts, 'link' | 'master' | 'table'>): number {
  return (link === undefined || link.master === 0 ? undefined : master?.vrfTable) ?? table;
}
