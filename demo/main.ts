/**
 * `make demo PROTO=ospf`: FRR programs a software vASIC, and the operator watches. Builds the topology, plays the scenes,
 * writes out/demo-PROTO.json and removes everything, unless KEEP=1. Exit status: 0 all checks ok, 1 not, 2 cannot be asked
 * for that.
 */
import { join } from 'node:path';
import { labId, openLab, type Lab } from './lab/lab';
import { buildOspfTopology } from './lab/ospf-topology';
import { LabBusyError } from './lab/state';
import { createReporter, reportOf, writeReport, type Reporter } from './report';
import { bridgeRoutes, neighbors, zebraRoutes } from './scenes/converge';
import { dataplane, ttl } from './scenes/dataplane';
import { killBridge, killVasic, killZebra } from './scenes/kills';
import { linkDown } from './scenes/link-down';
import { refused } from './scenes/refused';
import { REFUSED, type Figures, type Scene, type Stage } from './scenes/scene';
import { yardstick } from './scenes/yardstick';

export const LAB_ID = labId('demo');

const SCENES: readonly Scene[] = [
  ...[neighbors, zebraRoutes, bridgeRoutes, refused, dataplane, yardstick, ttl],
  ...[linkDown, killVasic, killBridge, killZebra],
];

async function play(lab: Lab, report: Reporter, figures: Figures): Promise<void> {
  report.scene('The stage: a router, a vASIC and four vrouters, each in a network namespace');
  const topology = await buildOspfTopology(lab, {
    extraPrefixes: [`${REFUSED}/32`],
    refuse: [`${REFUSED}/32`],
    // So that the sweep after zebra's restart is seen while the demo lasts (the default is 30 s).
    settings: ['fpm.sweep.minimum=15s'],
    say: report.say,
  });
  const stage: Stage = { topology, report, figures };
  for (const scene of SCENES) {
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
  const observed = error instanceof Error ? error.message : String(error);
  return report.expect({ name, command: 'make demo', look: () => ({ ok: false, observed }) });
}

function figuresText({ throughVasic, throughLinux }: Figures): readonly string[] {
  if (throughVasic === undefined || throughLinux === undefined) return [];
  const gigabit = (bits: number) => `${(bits / 1e9).toFixed(2)} Gbit/s`;
  const ratio = (throughVasic / throughLinux).toFixed(2);
  return [
    `iperf3 through the vASIC ${gigabit(throughVasic)}, through plain Linux ${gigabit(throughLinux)}, ratio ${ratio}`,
  ];
}

function howToLookAround(): void {
  console.log(`
It is still running (KEEP=1). Look around:
  demo/in router vtysh                         FRR of the router: show ip route, show ip ospf neighbor, show fpm status
  demo/in router fpm2afi show status           also routes, nexthops, neighbors, ports, tokens
  demo/in router tcpdump -ni tap0              what is punted
  demo/in vrouter1 ping -I 10.0.255.1 10.0.255.0
  demo/in vrouter0 ip link set veth down       and watch
  tail -f out/demo-ospf-logs/*.log
End it:  make demo-stop`);
}

async function main(): Promise<number> {
  const proto = process.argv[2] ?? 'ospf';
  if (proto !== 'ospf') {
    const known = ['isis', 'bgp'].includes(proto);
    console.error(
      known
        ? `PROTO=${proto} is not available yet: PROTO=ospf is.`
        : `PROTO=${proto} is no protocol of this demo: PROTO=ospf is.`,
    );
    return 2;
  }
  const logDir = join('out', `demo-${proto}-logs`);
  const resultFile = join('out', `demo-${proto}.json`);
  const report = createReporter((line) => console.log(line));
  let lab: Lab;
  try {
    lab = await openLab(LAB_ID, { logDir, say: report.say });
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof LabBusyError ? 2 : 1;
  }
  const figures: Figures = {};
  try {
    await play(lab, report, figures);
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
  if (keep) howToLookAround();
  return result.ok ? 0 : 1;
}

void main().then((status) => {
  process.exitCode = status;
});
