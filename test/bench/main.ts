/**
 * `make bench`: how much time and memory fpm2afi and softvasic take. Prints a table and writes out/bench.json. Everything that has a
 * network runs in namespaces of its own. Options: --quick (100,000 routes), --routes N,N, --nexthops N, --runs N,
 * --only stages,table. Figures of two runs compare only as ratios within each: the machine decides the rest.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { labId, openLab } from '../../demo/lab/lab';
import { measureStages, type StageFigures } from './stages';
import { measureTable, type TableFigures } from './parts';
import { reportText } from './report';
import { buildBench } from './topology';

export interface BenchReport {
  readonly when: string;
  readonly machine: string;
  readonly node: string;
  readonly stages: readonly StageFigures[];
  readonly tables: readonly TableFigures[];
}

const OUT = 'out/bench.json';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      routes: { type: 'string' },
      nexthops: { type: 'string', default: '64' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string', default: 'stages,table' },
    },
  });
  const sizes = (values.routes ?? (values.quick ? '100000' : '100000,1000000')).split(',').map(Number);
  const nexthops = Number(values.nexthops);
  const runs = Number(values.runs);
  const parts = values.only.split(',');
  const started = performance.now();
  const say = (line: string): void => {
    console.log(`[${String(Math.round((performance.now() - started) / 1000)).padStart(4)} s] ${line}`);
  };
  const stages: StageFigures[] = [];
  const tables: TableFigures[] = [];
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}`;
  const report: BenchReport = { when: new Date().toISOString(), machine, node: process.version, stages, tables };
  /** After each size, so that a run that is cut short leaves what it has. */
  const save = (): void => {
    mkdirSync('out', { recursive: true });
    writeFileSync(OUT, `${JSON.stringify(report, null, 2)}\n`);
  };
  for (const routes of sizes) {
    if (parts.includes('stages')) stages.push(...(await measureStages(routes, nexthops, runs, say)));
    save();
    if (!parts.includes('table')) continue;
    const lab = await openLab(labId('bench'), { logDir: 'out/bench-logs', say });
    try {
      say('zebra, bgpd and the namespaces');
      tables.push(await measureTable(await buildBench(lab, nexthops), routes, nexthops, runs, say));
    } finally {
      await lab.close();
    }
    save();
  }
  console.log(reportText(report));
  console.log(`\n${OUT}`);
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
