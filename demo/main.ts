/**
 * `make demo PROTO=ospf`: FRR programs a software vASIC, and the operator watches. Builds the topology, plays the scenes,
 * writes out/demo-PROTO.json and removes everything, unless KEEP=1. Exit status: 0 all checks ok, 1 not, 2 cannot be asked
 * for that.
 */
import { join } from 'node:path';
import { errorText } from '../src/net/error-text';
import { cannot, type Demo, type Figures } from './demo';
import { DEMOS } from './demos';
import { labId, openLab, type Lab } from '../lab/lab';
import { LabBusyError } from '../lab/state';
import { createReporter, reportOf, writeReport } from './scenes/report';

export const LAB_ID = labId('demo');

function figuresText({ throughVasic, throughLinux, failoverMs }: Figures): readonly string[] {
  const gigabit = (bits: number) => `${(bits / 1e9).toFixed(2)} Gbit/s`;
  const failover = failoverMs === undefined ? [] : [`a failed path's flows went nowhere for at most ${failoverMs} ms`];
  if (throughVasic === undefined) return failover;
  if (throughLinux === undefined) return [`iperf3 through the vASIC ${gigabit(throughVasic)}`, ...failover];
  const ratio = (throughVasic / throughLinux).toFixed(2);
  return [
    `iperf3 through the vASIC ${gigabit(throughVasic)}, through plain Linux ${gigabit(throughLinux)}, ratio ${ratio}`,
    ...failover,
  ];
}

function howToLookAround(proto: string, { lookAround }: Demo): void {
  const commands = [...lookAround, [`tail -f out/demo-${proto}-logs/*.log`, '']] as const;
  console.log('\nIt is still running (KEEP=1). Look around:');
  for (const [command, shows] of commands) console.log(`  ${command.padEnd(44)} ${shows}`.trimEnd());
  console.log('End it:  make demo-stop');
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
    await demo.play(lab, report, figures);
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
