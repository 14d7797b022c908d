/**
 * The priority of a thread that moves packets: above every ordinary thread, so that a packet doesn't wait until routing daemons have used up
 * their turns. Such a thread must block when it has nothing to do.
 */
import { availableParallelism } from 'node:os';
import { setScheduler, SysError } from './libc';

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
