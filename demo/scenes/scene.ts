/** What every scene of the demonstration gets, and the looks that several of them share. */
import type { RouteView } from '../../src/control/types';
import { at } from '../lab/json';
import { ipCounter } from '../lab/node';
import { loopback, ospfNeighbors, PORTS, routerAddress, tapName, type OspfTopology } from '../lab/ospf-topology';
import { waitForLine } from '../lab/process';
import { ping } from '../lab/traffic';
import { commandLine, type Observation, type Reporter } from '../report';

/** The prefix that softvasic is told to refuse: a second loopback of vrouter3. */
export const REFUSED = '10.0.255.253';

/** Figures that a later scene, or the summary, needs. */
export interface Figures {
  /** TCP through the vASIC, bits per second. */
  throughVasic?: number;
  /** TCP through a plain Linux router. */
  throughLinux?: number;
}

export interface Stage {
  readonly topology: OspfTopology;
  readonly report: Reporter;
  readonly figures: Figures;
}

export interface Scene {
  readonly title: string;
  /** Without its checks the scenes after it would show nothing: they are left out when one fails. */
  readonly essential?: boolean;
  readonly play: (stage: Stage) => Promise<void>;
}

export const LOOPBACKS: readonly string[] = PORTS.map((port) => `${loopback(port)}/32`);

/** The command that shows what `look` looked at. */
export function routerCommand(stage: Stage, ...argv: readonly string[]): string {
  return commandLine(stage.topology.router, argv);
}

/** Neighbours on all TAPs Full? */
export async function lookNeighbors({ topology }: Stage): Promise<Observation> {
  const neighbors = await ospfNeighbors(topology.routerFrr);
  const states = PORTS.map((port) => neighbors.get(tapName(port)) ?? 'none');
  return {
    ok: states.every((state) => state.startsWith('Full')),
    observed: PORTS.map((port) => `${tapName(port)} ${states[port]}`).join(', '),
  };
}

/** Does zebra call the routes to these prefixes offloaded? */
export async function lookZebra({ topology }: Stage, prefixes: readonly string[]): Promise<Observation> {
  const routes = await topology.routerFrr.json('show ip route json');
  const offloaded = prefixes.filter((prefix) => at(routes, prefix, 0, 'offloaded') === true);
  const missing = prefixes.filter((prefix) => !offloaded.includes(prefix));
  return {
    ok: missing.length === 0,
    observed: `offloaded: ${offloaded.join(', ') || 'none'}${missing.length === 0 ? '' : `; not: ${missing.join(', ')}`}`,
  };
}

/** Does fpm2afi have these loopbacks offloaded, out of the right TAP to the right MAC? */
export async function lookLoopbacks({ topology }: Stage, ports: readonly number[]): Promise<Observation> {
  const routes = await topology.bridge.routes();
  const seen = ports.map((port) => {
    const route = routes.find((one) => one.prefix === `${loopback(port)}/32` && one.origin === 'zebra');
    const leg = route?.nexthops[0];
    const text = route === undefined ? 'missing' : `${route.state} via ${leg?.interface} ${leg?.mac ?? 'no MAC'}`;
    const ok = route?.state === 'offloaded' && leg?.interface === tapName(port);
    return { text: `${loopback(port)}/32 ${text}`, ok: ok && leg?.mac === `32:26:0a:2e:cc:f${port}` };
  });
  return { ok: seen.every((one) => one.ok), observed: seen.map((one) => one.text).join(', ') };
}

/** The route of exactly this prefix, as fpm2afi has it. */
export async function bridgeRoute({ topology }: Stage, prefix: string): Promise<RouteView | undefined> {
  return (await topology.bridge.routes()).find((route) => route.prefix === prefix);
}

/** From vrouter1's loopback to another, by the vASIC alone: the router's kernel must not have forwarded for it. */
export async function expectPing(stage: Stage, name: string, target: string, timeoutMs = 20_000): Promise<boolean> {
  const { router, vrouters } = stage.topology;
  const vrouter1 = vrouters[1]!;
  return stage.report.expect({
    name,
    command: commandLine(vrouter1, ['ping', '-c', '3', '-i', '0.2', '-I', loopback(1), target]),
    timeoutMs,
    look: async () => {
      const before = await ipCounter(router, 'ForwDatagrams');
      const result = await ping(vrouter1, target, { source: loopback(1) });
      const forwarded = (await ipCounter(router, 'ForwDatagrams')) - before;
      return {
        ok: result.sent > 0 && result.received === result.sent && forwarded === 0,
        observed: `${result.received} of ${result.sent} answered, ForwDatagrams of the router +${forwarded}`,
      };
    },
  });
}

/**
 * Lets vrouter0 and vrouter1 send to the router even when OSPF has told them of no route, by a default route of the worst
 * metric: what then arrives or not is the vASIC's doing and not that of their own routing.
 */
export async function withLastResort(stage: Stage, act: () => Promise<void>): Promise<void> {
  const change = async (how: string) => {
    for (const port of [0, 1]) {
      const route = ['default', 'via', routerAddress(port), 'metric', '9999'];
      await stage.topology.vrouters[port]!.exec(['ip', 'route', how, ...route]);
    }
  };
  await change('replace');
  try {
    await act();
  } finally {
    await change('del');
  }
}

/** Everything as after the start: neighbours, zebra's view, fpm2afi's view, and packets. */
export async function expectRecovered(stage: Stage, timeoutMs: number): Promise<void> {
  const { report } = stage;
  await report.expect({
    name: 'OSPF neighbours Full again',
    command: routerCommand(stage, 'vtysh', '-c', 'show ip ospf neighbor'),
    timeoutMs,
    look: () => lookNeighbors(stage),
  });
  await report.expect({
    name: 'zebra has the loopbacks offloaded again',
    command: routerCommand(stage, 'vtysh', '-c', 'show ip route ospf'),
    timeoutMs,
    look: () => lookZebra(stage, LOOPBACKS),
  });
  await report.expect({
    name: 'fpm2afi has the loopbacks offloaded again',
    command: routerCommand(stage, 'fpm2afi', 'show', 'routes'),
    timeoutMs,
    look: () => lookLoopbacks(stage, PORTS),
  });
  await expectPing(stage, 'vrouter1 reaches vrouter0 again, by the vASIC', loopback(0));
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
