/**
 * The priority of a thread that moves packets: above every ordinary thread, so that a packet doesn't wait until routing daemons have used up
 * their turns. Such a thread must block when it has nothing to do.
 */
import { availableParallelism } from 'node:os';
import { scheduler, setScheduler, SysError } from './libc';

/** sched.h */
const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x40000000;
/** The lowest of the real-time priorities. */
const PRIORITY = 1;

/**
 * Gives the calling thread a real-time priority (SCHED_RR). Undefined: done; else why it has to do without: no permission (root,
 * CAP_SYS_NICE or RLIMIT_RTPRIO is needed), or one core only, which a busy data plane would take from everybody else.
 */
export function raiseThreadPriority(): string | undefined {
  if (availableParallelism() < 2) return 'there is one core only';
  try {
    setScheduler(SCHED_RR | SCHED_RESET_ON_FORK, PRIORITY);
    return undefined;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return error.message;
  }
}

/** How long somebody else has to give a thread its priority, as softvasic's unit does when softvasic is ready. */
const GIVEN_WITHIN_MS = 10_000;

/**
 * What is to be said of a thread that couldn't raise its priority by itself. That is known later: somebody with more rights may give it
 * from outside.
 */
export class MissingPriority {
  private lookAt: number;

  /** @param fault what `raiseThreadPriority` returned */
  constructor(
    private readonly fault: string | undefined,
    now: number,
  ) {
    this.lookAt = fault === undefined ? Infinity : now + GIVEN_WITHIN_MS;
  }

  /** To be asked by the thread itself, now and then. Once: why it has no priority; else undefined. */
  reason(now: number): string | undefined {
    if (now < this.lookAt) return undefined;
    this.lookAt = Infinity;
    return (scheduler() & ~SCHED_RESET_ON_FORK) === SCHED_RR ? undefined : this.fault;
  }
}

/** Of this much of its time a thread with priority leaves the CPU to others: a little above what the kernel takes by itself. */
const SHARE_OF_OTHERS = 0.065;
/** Shorter pauses aren't worth the call; longer ones would be felt by packets. */
const PAUSE_MS = 0.6;

/**
 * What a thread with priority owes to ordinary ones. Linux lets these have 50 ms of each second on every CPU, whatever the priorities: up to
 * 6.11 by stopping real-time threads (sched_rt_runtime_us), then by a server of their own. A thread that never rests loses its CPU for 50 ms at once, and each packet with it.
 * One that rests a little now and then is left alone.
 */
export class Courtesy {
  private owedMs = 0;

  /** The thread worked for so many milliseconds, and then slept for so many. Returns how long to pause now, 0 for not yet. */
  account(workedMs: number, sleptMs: number): number {
    this.owedMs = Math.max(0, this.owedMs + workedMs * SHARE_OF_OTHERS - sleptMs);
    if (this.owedMs < PAUSE_MS) return 0;
    this.owedMs -= PAUSE_MS;
    return PAUSE_MS;
  }
}
