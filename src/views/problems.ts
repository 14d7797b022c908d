/**
 * What an operator should look at: one plain sentence each, with a remedy, in the order in which things depend on each other.
 * Read from the modules' present state when somebody asks; nothing is kept. Ports have a file of their own
 * (port-problems.ts).
 */
import { performance } from 'node:perf_hooks';
import { isOpen } from '../afi/connection-state';
import type { Programmer } from '../afi/programmer';
import type { AfiTransport } from '../afi/transport';
import { DEFAULT_REMEDY } from '../afi/failure';
import type { Config } from '../config/types';
import type { FibStatus } from '../control/status-types';
import type { Fib } from '../fib/fib';
import type { FpmSource } from '../fpm/server';
import { pathsOf } from '../fib/leaves';
import { formatAddress, formatPrefix } from '../net/address';
import { formatEndpoint } from '../net/endpoint';
import { portProblems } from './port-problems';
import { malformedProblem } from './unsupported';

/** Why a replay of zebra isn't believed (src/bridge/replay.ts). Times are monotonic, ms. */
export type ReplayDoubt =
  /** zebra is connected since then and has sent no route. */
  | { readonly kind: 'silent'; readonly since: number }
  /** Its replay lacks so many of the routes that they are kept until then. */
  | { readonly kind: 'loss'; readonly confirmed: number; readonly unconfirmed: number; readonly until: number };

export interface ProblemParts {
  readonly config: Config;
  readonly fib: Fib;
  readonly programmer: Programmer;
  readonly fpm: Pick<FpmSource, 'peer' | 'refusal' | 'counters'>;
  readonly replay: { readonly doubt: ReplayDoubt | undefined };
  readonly transport: Pick<AfiTransport, 'failure'>;
  /** Indexes of the ports that the vASIC told of when it connected last; undefined: it never did. */
  vasicPorts(): readonly number[] | undefined;
  /** The recording of `--record`, if one was asked for. */
  readonly recorder: { failure(): string | undefined } | undefined;
  /** What goes wrong in the kernel's view of the ports. Times by performance.now(). */
  readonly kernel: {
    troubles(): {
      readonly lastOverrun: number | undefined;
      readonly overruns: number;
      readonly flapping: readonly {
        readonly ifindex: number;
        readonly address: Uint8Array;
        readonly changes: number;
        readonly macs: readonly string[];
      }[];
    };
  };
  /** Absent: there is no punt path. */
  readonly punt: { problem(): string | undefined } | undefined;
}

/** Neighbors, or subnets, named one by one; more are counted. */
const MAX_NAMED = 5;

/** The first ones; of the others only that there are so many `more`. */
function firstOf(texts: readonly string[], others: (more: number) => string): string[] {
  const more = texts.length - MAX_NAMED;
  return [...texts.slice(0, MAX_NAMED), ...(more > 0 ? [others(more)] : [])];
}

/** All that is wrong now; empty when all is well. */
export function problems(parts: ProblemParts, fibView: FibStatus): string[] {
  const { config, fib, programmer } = parts;
  return [
    ...zebraProblems(parts, fibView),
    ...vasicProblems(parts),
    ...countProblems(parts),
    ...kernelProblems(parts),
    ...recordingProblem(parts),
    ...refusedProblem(fibView.failed),
    ...[malformedProblem(fib) ?? []].flat(),
    ...[parts.punt?.problem() ?? []].flat(),
    ...portProblems(config, fib.interfaces, programmer.tables.portFailures()),
  ];
}

/** A refusal is told for so long, in ms. */
const REFUSAL_MS = 600_000;

function zebraProblems(parts: ProblemParts, fibView: FibStatus): string[] {
  return [...sessionProblems(parts, fibView), ...refusalProblem(parts), ...subnetProblems(parts)];
}

function refusalProblem({ fpm }: ProblemParts): string[] {
  const refusal = fpm.refusal();
  const ago = refusal === undefined ? Infinity : performance.now() - refusal.at;
  if (refusal === undefined || ago > REFUSAL_MS) return [];
  const { peer, why, remedy } = refusal;
  return [
    `a connection to the FPM port from ${peer} was refused ${Math.round(ago / 1000)} s ago: ${why}; ${remedy} ` +
      `(${fpm.counters().refused} refused since the start)`,
  ];
}

/** zebra needs a moment to hear of a link or an address, in ms. */
const SUBNET_MS = 10_000;

/** Connected subnets that zebra, which is there, has no route for. */
function subnetProblems({ fib, fpm }: ProblemParts): string[] {
  if (fpm.peer() === undefined) return [];
  const { routes, nexthops } = fib.rows;
  const texts: string[] = [];
  for (const row of fib.subnets.lacking(SUBNET_MS)) {
    const [path] = pathsOf(nexthops.get(routes.routeGroup[row]!)!);
    const name = fib.interfaces.nameOf(path!.path.ifindex);
    texts.push(
      `zebra has no route for ${formatPrefix(fib.rows.prefixOf(row))}, the subnet of an address of ${name}: the vASIC forwards there as Linux does, but routes of zebra ` +
        `by nexthops there are elsewhere, or not there; ip link set ${name} down, then up, has zebra look again`,
    );
  }
  return firstOf(texts, (more) => `zebra has no route for ${more} more connected subnets`);
}

function sessionProblems({ config, fpm, replay }: ProblemParts, fibView: FibStatus): string[] {
  if (fpm.peer() === undefined) {
    const { host, port } = config.fpm.listen;
    return [`zebra is not connected; in vtysh: "fpm address ${host} port ${port}", and zebra needs -M dplane_fpm_nl`];
  }
  const doubt = replay.doubt;
  return doubt === undefined ? [] : [doubtText(doubt, fpm.peer()!, fibView.routes)];
}

function doubtText(doubt: ReplayDoubt, peer: string, routes: number): string {
  switch (doubt.kind) {
    case 'silent': {
      const seconds = Math.round((performance.now() - doubt.since) / 1000);
      return (
        `${peer} is connected to the FPM port for ${seconds} s and has sent no route, so the ${routes} routes that are there stay; ` +
        'is it zebra? In vtysh: "show ip route", "show fpm status"'
      );
    }
    case 'loss': {
      const seconds = Math.max(0, Math.round((doubt.until - performance.now()) / 1000));
      const all = doubt.confirmed + doubt.unconfirmed;
      return (
        `zebra has sent ${doubt.confirmed} of ${all} routes again, the others are kept for ${seconds} s more (fpm.sweep.loss); ` +
        'was zebra restarted alone? bgpd then doesn\'t send its routes again: "clear bgp *" or a restart of bgpd makes it'
      );
    }
  }
}

function vasicProblems({ config, programmer, transport }: ProblemParts): string[] {
  const { connection } = programmer;
  if (!isOpen(connection)) {
    const failure = transport.failure();
    const reason = failure?.reason ?? (connection.kind === 'down' ? connection.reason : 'connecting');
    const remedy = failure === undefined ? DEFAULT_REMEDY : failure.remedy;
    const known =
      connection.kind === 'down' ? '; what is told of routes is what was known before, and may not be so any more' : '';
    const told =
      config.afi.lost.kind === 'keep'
        ? 'zebra is told nothing of it (afi.lost: keep)'
        : `zebra is told so after ${config.afi.lost.ms / 1000} s (afi.lost)`;
    return [
      `the AFI server ${formatEndpoint(config.afi.server)} is not reachable since ${connection.since.toISOString()}: ${reason}${known}; ${told}. ` +
        `${remedy[0]!.toUpperCase()}${remedy.slice(1)}`,
    ];
  }
  if (connection.kind === 'unreadable') {
    return [
      `what the vASIC holds can't be read, so nothing is programmed: ${connection.reason}; it is tried again ` +
        'every few seconds. Where that goes on: restart the vASIC, which empties it',
    ];
  }
  const { ready, failure } = programmer;
  return ready || failure === undefined ? [] : [`the AFI server refused the forwarding graph: ${failure}`];
}

/** An overrun is told for so long, in ms. */
const OVERRUN_MS = 600_000;

function kernelProblems({ kernel, fib }: ProblemParts): string[] {
  const { lastOverrun, overruns, flapping } = kernel.troubles();
  const ago = lastOverrun === undefined ? Infinity : performance.now() - lastOverrun;
  const claimed = flapping.map(({ ifindex, address, changes, macs }) => {
    const tap = fib.interfaces.nameOf(ifindex);
    return (
      `the hardware address of ${formatAddress(address)} on ${tap} goes to and fro, last from ${macs.join(' to ')}, ${changes} times; ` +
      `do two hosts have that address? tcpdump -eni ${tap} ${address.length === 4 ? 'arp' : 'icmp6'} shows both`
    );
  });
  return [
    ...(ago > OVERRUN_MS
      ? []
      : [
          `the kernel dropped news of links and neighbors ${Math.round(ago / 1000)} s ago (${overruns} times since the start), ` +
            'and its tables were read again: nothing is lost. Where it goes on, something changes thousands of neighbors or links: ip monitor',
        ]),
    ...firstOf(claimed, (more) => `the hardware addresses of ${more} more neighbors go to and fro`),
  ];
}

/** Ports that only one side has. */
function countProblems({ config, vasicPorts }: ProblemParts): string[] {
  const there = vasicPorts();
  if (there === undefined) return [];
  const list = (ports: readonly number[]): string => ports.join(', ');
  const configured = config.ports.map(({ index }) => index);
  const missing = configured.filter((index) => !there.includes(index));
  const surplus = there.filter((index) => !configured.includes(index));
  return [
    ...(missing.length === 0
      ? []
      : [`the vASIC has no port ${list(missing)}, which ports names; correct ports, or the vASIC`]),
    ...(surplus.length === 0
      ? []
      : [
          `the vASIC has port ${list(surplus)}, which ports doesn't name: it is not used; add it to ports with a TAP of its own`,
        ]),
  ];
}

function recordingProblem({ recorder }: ProblemParts): string[] {
  const reason = recorder?.failure();
  if (reason === undefined) return [];
  return [
    `the recording (--record) stopped: ${reason}; what was recorded before is whole. Restart fpm2afi for another one`,
  ];
}

function refusedProblem(failed: number): string[] {
  if (failed === 0) return [];
  return [`${failed === 1 ? '1 route was' : `${failed} routes were`} refused by the vASIC: show routes --state failed`];
}
