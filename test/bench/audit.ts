/**
 * An audit of a running system that holds a table: how long it takes, what it costs the bridge and zebra in memory while it runs,
 * and how long the bridge's event loop stands still, beside the replay before it.
 */
import { join } from 'node:path';
import { tenth, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { sleep } from '../../lab/wait';
import { auditText } from '../../src/control/audit-text';
import type { AuditView } from '../../src/control/audit-types';
import { requestObject } from '../../src/control/client';
import type { BenchPart } from './part';
import { replayToBridge, residentBytes, startForwarding, stopForwarding } from './replay';
import { buildBench, connectFpm, feed, untilQuiet, type BenchTopology } from './topology';

const LOOK_MS = 50;
/** By then the replay counts as over: before, zebra may still be sending. */
const SWEEP_MS = 5000;
const TIMEOUT_MS = 600_000;

/** The most that a process holds more than at the beginning, while `work` runs. */
async function growthDuring(pids: readonly number[], work: Promise<unknown>): Promise<number[]> {
  const before = pids.map(residentBytes);
  const most = [...before];
  let running = true;
  void work.finally(() => (running = false)).catch(() => undefined);
  while (running) {
    pids.forEach((pid, i) => (most[i] = Math.max(most[i]!, residentBytes(pid))));
    await sleep(LOOK_MS);
  }
  return most.map((bytes, i) => bytes - before[i]!);
}

async function measure(topology: BenchTopology, routes: number, nexthops: number): Promise<Figure[]> {
  const { router, frr } = topology;
  await feed(topology, routes, nexthops);
  const forwarding = await startForwarding(topology, ['fpm.sweep.minimum=1s', 'fpm.sweep.idle=1s']);
  const replay = await replayToBridge(topology, forwarding, routes);
  await untilQuiet(frr);
  await sleep(SWEEP_MS);
  const pids = [forwarding.bridge.process().pid, frr.process('zebra').pid];
  const asked = requestObject(join(router.dir, 'fpm2afi.sock'), '/v1/audit', { patienceMs: TIMEOUT_MS });
  const [bridge, zebra] = await growthDuring(pids, asked);
  const audit = (await asked) as AuditView;
  const { loop } = await forwarding.status();
  await connectFpm(frr, false);
  await stopForwarding(forwarding);
  const bad = audit.layers.filter(
    (layer) => layer.state !== 'compared' || Object.values(layer.differences).some((count) => count > 0),
  );
  if (bad.length > 0) throw new Error(`the audit found what there is not: ${auditText(audit)}`);
  const compared = audit.layers.reduce((sum, layer) => sum + (layer.state === 'compared' ? layer.compared : 0), 0);
  const megabytes = (bytes: number): number => tenth(bytes / 1e6);
  const loops = 'the longest that the event loop of fpm2afi stood still';
  return [
    { name: 'audit.time', what: 'from the question to the answer', unit: 'ms', value: audit.durationMs, routes },
    {
      name: 'audit.compared',
      what: 'entries, nodes, routes, neighbors compared',
      unit: 'things',
      value: compared,
      routes,
    },
    {
      name: 'audit.bridge',
      what: 'most more in memory meanwhile, fpm2afi',
      unit: 'MB',
      value: megabytes(bridge!),
      routes,
    },
    { name: 'audit.zebra', what: 'most more in memory meanwhile, zebra', unit: 'MB', value: megabytes(zebra!), routes },
    {
      name: 'audit.replayLoop',
      what: `${loops} until the replay was over`,
      unit: 'ms',
      value: replay.loopMaxMs,
      routes,
    },
    { name: 'audit.loop', what: `${loops} until the audit was over`, unit: 'ms', value: loop.maxMs, routes },
  ];
}

export const audit: BenchPart = {
  name: 'audit',
  title: 'An audit of a running system',
  measure: async ({ sizes, nexthops }, found, say) => {
    for (const routes of sizes) {
      const lab = await openLab(labId('bench'), { logDir: 'out/bench-logs', say });
      try {
        found(await measure(await buildBench(lab, nexthops), routes, nexthops));
      } finally {
        await lab.close();
      }
    }
  },
};
