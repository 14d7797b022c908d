/**
 * Which neighbors the forwarding state depends on, and when to ask the kernel about them.
 *
 * A wanted neighbor is *settled* while the kernel has it and looks after it by itself (reachable, delay, probe,
 * permanent, noarp). The others are due: unknown or failed ones are asked for with a pause that doubles from 1 s to
 * 30 s, stale ones are re-confirmed at once and then every 30 s. Time comes from outside (`now`, milliseconds).
 *
 * A table full of dead gateways must make no ARP storm, and must not keep a live one waiting. So all requests together have a
 * pace, repeated ones a quarter of it, and who is to be asked for the first time goes first, the latest before the others.
 *
 * Beside them, neighbors that no route needs are *verified* once when somebody says so, if they are stale by then: first come,
 * first served, at a pace of their own. The kernel does the rest: it probes, and says reachable or failed.
 *
 * A permanent neighbor is never asked for: NTF_USE would take its permanence away (seen on Linux 6.18).
 */
import type { NeighborState } from '../fib/updates';
import { addressKey } from './mirror';

export interface ResolverOptions {
  readonly now: () => number;
  /** Sends the request; `first`: nothing is known of this neighbor and nothing has been asked yet. */
  readonly ask: (ifindex: number, address: Uint8Array, first: boolean) => void;
  readonly stateOf: (ifindex: number, address: Uint8Array) => NeighborState | undefined;
  /** Whether a request makes sense: the interface is a port with a link. */
  readonly usable: (ifindex: number) => boolean;
  /** Requests per second at most; of these, one in `RETRY_PART` may be a repeated one. */
  readonly perSecond: number;
  /** Verifications per second at most, beside the requests. */
  readonly verifiedPerSecond: number;
}

interface Want {
  readonly ifindex: number;
  readonly address: Uint8Array;
  /** Requests since it was settled last. */
  asked: number;
  /** Not before this time. */
  nextAt: number;
  wasStale: boolean;
}

/** What was done to resolve a neighbor that is needed. */
export interface ResolveProgress {
  /** Requests to the kernel since it was settled last. */
  readonly asked: number;
  /** Milliseconds to the next request; absent: none is due. */
  readonly nextInMs?: number;
}

const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;
/** Unused allowance that may be spent at once, as a part of a second's. */
const BURST = 0.1;
/** Repeated requests have this part of the pace. */
export const RETRY_PART = 4;
/** Between two runs where more is due than allowed. */
const PAUSE_MS = 50;

/** A token bucket. */
class Allowance {
  private tokens: number;
  private filledAt: number;

  constructor(
    private readonly perSecond: number,
    now: number,
  ) {
    this.tokens = perSecond * BURST;
    this.filledAt = now;
  }

  fill(now: number): void {
    const { perSecond } = this;
    this.tokens = Math.min(perSecond * BURST, this.tokens + ((now - this.filledAt) * perSecond) / 1000);
    this.filledAt = now;
  }

  get empty(): boolean {
    return this.tokens < 1;
  }

  take(): void {
    this.tokens--;
  }
}

export class Resolver {
  private readonly wants = new Map<string, Want>();
  /** The unsettled ones that were asked for already, the latest last. */
  private readonly due = new Map<string, Want>();
  /** Those to be asked for now, for the first time since they were settled. */
  private readonly fresh = new Map<string, Want>();
  /** Nothing is due before this time; a lower bound, which spares most runs the walk over `due`. */
  private soonest = Infinity;
  /** Those to be verified, in the order asked for. */
  private readonly unverified = new Map<string, { readonly ifindex: number; readonly address: Uint8Array }>();
  private readonly all: Allowance;
  private readonly retries: Allowance;
  private readonly verifications: Allowance;

  constructor(private readonly options: ResolverOptions) {
    const { perSecond, verifiedPerSecond, now } = options;
    this.all = new Allowance(perSecond, now());
    this.retries = new Allowance(perSecond / RETRY_PART, now());
    this.verifications = new Allowance(verifiedPerSecond, now());
  }

  /** A set, not a count: needed until released once. The address is copied. */
  need(ifindex: number, address: Uint8Array): void {
    const key = addressKey(ifindex, address);
    if (this.wants.has(key)) return;
    const want = { ifindex, address: Uint8Array.from(address), asked: 0, nextAt: this.options.now(), wasStale: false };
    this.wants.set(key, want);
    this.review(key, want);
  }

  release(ifindex: number, address: Uint8Array): void {
    const key = addressKey(ifindex, address);
    this.wants.delete(key);
    this.settle(key);
  }

  /** Has a stale neighbor verified, once; nothing for one that routes need, as that is done anyway. The address is copied. */
  verify(ifindex: number, address: Uint8Array): void {
    const key = addressKey(ifindex, address);
    if (this.wants.has(key) || this.unverified.has(key)) return;
    this.unverified.set(key, { ifindex, address: Uint8Array.from(address) });
    this.soonest = Math.min(this.soonest, this.options.now());
  }

  /** The kernel said something of this neighbor. */
  seen(ifindex: number, address: Uint8Array): void {
    const key = addressKey(ifindex, address);
    const want = this.wants.get(key);
    if (want !== undefined) this.review(key, want);
  }

  /** A link came or changed: what failed without it is tried afresh. */
  linkChanged(ifindex: number): void {
    if (!this.options.usable(ifindex)) return;
    for (const [key, want] of this.due) {
      if (want.ifindex !== ifindex) continue;
      want.asked = 0;
      this.beFresh(key, want);
    }
    this.soonest = this.options.now();
  }

  /** Sends what is due and allowed. Returns the milliseconds until there may be more to do; undefined: nothing is due. */
  run(): number | undefined {
    const { now, usable } = this.options;
    const { all, retries, verifications } = this;
    const time = now();
    all.fill(time);
    retries.fill(time);
    verifications.fill(time);
    if (this.soonest > time) return this.soonest === Infinity ? undefined : this.soonest - time;
    this.verifyStale();
    if (all.empty) return PAUSE_MS;
    this.soonest = this.unverified.size > 0 ? time : Infinity;
    const asked: [string, Want][] = [];
    for (const [key, want] of [...this.fresh].reverse()) {
      if (!usable(want.ifindex)) continue;
      if (all.empty) this.soonest = time;
      else asked.push([key, this.ask(want, time)]);
    }
    for (const [key, want] of this.due) {
      if (!usable(want.ifindex)) continue;
      if (want.nextAt <= time && !all.empty && !retries.empty) {
        retries.take();
        asked.push([key, this.ask(want, time)]);
      }
      this.soonest = Math.min(this.soonest, want.nextAt);
    }
    for (const [key, want] of asked) {
      this.settle(key);
      this.due.set(key, want);
      this.soonest = Math.min(this.soonest, want.nextAt);
    }
    return this.soonest === Infinity ? undefined : Math.max(this.soonest - time, PAUSE_MS);
  }

  private verifyStale(): void {
    const { ask, stateOf, usable } = this.options;
    for (const [key, { ifindex, address }] of this.unverified) {
      if (this.verifications.empty) return;
      this.unverified.delete(key);
      // In any other state the kernel verifies it already, or can't, or has nothing to verify.
      if (!usable(ifindex) || stateOf(ifindex, address) !== 'stale') continue;
      this.verifications.take();
      ask(ifindex, address, false);
    }
  }

  private ask(want: Want, time: number): Want {
    const state = this.options.stateOf(want.ifindex, want.address);
    const backoff = state === 'stale' ? MAX_BACKOFF_MS : FIRST_BACKOFF_MS * 2 ** Math.min(want.asked, 10);
    want.nextAt = time + Math.min(backoff, MAX_BACKOFF_MS);
    this.all.take();
    this.options.ask(want.ifindex, want.address, want.asked === 0 && state === undefined);
    want.asked++;
    return want;
  }

  /** How often it was asked for since it was settled last, and when next; undefined: nobody needs it. */
  progress(ifindex: number, address: Uint8Array): ResolveProgress | undefined {
    const key = addressKey(ifindex, address);
    const want = this.wants.get(key);
    if (want === undefined) return undefined;
    const inMs = this.isDue(key) ? Math.max(0, want.nextAt - this.options.now()) : undefined;
    return { asked: want.asked, ...(inMs === undefined ? {} : { nextInMs: inMs }) };
  }

  sizes(): { readonly wanted: number; readonly unresolved: number } {
    return { wanted: this.wants.size, unresolved: this.due.size + this.fresh.size };
  }

  private review(key: string, want: Want): void {
    const state = this.options.stateOf(want.ifindex, want.address);
    if (isSettled(state)) {
      this.settle(key);
      want.asked = 0;
      want.wasStale = false;
      return;
    }
    // Newly lost or newly stale: at once. Otherwise its turn comes when the pause is over.
    if (!this.isDue(key) || (state === 'stale' && !want.wasStale)) this.beFresh(key, want);
    want.wasStale = state === 'stale';
  }

  private isDue(key: string): boolean {
    return this.due.has(key) || this.fresh.has(key);
  }

  private settle(key: string): void {
    this.due.delete(key);
    this.fresh.delete(key);
  }

  /** Has it asked for as soon as the pace allows. */
  private beFresh(key: string, want: Want): void {
    this.settle(key);
    want.nextAt = this.options.now();
    this.soonest = want.nextAt;
    this.fresh.set(key, want);
  }
}

function isSettled(state: NeighborState | undefined): boolean {
  switch (state) {
    case 'reachable':
    case 'delay':
    case 'probe':
    case 'permanent':
    case 'noarp':
      return true;
    case 'stale':
    case 'incomplete':
    case 'failed':
    case 'none':
    case undefined:
      return false;
  }
}
