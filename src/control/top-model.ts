/**
 * What `fpm2afi top` shows: two samples of the daemon's counters made into rates. A counter that began anew between them (another life of
 * the daemon, of the vASIC's tables, of the punt process) has no rate rather than a wrong one. Pure.
 */
import type { LoopView } from '../observe/loop';
import { latencySince } from './latency';
import type { PortView, PuntReasonView, TrafficView } from './types';
import type { LatencyView, StatusView } from './status-types';

/** What the daemon said at one time. */
export interface Sample {
  readonly status: Timed<StatusView>;
  readonly ports: Timed<readonly PortView[]>;
  readonly punt: Timed<readonly PuntReasonView[]>;
}

/** An answer, and when it was there by a clock that only goes forward, in milliseconds. */
export interface Timed<T> {
  readonly atMs: number;
  readonly value: T;
}

/** All rates are per second, over the time since the sample before; absent where nothing can be said. */
export interface TopView {
  /** By the daemon's clock. */
  readonly time: string;
  /** Between the two samples; absent: this is the first. */
  readonly seconds?: number;
  readonly rates: TopRates;
  /** Of what ended since the sample before. */
  readonly latency: { readonly acknowledged?: LatencyView; readonly told?: LatencyView };
  /** How late the event loop ran since the sample before. */
  readonly loop?: TopLoop;
  readonly ports: readonly TopPort[];
  readonly punt: readonly TopPunt[];
  /** As `show status --json` has it: sessions, route states, latencies since the daemon's start, event loop, problems. */
  readonly status: StatusView;
}

/** What the daemon does, a second. */
export interface TopRates {
  /** Changes of routes that the vASIC acknowledged. */
  readonly changes?: number;
  /** Messages of zebra. */
  readonly messages?: number;
  /** Route statuses sent to zebra. */
  readonly statuses?: number;
  /** AFI operations sent, and those that were refused. */
  readonly operations?: number;
  readonly failed?: number;
}

/** Delays of the event loop, in whole milliseconds; `ownMaxMs` as `show status --json` has it since the daemon's start. */
export interface TopLoop extends LatencyView {
  readonly ownMaxMs?: number;
}

/** A port, and what passes it, a second. */
export interface TopPort extends Pick<PortView, 'index' | 'tap' | 'tapState' | 'vasicState'> {
  readonly input: TrafficRates;
  readonly output: TrafficRates;
  /** Packets handed to the TAP, taken from it, and dropped between the two. */
  readonly punt: { readonly punted?: number; readonly injected?: number; readonly drops?: number };
}

/** One direction, a second. */
export interface TrafficRates {
  readonly packets?: number;
  readonly bits?: number;
  readonly drops?: number;
}

/** The totals, as `show punt` has them, and the rates of each. */
export interface TopPunt extends PuntReasonView {
  readonly rates: { readonly passed?: number; readonly dropped?: number; readonly delivered?: number };
}

/** How fast one counter grew; undefined: it isn't known, or began anew. */
type Rate = (before: number | undefined, now: number | undefined) => number | undefined;

/** What is shown of `now`; without `before` there are no rates. */
export function topView(before: Sample | undefined, now: Sample): TopView {
  const status = now.status.value;
  const lives = livesOf(before?.status.value, status);
  const seconds = before && elapsed(before.status, now.status);
  return {
    time: status.time,
    ...(seconds !== undefined && { seconds }),
    ...ofDaemon(lives.daemon ? before?.status.value : undefined, status, rateOver(seconds)),
    ports: portsOf(before?.ports, now.ports, lives),
    punt: puntOf(before?.punt, now.punt, lives),
    status,
  };
}

/** Whose counters go on since the sample before. */
interface Lives {
  readonly daemon: boolean;
  readonly vasic: boolean;
  readonly punt: boolean;
}

function livesOf(before: StatusView | undefined, now: StatusView): Lives {
  if (before === undefined) return { daemon: false, vasic: false, punt: false };
  const daemon = before.pid === now.pid && before.uptimeSeconds <= now.uptimeSeconds;
  const [was, is] = [before.punt.process, now.punt.process];
  return {
    daemon,
    vasic: before.afi.instance === now.afi.instance,
    // Without a process of its own, punt lives as long as the daemon.
    punt: was === undefined || is === undefined ? daemon && was === is : was.pid === is.pid && was.since === is.since,
  };
}

function elapsed(before: Timed<unknown>, now: Timed<unknown>): number {
  return (now.atMs - before.atMs) / 1000;
}

function rateOver(seconds: number | undefined): Rate {
  return (before, now) =>
    before === undefined || now === undefined || now < before || seconds === undefined || seconds <= 0
      ? undefined
      : (now - before) / seconds;
}

/** Without the properties that are undefined. */
function known<T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function ofDaemon(
  before: StatusView | undefined,
  now: StatusView,
  rate: Rate,
): Pick<TopView, 'rates' | 'latency' | 'loop'> {
  return {
    rates: known<TopRates>({
      changes: rate(before?.latency.count, now.latency.count),
      messages: rate(before?.fpm.messages, now.fpm.messages),
      statuses: rate(before?.fpm.statuses, now.fpm.statuses),
      operations: rate(before?.afi.opsSent, now.afi.opsSent),
      failed: rate(before?.afi.opsFailed, now.afi.opsFailed),
    }),
    latency: known<TopView['latency']>({
      acknowledged: before && latencySince(before.latency.buckets, now.latency.buckets),
      told: before && latencySince(before.told.buckets, now.told.buckets),
    }),
    ...(before !== undefined && { loop: loopSince(before.loop, now.loop) }),
  };
}

function loopSince(before: LoopView, now: LoopView): TopLoop {
  const own = now.ownDelays && latencySince(before.ownDelays ?? [], now.ownDelays).maxMs;
  return { ...latencySince(before.delays, now.delays), ...(own !== undefined && { ownMaxMs: own }) };
}

function portsOf(
  before: Timed<readonly PortView[]> | undefined,
  now: Timed<readonly PortView[]>,
  lives: Lives,
): TopPort[] {
  const rate = rateOver(before && elapsed(before, now));
  const traffic = (was: TrafficView | undefined, is: TrafficView | undefined): TrafficRates => {
    const from = lives.vasic ? was : undefined;
    const bytes = rate(from?.bytes, is?.bytes);
    return known<TrafficRates>({
      packets: rate(from?.packets, is?.packets),
      bits: bytes && 8 * bytes,
      drops: rate(from?.drops, is?.drops),
    });
  };
  return now.value.map(({ index, tap, tapState, vasicState, input, output, punt }) => {
    const was = before?.value.find((port) => port.index === index && port.tap === tap);
    const from = lives.punt ? was?.punt : undefined;
    return {
      ...{ index, tap, tapState, vasicState },
      input: traffic(was?.input, input),
      output: traffic(was?.output, output),
      punt: known<TopPort['punt']>({
        punted: rate(from?.punted, punt.punted),
        injected: rate(from?.injected, punt.injected),
        drops: rate(from?.drops, punt.drops),
      }),
    };
  });
}

function puntOf(
  before: Timed<readonly PuntReasonView[]> | undefined,
  now: Timed<readonly PuntReasonView[]>,
  lives: Lives,
): TopPunt[] {
  const rate = rateOver(before && elapsed(before, now));
  return now.value.map((reason) => {
    const was = before?.value.find((one) => one.reason === reason.reason);
    const [counted, delivered] = [lives.vasic ? was : undefined, lives.punt ? was : undefined];
    return {
      ...reason,
      rates: known<TopPunt['rates']>({
        passed: rate(counted?.passed, reason.passed),
        dropped: rate(counted?.dropped, reason.dropped),
        delivered: rate(delivered?.delivered, reason.delivered),
      }),
    };
  });
}
