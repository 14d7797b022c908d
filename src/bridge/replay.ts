/**
 * zebra's replay, from beginning to end. A zebra that connects sends its whole table, without an end marker, and what is
 * programmed stays meanwhile. All sweeps start here and nowhere else: of stale routes and nexthops of the FIB, of adopted
 * entries, of the nodes that an earlier bridge left.
 *
 * A connection alone says nothing: a health check, a port scan or a zebra that died at once connect too. So a replay begins with the
 * first message that a session makes sense with, and is one only when a route was among them. It is over when it has confirmed
 * nothing for long enough (what zebra sends a second time is no part of it: routes may change without end), not before a minimum time, and not before the protocols have their tables together (convergence.ts). A
 * replay that misses a large share of the routes is believed only after the maximum time, whatever the protocols say.
 *
 * zebra is away from the end of a session until a session sends a route. What forwards then stays, or goes after a time that
 * the configuration names; but for what the session that is there has sent.
 */
import type { Config } from '../config/types';
import type { ReplayTables } from '../fib/generations';
import type { FpmUpdate } from '../fib/updates';
import type { Logger } from '../observe/log';
import type { ReplayDoubt } from '../views/problems';

/** What a sweep removed, for the log. */
type Swept = ReturnType<ReplayParts['fib']['endReplay']>;

/** All rows are looked at for the standing of a replay, so not too often, in ms. */
const STANDING_MS = 5000;

export interface ReplayParts {
  readonly fib: {
    beginReplay(): void;
    /** Zebra's routes that the replay has confirmed, and those that it has not. */
    replayStanding(): { readonly confirmed: number; readonly unconfirmed: number };
    /** How much replays have confirmed, ever, new things and those that were to be confirmed. */
    readonly confirmed: number;
    /** zebra had time to send its connected subnets: what is missing is so for good. */
    countOwnSubnets(): void;
    /** Removes what wasn't confirmed, of tables that zebra tells whole or (`all`) of any; says how much. */
    endReplay(tables?: ReplayTables): {
      readonly routes: number;
      readonly nexthops: number;
      readonly lsps: number;
      readonly neighbors: number;
      readonly adopted: number;
      readonly kept: number;
    };
    /** Removes entries that an earlier bridge left and nothing here asked for; says how many. */
    dropAdopted(): number;
    /** Routes that are there when the replay begins. */
    readonly routes: number;
  };
  readonly programmer: {
    readonly ready: boolean;
    /** Nodes of an earlier run wait for `releaseAdopted`. */
    readonly holdsAdopted: boolean;
    /** Lets nodes of an earlier run go once no entry uses them. */
    releaseAdopted(): void;
  };
  readonly fpm: {
    /** Monotonic, ms. */
    lastActivity(): number;
    /** What zebra sends waits to be read. */
    readonly behind: boolean;
  };
  /** The protocols that fill zebra's table. */
  readonly convergence: {
    /** A replay begins. */
    begin(): void;
    /** What they wait for, in words; undefined: they have their tables. */
    waitingFor(elapsedMs: number): string | undefined;
  };
  /**
   * In ms: for how long it must have confirmed nothing, how long a replay lasts at least, and how long it waits for convergence or
   * because more than `lossPercent` of the routes are missing.
   */
  readonly sweep: Pick<Config['fpm']['sweep'], 'idleMs' | 'minimumMs' | 'maximumMs' | 'lossPercent'>;
  readonly away: Config['fpm']['away'];
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly log: Logger;
}

/** The session that is there: nothing came over it yet, something but no route, or routes. */
interface Session {
  readonly peer: string;
  readonly since: number;
  sent: 'nothing' | 'noRoutes' | 'routes';
}

export class Replay {
  private began: number | undefined;
  /** zebra's table was seen whole once: what we have is what zebra wants, whoever connects. */
  private seen = false;
  private session: Session | undefined;
  /** Since when no session has sent a route; undefined: one has, or what there was is removed. */
  private awaySince: number | undefined;
  /** How much was confirmed when it was looked at last, since when no more was, and when something last waited to be read. */
  private confirmed = 0;
  private restsFrom = 0;
  private behindAt = -Infinity;
  /** How far the replay had come when it was looked at last. */
  private standing: { readonly confirmed: number; readonly unconfirmed: number; readonly at: number } | undefined;

  constructor(private readonly parts: ReplayParts) {
    this.awaySince = parts.now();
  }

  /** When the replay that is under way began (monotonic, ms); undefined: none is. */
  get startedAt(): number | undefined {
    return this.began;
  }

  /** Whether something may yet be swept. */
  get active(): boolean {
    return this.began !== undefined;
  }

  /** zebra has sent its table over the session that is there, and what it did not send is swept. */
  get complete(): boolean {
    return this.session?.sent === 'routes' && this.began === undefined;
  }

  /** Why the replay isn't believed; undefined: nothing is odd about it. */
  get doubt(): ReplayDoubt | undefined {
    const { session, began, standing } = this;
    const { sweep, now } = this.parts;
    if (session === undefined) return undefined;
    const { since, sent } = session;
    if (sent !== 'routes') return now() - since < sweep.minimumMs ? undefined : { kind: 'silent', since };
    if (began === undefined || standing === undefined || !this.isLoss(standing)) return undefined;
    const { confirmed, unconfirmed } = standing;
    return { kind: 'loss', confirmed, unconfirmed, until: began + sweep.maximumMs };
  }

  /** A session began. Nothing is stale before something comes over it. */
  connected(peer: string): void {
    this.session = { peer, since: this.parts.now(), sent: 'nothing' };
  }

  /** The session ended. What it has not confirmed waits for the next. */
  disconnected(): void {
    // One that has sent no route is no end of being away; what it sent after all else was removed is something, too.
    if (this.session !== undefined && this.session.sent !== 'nothing') this.awaySince ??= this.parts.now();
    this.session = undefined;
    this.standing = undefined;
  }

  /** An update comes, before the FIB has it. Called for each one. */
  received(kind: FpmUpdate['kind']): void {
    const { session } = this;
    if (session === undefined || session.sent === 'routes') return;
    if (session.sent === 'nothing') this.begin(session.peer);
    session.sent = 'noRoutes';
    if (kind !== 'routeAdd') return;
    session.sent = 'routes';
    this.awaySince = undefined;
  }

  private begin(peer: string): void {
    const { convergence, fib, log, now } = this.parts;
    this.began = now();
    this.standing = undefined;
    this.restsFrom = this.began;
    fib.beginReplay();
    convergence.begin();
    log.info('what zebra replays is compared with what is programmed', { peer, routes: fib.routes });
  }

  /** Ends the replay and sweeps when it is time. Call now and then. Returns what was swept. */
  check(): Swept | undefined {
    const { fib, programmer, sweep, now, log } = this.parts;
    if (this.began === undefined) this.sweepAdopted();
    if (!programmer.ready) return undefined;
    if (this.flushIsDue()) return this.flush();
    if (this.began === undefined || this.session?.sent !== 'routes') return undefined;
    if (now() - this.began >= sweep.minimumMs) fib.countOwnSubnets();
    if (this.mustWait(now(), this.began)) return undefined;
    this.began = undefined;
    this.seen = true;
    this.standing = undefined;
    const swept = fib.endReplay();
    log.info('the replay is over: what it did not confirm is removed', swept);
    programmer.releaseAdopted();
    return swept;
  }

  private mustWait(time: number, began: number): boolean {
    const { convergence, sweep, log } = this.parts;
    this.look(time);
    // What waits to be read may be the replay's, however late it is.
    if (time - began < sweep.minimumMs || time - this.behindAt < sweep.idleMs) return true;
    const isLate = time - began >= sweep.maximumMs;
    const waiting = this.restText(time) ?? convergence.waitingFor(time - began) ?? this.lossText(time);
    if (waiting === undefined) return false;
    if (isLate) log.warn('the sweep waits no longer', { code: 'fpm-sweep-late', for: waiting });
    return !isLate;
  }

  /** Notes whether the replay goes on. Called at each check, as one between two says nothing of when. */
  private look(time: number): void {
    const { fib, fpm } = this.parts;
    if (fpm.behind) this.behindAt = this.restsFrom = time;
    if (fib.confirmed === this.confirmed) return;
    this.confirmed = fib.confirmed;
    this.restsFrom = Math.min(time, fpm.lastActivity());
  }

  /** In words, that the replay goes on; undefined: it seems not to. */
  private restText(time: number): string | undefined {
    return time - this.restsFrom < this.parts.sweep.idleMs ? 'routes that zebra goes on to send' : undefined;
  }

  /** In words, what a replay lacks that is not believed; said once for each replay. */
  private lossText(time: number): string | undefined {
    const { fib, sweep, log } = this.parts;
    const first = this.standing === undefined;
    if (this.standing === undefined || time - this.standing.at >= STANDING_MS || !this.isLoss(this.standing)) {
      this.standing = { ...fib.replayStanding(), at: time };
    }
    if (!this.isLoss(this.standing)) return undefined;
    const { confirmed, unconfirmed } = this.standing;
    if (first) {
      log.warn('zebra has not sent most of its routes again: they are kept for now', {
        code: 'fpm-sweep-held',
        ...{ confirmed, unconfirmed },
        untilSeconds: Math.round(sweep.maximumMs / 1000),
      });
    }
    return `${unconfirmed} of ${confirmed + unconfirmed} routes`;
  }

  private isLoss({ confirmed, unconfirmed }: { readonly confirmed: number; readonly unconfirmed: number }): boolean {
    return unconfirmed * 100 > (confirmed + unconfirmed) * this.parts.sweep.lossPercent;
  }

  private flushIsDue(): boolean {
    const { away, now } = this.parts;
    if (away.kind !== 'after' || this.awaySince === undefined || now() - this.awaySince < away.ms) return false;
    return !this.mayBeBack();
  }

  /** The session that is there has begun to send, and no route yet: zebra's replay has other things first. */
  private mayBeBack(): boolean {
    const { now, sweep } = this.parts;
    return this.session?.sent === 'noRoutes' && this.began !== undefined && now() - this.began < sweep.minimumMs;
  }

  /** zebra stays away: everything of it goes. */
  private flush(): Swept | undefined {
    const { fib, programmer, log } = this.parts;
    this.awaySince = undefined;
    this.seen = true;
    // What a session has sent since it connected is not of the zebra that is away.
    if (this.session?.sent !== 'noRoutes') {
      this.began = undefined;
      fib.beginReplay();
    }
    const swept = fib.endReplay('all');
    log.warn('zebra stays away: its routes are removed (fpm.away)', { code: 'fpm-away', ...swept });
    programmer.releaseAdopted();
    return swept;
  }

  /** A server that was adopted after the replay holds what zebra took back while it was away, or never wanted. */
  private sweepAdopted(): void {
    const { fib, programmer, log } = this.parts;
    if (!this.seen || !programmer.ready) return;
    const adopted = fib.dropAdopted();
    if (adopted === 0 && !programmer.holdsAdopted) return;
    log.info('what an earlier bridge left in the vASIC and zebra does not want is removed', { adopted });
    programmer.releaseAdopted();
  }
}
