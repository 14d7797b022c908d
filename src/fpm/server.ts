/**
 * The FPM server: listens where zebra connects to, and owns the one session there is. Which connection that is, admission.ts
 * decides.
 *
 * Nothing is forgotten when zebra goes: what to do with the routes then is the owner's decision (`disconnected`). zebra's
 * modules connect again by themselves every few seconds, and replay everything.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Config } from '../config/types';
import { formatEndpoint, type HostPort } from '../net/endpoint';
import type { FpmUpdate, StatusReport } from '../fib/updates';
import type { Logger } from '../observe/log';
import { listenFault } from '../sys/listen-fault';
import { Access } from './access';
import { Admission, type Newcomer, type Refusal } from './admission';
import { Counting, type FpmCounters } from './counters';
import type { SessionTap } from './recorder';
import { FpmSession } from './session';
import { askZebra, choiceUnasked, whyNotAsked, type FeedbackChoice } from './zebra-version';

export type { FpmCounters } from './counters';
export type { Refusal } from './admission';

/** What the server calls, one at a time. */
export interface FpmHandlers {
  /** A zebra is connected, and will replay everything; statuses that were reported before may not have reached it. */
  connected(peer: string): void;
  /** zebra is gone, and why; what it sent holds until it comes again and sends everything. */
  disconnected(reason: string): void;
  /** An update, valid during the call only. All updates of one frame, then `frameEnd`, form one batch. */
  update(update: FpmUpdate): void;
  /** All updates of a frame were given. */
  frameEnd(): void;
  /** After `report` took less than it was given: it takes more now. */
  writable(): void;
}

/** Where zebra's updates come from: the seam for tests. */
export interface FpmSource {
  /** Rejects when the address can't be listened on. */
  start(handlers: FpmHandlers): Promise<void>;
  /** Stops reading, now and on later connections; what was read already (up to 64 KiB) is still delivered. */
  pause(): void;
  resume(): void;
  /**
   * Reports statuses to zebra. Takes from `reports` as long as the socket has room, and no more than it sends; returns how
   * many. When that's not all, `writable` is called once there is room. With feedback off all are taken, and dropped.
   */
  report(reports: Iterable<StatusReport>): number;
  counters(): FpmCounters;
  /** How statuses are sent to the zebra that is connected; undefined while that isn't known. */
  feedback(): FeedbackChoice | undefined;
  /** The zebra that is connected, as address and port. */
  peer(): string | undefined;
  /** The address listened on; of use with port 0. */
  address(): HostPort | undefined;
  /** Why a connection was refused last; undefined: none was. */
  refusal(): Refusal | undefined;
  /** The next connection that is allowed takes zebra's place, within some seconds. */
  displaceNext(): void;
  /** Ends the session, so that zebra connects again and sends all that it has. */
  askAgain(reason: string): void;
  /** Monotonic time (performance.now(), ms) at which the stream was active last; while paused, now. */
  lastActivity(): number;
  /** What zebra sends waits: reading is paused, or what was read isn't decoded yet. */
  readonly behind: boolean;
  /** Ends the session and stops listening. */
  close(): Promise<void>;
}

/** What of the configuration is the server's. */
export type FpmServerConfig = Pick<Config['fpm'], 'listen' | 'feedback' | 'zebraVty' | 'allow'>;

export interface FpmServerOptions {
  /** Is given all bytes of all sessions. */
  readonly tap?: SessionTap;
  /** Who may connect; absent: as configured, by what the kernel says. */
  readonly access?: Pick<Access, 'check' | 'isHeld'>;
}

/** A server for this configuration; `start` makes it listen. */
export function createFpmServer(config: FpmServerConfig, log: Logger, options: FpmServerOptions = {}): FpmSource {
  return new FpmServer(config, log, options);
}

class FpmServer implements FpmSource {
  private readonly counting: Counting;
  private readonly admission: Admission;
  private readonly tap: SessionTap | undefined;
  private server: Server | undefined;
  private session: FpmSession | undefined;
  private handlers: FpmHandlers | undefined;
  private paused = false;
  /** `report` took less than it was given. */
  private refused = false;
  /** What `auto` settled on for the session; undefined until zebra has answered. */
  private choice: FeedbackChoice | undefined;
  private idleSince = performance.now();

  constructor(
    private readonly config: FpmServerConfig,
    private readonly log: Logger,
    { tap, access }: FpmServerOptions,
  ) {
    this.counting = new Counting(log);
    this.tap = tap;
    this.admission = new Admission({
      access: access ?? new Access({ allow: () => config.allow }),
      log,
      incumbent: () => this.session,
      admit: (newcomer, instead) => this.admit(newcomer, instead),
      refused: () => this.counting.refused++,
    });
  }

  start(handlers: FpmHandlers): Promise<void> {
    this.handlers = handlers;
    const { host, port } = this.config.listen;
    // Nothing is read of a connection before it is known to be zebra's.
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      this.counting.connects++;
      this.admission.take(socket);
    });
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const reason = listenFault(error, { host, port });
        reject(
          new Error(`cannot listen for zebra on ${formatEndpoint({ host, port })} (fpm.listen): ${reason}`, {
            cause: error,
          }),
        );
      });
      server.listen(port, host, () => {
        server.removeAllListeners('error');
        server.on('error', (error) =>
          this.log.error('accepting zebra failed', { code: 'fpm-accept-failed', reason: error.message }),
        );
        this.log.info('waiting for zebra', this.address());
        resolve();
      });
    });
  }

  private admit(newcomer: Newcomer, instead: string | undefined): void {
    const handlers = this.handlers!;
    const { socket, peer } = newcomer;
    if (this.session !== undefined) {
      this.counting.replaced++;
      const old = this.session.peer;
      this.log.warn('a new connection takes the place of the one before it', {
        code: 'fpm-replaced',
        new: peer,
        old,
        reason: instead,
      });
      this.endSession(`${instead ?? 'replaced'}; replaced by a connection from ${peer}`);
    }
    const connection = this.counting.connects;
    this.tap?.opened(connection, peer);
    const session = new FpmSession(newcomer, this.counting, {
      received: (bytes) => this.tap?.fromZebra(connection, bytes),
      sent: (bytes) => this.tap?.toZebra(connection, bytes),
      closed: (reason) => this.tap?.closed(connection, reason),
      update: (update) => handlers.update(update),
      frameEnd: () => handlers.frameEnd(),
      drained: () => this.offerRoom(),
      ended: (reason, broken) => {
        if (this.session !== session) return;
        this.idleSince = session.lastActivity();
        this.session = undefined;
        if (broken) this.counting.broken++;
        this.log.warn('zebra is disconnected; its routes stay as they are until it connects again and replays them', {
          code: 'fpm-disconnected',
          peer,
          reason,
        });
        handlers.disconnected(reason);
        this.admission.settle();
      },
    });
    if (this.paused) session.pause();
    else session.resume();
    this.session = session;
    this.choice = undefined;
    this.log.info('zebra connected', { peer });
    handlers.connected(peer);
    this.choose(session, socket);
    this.offerRoom();
  }

  /** Settles the encoding of statuses. Until then none is taken. */
  private choose(session: FpmSession, socket: Socket): void {
    const { feedback, zebraVty } = this.config;
    if (feedback !== 'auto') return;
    const whyNot = whyNotAsked(zebraVty, socket.remoteAddress, socket.localAddress);
    const settle = (choice: FeedbackChoice): void => {
      if (this.session !== session) return;
      this.choice = choice;
      this.log.info('feedback to zebra is chosen', { mode: choice.mode, reason: choice.reason });
      this.offerRoom();
    };
    if (whyNot === undefined) void askZebra(zebraVty).then(settle);
    else settle(choiceUnasked(whyNot));
  }

  private offerRoom(): void {
    if (!this.refused) return;
    this.refused = false;
    this.handlers?.writable();
  }

  askAgain(reason: string): void {
    if (this.session === undefined) return;
    this.log.info('the connection is closed, so that zebra connects again and sends everything', { reason });
    this.endSession(reason);
    this.admission.settle();
  }

  private endSession(reason: string): void {
    const { session } = this;
    if (session === undefined) return;
    this.idleSince = session.lastActivity();
    this.session = undefined;
    session.close(reason);
    this.handlers?.disconnected(reason);
  }

  refusal(): Refusal | undefined {
    return this.admission.lastRefusal;
  }

  displaceNext(): void {
    this.admission.displaceNext();
  }

  pause(): void {
    this.paused = true;
    this.session?.pause();
  }

  resume(): void {
    this.paused = false;
    this.session?.resume();
  }

  report(reports: Iterable<StatusReport>): number {
    const mode = this.feedback()?.mode;
    if (mode === 'off') return Array.from(reports).length;
    const taken = mode === undefined ? 0 : (this.session?.report(reports, mode) ?? 0);
    // Asked again at the next chance: a caller that has given all it had finds nothing more to do then.
    this.refused = true;
    return taken;
  }

  counters(): FpmCounters {
    return this.counting.snapshot();
  }

  feedback(): FeedbackChoice | undefined {
    const { feedback } = this.config;
    return feedback === 'auto' ? this.choice : { mode: feedback, reason: 'configured' };
  }

  peer(): string | undefined {
    return this.session?.peer;
  }

  address(): HostPort | undefined {
    const bound = this.server?.address();
    return bound && typeof bound === 'object' ? { host: bound.address, port: bound.port } : undefined;
  }

  lastActivity(): number {
    return this.session?.lastActivity() ?? this.idleSince;
  }

  get behind(): boolean {
    return this.session?.behind ?? false;
  }

  close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    this.admission.close();
    this.endSession('the FPM server is closing');
    return new Promise((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
  }
}
