/** A run as checks and figures, for out/faults.json. */
import type { CampaignResult } from './campaign';
import { mayLose, type FaultKind } from './fault-kinds';

export interface Check {
  readonly name: string;
  /** Repeats it. */
  readonly command: string;
  readonly observed: string;
  readonly ok: boolean;
}

/** What became of one kind of faults, over all seeds. */
export interface KindFigures {
  readonly kind: FaultKind;
  readonly times: number;
  /** Packets of the stream that were lost while it was played and settled. */
  readonly lost: number;
  readonly divergences: number;
  readonly slowestSettleMs: number;
}

export interface Report {
  readonly ok: boolean;
  readonly summary: string;
  readonly checks: readonly Check[];
  readonly kinds: readonly KindFigures[];
  /** Seed, round, and what differed. */
  readonly divergences: readonly string[];
  readonly memoryMb: Readonly<Record<string, { readonly first: number; readonly last: number; readonly most: number }>>;
}

/** More than this is a leak: the tables of the campaign have some 10,000 routes. */
const MOST_MB = 400;

export function kindFigures(results: readonly CampaignResult[]): readonly KindFigures[] {
  const rounds = results.flatMap((result) => result.rounds);
  const kinds = [...new Set(rounds.map(({ kind }) => kind))].sort();
  return kinds.map((kind) => {
    const own = rounds.filter((round) => round.kind === kind);
    return {
      kind,
      times: own.length,
      lost: own.reduce((sum, { lost }) => sum + lost, 0),
      divergences: own.filter(({ differences }) => differences.length > 0).length,
      slowestSettleMs: Math.max(...own.map(({ settleMs }) => settleMs)),
    };
  });
}

function memory(results: readonly CampaignResult[]): Report['memoryMb'] {
  const rounds = results.flatMap((result) => result.rounds);
  return Object.fromEntries(
    (['bridge', 'softvasic'] as const).map((who) => {
      const all = rounds.map((round) => round.memory[who]);
      return [who, { first: all[0] ?? 0, last: all.at(-1) ?? 0, most: Math.max(0, ...all) }];
    }),
  );
}

export function report(results: readonly CampaignResult[], steps: number, seconds: number): Report {
  const kinds = kindFigures(results);
  const rounds = results.flatMap((result) => result.rounds.map((round) => ({ ...round, seed: result.seed })));
  const divergences = rounds.flatMap(({ seed, round, kind, differences }) =>
    differences.map((difference) => `seed ${seed}, round ${round + 1} (${kind}): ${difference}`),
  );
  const all = results.flatMap(({ unhandled }) => unhandled);
  const ended = results.flatMap((result) => result.ended);
  const memoryMb = memory(results);
  const total = results.reduce((sum, result) => sum + result.steps, 0);
  const sent = results.reduce((sum, result) => sum + result.sent, 0);
  const compared = rounds.reduce((sum, round) => sum + round.compared, 0);
  const probes = rounds.reduce((sum, round) => sum + round.probes, 0);
  const seeds = results.map(({ seed }) => seed).join(' ');
  const command = (kind?: FaultKind): string =>
    `make faults SEED='${seeds}' STEPS=${steps}${kind === undefined ? '' : ` KINDS=${kind}`}`;
  const check = (name: string, observed: string, ok: boolean, kind?: FaultKind): Check => ({
    ...{ name, command: command(kind), observed, ok },
  });
  const checks = [
    check(
      'size',
      `${results.length} seeds, ${total} steps`,
      results.every((result) => result.steps >= steps),
    ),
    check(
      'zebra, kernel, FIB and vASIC are the same after each round',
      `${compared} routes compared with nexthop and MAC, ${divergences.length} differences`,
      divergences.length === 0 && compared > 0,
    ),
    check('probe packets leave where they should', `${probes} sent`, probes > 0),
    check('nothing unhandled', all.length === 0 ? 'none' : all.slice(0, 5).join(' / '), all.length === 0),
    check('nothing ended by itself', ended.length === 0 ? 'none' : ended.join(' / '), ended.length === 0),
    ...Object.entries(memoryMb).map(([who, { first, last, most }]) =>
      check(`memory of ${who}`, `first ${first} MB, last ${last} MB, most ${most} MB`, most < MOST_MB),
    ),
    ...kinds.map(({ kind, times, lost, divergences: different, slowestSettleMs }) =>
      check(
        `fault ${kind}`,
        `${times} times, ${lost} packets lost, ${different} times different, settled within ${(slowestSettleMs / 1000).toFixed(1)} s`,
        different === 0 && (lost === 0 || mayLose(kind)),
        kind,
      ),
    ),
  ];
  const ok = checks.every((one) => one.ok);
  const lost = kinds.reduce((sum, one) => sum + one.lost, 0);
  const faults = kinds.reduce((sum, one) => sum + one.times, 0);
  return {
    ok,
    summary: `seeds ${seeds}: ${total} steps, ${faults} faults of ${kinds.length} kinds, ${divergences.length} differences, ${lost} of ${sent} packets lost, ${all.length} unhandled, ${seconds} s`,
    ...{ checks, kinds, divergences, memoryMb },
  };
}
