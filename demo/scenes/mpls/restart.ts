/** fpm2afi on P is killed: LSPs forward on, and the next one takes them over. */
import { logLines, logMark, waitForLine } from '../../../lab/process';
import { expectCrossings, on, ourLsps, zebraLsps, type VpnScene } from './stage';

export const bridgeRestarts: VpnScene = {
  title: "P's fpm2afi is killed and started again: labels are forwarded all the time",
  play: async (stage) => {
    const { report, topology } = stage;
    const { bridge } = topology.p;
    const mark = logMark(bridge.logFile);
    await bridge.process().kill('SIGKILL');
    report.say('killed with SIGKILL');
    await expectCrossings(stage, 'without it');
    await bridge.restart();
    await report.expect({
      name: 'it finds the tables of the one before',
      command: `grep 'found the tables' ${bridge.logFile}`,
      look: async () => ({
        ok: true,
        observed: await waitForLine(bridge.logFile, /found the tables of an earlier run/, mark, 20_000),
      }),
    });
    await report.expect({
      name: "p: show lsps is zebra's table again, all of it offloaded",
      command: on(topology.p, 'fpm2afi', 'show', 'lsps'),
      timeoutMs: 60_000,
      look: async () => {
        const [zebra, ours] = [await zebraLsps(topology.p), await ourLsps(topology.p)];
        const same = JSON.stringify([...zebra].sort()) === JSON.stringify([...ours.lsps].sort());
        const replayed = logLines(bridge.logFile, mark).some((line) => line.includes('the replay is over'));
        return {
          ok: zebra.size > 0 && same && replayed && ours.states.join() === 'offloaded',
          observed: `${ours.lsps.size} LSPs, ${ours.states.join(', ')}; the replay is ${replayed ? 'over' : 'not over'}`,
        };
      },
    });
    await expectCrossings(stage, 'after the sweep');
  },
};
