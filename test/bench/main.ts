/**
 * `make bench`: what fpm2afi and softvasic do in how much time and memory. Prints a table, writes out/bench.json. Options:
 * --quick (100,000 routes), --routes N, --nexthops N, --runs N, --only PART,PART.
 */
import { openLab, labId } from '../../demo/lab/lab';
import { buildBench, connectFpm, feed } from './topology';
import { replayToBridge, replayToSink, startForwarding, stopForwarding } from './replay';

async function main(): Promise<void> {
  const routes = Number(process.argv[2] ?? 100000);
  const lab = await openLab(labId('bench'), { logDir: 'out/bench-logs', say: console.log });
  try {
    const t = await buildBench(lab, 64);
    console.log('built', new Date().toISOString());
    await feed(t, routes, 64);
    console.log('fed', new Date().toISOString());
    for (let i = 0; i < 3; i++) console.log('sink', await replayToSink(t, routes, i));
    const f = await startForwarding(t);
    console.log(await replayToBridge(t, f, routes));
    await connectFpm(t.frr, false);
    await stopForwarding(f);
  } finally {
    await lab.close();
  }
}
void main();
