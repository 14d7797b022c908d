/** OSPFv2, with a hello of 1 s and a dead interval of 4 s, so that a watcher sees things move. */
import { at, entries, items, textAt } from '../json';
import { IP4, PORTS, ROUTER_ID } from '../plan';
import { portOfTap, type Protocol } from '../protocol';

const section = (id: string, networks: readonly string[]): readonly string[] => [
  'router ospf',
  ' timers throttle spf 0 50 200',
  ` ospf router-id ${id}`,
  ...networks.map((prefix) => ` network ${prefix} area 0`),
];

export const ospf: Protocol = {
  name: 'ospf',
  title: 'OSPF',
  daemon: 'ospfd',
  plan: IP4,
  zebra: { name: 'ospf', code: 'O' },
  linkLines: [' ip ospf hello-interval 1', ' ip ospf dead-interval 4'],
  loopbackLines: [],
  router: () => section(ROUTER_ID, [`${IP4.routerLoopback}/32`, ...PORTS.map(IP4.subnet)]),
  vrouter: (port, loopbacks) => section(IP4.loopback(port), [...loopbacks, IP4.subnet(port)]),
  neighborCommand: 'show ip ospf neighbor',
  neighbors: async (frr) => {
    const found = new Map<number, string>();
    for (const [, list] of entries(at(await frr.json('show ip ospf neighbor json'), 'neighbors'))) {
      for (const neighbor of items(list)) {
        found.set(portOfTap(textAt(neighbor, 'ifaceName')), textAt(neighbor, 'nbrState'));
      }
    }
    return found;
  },
  isUp: (state) => state.startsWith('Full'),
  upName: 'Full',
  packetKind: 'OSPF',
};
