/**
 * What `show status`, `show ports` and `show punt` tell, as Prometheus metrics: one table of names, types and meanings. What isn't
 * known (counters of a vASIC that doesn't tell, packets that another process moves) has no sample rather than a 0.
 */
import { ROUTE_STATES } from '../control/types';
import type { PortView, PuntReasonView, VrfView } from '../control/types';
import type { AfiStatus, LatencyView, StatusView } from '../control/status-types';
import { vrfEntries, vrfRoutes } from './vrf-samples';

/** What one scrape is made of. */
export interface Snapshot {
  readonly status: StatusView;
  readonly ports: readonly PortView[];
  readonly punt: readonly PuntReasonView[];
  readonly vrfs: readonly VrfView[];
  /** How long the event loop was at work since start. */
  readonly busySeconds: number;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram's parts, which have names of their own. */
  readonly metricName?: string;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Those that are known. */
  samples(from: Snapshot): readonly Sample[];
}

/** The samples, or the only one's value; undefined: it isn't known. */
type Read = (from: Snapshot) => number | undefined | readonly Sample[];

function metric(type: Metric['type'], name: string, help: string, read: Read): Metric {
  return {
    name: `fpm2afi_${name}`,
    help,
    type,
    samples: (from) => {
      const found = read(from) ?? [];
      return typeof found === 'number' ? [{ labels: {}, value: found }] : found;
    },
  };
}

const gauge = (name: string, help: string, read: Read): Metric => metric('gauge', name, help, read);
const counter = (name: string, help: string, read: Read): Metric => metric('counter', `${name}_total`, help, read);

/** One sample for each item whose value is known. */
function samplesOf<T>(
  items: readonly T[],
  labels: (item: T) => Readonly<Record<string, string>>,
  value: (item: T) => number | undefined,
): Sample[] {
  return items.flatMap((item) => {
    const found = value(item);
    return found === undefined ? [] : [{ labels: labels(item), value: found }];
  });
}

function perPort(value: (port: PortView) => number | undefined): Read {
  return ({ ports }) => samplesOf(ports, ({ index, tap }) => ({ port: String(index), tap }), value);
}

/** Packets that this process moves between the TAPs and the vASIC. */
function perTap(value: (punt: PortView['punt']) => number): Read {
  return (from) => (from.status.punt.mode !== 'off' ? perPort(({ punt }) => value(punt))(from) : undefined);
}

function perReason(value: (reason: PuntReasonView) => number | undefined): Read {
  return ({ punt }) => samplesOf(punt, ({ reason }) => ({ reason }), value);
}

function seconds(time: string): number {
  return Date.parse(time) / 1000;
}

function isUp(state: PortView['vasicState'] | PortView['tapState']): number | undefined {
  if (state === 'unknown') return undefined;
  return state === 'up' ? 1 : 0;
}

const AFI_STATES: readonly AfiStatus['state'][] = ['down', 'connecting', 'up', 'reprogramming'];

/** Limits of the latency histogram, each the limit of a bucket of src/net/latencies.ts, so that none has to be shared out. */
export const LATENCY_LIMITS_MS: readonly number[] = [
  1, 2, 5, 10, 25, 51, 103, 255, 511, 1023, 2559, 5119, 10_239, 30_719, 61_439, 122_879,
];

function latencySamples(name: string, { buckets, count }: LatencyView): Sample[] {
  const upTo = (limit: number): number =>
    buckets.reduce((sum, bucket) => (bucket.upToMs <= limit ? sum + bucket.count : sum), 0);
  const ms = buckets.reduce((sum, bucket) => sum + bucket.upToMs * bucket.count, 0);
  return [
    ...LATENCY_LIMITS_MS.map((limit) => ({
      metricName: `${name}_bucket`,
      labels: { le: String(limit / 1000) },
      value: upTo(limit),
    })),
    { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels: {}, value: ms / 1000 },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}

/** Every metric of the daemon's own, in the order in which it is shown. docs/operation.md has the same. */
export const METRICS: readonly Metric[] = [
  gauge('build_info', 'Always 1; the version is its label.', ({ status }) => [
    { labels: { version: status.version }, value: 1 },
  ]),
  gauge('uptime_seconds', 'Since the daemon started.', ({ status }) => status.uptimeSeconds),
  gauge(
    'problems',
    'Sentences at the end of show status that say what is wrong.',
    ({ status }) => status.problems.length,
  ),

  gauge(
    'audit_differences',
    'Of the last audit, by layer; none for one that was not compared.',
    ({ status: { audit } }) =>
      samplesOf(
        audit?.layers ?? [],
        ({ layer }) => ({ layer }),
        ({ differences }) => differences,
      ),
  ),
  gauge('audit_timestamp_seconds', 'When the last audit ended.', ({ status: { audit } }) =>
    audit === undefined ? undefined : seconds(audit.time),
  ),

  gauge('fpm_connected', '1: zebra is connected; 0: it is not.', ({ status }) =>
    status.fpm.state === 'connected' ? 1 : 0,
  ),
  gauge('fpm_changed_timestamp_seconds', 'When zebra connected or went last.', ({ status }) =>
    seconds(status.fpm.since),
  ),
  counter('fpm_frames', 'FPM frames from zebra.', ({ status }) => status.fpm.frames),
  counter('fpm_messages', 'Messages in them.', ({ status }) => status.fpm.messages),
  counter(
    'fpm_updates',
    'Updates of routes, nexthops and the like that came of them.',
    ({ status }) => status.fpm.updates,
  ),
  counter('fpm_malformed', "Messages that weren't what they should be.", ({ status }) => status.fpm.malformed),
  counter('fpm_skipped', "Messages that don't concern the vASIC.", ({ status }) => status.fpm.skipped),
  counter('fpm_statuses', 'Route statuses sent to zebra.', ({ status }) => status.fpm.statuses),

  gauge('afi_up', '1: the AFI server is connected; 0: it is not.', ({ status }) =>
    status.afi.state === 'up' || status.afi.state === 'reprogramming' ? 1 : 0,
  ),
  gauge('afi_state', '1 for the state of the AFI connection, 0 for the others.', ({ status }) =>
    samplesOf(
      AFI_STATES,
      (state) => ({ state }),
      (state) => (status.afi.state === state ? 1 : 0),
    ),
  ),
  gauge('afi_changed_timestamp_seconds', 'When the AFI server was connected or lost last.', ({ status }) =>
    seconds(status.afi.since),
  ),
  gauge('afi_operations_in_flight', 'Operations sent and not answered.', ({ status }) => status.afi.opsInFlight),
  counter('afi_operations', 'Operations sent.', ({ status }) => status.afi.opsSent),
  counter(
    'afi_operations_failed',
    'Operations that the AFI server refused for something in them.',
    ({ status }) => status.afi.opsFailed,
  ),
  counter(
    'afi_operations_retried',
    'Refused operations that are no failures: sent again in parts, too early, or of what is gone anyway.',
    ({ status }) => status.afi.opsRetried,
  ),
  gauge('afi_entries', "Entries in the vASIC's route tree.", ({ status }) => status.afi.entries),

  gauge('fib_routes', 'Routes of zebra by what became of them; the states add up to all.', ({ status }) =>
    samplesOf(
      ROUTE_STATES,
      (state) => ({ state }),
      (state) => status.fib[state],
    ),
  ),
  gauge('fib_family_routes', 'Routes of zebra by family.', ({ status }) =>
    samplesOf(
      ['ipv4', 'ipv6'] as const,
      (family) => ({ family }),
      (family) => status.fib[family],
    ),
  ),
  gauge(
    'fib_stale_routes',
    'Routes kept over a reconnect of zebra and not sent again yet.',
    ({ status }) => status.fib.stale,
  ),
  gauge('fib_dirty_routes', 'Routes that wait to be resolved and programmed.', ({ status }) => status.fib.dirty),
  gauge('fib_nexthops', "zebra's nexthop objects.", ({ status }) => status.fib.nexthops),
  gauge('fib_neighbors', 'Neighbors known.', ({ status }) => status.fib.neighbors),
  gauge('lsps', 'LSPs of zebra by what became of them.', ({ status }) =>
    samplesOf(
      ROUTE_STATES,
      (state) => ({ state }),
      (state) => status.fib.lsps[state],
    ),
  ),
  counter(
    'unknown_label_dropped_packets',
    'Packets with a label that nothing is known of.',
    ({ status }) => status.afi.unknownLabels,
  ),

  gauge(
    'vrf_routes',
    'Routes of zebra by VRF and state: of the 20 largest VRFs, and of all others together.',
    ({ vrfs }) => vrfRoutes(vrfs),
  ),
  gauge('vrf_entries', "Entries in a VRF's route tree: of the same VRFs.", ({ vrfs }) => vrfEntries(vrfs)),

  metric(
    'histogram',
    'route_change_duration_seconds',
    "From reading zebra's message about a route to the acknowledgement of what it changed; the sum is up to an eighth too high.",
    ({ status }) => latencySamples('fpm2afi_route_change_duration_seconds', status.latency),
  ),
  metric(
    'histogram',
    'route_told_duration_seconds',
    "From reading zebra's message about a route to the status that goes back to zebra; the sum is up to an eighth too high.",
    ({ status }) => latencySamples('fpm2afi_route_told_duration_seconds', status.told),
  ),

  gauge(
    'event_loop_delay_mean_seconds',
    'How late the event loop runs, mean since start.',
    ({ status }) => status.loop.meanMs / 1000,
  ),
  gauge(
    'event_loop_delay_p99_seconds',
    'The same, 99th percentile since start.',
    ({ status }) => status.loop.p99Ms / 1000,
  ),
  gauge('event_loop_delay_max_seconds', 'The same, maximum since start.', ({ status }) => status.loop.maxMs / 1000),
  gauge(
    'event_loop_own_delay_max_seconds',
    "The most of one delay that was the loop's own work and not waiting for a core, since start.",
    ({ status: { loop } }) => (loop.ownMaxMs === undefined ? undefined : loop.ownMaxMs / 1000),
  ),
  counter(
    'event_loop_busy_seconds',
    'Time that the event loop was at work; its rate is 1 when it never rests.',
    (from) => from.busySeconds,
  ),

  gauge(
    'port_tap_up',
    '1: the TAP is up and has carrier; 0: it is down, or there is none.',
    perPort(({ tapState }) => isUp(tapState)),
  ),
  gauge(
    'port_vasic_up',
    "1: the link of the vASIC's port is up; 0: it is down.",
    perPort(({ vasicState }) => isUp(vasicState)),
  ),
  counter(
    'port_receive_packets',
    "Packets that came in by the vASIC's port.",
    perPort(({ input }) => input?.packets),
  ),
  counter(
    'port_receive_bytes',
    "Bytes that came in by the vASIC's port.",
    perPort(({ input }) => input?.bytes),
  ),
  counter(
    'port_receive_dropped_packets',
    "Packets dropped on the way in by the vASIC's port.",
    perPort(({ input }) => input?.drops),
  ),
  counter(
    'port_transmit_packets',
    "Packets that left by the vASIC's port.",
    perPort(({ output }) => output?.packets),
  ),
  counter(
    'port_transmit_bytes',
    "Bytes that left by the vASIC's port.",
    perPort(({ output }) => output?.bytes),
  ),
  counter(
    'port_transmit_dropped_packets',
    "Packets dropped on the way out by the vASIC's port.",
    perPort(({ output }) => output?.drops),
  ),
  counter(
    'port_kernel_packets',
    "Packets received by the vASIC's port and dealt with in the kernel.",
    perPort(({ engine }) => (engine?.name === 'kernel' ? engine.fast : undefined)),
  ),
  counter(
    'port_slow_packets',
    "Packets received by the vASIC's port that the kernel left to softvasic's TypeScript engine, by reason.",
    ({ ports }) =>
      ports.flatMap(({ index, tap, engine }) =>
        Object.entries(engine?.slow ?? {}).map(([reason, value]) => ({
          labels: { port: String(index), tap, reason },
          value,
        })),
      ),
  ),
  counter(
    'port_punted_packets',
    'Packets handed to the TAP.',
    perTap(({ punted }) => punted),
  ),
  counter(
    'port_injected_packets',
    'Packets taken from the TAP and sent to the vASIC.',
    perTap(({ injected }) => injected),
  ),
  counter(
    'port_punt_dropped_packets',
    'Packets dropped between the vASIC and the TAP.',
    perTap(({ drops }) => drops),
  ),

  counter(
    'punt_dropped_packets',
    'Packets dropped between the vASIC and the TAPs, those of no port among them.',
    ({ status }) => (status.punt.mode !== 'off' ? status.punt.drops : undefined),
  ),
  counter(
    'punt_policer_passed_packets',
    "Packets for the host that the vASIC's rate limit passed.",
    perReason(({ passed }) => passed),
  ),
  counter(
    'punt_policer_dropped_packets',
    "Packets for the host that the vASIC's rate limit dropped.",
    perReason(({ dropped }) => dropped),
  ),
  gauge(
    'punt_policer_limit_packets_per_second',
    'The rate limit; 0: none.',
    perReason(({ rate }) => rate),
  ),
  counter(
    'punt_delivered_packets',
    'Packets for the host that were given to a TAP.',
    perReason(({ delivered }) => delivered),
  ),
];
