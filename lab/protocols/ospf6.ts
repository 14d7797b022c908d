/** OSPFv3: IPv6 loopbacks, reached by the link-local addresses of the neighbors. Timers as for OSPFv2. */
import { at, items, textAt } from '../json';
import { IP4, IP6, ROUTER_ID } from '../plan';
import { portOfTap, type Protocol } from '../protocol';

const section = (id: string): readonly string[] => [
  'router ospf6',
  ' timers throttle spf 0 50 200',
  ` ospf6 router-id ${id}`,
];

export const ospf6: Protocol = {
  name: 'ospf6',
  title: 'OSPFv3',
  daemon: 'ospf6d',
  plan: IP6,
  zebra: { name: 'ospf6', code: 'O' },
  linkLines: [' ipv6 ospf6 area 0', ' ipv6 ospf6 hello-interval 1', ' ipv6 ospf6 dead-interval 4'],
  loopbackLines: [' ipv6 ospf6 area 0'],
  router: () => section(ROUTER_ID),
  vrouter: (port) => section(IP4.loopback(port)),
  neighborCommand: 'show ipv6 ospf6 neighbor',
  neighbors: async (frr) =>
    new Map(
      items(at(await frr.json('show ipv6 ospf6 neighbor json'), 'neighbors')).map((neighbor) => [
        portOfTap(textAt(neighbor, 'interfaceName')),
        textAt(neighbor, 'state'),
      ]),
    ),
  isUp: (state) => state.startsWith('Full'),
  upName: 'Full',
  packetKind: 'OSPF',
};
