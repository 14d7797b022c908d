/** The cells of the matrix: one zebra, one module, one address family, from the first route to the last look at status. */
import { errorText } from '../../src/net/error-text';
import { waitFor, sleep } from '../../lab/wait';
import { feedbackDifferences, fibDifferences, toldCount, zebraRoutes } from './compare';
import { phases } from './phases';
import { startMatrixBridge, zebraArgs, type Module, type Stage } from './topology';
import { zebraTable, type Family } from './zebra-table';

export interface StepResult {
  readonly name: string;
  readonly zebraRoutes: number;
  readonly fibRoutes: number;
  readonly offloaded: number;
  /** From the step's beginning until both agreed. */
  readonly seconds: number;
  /** What did not agree; empty when all did. */
  readonly differences: readonly string[];
}

export interface FeedbackResult {
  /** `seen`: zebra shows what was reported to it. `ignored`: it was reported, and zebra shows nothing of it. */
  readonly expected: 'seen' | 'ignored';
  readonly observed: string;
  /** What `fpm.feedback: auto` chose, and why. */
  readonly choice: string;
  readonly differences: readonly string[];
}

export interface Cell {
  readonly name: string;
  /** Repeats this cell alone. */
  readonly command: string;
  /** zebra's version, e.g. 10.7.1. */
  readonly frr: string;
  readonly module: Module;
  readonly family: Family;
  /** What zebra was asked for comparison. */
  readonly zebraCommand: string;
  readonly observed: {
    readonly zebraRoutes: number;
    readonly fibRoutes: number;
    readonly offloaded: number;
    readonly feedback: FeedbackResult;
  };
  readonly steps: readonly StepResult[];
  readonly ok: boolean;
}

const PATIENCE_MS = 45_000;

/** Runs the phases of one family. A phase that never agrees is reported with what differed last. */
export async function runSteps(stage: Stage, family: Family): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  for (const phase of phases(family)) {
    let last: StepResult = {
      name: phase.name,
      zebraRoutes: 0,
      fibRoutes: 0,
      offloaded: 0,
      seconds: 0,
      differences: ['not reached'],
    };
    const began = Date.now();
    const look = async (): Promise<boolean> => {
      const table = await zebraTable(stage.frr, family);
      const fib = zebraRoutes(await stage.bridge.routes(), family);
      const differences = phase.reached(table)
        ? fibDifferences(table, fib, stage.module)
        : ['zebra itself does not have the routes of this step'];
      const offloaded = fib.filter(({ state }) => state === 'offloaded').length;
      last = {
        name: phase.name,
        zebraRoutes: table.size,
        fibRoutes: fib.length,
        offloaded,
        seconds: (Date.now() - began) / 1000,
        differences,
      };
      return differences.length === 0;
    };
    try {
      await phase.act(stage);
      await waitFor(look, { timeoutMs: PATIENCE_MS, what: phase.name });
    } catch (error) {
      // The last look tells more than the timeout; before the first one, and where looking failed, the error does.
      const reason = errorText(error);
      if (last.differences.length === 0 || last.zebraRoutes === 0) last = { ...last, differences: [reason] };
    }
    results.push(last);
  }
  return results;
}

/** What `auto` chose, and, where zebra reads statuses, whether it shows them all. */
export async function feedbackSeen(stage: Stage, family: Family): Promise<FeedbackResult> {
  const { fpm } = await stage.bridge.status();
  const choice = `${fpm.feedback ?? 'none yet'}: ${fpm.feedbackReason ?? ''}`;
  const differences: string[] = [];
  const wanted = stage.hears ? 'table' : 'off';
  if (fpm.feedback !== wanted) differences.push(`auto chose ${choice}, should be ${wanted}`);
  if (!stage.hears) {
    if (fpm.statuses > 0) differences.push(`${fpm.statuses} statuses were sent`);
    return { expected: 'ignored', observed: 'nothing sent', choice, differences };
  }
  let observed = '';
  let last: readonly string[] = [];
  const look = async (): Promise<boolean> => {
    const table = await zebraTable(stage.frr, family);
    last = feedbackDifferences(table, zebraRoutes(await stage.bridge.routes(), family));
    observed = `${toldCount(table)} told`;
    return last.length === 0 && toldCount(table) > 0;
  };
  await waitFor(look, { timeoutMs: PATIENCE_MS, what: 'statuses in zebra' }).catch((error: unknown) => {
    if (last.length === 0) last = [errorText(error)];
  });
  return { expected: 'seen', observed, choice, differences: [...differences, ...last] };
}

/**
 * For a zebra that ignores statuses: that it does. zebra is started again so that it would wait for them, and fpm2afi so that it
 * sends them whatever it knows; static routes have to be acknowledged, their statuses sent, and zebra to show none.
 */
export async function feedbackIgnored(
  stage: Stage,
  families: readonly Family[],
): Promise<ReadonlyMap<Family, { readonly observed: string; readonly differences: readonly string[] }>> {
  const { frr, bridge, router, module, suite } = stage;
  await frr.process('zebra').kill('SIGKILL');
  await bridge.process().kill('SIGTERM');
  const forced = await startMatrixBridge(router, suite, ['fpm.feedback=table']);
  await frr.restart('zebra', zebraArgs(module, true));
  const statics = async (family: Family) => {
    const routes = zebraRoutes(await forced.routes(), family);
    const table = await zebraTable(frr, family);
    const is = ({ prefix }: { readonly prefix: string }): boolean => table.get(prefix)?.protocol === 'static';
    return { table, offloaded: routes.filter((route) => is(route) && route.reported === 'offloaded').length };
  };
  const results = new Map<Family, { readonly observed: string; readonly differences: readonly string[] }>();
  for (const family of families) {
    const enough = async (): Promise<boolean> => (await statics(family)).offloaded >= 3;
    await waitFor(enough, { timeoutMs: PATIENCE_MS, what: `static ${family} routes reported to zebra` });
  }
  // Where statuses are read, they show at once.
  await sleep(1000);
  const sent = (await forced.status()).fpm.statuses;
  for (const family of families) {
    const { table, offloaded } = await statics(family);
    const told = toldCount(table);
    const differences = [
      ...(told === 0 ? [] : [`zebra shows ${told} statuses, expected none`]),
      ...(sent === 0 ? ['no status was sent'] : []),
      ...((await forced.status()).fpm.state === 'connected' ? [] : ['zebra has closed the connection']),
    ];
    results.set(family, { observed: `${offloaded} static routes reported, ${told} shown`, differences });
  }
  return results;
}
