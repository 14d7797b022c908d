/**
 * Which connection is zebra's. There is one session at most, and a connection that comes while there is one waits, unread, until it
 * is decided:
 *
 * - The user or the address isn't allowed (access.ts): refused at once.
 * - The other one is dead: the newcomer takes its place. Dead is one whose process is gone (this machine; at once), or whose
 *   machine doesn't answer (elsewhere; DEAD_AFTER_S at most, by keep-alives and unacknowledged data).
 * - The other one has sent no frame for GRACE_MS: it is no zebra, the newcomer takes its place.
 * - The other one lives: the newcomer is refused, on this machine at once, from elsewhere when the other has had the time
 *   to prove dead.
 *
 * So a live zebra keeps its place, and a restarted one comes in as soon as its old connection can be known to be dead. zebra's
 * modules connect again every few seconds, so refusing costs it no more than that. One connection waits at most, the latest.
 */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Logger } from '../observe/log';
import { fdOf, setKeepAlive } from '../sys/tcp';
import type { Access, Ends, Verdict } from './access';

/** A peer's machine that is silent for so long is gone: idle + count × interval of the keep-alives, and a second to look. */
export const DEAD_AFTER_S = 12;
const KEEP_ALIVE = { idle: 5, interval: 2, count: 3 };
/** Time for a zebra to send its first frame. */
export const GRACE_MS = 5000;
const LOOK_MS = 1000;
/** How long the wish for a displacement holds. */
const DISPLACE_MS = 10_000;

/** A connection that may be zebra's, not read yet. */
export interface Newcomer {
  readonly socket: Socket;
  /** `address:port` of the other end. */
  readonly peer: string;
  readonly ends: Ends;
  readonly local: boolean;
  /** Monotonic, ms. */
  readonly since: number;
}

/** The session that there is, as far as a decision needs it. */
export interface Incumbent {
  readonly newcomer: Newcomer;
  /** It has sent at least one frame. */
  readonly hasSent: boolean;
}

/** Why a connection was refused last. */
export interface Refusal {
  /** Monotonic, ms. */
  readonly at: number;
  readonly peer: string;
  readonly why: string;
  readonly remedy: string;
}

export interface AdmissionParts {
  readonly access: Pick<Access, 'check' | 'isHeld'>;
  readonly log: Logger;
  readonly incumbent: () => Incumbent | undefined;
  /** Makes the session; `instead` says why the one before it ends, where there is one. */
  readonly admit: (newcomer: Newcomer, instead: string | undefined) => void;
  /** Counts a refusal. */
  readonly refused: () => void;
  readonly now?: () => number;
}

export class Admission {
  private waiting: Newcomer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private displaceUntil = -Infinity;
  private refusal: Refusal | undefined;
  private readonly now: () => number;

  constructor(private readonly parts: AdmissionParts) {
    this.now = parts.now ?? (() => performance.now());
  }

  /** The last refusal. */
  get lastRefusal(): Refusal | undefined {
    return this.refusal;
  }

  /** A connection came; it is paused. It is refused, admitted or kept waiting. */
  take(socket: Socket): void {
    socket.on('error', () => undefined);
    const ends = endsOf(socket);
    // It is gone already.
    if (ends === undefined) return void socket.destroy();
    const peer = `${ends.remote.address}:${ends.remote.port}`;
    const verdict: Verdict = this.parts.access.check(ends);
    if (!verdict.allowed) return this.refuse(socket, peer, verdict);
    const fd = fdOf(socket);
    if (fd !== undefined) setKeepAlive(fd, KEEP_ALIVE);
    const newcomer = { socket, peer, ends, local: verdict.local, since: this.now() };
    if (this.waiting !== undefined) {
      this.refuse(this.waiting.socket, this.waiting.peer, {
        why: 'a later connection waits in its place',
        remedy: 'are two zebras configured for this port?',
      });
    }
    this.waiting = newcomer;
    this.settle();
  }

  /** The next connection that is allowed takes the place of whoever is there. */
  displaceNext(): void {
    this.displaceUntil = this.now() + DISPLACE_MS;
  }

  /** Decides about the one that waits, if it can be decided. To be called when the session ended; otherwise by a timer. */
  settle(): void {
    const { waiting } = this;
    clearTimeout(this.timer);
    this.timer = undefined;
    if (waiting === undefined) return;
    const decision = this.decide(waiting, this.parts.incumbent());
    switch (decision.kind) {
      case 'admit':
        this.waiting = undefined;
        this.parts.admit(waiting, decision.instead);
        return;
      case 'refuse':
        this.waiting = undefined;
        return this.refuse(waiting.socket, waiting.peer, decision);
      case 'wait':
        this.timer = setTimeout(() => this.settle(), LOOK_MS).unref();
        return;
    }
  }

  private decide(
    { since }: Newcomer,
    old: Incumbent | undefined,
  ):
    | { readonly kind: 'admit'; readonly instead: string | undefined }
    | { readonly kind: 'refuse'; readonly why: string; readonly remedy: string }
    | { readonly kind: 'wait' } {
    if (old === undefined) return { kind: 'admit', instead: undefined };
    const now = this.now();
    const { newcomer, hasSent } = old;
    if (now < this.displaceUntil) {
      this.displaceUntil = -Infinity;
      return { kind: 'admit', instead: 'displaced, as was asked for' };
    }
    if (newcomer.local && !this.parts.access.isHeld(newcomer.ends)) {
      return { kind: 'admit', instead: 'its process is gone' };
    }
    if (!hasSent) {
      const isOver = now - newcomer.since >= GRACE_MS;
      return isOver ? { kind: 'admit', instead: 'it has sent nothing' } : { kind: 'wait' };
    }
    if (!newcomer.local && now - since < DEAD_AFTER_S * 1000) return { kind: 'wait' };
    return {
      kind: 'refuse',
      why: `zebra is connected from ${newcomer.peer}, and lives`,
      remedy: 'are two zebras configured for this port? A recording is played in its place with replay --displace',
    };
  }

  private refuse(
    socket: Socket,
    peer: string,
    { why, remedy }: { readonly why: string; readonly remedy: string },
  ): void {
    socket.destroy();
    this.parts.refused();
    this.refusal = { at: this.now(), peer, why, remedy };
    this.parts.log.warn('a connection to the FPM port was refused', { code: 'fpm-refused', peer, why, remedy });
  }

  /** Ends the one that waits. */
  close(): void {
    clearTimeout(this.timer);
    this.waiting?.socket.destroy();
    this.waiting = undefined;
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): Ends | undefined {
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  // A socket that listens on :: has IPv4 peers under mapped addresses.
  const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');
  return {
    remote: { address: plain(remoteAddress), port: remotePort ?? 0 },
    local: { address: plain(localAddress), port: localPort ?? 0 },
  };
}
