/**
 * One seed's campaign: each round's fault and changes are played together, then all must settle, be the same everywhere and forward right.
 * What was found is told at once, and the campaign goes on: the next round's differences are its own only if the last round's are gone.
 */
import { errorText } from '../../src/net/error-text';
import { portName, PORTS } from '../against-linux/plan';
import { Random } from '../fuzz/random';
import { at, items, textAt } from '../../lab/json';
import { openLab } from '../../lab/lab';
import { sleep } from '../../lab/wait';
import { act, strike } from './act';
import type { Action } from './changes';
import { writeEvidence } from './evidence';
import type { FaultKind } from './fault-kinds';
import { makeScript, stepsOf, type Round, type ScriptOptions } from './generate';
import { endedByThemselves, memoryOf, unhandled, type Memory } from './health';
import { chooseProbes, probe, renewed, type Probe } from './probes';
import { settle } from './settle';
import { openStage, setNeighborTimes, type Stage } from './stage';
import { lostBetween, startStream } from './stream';

export interface RoundResult {
  readonly round: number;
  readonly kind: FaultKind;
  readonly changes: readonly string[];
  readonly settleMs: number;
  /** Routes of zebra that were compared, and probe packets sent. */
  readonly compared: number;
  readonly probes: number;
  readonly differences: readonly string[];
  /** When it began and ended, Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly memory: Memory;
}

export interface CampaignResult {
  readonly seed: number;
  readonly steps: number;
  readonly rounds: readonly (RoundResult & { readonly lost: number })[];
  readonly sent: number;
  readonly unhandled: readonly string[];
  readonly ended: readonly string[];
}

export interface CampaignOptions extends ScriptOptions {
  readonly labId: string;
  readonly logDir: string;
  readonly say: (line: string) => void;
}

const PROBES = 40;
/** For the other one to have noticed a restart. */
const ANEW_MS = 5000;
/** For the last packets' answers. */
const REST_MS = 1000;

export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, say } = options;
  const script = makeScript(options);
  const lab = await openLab(options.labId, { logDir: options.logDir });
  try {
    const stage = await openStage(lab);
    const first = await settle(stage, say);
    if (first.differences.length > 0) throw new Error(`the stage doesn't settle: ${first.differences.join('; ')}`);
    const stream = await startStream(stage);
    const random = new Random(seed + 1);
    const rounds: RoundResult[] = [];
    for (const [i, round] of script.entries()) {
      const result = await play(stage, round, i, random, say);
      rounds.push(result);
      tell(result, script.length, say);
      if (result.differences.length === 0) continue;
      say(`  ${await writeEvidence(lab, stage, i + 1, result.differences)}`);
      await startAnew(stage, say);
    }
    await sleep(REST_MS);
    const report = await stream.stop();
    return {
      seed,
      steps: stepsOf(script),
      rounds: rounds.map((one) => ({ ...one, lost: lostBetween(report, one.fromMs, one.toMs) })),
      sent: report.flows.reduce((sum, flow) => sum + flow.sent, 0),
      unhandled: unhandled(stage),
      ended: endedByThemselves(stage),
    };
  } finally {
    await lab.close();
  }
}

function tell(result: RoundResult, rounds: number, say: (line: string) => void): void {
  const { round, kind, changes, settleMs, compared, probes, differences } = result;
  say(
    `${round + 1}/${rounds} ${kind} with ${changes.join(', ')}: ${compared} routes, ${probes} probes, settled in ${(settleMs / 1000).toFixed(1)} s`,
  );
  for (const difference of differences.slice(0, 10)) say(`  DIFFERS ${difference}`);
  if (differences.length > 10) say(`  and ${differences.length - 10} more`);
}

async function play(
  stage: Stage,
  { fault, changes, hosts }: Round,
  round: number,
  random: Random,
  say: (line: string) => void,
): Promise<RoundResult> {
  const fromMs = Date.now();
  const actions = changes.flatMap((change) => change.actions);
  const troubles: string[] = [];
  await Promise.all([
    strike(stage, fault).catch((error: unknown) => troubles.push(`the fault failed: ${errorText(error)}`)),
    playActions(stage, actions, fault.holdMs / (actions.length + 1)),
  ]);
  // Changes and a fault may have told a host different things, in an order that chance made.
  const known = new Set([...hosts.keys(), ...actions.flatMap((one) => (one.on === 'host' ? [one.address] : []))]);
  for (const address of known) {
    const generation = hosts.get(address);
    stage.tell({ kind: 'host', address, generation, announce: generation !== undefined });
  }
  await setNeighborTimes(stage.router);
  const { differences, tookMs, tables } = await settle(stage, say);
  const ended = endedByThemselves(stage);
  let probes = 0;
  if (tables !== undefined) {
    const chosen = chooseProbes(random, tables, hosts, PROBES);
    probes = chosen.length;
    troubles.push(...(await misled(stage, chosen, hosts, say)));
  }
  return {
    ...{ round, kind: fault.kind, changes: changes.map(({ kind }) => kind), settleMs: Math.round(tookMs) },
    compared: tables === undefined ? 0 : tables.zebra.ipv4.size + tables.zebra.ipv6.size,
    probes,
    differences: [...troubles, ...ended, ...differences],
    ...{ fromMs, toMs: Date.now(), memory: memoryOf(stage) },
  };
}

/**
 * The probes that go wrong, in words: by what the tables said before them, and once more by what they say after that, when all has
 * settled again. A neighbor that is found in between is no fault.
 */
async function misled(
  stage: Stage,
  probes: readonly Probe[],
  hosts: ReadonlyMap<string, number>,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const wrong = await probe(stage, probes, await usablePorts(stage));
  if (wrong.length === 0) return [];
  const { differences, tables } = await settle(stage, say);
  if (tables === undefined) return [...wrong.map((one) => one.wrong), ...differences];
  const again = renewed(
    wrong.map((one) => one.probe),
    tables,
    hosts,
  );
  return (await probe(stage, again, await usablePorts(stage))).map((one) => one.wrong);
}

async function playActions(stage: Stage, actions: readonly Action[], pauseMs: number): Promise<void> {
  for (const action of actions) {
    await sleep(pauseMs);
    await act(stage, action);
  }
}

/** MAC addresses of the ports that packets can come in by. */
async function usablePorts({ router, wire }: Stage): Promise<ReadonlyMap<number, string>> {
  const links = items(JSON.parse(await router.must(['ip', '-j', 'link', 'show'])) as unknown);
  const far = items(JSON.parse(await wire.must(['ip', '-j', 'link', 'show'])) as unknown);
  const isUp = (link: unknown): boolean => items(at(link, 'flags')).includes('LOWER_UP');
  const named = (list: readonly unknown[], name: string): unknown => list.find((one) => textAt(one, 'ifname') === name);
  return new Map(
    PORTS.flatMap((port): [number, string][] => {
      const tap = named(links, portName(port));
      return isUp(tap) && isUp(named(far, `ours${port}`)) ? [[port, textAt(tap, 'address')]] : [];
    }),
  );
}

/** After a difference: both programs from the beginning, one after the other, so that the next round finds its own. */
async function startAnew(stage: Stage, say: (line: string) => void): Promise<void> {
  say('  both programs are started anew');
  for (const program of [stage.softvasic, stage.bridge]) {
    if (program.process().ended() === undefined) await program.process().kill('SIGKILL');
    await program.restart();
    await sleep(ANEW_MS);
  }
  const { differences } = await settle(stage, say);
  if (differences.length > 0) say(`  it stays different: ${differences[0]!}`);
}
