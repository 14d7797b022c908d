/** Runs every stage of stage.ts in a namespace of its own, several times, and puts the figures together. */
import { join } from 'node:path';
import { labId, openLab } from '../../demo/lab/lab';
import { STAGES, type Stage, type StageResult } from './stage';
import { spread, type Spread } from './statistics';

export interface StageFigures {
  readonly stage: Stage;
  readonly routes: number;
  /** CPU time of the process that does the stage and all before it, without the server's. */
  readonly cpuMs: Spread;
  readonly serverCpuMs: Spread | undefined;
  readonly wallMs: Spread;
  readonly longestTurnMs: Spread;
  /** Routes per second of CPU time. */
  readonly routesPerSecond: number;
}

export async function measureStages(
  routes: number,
  nexthops: number,
  runs: number,
  say: (line: string) => void,
): Promise<readonly StageFigures[]> {
  const lab = await openLab(labId('stages'), { say });
  try {
    const node = await lab.node('stages');
    const figures: StageFigures[] = [];
    for (const stage of STAGES) {
      const results: StageResult[] = [];
      for (let run = 0; run < runs; run++) {
        const argv = [process.execPath, join(__dirname, 'stage.js'), stage, String(routes), String(nexthops)];
        results.push(JSON.parse(await node.must(argv, { timeoutMs: 300_000 })) as StageResult);
      }
      const of = (value: (result: StageResult) => number): Spread => spread(results.map(value));
      const cpuMs = of((result) => result.cpuMs);
      say(`stage ${stage}, ${routes} routes: ${cpuMs.median} ms of CPU time`);
      const server = results.every((result) => result.serverCpuMs !== undefined);
      figures.push({
        stage,
        routes,
        cpuMs,
        serverCpuMs: server ? of((result) => result.serverCpuMs!) : undefined,
        wallMs: of((result) => result.wallMs),
        longestTurnMs: of((result) => result.longestTurnMs),
        routesPerSecond: Math.round((routes / cpuMs.median) * 1000),
      });
    }
    return figures;
  } finally {
    await lab.close();
  }
}
