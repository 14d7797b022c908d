/**
 * `make mpls-interop`: our router beside the Linux kernel's own MPLS, which runs in a small virtual machine. Writes
 * out/mpls-interop.json and removes everything. Exit status: 0 all checks ok, 1 not.
 */
import { createReporter, reportOf, type Report } from '../../demo/scenes/report';
import { runReport, say } from '../../demo/scenes/run-report';
import { labId, openLab } from '../../lab/lab';
import { errorText } from '../../src/net/error-text';
import { playChecks } from './checks';
import { buildStage } from './topology';

const OUT = 'out/mpls-interop.json';

async function play(): Promise<Report> {
  const began = performance.now();
  const report = createReporter(say);
  const lab = await openLab(labId('interop'), { logDir: 'out/mpls-interop-logs', say: report.say });
  let kernel = 'no kernel';
  try {
    report.scene('A router, a vASIC, two hosts, and a virtual machine with MPLS in its kernel');
    const stage = await buildStage(lab);
    ({ kernel } = stage.machine);
    await playChecks(stage, report);
  } catch (error) {
    const observed = errorText(error);
    const look = () => ({ ok: false, observed });
    await report.expect({ name: 'the run came to its end', command: 'make mpls-interop', look });
  } finally {
    await lab.close();
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  return reportOf(report.checks(), [`beside Linux ${kernel}`, `${seconds} s`]);
}

runReport('mpls-interop', OUT, play);
