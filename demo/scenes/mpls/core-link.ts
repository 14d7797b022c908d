/** A link between P and PE2 fails under flows, and comes back: LSPs and VPN routes move to the other link, and spread again. */
import { startEcho, startFlows, type FlowsReport } from '../../../lab/flows';
import { CORE_LINKS, portOfP, siteAddress } from '../../../lab/mpls/vpn-plan';
import { portName, tapName } from '../../../lab/plan';
import { sleep } from '../../../lab/wait';
import { commandLine } from '../report';
import { expectCrossings, on, ourLsps, zebraLsps, type VpnScene, type VpnStage } from './stage';

const FLOWS = 32;
const INTERVAL_MS = 20;
const PHASE_MS = 3000;
const TAPS = CORE_LINKS.map((at) => tapName(portOfP(2, at)));

/** P's LSP to PE2 leads out of these TAPs, in zebra and in the vASIC. */
async function expectPaths({ report, topology }: VpnStage, name: string, taps: readonly string[]): Promise<void> {
  const tapsOf = (lsps: ReadonlyMap<number, string>): string => {
    const paths = [...lsps.values()].find((one) => TAPS.some((tap) => one.includes(tap))) ?? '';
    return TAPS.filter((tap) => paths.includes(tap)).join();
  };
  await report.expect({
    name,
    command: on(topology.p, 'fpm2afi', 'show', 'lsps'),
    timeoutMs: 40_000,
    look: async () => {
      const zebra = tapsOf(await zebraLsps(topology.p));
      const { lsps, states } = await ourLsps(topology.p);
      const ok = [zebra, tapsOf(lsps)].every((found) => found === taps.join()) && states.join() === 'offloaded';
      return { ok, observed: `zebra: ${zebra || 'none'}; vASIC: ${tapsOf(lsps) || 'none'}, ${states.join(', ')}` };
    },
  });
}

/** Packets that P has sent to PE2 by each link, as the vASIC counts them. */
async function sentByP({ topology }: VpnStage): Promise<number[]> {
  // The vASIC's counters are read about once a second.
  await sleep(1500);
  const ports = await topology.p.bridge.ports();
  return CORE_LINKS.map((at) => ports.find(({ index }) => index === portOfP(2, at))?.output?.packets ?? 0);
}

/** The most that a flow lost from `fromMs` on, in milliseconds, and the packets that all of them lost. */
function lossOf(
  { flows, intervalMs }: FlowsReport,
  fromMs: number,
  toMs: number,
): { worstMs: number; packets: number } {
  const lost = flows.map(({ gaps }) =>
    gaps.filter((gap) => gap.fromMs >= fromMs && gap.fromMs < toMs).reduce((sum, gap) => sum + gap.packets, 0),
  );
  return { worstMs: Math.max(0, ...lost) * intervalMs, packets: lost.reduce((sum, packets) => sum + packets, 0) };
}

export const coreLinkFails: VpnScene = {
  title: `A core link fails under ${FLOWS} flows of red, and comes back`,
  play: async (stage) => {
    const { report, topology, figures } = stage;
    const [source, target] = [topology.site('red', 1), topology.site('red', 2)];
    const { vasic } = topology.p;
    const failing = portName(portOfP(2, 0));
    await expectPaths(stage, "P's LSP to PE2 has two paths", TAPS);
    const echo = await startEcho(target, siteAddress(2, 4));
    const before = await sentByP(stage);
    const running = await startFlows({
      ...{ node: source, source: siteAddress(1, 4), target: siteAddress(2, 4), flows: FLOWS, intervalMs: INTERVAL_MS },
    });
    await sleep(PHASE_MS);
    const grown = (await sentByP(stage)).map((packets, i) => packets - before[i]!);
    const command = commandLine(source, running.argv);
    await report.expect({
      name: 'the flows cross P, spread by labels and addresses as in Linux: flows of one pair of hosts go one way',
      command: on(topology.p, 'fpm2afi', 'show', 'ports'),
      look: () => ({
        ok: grown.reduce((sum, packets) => sum + packets, 0) > (FLOWS * PHASE_MS) / INTERVAL_MS / 2,
        observed: grown.map((packets, i) => `${TAPS[i]} +${packets}`).join(', '),
      }),
    });
    // The link that carries the flows is the one to fail.
    const carrying = grown[0]! >= grown[1]! ? 0 : 1;
    const port = carrying === 0 ? failing : portName(portOfP(2, 1));
    const failedAt = Date.now();
    await report.show(vasic, ['ip', 'link', 'set', port, 'down']);
    await expectPaths(stage, 'the lost path is out of the LSP, in zebra and in the vASIC', [TAPS[1 - carrying]!]);
    await sleep(PHASE_MS);
    await expectCrossings(stage, 'by the other link');
    const upAt = Date.now();
    await report.show(vasic, ['ip', 'link', 'set', port, 'up']);
    await expectPaths(stage, 'both paths are back', TAPS);
    await sleep(PHASE_MS);
    const endedAt = Date.now();
    const flows = await running.stop();
    await echo.kill('SIGTERM');
    const loss = lossOf(flows, failedAt - 2 * INTERVAL_MS, upAt);
    figures.failoverMs = loss.worstMs;
    await report.expect({
      name: 'all flows went on by the other link',
      command,
      look: () => {
        const alive = flows.flows.filter(({ answers }) => answers.some(({ lastMs }) => lastMs > endedAt - 1000)).length;
        const moved = flows.flows.filter(
          ({ answers, gaps }) => gaps.every((gap) => gap.fromMs + gap.durationMs < upAt) && answers.length > 0,
        ).length;
        return {
          ok: alive === FLOWS && moved === FLOWS,
          observed: `${alive} of ${FLOWS} answered at the end; ${loss.packets} packets lost, at most ${loss.worstMs} ms of one flow`,
        };
      },
    });
    await expectCrossings(stage, 'after the link is back');
  },
};
