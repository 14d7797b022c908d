/** eBGP with the AS numbers of the original demonstration: the router is AS 100, vrouterN AS 10 + N. Keepalives each second. */
import { bgpSection } from '../bgp-section';
import { at, entries, textAt } from '../json';
import { IP4, PORTS, ROUTER_ID } from '../plan';
import type { Protocol } from '../protocol';

export const ROUTER_AS = 100;
export const vrouterAs = (port: number): number => 10 + port;

export const bgp: Protocol = {
  name: 'bgp',
  title: 'BGP',
  daemon: 'bgpd',
  plan: IP4,
  zebra: { name: 'bgp', code: 'B' },
  linkLines: [],
  loopbackLines: [],
  router: () =>
    bgpSection(
      ROUTER_AS,
      ROUTER_ID,
      PORTS.map((port) => [IP4.vrouterAddress(port), vrouterAs(port)] as const),
      [`${IP4.routerLoopback}/32`],
    ),
  vrouter: (port, loopbacks) =>
    bgpSection(vrouterAs(port), IP4.loopback(port), [[IP4.routerAddress(port), ROUTER_AS]], loopbacks),
  neighborCommand: 'show bgp ipv4 unicast summary',
  neighbors: async (frr) =>
    new Map(
      entries(at(await frr.json('show bgp ipv4 unicast summary json'), 'peers')).map(([address, peer]) => [
        PORTS.find((port) => IP4.vrouterAddress(port) === address) ?? -1,
        textAt(peer, 'state'),
      ]),
    ),
  isUp: (state) => state === 'Established',
  upName: 'Established',
  packetKind: 'BGP',
};
