/** bgpd's section of a configuration, for whichever topology speaks BGP: keepalives each second, no policies asked for. */

/** `router bgp` with these neighbors (address and AS) and networks. */
export function bgpSection(
  as: number,
  id: string,
  peers: readonly (readonly [string, number])[],
  networks: readonly string[],
): readonly string[] {
  return [
    `router bgp ${as}`,
    ` bgp router-id ${id}`,
    ' no bgp ebgp-requires-policy',
    ' timers bgp 1 4',
    ...peers.flatMap(([address, peerAs]) => [
      ` neighbor ${address} remote-as ${peerAs}`,
      ` neighbor ${address} timers connect 1`,
    ]),
    ' address-family ipv4 unicast',
    ...networks.map((prefix) => `  network ${prefix}`),
    ' exit-address-family',
  ];
}

/** A bgpd that has no peers, and gives out a label of its own for the static routes of a VRF. */
export function vpnLabelSection(vrf: string, label: number): readonly string[] {
  return [
    'router bgp 65000',
    'exit',
    `router bgp 65000 vrf ${vrf}`,
    ' address-family ipv4 unicast',
    `  label vpn export ${label}`,
    '  rd vpn export 65000:1',
    '  rt vpn both 65000:1',
    '  export vpn',
    '  redistribute static',
    ' exit-address-family',
    'exit',
  ];
}
