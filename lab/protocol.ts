/**
 * What the demonstration has to know of a routing protocol: the lines of configuration that it adds to a router, how to see its
 * neighbors, and how zebra and tcpdump name it. One protocol, one file in protocols/.
 */
import type { Frr, FrrDaemon } from './frr';
import type { Plan } from './plan';

export interface Protocol {
  /** As in PROTO=…, e.g. `ospf`. */
  readonly name: string;
  /** As people write it, e.g. `OSPF`. */
  readonly title: string;
  readonly daemon: FrrDaemon;
  readonly plan: Plan;
  /** In `show ip route NAME`, and the letter there. */
  readonly zebra: { readonly name: string; readonly code: string };
  /** Lines below `interface IFNAME` for a link to a neighbor. */
  readonly linkLines: readonly string[];
  /** Lines below `interface lo`. */
  readonly loopbackLines: readonly string[];
  /** The router's own sections. */
  readonly router: () => readonly string[];
  /** The sections of vrouter `port`, which announces the prefixes of its loopbacks. */
  readonly vrouter: (port: number, loopbacks: readonly string[]) => readonly string[];
  /** The vtysh command that shows the neighbors. */
  readonly neighborCommand: string;
  /** State of the router's neighbor on each port (by number), in the protocol's words; absent: none. */
  readonly neighbors: (frr: Frr) => Promise<ReadonlyMap<number, string>>;
  /** Whether a state in those words is the one wanted. */
  readonly isUp: (state: string) => boolean;
  /** That state, for messages. */
  readonly upName: string;
  /** How a captured line of the protocol is sorted (`classify`). */
  readonly packetKind: string;
}

/** The port of a TAP's name, as some protocols add to it; -1: none. */
export function portOfTap(ifname: string): number {
  const found = /^tap(\d+)\b/.exec(ifname);
  return found === null ? -1 : Number(found[1]);
}
