/** What every scene of the demonstration gets, and the looks that several of them share. */
import type { RouteView } from '../../src/control/types';
import { at } from '../../lab/json';
import { forwardedPackets } from '../../lab/node';
import { PORTS, tapName, vrouterMac, type Plan } from '../../lab/plan';
import { waitForLine } from '../../lab/process';
import type { Protocol } from '../../lab/protocol';
import type { Topology } from '../../lab/topology';
import { ping } from '../../lab/traffic';
import type { Figures, SceneOn } from '../demo';
import { commandLine, type Observation, type Reporter } from './report';

export interface Stage {
  readonly topology: Topology;
  readonly report: Reporter;
  readonly figures: Figures;
}

export type Scene = SceneOn<Stage>;

/** The four loopbacks as prefixes. */
export function loopbacks({ loopback, host }: Plan): readonly string[] {
  return PORTS.map((port) => `${loopback(port)}${host}`);
}

/** The vtysh command for zebra's routes of the plan's family. */
export function showRoute(plan: Plan): string {
  return plan.family === 4 ? 'show ip route' : 'show ipv6 route';
}

/** The same, those of the protocol only. */
export function showProtocolRoutes({ plan, zebra }: Protocol): string {
  return `${showRoute(plan)} ${zebra.name}`;
}

/** The command that shows what the router's kernel forwarded. */
export function forwardedCommand(stage: Stage): string {
  const file = stage.topology.plan.family === 4 ? '/proc/net/snmp' : '/proc/net/snmp6';
  return routerCommand(stage, 'grep', 'Forw', file);
}

/** The command that shows what `look` looked at. */
export function routerCommand(stage: Stage, ...argv: readonly string[]): string {
  return commandLine(stage.topology.router, argv);
}

/** Is there a neighbor, in the state wanted, on all TAPs? */
export async function lookNeighbors({ topology }: Stage): Promise<Observation> {
  const neighbors = await topology.protocol.neighbors(topology.routerFrr);
  const states = PORTS.map((port) => neighbors.get(port) ?? 'none');
  return {
    ok: states.every(topology.protocol.isUp),
    observed: PORTS.map((port) => `${tapName(port)} ${states[port]}`).join(', '),
  };
}

/** Does zebra call the routes to these prefixes offloaded? */
export async function lookZebra({ topology }: Stage, prefixes: readonly string[]): Promise<Observation> {
  const routes = await topology.routerFrr.json(`${showRoute(topology.plan)} json`);
  const offloaded = prefixes.filter((prefix) => at(routes, prefix, 0, 'offloaded') === true);
  const missing = prefixes.filter((prefix) => !offloaded.includes(prefix));
  return {
    ok: missing.length === 0,
    observed: `offloaded: ${offloaded.join(', ') || 'none'}${missing.length === 0 ? '' : `; not: ${missing.join(', ')}`}`,
  };
}

/** Does fpm2afi have these loopbacks offloaded, out of the right TAP to the right MAC? */
export async function lookLoopbacks({ topology }: Stage, ports: readonly number[]): Promise<Observation> {
  const { loopback, host } = topology.plan;
  const routes = await topology.bridge.routes();
  const seen = ports.map((port) => {
    const route = routes.find((one) => one.prefix === `${loopback(port)}${host}` && one.origin === 'zebra');
    const path = route?.nexthops[0];
    const text = route === undefined ? 'missing' : `${route.state} via ${path?.interface} ${path?.mac ?? 'no MAC'}`;
    const ok = route?.state === 'offloaded' && path?.interface === tapName(port);
    return { text: `${loopback(port)}${host} ${text}`, ok: ok && path?.mac === vrouterMac(port) };
  });
  return { ok: seen.every((one) => one.ok), observed: seen.map((one) => one.text).join(', ') };
}

/** The route of exactly this prefix, as fpm2afi has it. */
export async function bridgeRoute({ topology }: Stage, prefix: string): Promise<RouteView | undefined> {
  return (await topology.bridge.routes()).find((route) => route.prefix === prefix);
}

/** From vrouter1's loopback to another, by the vASIC alone: the router's kernel must not have forwarded for it. */
export async function expectPing(stage: Stage, name: string, target: string, timeoutMs = 20_000): Promise<boolean> {
  const { router, vrouters, plan } = stage.topology;
  const vrouter1 = vrouters[1]!;
  return stage.report.expect({
    name,
    command: commandLine(vrouter1, ['ping', '-c', '3', '-i', '0.2', '-I', plan.loopback(1), target]),
    timeoutMs,
    look: async () => {
      const before = await forwardedPackets(router, plan.family);
      const result = await ping(vrouter1, target, { source: plan.loopback(1) });
      const forwarded = (await forwardedPackets(router, plan.family)) - before;
      return {
        ok: result.sent > 0 && result.received === result.sent && forwarded === 0,
        observed: `${result.received} of ${result.sent} answered, forwarded by the router's kernel +${forwarded}`,
      };
    },
  });
}

/**
 * Lets vrouter0 and vrouter1 send to the router even when their protocol has told them of no route, by a default route of the worst
 * metric: what then arrives or not is the vASIC's doing and not that of their own routing.
 */
export async function withLastResort(stage: Stage, act: () => Promise<void>): Promise<void> {
  const { plan } = stage.topology;
  const change = async (how: string) => {
    for (const port of [0, 1]) {
      const route = ['default', 'via', plan.routerAddress(port), 'metric', '9999'];
      await stage.topology.vrouters[port]!.exec(['ip', `-${plan.family}`, 'route', how, ...route]);
    }
  };
  await change('replace');
  try {
    await act();
  } finally {
    await change('del');
  }
}

/** Everything as after the start: neighbors, zebra's view, fpm2afi's view, and packets. */
export async function expectRecovered(stage: Stage, timeoutMs: number): Promise<void> {
  const { report, topology } = stage;
  const { plan, protocol } = topology;
  await report.expect({
    name: `${protocol.title} neighbors ${protocol.upName} again`,
    command: routerCommand(stage, 'vtysh', '-c', protocol.neighborCommand),
    timeoutMs,
    look: () => lookNeighbors(stage),
  });
  await report.expect({
    name: 'zebra has the loopbacks offloaded again',
    command: routerCommand(stage, 'vtysh', '-c', showProtocolRoutes(protocol)),
    timeoutMs,
    look: () => lookZebra(stage, loopbacks(plan)),
  });
  await report.expect({
    name: 'fpm2afi has the loopbacks offloaded again',
    command: routerCommand(stage, 'fpm2afi', 'show', 'routes'),
    timeoutMs,
    look: () => lookLoopbacks(stage, PORTS),
  });
  await expectPing(stage, 'vrouter1 reaches vrouter0 again, by the vASIC', plan.loopback(0));
}

/** A line that a program writes to its log because of what `act` did. */
export async function expectLogLine(
  stage: Stage,
  name: string,
  logFile: string,
  pattern: RegExp,
  mark: number,
  timeoutMs = 10_000,
): Promise<boolean> {
  return stage.report.expect({
    name,
    command: `grep -E '${pattern.source}' ${logFile}`,
    look: async () => ({ ok: true, observed: (await waitForLine(logFile, pattern, mark, timeoutMs)).trim() }),
  });
}
