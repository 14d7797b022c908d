/** The demonstrations there are, by their PROTO. */
import type { Plan } from '../lab/plan';
import { bgp } from '../lab/protocols/bgp';
import { isis } from '../lab/protocols/isis';
import { ospf } from '../lab/protocols/ospf';
import { ospf6 } from '../lab/protocols/ospf6';
import type { Protocol } from '../lab/protocol';
import type { Demo } from './demo';
import { protocolDemo } from './protocol-demo';
import { bridgeRoutes, neighbors, zebraRoutes } from './scenes/converge';
import { dataplane, ttl } from './scenes/dataplane';
import { ecmpFailover, ecmpPaths } from './scenes/ecmp';
import { killBridge, killProtocol, killVasic, killZebra } from './scenes/kills';
import { linkDown } from './scenes/link-down';
import { refused } from './scenes/refused';
import { baseline } from './scenes/baseline';
import { vpnDemo } from './vpn-demo';

const basic = [neighbors, zebraRoutes, bridgeRoutes, refused, dataplane];
const withRefused = (port: number, plan: Plan): readonly string[] => (port === 3 ? [plan.refused] : []);
const short = (protocol: Protocol): Demo =>
  protocolDemo({ protocol, scenes: [...basic, ttl, linkDown], extraLoopbacks: withRefused });

/** Killing programs and the baseline are shown once, with OSPF: they are the same whatever the protocol. */
export const DEMOS: ReadonlyMap<string, Demo> = new Map<string, Demo>([
  [
    'ospf',
    protocolDemo({
      protocol: ospf,
      scenes: [...basic, baseline, ttl, linkDown, killVasic, killBridge, killZebra, killProtocol],
      extraLoopbacks: withRefused,
    }),
  ],
  ['isis', short(isis)],
  ['bgp', short(bgp)],
  ['ospf6', short(ospf6)],
  [
    'ecmp',
    protocolDemo({
      protocol: ospf,
      scenes: [neighbors, zebraRoutes, ecmpPaths, ecmpFailover],
      extraLoopbacks: (port, plan) => (port >= 2 ? [plan.shared] : []),
    }),
  ],
  ['mpls', vpnDemo],
]);
