/**
 * Waiting until nothing is left to do, and comparing. Something differs only if it still does when there was time enough for every
 * time-out, sweep and probe: what differs for a while after a fault is the fault's, what stays is the product's.
 */
import { requestStatus } from '../../src/control/client';
import { errorText } from '../../src/net/error-text';
import { auditFailure } from '../../src/control/audit-cli';
import type { AuditView } from '../../src/control/audit-types';
import { allRoutes, vasicEnds } from '../compat/tables';
import { zebraTable } from '../compat/zebra-table';
import { items, textAt } from '../../lab/json';
import { sleep } from '../../lab/wait';
import { hostDifferences, vasicDifferences, type KernelNeighbor, type Tables } from './compare';
import type { Stage } from './stage';

const DEADLINE_MS = 90_000;

export interface Settled {
  /** Empty: all is the same everywhere. */
  readonly differences: readonly string[];
  /** How long it took. */
  readonly tookMs: number;
  readonly tables: Tables | undefined;
}

/** Returns when there is no difference, or when there was time enough. */
export async function settle(stage: Stage, say: (line: string) => void): Promise<Settled> {
  const began = performance.now();
  let told = began;
  for (;;) {
    let differences: readonly string[];
    let tables: Tables | undefined;
    try {
      ({ differences, tables } = await look(stage));
    } catch (error) {
      differences = [`it can't be compared: ${errorText(error)}`];
    }
    const tookMs = performance.now() - began;
    if (differences.length === 0 || tookMs > DEADLINE_MS) return { differences, tookMs, tables };
    if (performance.now() - told > 20_000) {
      told = performance.now();
      say(`  after ${Math.round(tookMs / 1000)} s: ${differences.length} differences, e.g. ${differences[0]!}`);
    }
    await sleep(300);
  }
}

async function look(stage: Stage): Promise<{ readonly differences: readonly string[]; readonly tables?: Tables }> {
  const busy = await work(stage);
  if (busy !== undefined) return { differences: [busy] };
  const { frr, router, vasic, control } = stage;
  const [ipv4, ipv6, neighbors, routes] = [
    await zebraTable(frr, 'ipv4'),
    await zebraTable(frr, 'ipv6'),
    await kernelNeighbors(stage),
    await allRoutes(control),
  ];
  const here = { zebra: { ipv4, ipv6 }, neighbors, routes };
  const above = hostDifferences(here);
  if (above.length > 0) return { differences: above };
  const ends = await vasicEnds(vasic, 60_000);
  const tables = { ...here, ends };
  const below = vasicDifferences(tables);
  if (below.length > 0) return { differences: below };
  const audit = await router.exec(['fpm2afi', 'audit', '--json'], { timeoutMs: 60_000 });
  const view = JSON.parse(audit.stdout === '' ? '{}' : audit.stdout) as Partial<AuditView>;
  if (view.layers === undefined) return { differences: [`no audit: ${audit.stderr}`] };
  const failure = auditFailure({ ...(view as AuditView) });
  if (failure === undefined) return { differences: [], tables };
  const shown = view.layers.flatMap((layer) =>
    layer.state === 'compared'
      ? layer.shown.map(({ kind, what, why }) => `${layer.layer}: ${kind} ${what}: ${why}`)
      : [`${layer.layer}: ${layer.reason}`],
  );
  return { differences: [failure, ...shown] };
}

/** What the bridge is still about, in words. */
async function work({ control }: Stage): Promise<string | undefined> {
  const { fpm, afi, fib } = await requestStatus(control);
  if (fpm.state !== 'connected') return 'no zebra is connected';
  if (afi.state !== 'up') return `AFI is ${afi.state}`;
  if (fib.stale > 0) return `${fib.stale} routes are stale`;
  const left = fib.dirty + fib.pending + afi.opsInFlight;
  return left > 0 ? `${left} things are left to do` : undefined;
}

async function kernelNeighbors({ router }: Stage): Promise<readonly KernelNeighbor[]> {
  const shown = JSON.parse(await router.must(['ip', '-j', 'neighbor', 'show', 'nud', 'all'])) as unknown;
  return items(shown).map((one) => {
    const mac = textAt(one, 'lladdr');
    return {
      dev: textAt(one, 'dev'),
      address: textAt(one, 'dst'),
      mac: mac === '' ? undefined : mac,
      state: textAt(one, 'state', 0),
    };
  });
}
