/** kill -9 of each program in turn: the others notice, say so in their logs, and all is well again after a restart. */
import { at, textAt } from '../../lab/json';
import { PORTS, ROUTER_ID } from '../../lab/plan';
import { logMark } from '../../lab/process';
import {
  expectLogLine,
  expectPing,
  expectRecovered,
  lookLoopbacks,
  routerCommand,
  withLastResort,
  type Scene,
} from './scene';

export const killVasic: Scene = {
  title: 'kill -9 softvasic',
  play: async (stage) => {
    const { report, topology } = stage;
    const { softvasic, bridge } = topology;
    const mark = logMark(bridge.logFile);
    report.say(`kill -9 ${softvasic.process().pid}   (softvasic)`);
    await softvasic.process().kill('SIGKILL');
    await expectLogLine(stage, 'fpm2afi says that the vASIC is gone', bridge.logFile, /lost the AFI server/, mark);
    await report.expect({
      name: "fpm2afi's status has it as a problem",
      command: routerCommand(stage, 'fpm2afi', 'show', 'status'),
      timeoutMs: 10_000,
      look: async () => {
        const status = await bridge.status();
        return {
          ok: status.afi.state !== 'up' && status.problems.length > 0,
          observed: `AFI ${status.afi.state}; ${status.problems.join('; ')}`,
        };
      },
    });
    const restarted = logMark(bridge.logFile);
    report.say('restarting softvasic, with empty tables');
    await softvasic.restart();
    await expectLogLine(stage, 'fpm2afi programs it anew', bridge.logFile, /restarted with empty tables/, restarted);
    await expectRecovered(stage, 40_000);
  },
};

export const killBridge: Scene = {
  title: 'kill -9 fpm2afi',
  play: async (stage) => {
    const { report, topology } = stage;
    const { bridge, routerFrr, softvasic } = topology;
    const zebraLog = routerFrr.process('zebra').logFile;
    const mark = logMark(zebraLog);
    const vasicMark = logMark(softvasic.logFile);
    report.say(`kill -9 ${bridge.process().pid}   (fpm2afi; the punt process keeps the TAPs)`);
    await bridge.process().kill('SIGKILL');
    await withLastResort(stage, async () => {
      await expectPing(stage, 'the vASIC forwards on: vrouter1 still reaches vrouter0', topology.plan.loopback(0), 0);
    });
    await expectLogLine(
      stage,
      'softvasic says that its client is gone',
      softvasic.logFile,
      /a client (ended its operation stream|is gone)/,
      vasicMark,
    );
    await expectLogLine(
      stage,
      'zebra says that the FPM connection is gone',
      zebraLog,
      /fpm_(read|write|connect)/,
      mark,
    );
    await report.expect({
      name: "zebra's FPM status shows it",
      command: routerCommand(stage, 'vtysh', '-c', 'show fpm status json'),
      timeoutMs: 10_000,
      look: async () => {
        const connected = at(await routerFrr.json('show fpm status json'), 'connected');
        return { ok: connected === false, observed: `connected: ${String(connected)}` };
      },
    });
    report.say('restarting fpm2afi');
    await bridge.restart();
    await expectRecovered(stage, 60_000);
  },
};

export const killZebra: Scene = {
  title: 'kill -9 zebra',
  play: async (stage) => {
    const { report, topology } = stage;
    const { bridge, routerFrr } = topology;
    const mark = logMark(bridge.logFile);
    report.say(`kill -9 ${routerFrr.process('zebra').pid}   (zebra of the router)`);
    await routerFrr.process('zebra').kill('SIGKILL');
    await expectLogLine(stage, 'fpm2afi says that zebra is gone', bridge.logFile, /zebra is (gone|disconnected)/, mark);
    await report.expect({
      name: 'what was programmed stays',
      command: routerCommand(stage, 'fpm2afi', 'show', 'routes'),
      look: () => lookLoopbacks(stage, PORTS),
    });
    await expectPing(stage, 'the vASIC forwards on: vrouter1 still reaches vrouter0', topology.plan.loopback(0), 0);
    const restarted = logMark(bridge.logFile);
    report.say("restarting zebra, and its protocol daemon with it (as FRR's watchfrr does)");
    await routerFrr.process(topology.protocol.daemon).kill('SIGKILL');
    await routerFrr.restart('zebra');
    await routerFrr.restart(topology.protocol.daemon);
    await report.expect({
      name: 'zebra is connected to fpm2afi again',
      command: routerCommand(stage, 'fpm2afi', 'show', 'status'),
      timeoutMs: 15_000,
      look: async () => {
        const status = await bridge.status();
        return {
          ok: status.fpm.state === 'connected',
          observed: `${status.fpm.state} ${textAt(status, 'fpm', 'peer')}`,
        };
      },
    });
    await expectRecovered(stage, 40_000);
    const over = /the replay is over/;
    await expectLogLine(stage, 'fpm2afi sweeps what zebra did not confirm', bridge.logFile, over, restarted, 40_000);
    await report.expect({
      name: 'after the sweep nothing is stale, and the loopbacks are there',
      command: routerCommand(stage, 'fpm2afi', 'show', 'routes'),
      look: async () => {
        const stale = (await bridge.routes()).filter((route) => route.stale === true).length;
        const loopbacks = await lookLoopbacks(stage, PORTS);
        return { ok: loopbacks.ok && stale === 0, observed: `${stale} stale; ${loopbacks.observed}` };
      },
    });
  },
};

export const killProtocol: Scene = {
  title: "kill -9 the router's protocol daemon",
  play: async (stage) => {
    const { report, topology } = stage;
    const { bridge, protocol, routerFrr, vrouterFrr } = topology;
    const zebraLog = routerFrr.process('zebra').logFile;
    const mark = logMark(zebraLog);
    report.say(`kill -9 ${routerFrr.process(protocol.daemon).pid}   (${protocol.daemon} of the router)`);
    await routerFrr.process(protocol.daemon).kill('SIGKILL');
    const removed = /disconnected .* routes removed/;
    await expectLogLine(stage, 'zebra says that it is gone, and takes its routes back', zebraLog, removed, mark);
    await report.expect({
      name: 'fpm2afi took the loopbacks out of the vASIC',
      command: routerCommand(stage, 'fpm2afi', 'show', 'routes'),
      timeoutMs: 10_000,
      look: async () => {
        const prefixes = (await bridge.routes()).map(({ prefix }) => prefix);
        const left = PORTS.map((port) => `${topology.plan.loopback(port)}${topology.plan.host}`).filter((prefix) =>
          prefixes.includes(prefix),
        );
        return { ok: left.length === 0, observed: left.length === 0 ? 'none of them is left' : left.join(', ') };
      },
    });
    await report.expect({
      name: 'vrouter0 notices that its neighbor is silent',
      command: `demo/in vrouter0 vtysh -c '${protocol.neighborCommand}'`,
      timeoutMs: 15_000,
      look: async () => {
        const gone = !(await vrouterFrr[0]!.vtysh(protocol.neighborCommand)).includes(ROUTER_ID);
        return { ok: gone, observed: gone ? 'no neighbor' : `${ROUTER_ID} is still there` };
      },
    });
    report.say(`restarting ${protocol.daemon}`);
    await routerFrr.restart(protocol.daemon);
    await expectRecovered(stage, 60_000);
  },
};
