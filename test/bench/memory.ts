/**
 * Memory: resident bytes of bridge and vASIC by size of the table and number of nexthop groups, with a stream like zebra's played by
 * memory-run.ts; and what is left when everything is withdrawn, time after time.
 */
import { join } from 'node:path';
import { atMost, none, tenth, type Figure } from '../../lab/figure';
import { labId, openLab, type Lab } from '../../lab/lab';
import { bareRouter } from './bare-router';
import type { RunOptions, Sample } from './memory-run';
import { forFullTable, type BenchPart } from './part';

const PATHS = 4;
const TIMEOUT_MS = 600_000;

type Run = Pick<RunOptions, 'routes' | 'groups' | 'rounds' | 'settleMs'>;

/** A bridge and a vASIC of their own, fed by memory-run.ts. */
async function run(lab: Lab, options: Run): Promise<readonly Sample[]> {
  const { router, place } = await bareRouter(lab);
  const argument: RunOptions = { ...options, ...place, paths: PATHS };
  const argv = [process.execPath, join(__dirname, 'memory-run.js'), JSON.stringify(argument)];
  const output = await router.must(argv, { timeoutMs: TIMEOUT_MS });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Sample);
}

type Program = 'bridge' | 'vasic';
const PROGRAMS: Readonly<Record<Program, { readonly name: string; readonly goal: number }>> = {
  bridge: { name: 'fpm2afi', goal: 100 },
  vasic: { name: 'softvasic', goal: 150 },
};
const GROWTH_GOAL = 10;

const bytesOf = (sample: Sample, program: Program): number =>
  program === 'bridge' ? sample.bridgeBytes : sample.vasicBytes;

/** What one size of table takes: the first time that it is full, against nothing. */
export function sizeFigures(routes: number, groups: number, samples: readonly Sample[]): Figure[] {
  const empty = samples.find(({ step }) => step === 'empty')!;
  const full = samples.find(({ step }) => step === 'full')!;
  return (['bridge', 'vasic'] as const).map((program) => {
    const value = tenth((bytesOf(full, program) - bytesOf(empty, program)) / routes);
    const { name, goal } = PROGRAMS[program];
    const before = Math.round(bytesOf(empty, program) / 1e6);
    return {
      name: `memory.${program}.${groups}`,
      what: `resident memory of ${name} by route, less the ${before} MB of none, ${groups} nexthop groups`,
      unit: 'B a route',
      value,
      routes,
      ...forFullTable(routes, atMost(goal, 'B a route', value)),
    };
  });
}

/** What is left when everything was withdrawn, the last time against the first. */
export function leftFigures(routes: number, samples: readonly Sample[]): Figure[] {
  const empty = samples.find(({ step }) => step === 'empty')!;
  const gone = samples.filter(({ step }) => step === 'gone');
  const counts = (sample: Sample): number[] => {
    const { nexthops, acknowledged, vasicEntries, vasicNodes } = sample;
    return [sample.routes, nexthops, acknowledged, vasicEntries, vasicNodes];
  };
  const left = gone.map((sample) =>
    counts(sample).reduce((sum, count, i) => sum + Math.abs(count - counts(empty)[i]!), 0),
  );
  const most = Math.max(...left);
  const times = `after withdrawing everything ${gone.length} times`;
  return [
    {
      name: 'memory.left',
      what: `routes, nexthops and entries in the bridge, entries and nodes in the vASIC, ${times}`,
      unit: 'things',
      value: most,
      samples: left,
      routes,
      ...none(most),
    },
    ...(['bridge', 'vasic'] as const).map((program) => {
      const bytes = gone.map((sample) => bytesOf(sample, program));
      const samples = bytes.map((some) => tenth(100 * (some / bytes[Math.min(1, bytes.length - 1)]! - 1)));
      const value = samples.at(-1)!;
      return {
        name: `memory.${program}.growth`,
        what: `resident memory of ${PROGRAMS[program].name} ${times}, against after twice`,
        unit: '%',
        value,
        samples,
        routes,
        ...atMost(GROWTH_GOAL, '%', value),
      };
    }),
  ];
}

const SETTLE_MS = 3000;
const GROUPS = [1, 1000];
const ROUNDS = 10;
const LARGEST = 2_000_000;
/** The table that comes and goes. */
const ROUNDS_TABLE = 1_000_000;

export const memory: BenchPart = {
  name: 'memory',
  title: 'Memory by size of the table, and after withdrawing everything',
  measure: async ({ sizes, quick }, found, say) => {
    const measured = async (routes: number, groups: number, rounds: number): Promise<readonly Sample[]> => {
      say(`${routes} routes over ${groups} groups, ${rounds} times`);
      const lab = await openLab(labId('memory'), { logDir: 'out/memory-logs', say });
      try {
        return await run(lab, { routes, groups, rounds, settleMs: SETTLE_MS });
      } finally {
        await lab.close();
      }
    };
    const full = sizes.at(-1)! >= ROUNDS_TABLE && !quick;
    for (const routes of full ? [...sizes, LARGEST] : sizes) {
      for (const groups of GROUPS) found(sizeFigures(routes, groups, await measured(routes, groups, 1)));
    }
    const routes = Math.min(ROUNDS_TABLE, sizes.at(-1)!);
    found(leftFigures(routes, await measured(routes, GROUPS.at(-1)!, ROUNDS)));
  },
};
