/** Runs every stage of stage.ts in a namespace of its own, several times, and puts the figures together. */
import { join } from 'node:path';
import { median, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import type { BenchPart } from './part';
import { STAGES, type Stage, type StageResult } from './stage';

const rounded = (values: readonly number[]): number[] => values.map((value) => Math.round(value));

async function runStage(node: LabNode, stage: Stage, routes: number, nexthops: number): Promise<StageResult> {
  const argv = [process.execPath, join(__dirname, 'stage.js'), stage, String(routes), String(nexthops)];
  return JSON.parse(await node.must(argv, { timeoutMs: 300_000 })) as StageResult;
}

function figuresOf(stage: Stage, routes: number, results: readonly StageResult[]): Figure[] {
  const cpu = rounded(results.map(({ cpuMs }) => cpuMs));
  const turns = rounded(results.map(({ longestTurnMs }) => longestTurnMs));
  const server = rounded(results.flatMap(({ serverCpuMs }) => serverCpuMs ?? []));
  const about = { routes };
  const figures: Figure[] = [
    {
      ...about,
      name: `stages.${stage}`,
      what: 'CPU time of the process that does this stage and all before it',
      unit: 'ms',
      value: median(cpu),
      samples: cpu,
    },
    {
      ...about,
      name: `stages.${stage}.rate`,
      what: 'routes per second of that CPU time',
      unit: 'routes/s',
      value: Math.round((routes / Math.max(1, median(cpu))) * 1000),
    },
    {
      ...about,
      name: `stages.${stage}.turn`,
      what: 'the longest turn of the event loop, from one chunk or acknowledgement to the next',
      unit: 'ms',
      value: median(turns),
      samples: turns,
    },
  ];
  if (server.length === 0) return figures;
  const what = "CPU time of the server's process";
  return [
    ...figures,
    { ...about, name: `stages.${stage}.server`, what, unit: 'ms', value: median(server), samples: server },
  ];
}

export const stages: BenchPart = {
  name: 'stages',
  title: 'Stages: the same stream through one stage more each time',
  measure: async ({ sizes, nexthops, runs }, found, say) => {
    const lab = await openLab(labId('stages'), { say });
    try {
      const node = await lab.node('stages');
      for (const routes of sizes) {
        for (const stage of STAGES) {
          const results: StageResult[] = [];
          for (let run = 0; run < runs; run++) results.push(await runStage(node, stage, routes, nexthops));
          found(figuresOf(stage, routes, results));
        }
      }
    } finally {
      await lab.close();
    }
  },
};
