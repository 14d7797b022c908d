/**
 * `fpm2afi replay`: plays what zebra sent to an FPM server, as zebra would: one TCP connection for each that was
 * recorded, frame by frame, and reads what comes back. Bytes that are in no frame aren't sent, so a capture that begins in
 * the middle can be played too.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import { errorText } from '../net/error-text';
import type { HostPort } from '../net/endpoint';
import { FrameScanner } from './frames';
import { Inspector } from './inspector';
import type { Source } from './source';
import type { StreamEvent } from './stream';

export interface ReplayOptions {
  readonly to: HostPort;
  /** `original`: with the pauses recorded; `max`: as fast as the server reads. */
  readonly speed: 'original' | 'max';
  /** Ends a connection when nothing came back for so long. */
  readonly lingerMs: number;
  /** Keeps the last connection until this resolves, in place of the linger time. */
  readonly hold?: Promise<void>;
}

/** What was played, and what came back. */
export interface ReplayResult {
  connections: number;
  frames: number;
  bytes: number;
  /** Bytes of zebra's side that are in no frame. */
  notSent: number;
  /** Messages that came back, by status; `other` are no route statuses. */
  readonly statuses: { offloaded: number; trapped: number; unresolved: number; failed: number; other: number };
  readonly malformed: number;
  /** The server ended so many connections before we did. */
  endedByServer: number;
}

interface Player {
  readonly socket: Socket;
  readonly scanner: FrameScanner;
  readonly lastRead: () => number;
  readonly alive: () => boolean;
  readonly closed: Promise<void>;
  /** Frames to be sent. */
  out: Buffer[];
  /** Why it ended in the recording. It is ended when the next one is due: only then it is known not to be the last. */
  ended: string | undefined;
}

/** Plays all connections of the source. Rejects when the server can't be reached. */
export async function replay(source: Source, options: ReplayOptions): Promise<ReplayResult> {
  const statuses = { offloaded: 0, trapped: 0, unresolved: 0, failed: 0, other: 0 };
  const inspector = new Inspector((view) => {
    if (view.kind === 'netlink') statuses[view.view.status ?? 'other']++;
    else if (view.kind === 'protobuf') statuses.other++;
  });
  const result = { connections: 0, frames: 0, bytes: 0, notSent: 0, statuses, malformed: 0, endedByServer: 0 };
  const players = new Map<number, Player>();
  let clock: number | undefined;
  let steps: { readonly connection: number; readonly inStep: boolean }[] = [];

  async function open(connection: number, inStep: boolean): Promise<Player> {
    const socket = connectTcp({ host: options.to.host, port: options.to.port, noDelay: true });
    try {
      await once(socket, 'connect');
    } catch (error) {
      const reason = errorText(error);
      throw new Error(`no FPM server at ${options.to.host}:${options.to.port}: ${reason}`, { cause: error });
    }
    result.connections++;
    let read = performance.now();
    let alive = true;
    inspector.take({ kind: 'open', connection, what: 'server', inStep: true });
    socket.on('data', (bytes: Buffer) => {
      read = performance.now();
      inspector.take({ kind: 'data', connection, direction: 'toZebra', bytes });
    });
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => {
      socket.on('close', () => {
        alive = false;
        resolve();
      });
    });
    const player: Player = {
      socket,
      out: [],
      ended: undefined,
      lastRead: () => read,
      alive: () => alive,
      closed,
      scanner: new FrameScanner(
        {
          frame: (_type, frame) => {
            result.frames++;
            player.out.push(Buffer.from(frame));
          },
          junk: (_reason, _offset, length) => (result.notSent += length),
        },
        inStep,
      ),
    };
    players.set(connection, player);
    return player;
  }

  async function send(player: Player): Promise<void> {
    const bytes = Buffer.concat(player.out);
    player.out = [];
    if (bytes.length === 0 || !player.alive()) return;
    result.bytes += bytes.length;
    if (player.socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        player.socket.off('drain', go).off('close', go);
        resolve();
      };
      player.socket.on('drain', go).on('close', go);
    });
  }

  /** Waits until the server has been silent for a while, and ends the connection. */
  async function close(connection: number, reason: string, held?: Promise<void>): Promise<void> {
    const player = players.get(connection);
    if (player === undefined) return;
    players.delete(connection);
    player.scanner.break(reason);
    const sent = performance.now();
    if (held !== undefined) await Promise.race([held, player.closed]);
    else {
      let left = options.lingerMs;
      while (player.alive() && left > 0) {
        await sleep(left);
        left = Math.max(sent, player.lastRead()) + options.lingerMs - performance.now();
      }
    }
    if (!player.alive()) result.endedByServer++;
    player.socket.destroy();
    inspector.take({ kind: 'close', connection, reason });
  }

  async function next(connection: number, inStep: boolean): Promise<Player> {
    for (const [old, { ended }] of players) if (ended !== undefined) await close(old, ended);
    return open(connection, inStep);
  }

  async function play(event: StreamEvent): Promise<void> {
    if (event.kind === 'open') {
      steps = [...steps.filter(({ connection }) => connection !== event.connection), event];
      return;
    }
    if (event.kind === 'close') {
      const player = players.get(event.connection);
      if (player !== undefined) player.ended = event.reason;
      return;
    }
    if (event.kind === 'fault' || event.direction !== 'fromZebra') return;
    // Opened with its first bytes: a second connection would end the first.
    const inStep = steps.find(({ connection }) => connection === event.connection)?.inStep ?? true;
    const player = players.get(event.connection) ?? (await next(event.connection, inStep));
    if (event.kind === 'gap') player.scanner.break(event.reason);
    else player.scanner.push(event.bytes);
    await send(player);
  }

  try {
    for await (const event of source.events) {
      const time = 'time' in event ? event.time : undefined;
      if (options.speed === 'original' && time !== undefined) {
        if (clock !== undefined && time > clock) await sleep((time - clock) / 1000);
        clock = Math.max(clock ?? time, time);
      }
      await play(event);
    }
    for (const [connection, { ended }] of players) await close(connection, ended ?? 'end', options.hold);
  } finally {
    for (const { socket } of players.values()) socket.destroy();
  }
  return { ...result, malformed: inspector.totals.malformed };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(ms, 0x7fffffff)));
}

/** The result in words. */
export function replayText(result: ReplayResult): string {
  const { connections, frames, bytes, notSent, statuses, malformed, endedByServer } = result;
  const { offloaded, trapped, unresolved, failed, other } = statuses;
  return [
    `sent: ${frames} frames, ${bytes} bytes, ${connections} connections${notSent === 0 ? '' : `; ${notSent} bytes in no frame not sent`}`,
    `came back: ${offloaded} offloaded, ${trapped} trapped, ${unresolved} unresolved, ${failed} failed, ` +
      `${other} other, ${malformed} malformed`,
    ...(endedByServer === 0 ? [] : [`the server ended ${endedByServer} connections`]),
    '',
  ].join('\n');
}
