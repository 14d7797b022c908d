/**
 * `make dashboard-test`: the Grafana dashboard and the alerts before a real Prometheus that scrapes a real router. Every query of the dashboard is asked as Grafana
 * asks it, every alert is evaluated, and nearly all are made to come. Writes out/dashboard.json. Exit status: 0 all as expected, 1 not.
 */
import { createReporter, reportOf, type Report } from '../../demo/scenes/report';
import { runReport, say } from '../../demo/scenes/run-report';
import { labId, openLab } from '../../lab/lab';
import { sleep } from '../../lab/wait';
import { errorText } from '../../src/net/error-text';
import { checkAlerts, checkRules } from './alerts';
import { checkWithPromtool } from './lint';
import { checkPanels } from './panels';
import { buildStage } from './stage';

const OUT = 'out/dashboard.json';
const INTERVAL_SECONDS = 1;
/** What the dashboard looks back at. */
const WATCHED_SECONDS = 20;

async function play(): Promise<Report> {
  const began = performance.now();
  const report = createReporter(say);
  const lab = await openLab(labId('dashboard'), { logDir: 'out/dashboard-logs', say: report.say });
  try {
    const stage = await buildStage(lab, INTERVAL_SECONDS);
    await sleep(WATCHED_SECONDS * 1000);
    const end = Math.floor(Date.now() / 1000);
    const span = { start: end - WATCHED_SECONDS, end, step: INTERVAL_SECONDS };
    await checkWithPromtool(report, stage);
    await checkPanels(report, stage, span, INTERVAL_SECONDS);
    await checkRules(report, stage, span);
    await stage.quiet();
    await checkAlerts(report, stage);
  } catch (error) {
    const look = () => ({ ok: false, observed: errorText(error) });
    await report.expect({ name: 'the run came to its end', command: 'make dashboard-test', look });
  } finally {
    await lab.close();
  }
  return reportOf(report.checks(), [`${Math.round((performance.now() - began) / 1000)} s`]);
}

runReport('dashboard-test', OUT, play);
