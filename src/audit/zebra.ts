/**
 * zebra's routes, asked for over its vty in portions, compared with what the FIB has of zebra: routes that are missing or
 * surplus, their paths, and what zebra was told of them.
 *
 * What looks wrong is asked for a second time by itself after a pause, as the news of it may be on its way; of that a bounded
 * number is kept. Everything else takes a bit a row.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KERNEL_PROTOCOL } from '../fib/kernel-routes';
import { leavesOf } from '../fib/leaves';
import type { Fib } from '../fib/fib';
import { newKey, setKey } from '../fib/route-key';
import { ROW } from '../fib/route-table';
import { encodeTime } from '../fib/times';
import { formatPrefix, parsePrefix, type Family, type Prefix } from '../net/address';
import type { DifferenceKind } from '../control/audit-types';
import type { Findings } from './findings';
import { JsonMembers } from './json-members';
import { PORTION_BITS, portionsOf, type Portion } from './portions';
import { RowBits } from './row-bits';
import { entryName } from './vasic-routes';
import { pathName, zebraRoute, type ZebraRoute } from './zebra-route';

/** A conversation with zebra. */
export interface ZebraVty {
  ask(command: string): AsyncIterable<string>;
}

export interface ZebraParts {
  readonly fib: Fib;
  /** The kernel table that is compared, and zebra asked for that table. */
  readonly table: number;
  readonly vty: ZebraVty;
  /** What is reported to zebra has an effect there. */
  readonly feedback: boolean;
  /** The FIB's clock: milliseconds, monotonic. */
  readonly now: () => number;
  readonly pause: () => Promise<void>;
}

/** What a repair has to do. */
export interface ZebraRepairs {
  /** zebra has to send everything again. */
  readonly resend: boolean;
  /** Rows whose status zebra has to be told again. */
  readonly report: readonly number[];
}

/** Routes that zebra is asked for at once. */
const PORTION = 10_000;
/** Suspected differences that are looked at again one by one. */
const MOST_SUSPECTS = 10_000;
const ROWS_PER_TURN = 32_768;

interface Difference {
  readonly kind: DifferenceKind;
  readonly why: string;
  /** zebra's status of it is wrong, and nothing else. */
  readonly status: boolean;
}

/** Compares, and adds to the findings. Rejects when zebra can't be asked. */
export async function auditZebra(parts: ZebraParts, findings: Findings): Promise<ZebraRepairs> {
  const { fib, vty, table } = parts;
  const { routes } = fib.rows;
  const began = encodeTime(parts.now());
  const seen = new RowBits(routes.end);
  const suspects = new Map<string, Prefix>();
  let more = 0;
  const suspect = (prefix: Prefix): void => {
    if (suspects.size < MOST_SUSPECTS) suspects.set(formatPrefix(prefix), prefix);
    else more++;
  };
  const key = newKey();
  for (const family of [4, 6] as const) {
    const counts = await countRoutes(fib, table, family);
    for (const portion of portionsOf(family, counts, PORTION)) {
      for await (const [prefix, route] of zebraRoutes(vty, portion)) {
        findings.compared++;
        const row = routes.find(setKey(key, table, prefix.bytes, prefix.length));
        if (row !== 0 && row < seen.end) seen.add(row);
        if (difference(parts, row, route) !== undefined) suspect(prefix);
      }
      await nextTurn();
    }
  }
  for (let row = 1; row < seen.end; row++) {
    if (row % ROWS_PER_TURN === 0) await nextTurn();
    if (!routes.live(row) || seen.has(row) || (routes.flags[row]! & ROW.zebra) === 0) continue;
    if (routes.tableOf(row) === table && routes.receivedAt[row]! < began) suspect(fib.rows.prefixOf(row));
  }
  if (suspects.size === 0) return { resend: false, report: [] };
  await parts.pause();
  return confirm(parts, [...suspects.values()], more, findings);
}

async function confirm(
  parts: ZebraParts,
  suspects: readonly Prefix[],
  more: number,
  findings: Findings,
): Promise<ZebraRepairs> {
  const { fib, table } = parts;
  const { routes } = fib.rows;
  const key = newKey();
  let resend = false;
  const report: number[] = [];
  for (const prefix of suspects) {
    let route: ZebraRoute | undefined;
    for await (const [, found] of zebraRoutes(parts.vty, { prefix, exactly: true })) route = found;
    const row = routes.find(setKey(key, table, prefix.bytes, prefix.length));
    const found = difference(parts, row, route);
    if (found === undefined) continue;
    findings.add(found.kind, () => ({ what: entryName(fib, table, prefix), why: found.why }));
    if (found.status) report.push(row);
    else resend = true;
  }
  // When those that were looked at again have all settled, the others have too.
  if (findings.total > 0) {
    for (let i = 0; i < more; i++) findings.add('differs', () => ({ what: 'one more', why: 'not looked at again' }));
  }
  return { resend, report };
}

/** zebra's routes of one portion. */
export async function* zebraRoutes(
  vty: ZebraVty,
  { prefix, exactly }: Portion,
): AsyncGenerator<[Prefix, ZebraRoute | undefined]> {
  const command = `show ${prefix.family === 4 ? 'ip' : 'ipv6'} route ${formatPrefix(prefix)}`;
  const members = new JsonMembers();
  for await (const text of vty.ask(`${command}${exactly ? '' : ' longer-prefixes'} json`)) {
    for (const [name, value] of members.push(text)) {
      // A route for one source prefix (`PREFIX from PREFIX`) never comes over FPM to here.
      const found = parsePrefix(name);
      const route = zebraRoute(value);
      if (found === undefined || route === undefined) continue;
      if (!exactly || formatPrefix(found) === formatPrefix(prefix)) yield [found, route];
    }
  }
  if (!members.complete) throw new Error(`zebra did not answer "${command}" with routes`);
}

/** The FIB's routes of zebra by the first bits of their address. */
async function countRoutes(fib: Fib, table: number, family: Family): Promise<Uint32Array> {
  const counts = new Uint32Array(2 ** PORTION_BITS);
  const { routes } = fib.rows;
  const bytes = new Uint8Array(16);
  for (let row = 1; row < routes.end; row++) {
    if (row % ROWS_PER_TURN === 0) await nextTurn();
    if (!routes.live(row) || (routes.flags[row]! & ROW.zebra) === 0 || routes.tableOf(row) !== table) continue;
    if (routes.isIp6(row) !== (family === 6)) continue;
    routes.copyAddress(row, bytes, 0);
    counts[(bytes[0]! << 8) | bytes[1]!]!++;
  }
  return counts;
}

/** How zebra's route and the FIB's row differ; undefined: they don't, or zebra is about to change it. */
function difference({ fib, feedback }: ZebraParts, row: number, route: ZebraRoute | undefined): Difference | undefined {
  const has = row !== 0 && (fib.rows.routes.flags[row]! & ROW.zebra) !== 0;
  if (route === undefined) {
    const why = 'the FIB has a route of zebra that zebra has not';
    return has && !isLinkDown(fib, row) ? { kind: 'surplus', why, status: false } : undefined;
  }
  if (route.leaving) return undefined;
  if (!has) return { kind: 'missing', why: `zebra has the route (${route.protocol}), the FIB has not`, status: false };
  const paths = pathsOfRow(fib, row)?.filter((path) => route.paths.includes(path) || !isIdle(fib, route, path));
  if (paths !== undefined && paths.join(', ') !== route.paths.join(', ')) {
    const [zebra, here] = [route.paths, paths].map((list) => list.map((text) => describePath(fib, text)).join(' and '));
    return { kind: 'differs', why: `zebra's paths are ${zebra}, the FIB's ${here}`, status: false };
  }
  const reported = fib.status.reportedOf(row);
  const should = reported === undefined || reported === 'unresolved' ? undefined : reported !== 'failed';
  if (!feedback || should === undefined || (fib.rows.routes.flags[row]! & ROW.notify) !== 0) return undefined;
  // zebra marks such routes by itself and takes no status for some of them.
  if (['kernel', 'connected', 'local'].includes(route.protocol) || should === route.offloaded) return undefined;
  const told = route.offloaded === undefined ? 'no status' : route.offloaded ? 'offloaded' : 'failed';
  return { kind: 'differs', why: `zebra was told "${reported ?? ''}" and has ${told}`, status: true };
}

/**
 * A route of the kernel's over interfaces without link: zebra passes over it, without a word, while Linux goes on to use it. The FIB does as
 * Linux does.
 */
function isLinkDown(fib: Fib, row: number): boolean {
  if (fib.rows.routes.protocol[row] !== KERNEL_PROTOCOL) return false;
  const paths = pathsOfRow(fib, row) ?? [];
  return paths.length > 0 && paths.every((path) => !canLeave(fib, path));
}

/** Whether the interface of a path, which is written `GATEWAY@IFINDEX`, has its link. */
function canLeave(fib: Fib, path: string): boolean {
  return fib.interfaces.isUp(Number(path.split('@')[1]));
}

/** A path that zebra left without a word, as nothing can leave by it. */
function isIdle(fib: Fib, { idle }: ZebraRoute, path: string): boolean {
  return idle.includes(path) && !canLeave(fib, path);
}

/** The row's paths as zebra's are named; undefined: it has none that could be compared. */
function pathsOfRow(fib: Fib, row: number): string[] | undefined {
  const group = fib.rows.nexthops.get(fib.rows.routes.routeGroup[row]!);
  if (group === undefined) return undefined;
  const names: string[] = [];
  for (const leaf of leavesOf(group)) {
    if (leaf.kind === 'path') names.push(pathName(leaf.path.gateway, leaf.path.ifindex));
    else if (leaf.kind === 'fixed' && leaf.intent.kind === 'drop') names.push('blackhole');
    else if (leaf.kind === 'fixed' && leaf.intent.kind === 'punt') {
      const { reason } = leaf.intent;
      if (reason === 'unreachable' || reason === 'prohibit') names.push(reason);
      else if (reason !== 'missingNexthop') return undefined;
    } else return undefined;
  }
  return names.sort();
}

function describePath(fib: Fib, text: string): string {
  const [gateway, ifindex] = text.split('@');
  if (ifindex === undefined) return text;
  const name = fib.interfaces.nameOf(Number(ifindex));
  return gateway === '' ? name : `${gateway}, ${name}`;
}
