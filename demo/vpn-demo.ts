/** The demonstration of MPLS: an L3VPN over three routers, each of them FRR, fpm2afi and softvasic. */
import { siteAddress } from '../lab/mpls/vpn-plan';
import { buildVpn } from '../lab/mpls/vpn-topology';
import { playScenes, type Demo } from './demo';
import { coreLinkFails } from './scenes/mpls/core-link';
import { converge } from './scenes/mpls/converge';
import { customers } from './scenes/mpls/customers';
import { explicitNull } from './scenes/mpls/explicit-null';
import { programmed } from './scenes/mpls/programmed';
import { bridgeRestarts } from './scenes/mpls/restart';
import { stacks } from './scenes/mpls/stacks';
import { throughput } from './scenes/mpls/throughput';
import { vpnTtl } from './scenes/mpls/ttl';

const SCENES = [
  ...[converge, programmed, customers, stacks, throughput, vpnTtl, explicitNull, coreLinkFails, bridgeRestarts],
];

export const vpnDemo: Demo = {
  play: async (lab, report, figures) => {
    report.scene('The stage: PE1, P and PE2, each FRR, fpm2afi and softvasic; customers red and blue behind both PEs');
    report.say(
      'zebra is shown a kernel with MPLS and VRF devices, as this one may have neither (lab/mpls/kernel-view.c)',
    );
    const topology = await buildVpn(lab, report.say);
    await playScenes({ topology, report, figures }, SCENES);
  },
  lookAround: [
    ['demo/in pe1 vtysh', 'FRR of PE1 (p, pe2): show mpls table, show bgp ipv4 vpn, show ip route vrf red'],
    ['demo/in pe1 fpm2afi show lsps', 'also routes --vrf red, vrfs, ports; fpm2afi why 16'],
    ['demo/in p-vasic tcpdump -nei p0 mpls', 'what is on the core'],
    [`demo/in red1 ping -I ${siteAddress(1, 4)} ${siteAddress(2, 4)}`, 'from customer red to its other site'],
    ['demo/in p-vasic ip link set p2 down', 'and watch'],
  ],
};
