/**
 * Our router beside the Linux kernel's own MPLS, static labels on both sides:
 *
 *   host0 ── p0 ┐                                  ┌ tapN  10.1.N.1/24, 2001:db8:N::1/64
 *    eth0 ── p1 │
 *    eth1 ── p2 ┼ vasic ── mgmt0 ── router ────────┤
 *   host3 ── p3 │                                  │
 *    eth2 ── p4 ┘                                  └ staticd, zebra, fpm2afi
 *
 * Whatever is at port N has 10.1.N.2 and 2001:db8:N::2. eth0 to eth2 are the virtual machine's (machine.ts): eth2 is in a network
 * namespace of its own there, `far`, so the machine is two routers, of which one has two links. Hosts have our router as
 * their gateway. What LSPs and labelled routes there are is said by plan.ts.
 */
import { startFrr, type Frr } from '../../lab/frr';
import type { Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { portMac, portName, tapName, vrouterMac } from '../../lab/plan';
import type { Bridge } from '../../lab/programs';
import { buildRouter, startPrograms } from '../../lab/router';
import { waitFor } from '../../lab/wait';
import { startMachine, type Machine } from './machine';
import { HOST_LOOPBACKS, MACHINE_SETUP, ROUTER_LSPS, ROUTER_ROUTES, ROUTER_STANDS_IN } from './plan';

export const PORTS: readonly number[] = [0, 1, 2, 3, 4];
/** Ports with the machine behind them, in the order of its interfaces. */
const MACHINE_PORTS: readonly number[] = [1, 2, 4];
export const HOST_PORTS: readonly number[] = [0, 3];

export const address4 = (port: number, host = 2): string => `10.1.${port}.${host}`;
export const address6 = (port: number, host = 2): string => `2001:db8:${port}::${host}`;

export interface Stage {
  readonly router: LabNode;
  readonly vasic: LabNode;
  /** Those at HOST_PORTS, by port. */
  readonly hosts: ReadonlyMap<number, LabNode>;
  readonly machine: Machine;
  readonly frr: Frr;
  readonly bridge: Bridge;
}

/** Builds it; returns when every program runs and both sides have their labels. */
export async function buildStage(lab: Lab): Promise<Stage> {
  const { router, vasic } = await buildRouter(lab, true);
  const hosts = new Map<number, LabNode>();
  for (const port of HOST_PORTS) hosts.set(port, await host(lab, vasic, port));
  const machine = await startMachine(
    lab,
    MACHINE_PORTS.map((port) => ({ node: vasic, ifname: portName(port), mac: portMac(port) })),
  );
  await machine.mustAll(MACHINE_SETUP);
  const { bridge } = await startPrograms({ router, vasic }, { ports: PORTS });
  const interfaces = PORTS.flatMap((port) => [
    ...[`interface ${tapName(port)}`, ` ip address ${address4(port, 1)}/24`, ` ipv6 address ${address6(port, 1)}/64`],
    'exit',
  ]);
  const frr = await startFrr(lab, router, {
    config: ['fpm address 127.0.0.1 port 2620', ...interfaces, ...ROUTER_ROUTES, ''].join('\n'),
    daemons: ['staticd'],
    zebraArgs: ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'],
    pretendMpls: true,
  });
  await waitFor(async () => (await bridge.routes()).filter(({ state }) => state === 'offloaded').length > 0, {
    timeoutMs: 30_000,
    what: 'a route in the vASIC',
  });
  // zebra doesn't look again at an LSP whose nexthop it didn't know when it was configured.
  await router.must(['vtysh', '-c', 'configure', ...ROUTER_LSPS.flatMap((line) => ['-c', line])]);
  for (const command of ROUTER_STANDS_IN) await router.must(command.split(' '));
  return { router, vasic, hosts, machine, frr, bridge };
}

async function host(lab: Lab, vasic: LabNode, port: number): Promise<LabNode> {
  const node = await lab.node(`host${port}`);
  await node.sysctl({ 'net.ipv6.conf.default.accept_dad': 0 });
  await link(
    { node: vasic, ifname: portName(port), mac: portMac(port) },
    { node, ifname: 'veth', mac: vrouterMac(port), addresses: [`${address4(port)}/24`] },
  );
  await node.must(['ip', '-6', 'address', 'add', `${address6(port)}/64`, 'dev', 'veth', 'nodad']);
  await node.must(['ip', 'route', 'add', 'default', 'via', address4(port, 1)]);
  await node.must(['ip', '-6', 'route', 'add', 'default', 'via', address6(port, 1)]);
  for (const address of HOST_LOOPBACKS[port] ?? []) await node.must(['ip', 'address', 'add', address, 'dev', 'lo']);
  return node;
}
