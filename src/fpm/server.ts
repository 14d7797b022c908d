/**
 * The FPM server: listens where zebra connects to, and owns the one session there is. A second connection replaces the
 * first, because a zebra that restarts comes back before its old socket is known to be dead.
 *
 * Nothing is forgotten when zebra goes: what to do with the routes then is the owner's decision (`disconnected`). zebra's
 * modules connect again by themselves every few seconds, and replay everything.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Config, HostPort } from '../config/types';
import type { FpmUpdate, StatusReport } from '../fib/updates';
import type { Logger } from '../observe/log';
import { Counting, type FpmCounters } from './counters';
import type { SessionTap } from './recorder';
import { FpmSession } from './session';
import { askZebra, choiceUnasked, whyNotAsked, type FeedbackChoice } from './zebra-version';

export type { FpmCounters } from './counters';

export interface FpmHandlers {
  /** A zebra is connected, and will replay everything; statuses that were reported before may not have reached it. */
  connected(peer: string): void;
  disconnected(reason: string): void;
  /** An update, valid during the call only. All updates of one frame, then `frameEnd`, form one batch. */
  update(update: FpmUpdate): void;
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
  /** Ends the session, so that zebra connects again and sends all that it has. */
  askAgain(reason: string): void;
  /** Monotonic time (performance.now(), ms) at which the stream was active last; while paused, now. */
  lastActivity(): number;
  /** Ends the session and stops listening. */
  close(): Promise<void>;
}

/** A server for this configuration; `start` makes it listen. `tap` is given all bytes of all sessions. */
export function createFpmServer(config: Config['fpm'], log: Logger, tap?: SessionTap): FpmSource {
  return new FpmServer(config, log, tap);
}

class FpmServer implements FpmSource {
  private readonly counting: Counting;
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
    private readonly config: Config['fpm'],
    private readonly log: Logger,
    private readonly tap: SessionTap | undefined,
  ) {
    this.counting = new Counting(log);
  }

  start(handlers: FpmHandlers): Promise<void> {
    this.handlers = handlers;
    const { host, port } = this.config.listen;
    const server = createServer((socket) => this.accept(socket, handlers));
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const remedy =
          error.code === 'EADDRINUSE'
            ? 'another FPM server runs there; stop it or change fpm.listen'
            : 'fpm.listen must name an address of this machine';
        reject(new Error(`cannot listen for zebra on ${host}:${port} (${error.message}): ${remedy}`));
      });
      server.listen(port, host, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => this.log.error('accepting zebra failed', { reason: error.message }));
        this.log.info('waiting for zebra', this.address());
        resolve();
      });
    });
  }

  private accept(socket: Socket, handlers: FpmHandlers): void {
    const peer = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
    this.counting.connects++;
    const old = this.session;
    if (old !== undefined) {
      this.counting.replaced++;
      this.log.warn('a new connection replaces the one before it: zebra restarted, or two zebras are configured', {
        new: peer,
        old: old.peer,
      });
      old.close('replaced by another connection');
      this.session = undefined;
      handlers.disconnected(`replaced by a connection from ${peer}`);
    }
    const connection = this.counting.connects;
    this.tap?.opened(connection, peer);
    const session = new FpmSession(socket, peer, this.counting, {
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
          peer,
          reason,
        });
        handlers.disconnected(reason);
      },
    });
    if (this.paused) session.pause();
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
    const { session } = this;
    if (session === undefined) return;
    this.idleSince = session.lastActivity();
    this.session = undefined;
    this.log.info('the connection is closed, so that zebra connects again and sends everything', { reason });
    session.close(reason);
    this.handlers?.disconnected(reason);
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

  close(): Promise<void> {
    const { server, session } = this;
    this.server = undefined;
    this.session = undefined;
    if (session !== undefined) {
      session.close('the FPM server is closing');
      this.handlers?.disconnected('the FPM server is closing');
    }
    return new Promise((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
  }
}
