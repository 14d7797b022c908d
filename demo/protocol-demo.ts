/** The demonstrations of a router, a vASIC and four vrouters, which differ in the protocol and the scenes. */
import type { Plan } from '../lab/plan';
import type { Protocol } from '../lab/protocol';
import { buildTopology } from '../lab/topology';
import { playScenes, type Demo } from './demo';
import type { Scene } from './scenes/scene';

export interface ProtocolDemo {
  readonly protocol: Protocol;
  readonly scenes: readonly Scene[];
  /** Second loopback addresses of the vrouters. */
  readonly extraLoopbacks: (port: number, plan: Plan) => readonly string[];
}

/** Such a demonstration, ready to be played. */
export function protocolDemo({ protocol, scenes, extraLoopbacks }: ProtocolDemo): Demo {
  const { plan } = protocol;
  const { loopback } = plan;
  return {
    play: async (lab, report, figures) => {
      report.scene('The stage: a router, a vASIC and four vrouters, each in a network namespace');
      const topology = await buildTopology(lab, {
        protocol,
        extraLoopbacks: (port) => extraLoopbacks(port, plan),
        refuse: [`${plan.refused}${plan.host}`],
        // So that the sweep after zebra's restart is seen while the demo lasts (the default is 30 s).
        settings: ['fpm.sweep.minimum=15s'],
        say: report.say,
      });
      await playScenes({ topology, report, figures }, scenes);
    },
    lookAround: [
      ['demo/in router vtysh', `FRR of the router: show ip route, ${protocol.neighborCommand}, show fpm status`],
      ['demo/in router fpm2afi show status', 'also routes, nexthops, neighbors, ports, tokens'],
      ['demo/in router tcpdump -ni tap0', 'what is punted'],
      [`demo/in vrouter1 ping -I ${loopback(1)} ${loopback(0)}`, ''],
      ['demo/in vrouter0 ip link set veth down', 'and watch'],
    ],
  };
}
