/**
 * The topology of the original demonstration, in six namespaces:
 *
 *   router   zebra, a protocol daemon and fpm2afi; tap0 … tap3, lo 10.0.255.100/32
 *   vasic    softvasic on p0 … p3; reached over mgmt0, 128.0.0.1 (router) to 128.0.0.16 (vasic)
 *   vrouterN zebra and the protocol daemon behind pN: veth 103.30.{N*10}.3/24, lo 10.0.255.N/32
 *
 * (plan.ts has the IPv6 numbers.) The TAPs' addresses are zebra's configuration, so they come back whenever a TAP does. What
 * differs from protocol to protocol is in protocols/.
 */
import { startFrr, type Frr, type FrrDaemon } from './frr';
import type { Lab } from './lab';
import { link, type LabNode } from './node';
import { portMac, portName, PORTS, tapName, vrouterMac, type Plan } from './plan';
import type { Bridge, Program } from './programs';
import type { Protocol } from './protocol';
import { buildRouter, forward, startPrograms } from './router';

export interface TopologyOptions {
  readonly protocol: Protocol;
  /** More loopback addresses (without length) of a vrouter, which it announces. */
  readonly extraLoopbacks?: (port: number) => readonly string[];
  /** Daemons of all routers beside the protocol's. */
  readonly daemons?: readonly FrrDaemon[];
  /** Prefixes that softvasic refuses. */
  readonly refuse?: readonly string[];
  /** Settings of fpm2afi, as `fpm2afi run --set` takes them (KEY=VALUE). */
  readonly settings?: readonly string[];
  /** Lines for the end of the router's configuration. */
  readonly routerExtra?: readonly string[];
  /** Told of each step. */
  readonly say?: (line: string) => void;
}

export interface Topology {
  readonly lab: Lab;
  readonly protocol: Protocol;
  readonly plan: Plan;
  readonly router: LabNode;
  readonly vasic: LabNode;
  readonly vrouters: readonly LabNode[];
  readonly routerFrr: Frr;
  readonly vrouterFrr: readonly Frr[];
  readonly softvasic: Program;
  readonly bridge: Bridge;
}

const addressLine = (plan: Plan, prefix: string): string => ` ${plan.family === 4 ? 'ip' : 'ipv6'} address ${prefix}`;

function routerConfig({ protocol, routerExtra = [] }: TopologyOptions): string {
  const { plan } = protocol;
  return [
    'hostname router',
    'fpm address 127.0.0.1 port 2620',
    'interface lo',
    addressLine(plan, `${plan.routerLoopback}${plan.host}`),
    ...protocol.loopbackLines,
    ...PORTS.flatMap((port) => [
      `interface ${tapName(port)}`,
      addressLine(plan, `${plan.routerAddress(port)}/${plan.subnetLength}`),
      ...protocol.linkLines,
    ]),
    ...protocol.router(),
    ...routerExtra,
    '',
  ].join('\n');
}

function vrouterConfig({ protocol, extraLoopbacks }: TopologyOptions, port: number): string {
  const { plan } = protocol;
  const loopbacks = [plan.loopback(port), ...(extraLoopbacks?.(port) ?? [])].map((address) => `${address}${plan.host}`);
  return [
    `hostname vrouter${port}`,
    'interface lo',
    ...loopbacks.map((prefix) => addressLine(plan, prefix)),
    ...protocol.loopbackLines,
    'interface veth',
    addressLine(plan, `${plan.vrouterAddress(port)}/${plan.subnetLength}`),
    ...protocol.linkLines,
    ...protocol.vrouter(port, loopbacks),
    '',
  ].join('\n');
}

/** Without these a link that goes down takes its IPv6 addresses with it. */
const KEEP_ADDRESSES6 = {
  'net.ipv6.conf.all.keep_addr_on_down': 1,
  'net.ipv6.conf.default.keep_addr_on_down': 1,
};

/** Builds the whole topology. Returns when every program runs; the protocol converges afterwards. */
export async function buildTopology(lab: Lab, options: TopologyOptions): Promise<Topology> {
  const { protocol } = options;
  const { plan } = protocol;
  const say = options.say ?? (() => undefined);
  say('namespaces and links');
  const ip6 = plan.family === 6;
  const { router, vasic } = await buildRouter(lab, ip6);
  const vrouters: LabNode[] = [];
  for (const port of PORTS) vrouters.push(await lab.node(`vrouter${port}`));
  for (const node of vrouters) await forward(node, ip6);
  if (ip6) for (const node of [router, ...vrouters]) await node.sysctl(KEEP_ADDRESSES6);
  for (const port of PORTS) {
    await link(
      { node: vasic, ifname: portName(port), mac: portMac(port) },
      { node: vrouters[port]!, ifname: 'veth', mac: vrouterMac(port) },
    );
  }

  say('softvasic and fpm2afi');
  const { softvasic, bridge } = await startPrograms(
    { router, vasic },
    { ports: PORTS, refuse: options.refuse ?? [], settings: options.settings ?? [] },
  );

  say('FRR on the router and the four vrouters');
  const frr = (node: LabNode, config: string, zebraArgs: readonly string[] = []) =>
    startFrr(lab, node, { config, daemons: [protocol.daemon, ...(options.daemons ?? [])], zebraArgs });
  const [routerFrr, ...vrouterFrr] = await Promise.all([
    frr(router, routerConfig(options), ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload']),
    ...vrouters.map((node, port) => frr(node, vrouterConfig(options, port))),
  ]);
  return { lab, protocol, plan, router, vasic, vrouters, routerFrr, vrouterFrr, softvasic, bridge };
}
