/** What needs a feeder that goes on talking: learning a table, and its changes. */
import { labId, openLab } from '../../lab/lab';
import { measureChurn, measureChurnOnWire } from './churn';
import { measureLearning } from './learning';
import { fewRuns, type BenchPart } from './part';
import { buildBench, startFeeder } from './topology';

const CHURN_SECONDS = 60;
const QUICK_CHURN_SECONDS = 10;

export const updates: BenchPart = {
  name: 'updates',
  title: 'From BGP to the vASIC: learning a table, and its changes',
  measure: async (options, found, say) => {
    const { nexthops, quick } = options;
    const routes = Math.max(...options.sizes);
    const lab = await openLab(labId('updates'), { logDir: 'out/bench-logs', say });
    try {
      const topology = await buildBench(lab, nexthops);
      const fed = { topology, feeder: await startFeeder(topology), routes, nexthops };
      const { figures, forwarding } = await measureLearning(fed, fewRuns(options), say);
      found(figures);
      say('churn');
      found(await measureChurn(fed, forwarding, quick ? QUICK_CHURN_SECONDS : CHURN_SECONDS));
      found(await measureChurnOnWire(fed, forwarding));
    } finally {
      await lab.close();
    }
  },
};
