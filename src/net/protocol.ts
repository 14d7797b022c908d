/** The names of routing protocols. */

/** rtm_protocol values as FRR's `show ip route` names them (FRR zebra/rt_netlink.h). */
const PROTOCOLS: Readonly<Record<number, string>> = {
  2: 'kernel',
  3: 'boot',
  4: 'kernel-static',
  11: 'zebra',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  189: 'rip',
  190: 'ripng',
  191: 'nhrp',
  192: 'eigrp',
  193: 'ldp',
  194: 'sharp',
  195: 'pbr',
  196: 'static',
  197: 'openfabric',
  198: 'srte',
};

/** FRR's IPv6 protocols, and what it makes itself of addresses, have names of their own in its commands only. */
const OTHER_NAMES: Readonly<Record<string, number>> = { connected: 2, local: 2, ospf6: 188 };

/** rtm_protocol of a protocol that FRR names so; undefined: it is none of those. */
export function protocolNumber(name: string): number | undefined {
  const found = Object.entries(PROTOCOLS).find(([, known]) => known === name);
  return found === undefined ? OTHER_NAMES[name] : Number(found[0]);
}

/** The protocol's name, or its number. */
export function protocolName(protocol: number): string {
  return PROTOCOLS[protocol] ?? String(protocol);
}
