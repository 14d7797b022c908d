/**
 * What the FPM server counts, and the rate-limited telling of what it had to drop. Owned by the server, fed by the session
 * that is connected; counters run on over reconnects.
 */
import type { Logger } from '../observe/log';
import {
  RTM_DELNEIGH,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_NEWNEIGH,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
} from '../netlink/constants';

/** The counters as they stand. */
export interface FpmCounters {
  /** Connections that came; of these, not let in, ended by a newer one, and ended as their stream made no sense. */
  readonly connects: number;
  readonly refused: number;
  readonly replaced: number;
  readonly broken: number;
  readonly bytes: number;
  readonly frames: number;
  readonly updates: number;
  /** Netlink messages by type: `RTM_NEWROUTE` …, all that have no name here under `other`. */
  readonly messages: Readonly<Record<string, number>>;
  /** Messages and frames that are none of our business, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly malformed: number;
  /** Route statuses handed to the socket. */
  readonly statuses: number;
}

const NAMES: Readonly<Record<number, string>> = {
  [RTM_NEWROUTE]: 'RTM_NEWROUTE',
  [RTM_DELROUTE]: 'RTM_DELROUTE',
  [RTM_NEWNEIGH]: 'RTM_NEWNEIGH',
  [RTM_DELNEIGH]: 'RTM_DELNEIGH',
  [RTM_NEWNEXTHOP]: 'RTM_NEWNEXTHOP',
  [RTM_DELNEXTHOP]: 'RTM_DELNEXTHOP',
};
/** Types below this have a counter each; the ones that zebra sends are among them. */
const TYPES = 128;
/** Reasons come out of the stream in part: a peer must not be able to fill memory with them. */
const MAX_REASONS = 64;

export class Counting {
  connects = 0;
  refused = 0;
  replaced = 0;
  broken = 0;
  bytes = 0;
  frames = 0;
  updates = 0;
  malformed = 0;
  statuses = 0;
  private readonly types = new Float64Array(TYPES);
  private otherTypes = 0;
  private readonly reasons = new Map<string, number>();

  constructor(private readonly log: Logger) {}

  countMessage(type: number): void {
    if (type < TYPES) this.types[type]!++;
    else this.otherTypes++;
  }

  /** Says so once per reason. */
  countSkipped(reason: string): void {
    const known = this.reasons.get(reason);
    const key = known === undefined && this.reasons.size >= MAX_REASONS ? 'other' : reason;
    const count = known ?? this.reasons.get(key) ?? 0;
    this.reasons.set(key, count + 1);
    if (count === 0) this.log.info(`zebra sent what is not used here: ${key}; skipped, and from now on only counted`);
  }

  /** Says so at the 1st, 2nd, 4th, 8th … time. `offset` counts from the start of the session's stream. */
  countMalformed(reason: string, offset: number): void {
    const total = ++this.malformed;
    if ((total & (total - 1)) === 0)
      this.log.warn('dropped a malformed message', { code: 'fpm-malformed', reason, offset, total });
  }

  snapshot(): FpmCounters {
    const messages: Record<string, number> = {};
    let other = this.otherTypes;
    this.types.forEach((count, type) => {
      const name = NAMES[type];
      if (name === undefined) other += count;
      else messages[name] = count;
    });
    return {
      connects: this.connects,
      refused: this.refused,
      replaced: this.replaced,
      broken: this.broken,
      bytes: this.bytes,
      frames: this.frames,
      updates: this.updates,
      messages: { ...messages, other },
      skipped: Object.fromEntries(this.reasons),
      malformed: this.malformed,
      statuses: this.statuses,
    };
  }
}
