/**
 * "A route means one thing": the same routes by each way that a module can send them, and what the FIB and the vASIC's tables
 * make of them.
 */
import { logMark } from '../../lab/process';
import { waitFor } from '../../lab/wait';
import { aftAgainstFib, aftMeaning, fibMeaning, meaningDifferences, type Meaning } from './compare';
import { configure } from './phases';
import { replayOver } from './reconnect';
import { vasicEnds } from './tables';
import type { Stage } from './topology';

/** The tables of one variant. */
export interface Snapshot {
  /** e.g. `8.4.4 dplane_fpm_nl, no use-next-hop-groups`. */
  readonly name: string;
  readonly command: string;
  readonly fib: Meaning;
  readonly aft: Meaning;
  /** Where the vASIC's tables are not what the FIB means. */
  readonly disagreement: readonly string[];
}

/** The tables as they stand, once two looks find the same and nothing pending. */
async function snapshot(stage: Stage, name: string, command: string): Promise<Snapshot> {
  const look = async (): Promise<Snapshot> => {
    const routes = await stage.bridge.routes();
    if (routes.some(({ state, stale }) => state === 'pending' || stale === true)) throw new Error('routes are pending');
    const aft = aftMeaning(await vasicEnds(stage.router));
    return { name, command, fib: fibMeaning(routes), aft, disagreement: aftAgainstFib(routes, aft) };
  };
  return waitFor(
    async () => {
      const first = await look();
      const second = await look();
      const isSame =
        meaningDifferences(first.fib, second.fib).length + meaningDifferences(first.aft, second.aft).length === 0;
      return isSame ? second : undefined;
    },
    { timeoutMs: 20_000, what: `tables at rest (${name})` },
  );
}

const LIVE: readonly { readonly prefix: string; readonly lines: readonly string[] }[] = [
  { prefix: '10.90.0.0/16', lines: ['ip route 10.90.0.0/16 10.1.0.2', 'ip route 10.90.0.0/16 10.1.1.2'] },
  {
    prefix: '2001:db8:90::/48',
    lines: ['ipv6 route 2001:db8:90::/48 2001:db8:0::2', 'ipv6 route 2001:db8:90::/48 2001:db8:1::2'],
  },
];

/** Routes that come, move and grow while the variant is in force: what differs between variants is how updates are sent. */
async function liveChanges({ frr, bridge }: Stage): Promise<void> {
  const steps: readonly { readonly lines: readonly string[]; readonly leaves: readonly string[] }[] = [
    { lines: LIVE.map(({ lines }) => lines[0]!), leaves: ['tap0'] },
    { lines: LIVE.flatMap(({ lines }) => [lines[1]!, `no ${lines[0]!}`]), leaves: ['tap1'] },
    { lines: LIVE.map(({ lines }) => lines[0]!), leaves: ['tap0', 'tap1'] },
  ];
  for (const { lines, leaves } of steps) {
    await configure(frr.vtysh, lines);
    await waitFor(
      async () => {
        const routes = await bridge.routes();
        return LIVE.every(({ prefix }) => {
          const paths = routes.find((route) => route.prefix === prefix)?.nexthops ?? [];
          return (
            paths
              .map((path) => path.interface)
              .sort()
              .join() === leaves.join()
          );
        });
      },
      { timeoutMs: 20_000, what: `${LIVE.map(({ prefix }) => prefix).join(' and ')} to leave by ${leaves.join()}` },
    );
  }
}

/** Takes them away again, for the next variant. */
async function undoLiveChanges({ frr, bridge }: Stage): Promise<void> {
  await configure(
    frr.vtysh,
    LIVE.flatMap(({ lines }) => lines.map((line) => `no ${line}`)),
  );
  const gone = async (): Promise<boolean> => {
    const present = new Set((await bridge.routes()).map(({ prefix }) => prefix));
    return !LIVE.some(({ prefix }) => present.has(prefix));
  };
  await waitFor(gone, { timeoutMs: 20_000, what: `${LIVE.map(({ prefix }) => prefix).join(' and ')} to go` });
}

/** A snapshot of each variant that this zebra's module has, after changes made while it is in force. */
export async function snapshots(stage: Stage, command: string): Promise<readonly Snapshot[]> {
  const { suite, module, frr } = stage;
  const label = `${suite.version} ${module}`;
  if (module === 'fpm') {
    await liveChanges(stage);
    return [await snapshot(stage, label, command)];
  }
  const running = await frr.vtysh('show running-config');
  const canReplace = await hasCommand(stage, 'fpm use-route-replace');
  const found: Snapshot[] = [];
  if (!running.includes('fpm address')) throw new Error('zebra has lost its "fpm address"');
  for (const groups of [true, false]) {
    for (const replace of canReplace ? [true, false] : [undefined]) {
      const lines = [`${groups ? '' : 'no '}fpm use-next-hop-groups`];
      if (replace !== undefined) lines.push(`${replace ? '' : 'no '}fpm use-route-replace`);
      const mark = logMark(stage.bridge.logFile);
      // Groups make zebra reconnect by themselves, route replace doesn't: the address does in any case. One after the other, as
      // FRR 10.3 forgets the second of two such events that come together.
      await configure(frr.vtysh, ['no fpm address']);
      const gone = async (): Promise<boolean> => (await stage.bridge.status()).fpm.state === 'listening';
      await waitFor(gone, { timeoutMs: 20_000, what: 'zebra to disconnect' });
      await configure(frr.vtysh, lines);
      await configure(frr.vtysh, ['fpm address 127.0.0.1 port 2620']);
      await replayOver(stage, mark);
      await liveChanges(stage);
      found.push(await snapshot(stage, `${label}, ${lines.join(', ')}`, command));
      await undoLiveChanges(stage);
    }
  }
  return found;
}

async function hasCommand({ router }: Stage, line: string): Promise<boolean> {
  return (await router.exec(['vtysh', '-c', 'configure terminal', '-c', line])).status === 0;
}

export interface Variant {
  readonly name: string;
  readonly command: string;
  readonly fibRoutes: number;
  readonly aftEntries: number;
  readonly differences: readonly string[];
  readonly ok: boolean;
}

/** Each variant against the first one. */
export function compareVariants(found: readonly Snapshot[]): readonly Variant[] {
  const [reference] = found;
  if (reference === undefined) return [];
  return found.map(({ name, command, fib, aft, disagreement }) => {
    const differences = [
      ...disagreement,
      ...meaningDifferences(reference.fib, fib).map((text) => `FIB ${text}`),
      ...meaningDifferences(reference.aft, aft).map((text) => `AFT ${text}`),
    ];
    return {
      name,
      command,
      fibRoutes: Object.keys(fib).length,
      aftEntries: Object.keys(aft).length,
      differences,
      ok: differences.length === 0,
    };
  });
}
