/** One loopback behind two vrouters: flows go to both; when one fails, only its flows move, and soon. */
import { failoverOf, sharesOf, startEcho, startFlows, type FlowsReport } from '../../lab/flows';
import { at, items, textAt } from '../../lab/json';
import { tapName } from '../../lab/plan';
import { sleep } from '../../lab/wait';
import { commandLine } from './report';
import { bridgeRoute, expectPing, routerCommand, showRoute, type Scene, type Stage } from './scene';

const PATHS: readonly number[] = [2, 3];
const FLOWS = 64;
const INTERVAL_MS = 20;
/** Each phase of the stream. */
const PHASE_MS = 3000;

/** The paths that zebra has in use: a lost one may stay in its list, as inactive. */
async function zebraLegs({ topology }: Stage): Promise<readonly string[]> {
  const { plan, routerFrr } = topology;
  const prefix = `${plan.shared}${plan.host}`;
  const route = at(await routerFrr.json(`${showRoute(plan)} ${prefix} json`), prefix, 0);
  return items(at(route, 'nexthops'))
    .filter((hop) => at(hop, 'fib') === true && at(hop, 'active') === true)
    .map((hop) => textAt(hop, 'interfaceName'))
    .sort();
}

/** zebra's paths to the shared loopback are by these TAPs, sooner or later. */
async function expectZebra(stage: Stage, name: string, paths: readonly number[], timeoutMs: number): Promise<void> {
  const { plan } = stage.topology;
  await stage.report.expect({
    name,
    command: routerCommand(stage, 'vtysh', '-c', `${showRoute(plan)} ${plan.shared}${plan.host}`),
    timeoutMs,
    look: async () => {
      const found = await zebraLegs(stage);
      return { ok: found.join() === paths.map(tapName).join(), observed: found.join(', ') || 'none' };
    },
  });
}

async function expectBoth(stage: Stage, timeoutMs: number): Promise<void> {
  const { report, topology } = stage;
  const prefix = `${topology.plan.shared}${topology.plan.host}`;
  const taps = PATHS.map(tapName);
  await expectZebra(stage, `zebra has both paths to ${prefix}`, PATHS, timeoutMs);
  await report.expect({
    name: 'fpm2afi has it offloaded with both paths ready',
    command: routerCommand(stage, 'fpm2afi', 'show', 'routes', prefix),
    timeoutMs,
    look: async () => {
      const route = await bridgeRoute(stage, prefix);
      const paths = (route?.nexthops ?? []).filter((path) => path.state === 'ready').map((path) => path.interface);
      return {
        ok: route?.state === 'offloaded' && paths.sort().join() === taps.join(),
        observed: `${route?.state ?? 'missing'}: ${paths.join(', ') || 'no path'}`,
      };
    },
  });
}

async function outputPackets({ topology }: Stage): Promise<readonly number[]> {
  await sleep(1500);
  const ports = await topology.bridge.ports();
  return PATHS.map((path) => ports.find(({ index }) => index === path)?.output?.packets ?? 0);
}

export const ecmpPaths: Scene = {
  title: 'One loopback behind vrouter2 and vrouter3: two equal paths',
  essential: true,
  play: async (stage) => {
    await expectBoth(stage, 20_000);
    const { router, plan } = stage.topology;
    await stage.report.show(router, ['vtysh', '-c', `${showRoute(plan)} ${plan.shared}${plan.host}`]);
  },
};

/** What the stream of flows went through. */
interface Story {
  readonly report: FlowsReport;
  readonly startedAt: number;
  readonly failedAt: number;
  readonly upAt: number;
  readonly endedAt: number;
  readonly argv: readonly string[];
}

/** Plays the whole: flows over both paths, vrouter2's link down, up again and both paths back, a while more. */
async function failAndReturn(stage: Stage): Promise<Story> {
  const { topology, report } = stage;
  const { plan, vrouters } = topology;
  const echoes = await Promise.all(PATHS.map((path) => startEcho(vrouters[path]!, plan.shared)));
  const vrouter1 = vrouters[1]!;
  const before = await outputPackets(stage);
  const running = await startFlows({
    node: vrouter1,
    source: plan.loopback(1),
    target: plan.shared,
    flows: FLOWS,
    intervalMs: INTERVAL_MS,
  });
  const startedAt = Date.now();
  report.say(`$ ${commandLine(vrouter1, running.argv)}`);
  await sleep(PHASE_MS);
  const grown = (await outputPackets(stage)).map((packets, i) => packets - before[i]!);
  await report.expect({
    name: 'the counters of both output ports grow',
    command: routerCommand(stage, 'fpm2afi', 'show', 'ports'),
    look: () => ({
      ok: grown.every((packets) => packets > (PHASE_MS / INTERVAL_MS) * (FLOWS / 8)),
      observed: PATHS.map((path, i) => `p${path} out: +${grown[i]} packets`).join(', '),
    }),
  });
  const failedAt = Date.now();
  await report.show(vrouters[2]!, ['ip', 'link', 'set', 'veth', 'down']);
  await expectZebra(stage, 'zebra takes the lost path out, when the protocol has noticed', [3], 20_000);
  await sleep(PHASE_MS);
  const upAt = Date.now();
  await report.show(vrouters[2]!, ['ip', 'link', 'set', 'veth', 'up']);
  await expectBoth(stage, 40_000);
  await expectPing(stage, 'vrouter2 is back: vrouter1 reaches it', plan.loopback(2));
  await sleep(PHASE_MS);
  const endedAt = Date.now();
  const result = await running.stop();
  for (const echo of echoes) await echo.kill('SIGTERM');
  return { report: result, startedAt, failedAt, upAt, endedAt, argv: running.argv };
}

const list = (shares: ReadonlyMap<string, number>): string =>
  [...shares].map(([name, flows]) => `${name} ${flows}`).join(', ') || 'nobody';

export const ecmpFailover: Scene = {
  title: `${FLOWS} flows over both; vrouter2's link goes down, and up again`,
  play: async (stage) => {
    const { report, topology, figures } = stage;
    const story = await failAndReturn(stage);
    const command = commandLine(topology.vrouters[1]!, story.argv);
    const early = sharesOf(story.report, story.failedAt - 1000, story.failedAt);
    await report.expect({
      name: 'before: flows are answered by both vrouters',
      command,
      look: () => ({
        ok: PATHS.every((path) => (early.get(`vrouter${path}`) ?? 0) >= FLOWS / 8),
        observed: list(early),
      }),
    });
    const failover = failoverOf(story.report, 'vrouter2', story.failedAt, story.upAt);
    figures.failoverMs = failover.worstMs;
    await report.expect({
      name: "all of the failed path's flows go on over the other",
      command,
      look: () => ({
        ok: failover.moved > 0 && failover.lost === 0,
        observed:
          `${failover.moved} flows moved, ${failover.packetsLost} packets lost: at most ${failover.worstMs} ms without ` +
          `a path, ${failover.meanMs.toFixed(1)} ms on average (packets lost × ${INTERVAL_MS} ms)`,
      }),
    });
    await report.expect({
      name: "the other path's flows don't notice",
      command,
      look: () => ({
        ok: failover.stayed > 0 && failover.disturbed === 0,
        observed: `${failover.disturbed} of ${failover.stayed} flows moved or lost packets`,
      }),
    });
    const late = sharesOf(story.report, story.endedAt - 500, story.endedAt);
    await report.expect({
      name: 'after the link is back, both carry flows again',
      command,
      look: () => ({ ok: PATHS.every((path) => (late.get(`vrouter${path}`) ?? 0) >= FLOWS / 8), observed: list(late) }),
    });
  },
};
