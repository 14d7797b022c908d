/** What `fpm2afi show status`, `fpm2afi debug` and `fpm2afi reload` tell: plain values that survive JSON, as all of the control API (types.ts). */
import type { FeedbackMode } from '../config/types';
import type { LatencyBucket } from '../net/latency-buckets';
import type { LoopView } from '../observe/loop';
import type { AuditSummary } from './audit-types';
import type { StateCounts } from './types';

/** The state of everything, as `fpm2afi show status` has it. */
export interface StatusView {
  readonly version: string;
  readonly pid: number;
  /** Now, by the daemon's clock. */
  readonly time: string;
  readonly uptimeSeconds: number;
  readonly fpm: FpmStatus;
  readonly afi: AfiStatus;
  readonly fib: FibStatus;
  /** Changes of routes: from reading zebra's message to the AFI server's acknowledgement. */
  readonly latency: LatencyView;
  /** Routes: from reading zebra's message to the status that goes back to zebra. */
  readonly told: LatencyView;
  readonly punt: PuntStatus;
  readonly loop: LoopView;
  /** Absent: none was made. */
  readonly audit?: AuditSummary;
  /** What an operator should look at, one plain sentence each; empty when all is well. */
  readonly problems: readonly string[];
}

/** The connection from zebra. */
export interface FpmStatus {
  /** `listening`: no zebra is connected. */
  readonly state: 'listening' | 'connected';
  readonly listen: string;
  /** zebra's end, `address:port`. */
  readonly peer?: string;
  /** When the state was entered. */
  readonly since: string;
  /** Counters since the daemon started. */
  readonly frames: number;
  readonly messages: number;
  readonly updates: number;
  /** Messages that weren't what they should be, and such as are of no concern here. */
  readonly malformed: number;
  readonly skipped: number;
  /** As configured, and what `auto` settled on. */
  readonly feedbackMode: FeedbackMode;
  readonly feedback?: Exclude<FeedbackMode, 'auto'>;
  /** Why `auto` settled on it. */
  readonly feedbackReason?: string;
  /** Route statuses sent to zebra. */
  readonly statuses: number;
}

/** The connection to the AFI server, and what is programmed there. */
export interface AfiStatus {
  readonly state: 'down' | 'connecting' | 'up' | 'reprogramming';
  readonly server: string;
  readonly engine: string;
  readonly sandbox: string;
  /** Names one life of the server's tables. */
  readonly instance?: string;
  readonly since: string;
  readonly opsInFlight: number;
  readonly opsSent: number;
  readonly opsFailed: number;
  /** Operations that the server refused and that are no failures: sent again in parts, too early, or of what is gone anyway. */
  readonly opsRetried: number;
  /** Entries acknowledged and not removed. */
  readonly entries: number;
  /** Packets dropped so far because nothing is known of their label; absent where the vASIC doesn't tell. */
  readonly unknownLabels?: number;
  /** Why it is down, by the latest attempt, where known. */
  readonly error?: string;
  /** The vASIC can't be asked since then: what is told of routes is what was known last. */
  readonly lastKnown?: string;
}

/** How much there is of what; routes by state, which add up to `routes`. */
export interface FibStatus extends StateCounts {
  readonly routes: number;
  readonly ipv4: number;
  readonly ipv6: number;
  /** Kept over a reconnect and not yet confirmed by the replay. */
  readonly stale: number;
  readonly nexthops: number;
  readonly neighbors: number;
  /** Waiting to be resolved. */
  readonly dirty: number;
  /** LSPs of zebra by state. */
  readonly lsps: StateCounts;
}

/** How long something took since start. Milliseconds are limits of buckets, at most an eighth too high. */
export interface LatencyView {
  readonly count: number;
  /** Absent: nothing counted. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly maxMs?: number;
  /** Those that aren't empty: so many changes took longer than the bucket before and at most so long. */
  readonly buckets: readonly LatencyBucket[];
}

/** Packets between the vASIC and the TAPs. */
export interface PuntStatus {
  readonly mode: 'process' | 'external' | 'worker' | 'off';
  /** The punt process that there is now. */
  readonly process?: { readonly pid: number; readonly since: string; readonly socket: string };
  /** Packets since start. */
  readonly punted: number;
  readonly injected: number;
  readonly drops: number;
}

/** Which component's debug lines are to be written, or not any more. */
export interface DebugQuery {
  readonly component: string;
  readonly on: boolean;
}

/** A component of the daemon's log. */
export interface DebugView {
  readonly component: string;
  /** Whether its debug lines are written. */
  readonly debug: boolean;
}

/** What a reload has changed. */
export interface ReloadView {
  /** Keys of the file. */
  readonly changed: readonly string[];
}
