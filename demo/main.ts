/**
 * `make demo PROTO=ospf`: FRR programs a software vASIC, and the operator watches. Builds the topology, plays the scenes,
 * writes out/demo-PROTO.json and removes everything, unless KEEP=1. Exit status: 0 all checks ok, 1 not, 2 cannot be asked
 * for that.
 */
import { join } from 'node:path';
import { errorText } from '../src/net/error-text';
import { DEMOS, type Demo } from './demos';
import { labId, openLab, type Lab } from '../lab/lab';
import { LabBusyError } from '../lab/state';
import { buildTopology } from '../lab/topology';
import { createReporter, reportOf, writeReport, type Reporter } from './scenes/report';
import type { Figures, Stage } from './scenes/scene';

export const LAB_ID = labId('demo');

async function play(demo: Demo, lab: Lab, report: Reporter, figures: Figures): Promise<void> {
  const { protocol } = demo;
  const { plan } = protocol;
  report.scene('The stage: a router, a vASIC and four vrouters, each in a network namespace');
  const topology = await buildTopology(lab, {
    protocol,
    extraLoopbacks: (port) => demo.extraLoopbacks(port, plan),
    refuse: [`${plan.refused}${plan.host}`],
    // So that the sweep after zebra's restart is seen while the demo lasts (the default is 30 s).
    settings: ['fpm.sweep.minimum=15s'],
    say: report.say,
  });
  const stage: Stage = { topology, report, figures };
  for (const scene of demo.scenes) {
    report.scene(scene.title);
    try {
      await scene.play(stage);
    } catch (error) {
      await cannot(report, 'the scene could be played to its end', error);
    }
    if (scene.essential === true && report.checks().some((check) => !check.ok)) {
      report.say('The scenes after this one are left out.');
      return;
    }
  }
}

function cannot(report: Reporter, name: string, error: unknown): Promise<boolean> {
  const observed = errorText(error);
  return report.expect({ name, command: 'make demo', look: () => ({ ok: false, observed }) });
}

function figuresText({ throughVasic, throughLinux, failoverMs }: Figures): readonly string[] {
  const gigabit = (bits: number) => `${(bits / 1e9).toFixed(2)} Gbit/s`;
  if (failoverMs !== undefined) return [`a failed path's flows went nowhere for at most ${failoverMs} ms`];
  if (throughVasic === undefined) return [];
  if (throughLinux === undefined) return [`iperf3 through the vASIC ${gigabit(throughVasic)}`];
  const ratio = (throughVasic / throughLinux).toFixed(2);
  return [
    `iperf3 through the vASIC ${gigabit(throughVasic)}, through plain Linux ${gigabit(throughLinux)}, ratio ${ratio}`,
  ];
}

function howToLookAround(proto: string, { protocol }: Demo): void {
  const { loopback } = protocol.plan;
  console.log(`
It is still running (KEEP=1). Look around:
  demo/in router vtysh                         FRR of the router: show ip route, ${protocol.neighborCommand}, show fpm status
  demo/in router fpm2afi show status           also routes, nexthops, neighbors, ports, tokens
  demo/in router tcpdump -ni tap0              what is punted
  demo/in vrouter1 ping -I ${loopback(1)} ${loopback(0)}
  demo/in vrouter0 ip link set veth down       and watch
  tail -f out/demo-${proto}-logs/*.log
End it:  make demo-stop`);
}

async function main(): Promise<number> {
  const proto = process.argv[2] ?? 'ospf';
  const demo = DEMOS.get(proto);
  if (demo === undefined) {
    console.error(`PROTO=${proto} is no protocol of this demo: ${[...DEMOS.keys()].join(', ')} are.`);
    return 2;
  }
  const logDir = join('out', `demo-${proto}-logs`);
  const resultFile = join('out', `demo-${proto}.json`);
  const report = createReporter((line) => console.log(line));
  let lab: Lab;
  try {
    lab = await openLab(LAB_ID, { logDir, say: report.say });
  } catch (error) {
    console.error(`demo: ${errorText(error)}`);
    return error instanceof LabBusyError ? 2 : 1;
  }
  const figures: Figures = {};
  try {
    await play(demo, lab, report, figures);
  } catch (error) {
    await cannot(report, 'the stage could be set', error);
  }
  const keep = process.env.KEEP === '1';
  try {
    await (keep ? lab.keep() : lab.close());
  } catch (error) {
    await cannot(report, 'everything could be removed', error);
  }
  const result = reportOf(report.checks(), figuresText(figures));
  writeReport(resultFile, result);
  console.log('');
  for (const check of result.checks.filter((one) => !one.ok)) {
    console.log(`✗ ${check.name}: ${check.observed}\n    seen with: ${check.command}`);
  }
  console.log(`${result.ok ? '✓' : '✗'} ${result.summary}`);
  console.log(`  ${resultFile}, logs in ${logDir}`);
  if (keep) howToLookAround(proto, demo);
  return result.ok ? 0 : 1;
}

void main().then((status) => {
  process.exitCode = status;
});
