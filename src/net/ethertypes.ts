/** Ethertypes of the packets that the bridge and softvasic have to do with. */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_MPLS = 0x8847;
/** Tags of IEEE 802.1Q and 802.1ad. */
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_QINQ = 0x88a8;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPES_TAGGED: readonly number[] = [ETHERTYPE_VLAN, ETHERTYPE_QINQ];
/** What is below is no type but a length: LLC follows, as IS-IS has it. */
export const ETHERTYPE_FIRST = 0x0600;

/** As everybody writes ethertypes: `0x86dd`. */
export function ethertypeText(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}
