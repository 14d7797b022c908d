/**
 * The punt path as a process of its own (`fpm2afi punt`): TAPs with their addresses, and the packets of the routing
 * protocols, go on while the bridge is restarted or upgraded. The bridge that connects to its socket (client.ts) tells it
 * what ports there are and what they have; between two bridges all stays as it was told last.
 *
 * It ends by SIGTERM, SIGINT or when asked (`fpm2afi stop`), and only then its TAPs go.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { errorText } from '../net/error-text';
import { listenUnix } from '../net/unix-socket';
import type { Config } from '../config/types';
import type { Logger } from '../observe/log';
import { stopSignal } from '../observe/signals';
import { peerCredentials } from '../sys/peer-credentials';
import { createSupervisor } from '../sys/supervisor';
import { packageVersion } from '../observe/version';
import {
  configFromLine,
  configToLine,
  detailsFromLine,
  onLines,
  portToLine,
  PROTOCOL,
  send,
  type ProcessLine,
  type Request,
} from './protocol';
import { startPunt, type Punt, type PuntConfig, type PuntCounters } from './punt';
import { Moment } from '../observe/moment';

/** Runs until SIGTERM or SIGINT, or until asked to stop. Rejects when it can't start. */
export async function runPunt(config: Config, log: Logger): Promise<void> {
  const server = await startPuntServer(config, config.punt.socket, log);
  const supervisor = createSupervisor();
  supervisor.ready(`${config.ports.length} TAPs, ${config.punt.socket}`);
  // A terminal that goes, or somebody who means the bridge: the TAPs are to outlive both.
  process.on('SIGHUP', () => log.info('SIGHUP: nothing to do; the bridge tells this process what changes'));
  await Promise.race([stopSignal(log), server.stopped]);
  supervisor.stopping();
  await server.close();
}

/** The bridge, and commands of a moment. */
const MAX_CONNECTIONS = 64;

export interface PuntServer {
  /** Resolves when somebody asks it to stop. */
  readonly stopped: Promise<void>;
  close(): Promise<void>;
}

/** @throws Error naming the socket, device or address and the remedy; nothing stays open then */
export async function startPuntServer(given: PuntConfig, path: string, log: Logger): Promise<PuntServer> {
  // As it would come from the bridge, so that the same configuration is seen to be the same.
  const config = configFromLine(configToLine(given));
  const since = new Moment();
  const connections = new Set<Socket>();
  let owner: { readonly socket: Socket; readonly pid: number; readonly life: string | undefined } | undefined;
  let taps = config.ports.map(({ tap }) => tap);
  let askedToStop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (askedToStop = resolve));
  // One after the other, whichever connection they come from: a change of the configuration takes a while.
  let begin: () => void = () => undefined;
  let turn = new Promise<void>((resolve) => (begin = resolve));
  let punt: Punt | undefined;

  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connections.delete(socket);
      if (owner?.socket !== socket) return;
      log.info('the bridge is gone: the TAPs stay as they are', { bridge: owner.pid });
      owner = undefined;
    });
    onLines(socket, (message) => {
      turn = turn
        .then(() => handle(socket, message as Request))
        .catch((error: unknown) => {
          log.warn('a request could not be understood', { code: 'punt-request-malformed', reason: errorText(error) });
          socket.destroy();
        });
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  // The socket first: a second process finds out before it touches a TAP.
  await listenUnix(server, path, (holder) => {
    const by = peerCredentials(holder);
    return `another punt process answers there, ${by === undefined ? 'whose pid is not known' : `pid ${by.pid}`}: stop it with "fpm2afi stop"`;
  }).catch((error: unknown) => {
    throw new Error(`punt.socket ${path}: ${errorText(error)}`, { cause: error });
  });
  try {
    // Whoever gets in may take the TAPs, or end them: the bridge's user, and not those who may ask the bridge.
    chmodSync(path, 0o600);
    punt = await startPunt(config, log);
  } catch (error) {
    server.close();
    connections.forEach((socket) => socket.destroy());
    throw error;
  }
  const running = punt;
  running.onError((error) => {
    if (owner !== undefined) send(owner.socket, { kind: 'error', message: error.message });
  });
  begin();
  log.info('the punt process is ready for the bridge', { socket: path });

  function self(): ProcessLine {
    return {
      ...{ protocol: PROTOCOL, version: packageVersion(), pid: process.pid, since: since.toISOString(), taps },
      told: punt?.told().map(portToLine) ?? [],
      ...(owner === undefined ? {} : { owner: owner.pid }),
    };
  }

  async function reconfigure(next: PuntConfig): Promise<void> {
    await running.reconfigure(next);
    taps = next.ports.map(({ tap }) => tap);
  }

  async function take(socket: Socket, { protocol, life, ...told }: Request & { kind: 'take' }): Promise<void> {
    if (protocol !== PROTOCOL) {
      throw new Error(
        `this punt process is of version ${packageVersion()} and doesn't understand that fpm2afi: restart it ("fpm2afi stop")`,
      );
    }
    // The same bridge, made anew, may be here before the end of its earlier connection.
    const same = life !== undefined && owner?.life === life;
    if (owner !== undefined && owner.socket !== socket && !same) {
      throw new Error(`another fpm2afi (pid ${owner.pid}) has this punt process: stop it first`);
    }
    await reconfigure(configFromLine(told.config));
    if (socket.destroyed) return;
    // Its own word for its pid is that of its namespace; the kernel tells 0 where it has none in ours.
    const pid = peerCredentials(socket)?.pid || told.pid;
    owner = { socket, pid, life };
    log.info('a bridge has taken over', { bridge: pid });
  }

  async function handle(socket: Socket, request: Request): Promise<void> {
    if (socket.destroyed) return;
    if ('id' in request) {
      const { id } = request;
      try {
        const counters = await answer(socket, request);
        send(socket, { kind: 'answer', id, process: self(), ...(counters === undefined ? {} : { counters }) });
        if (request.kind === 'stop') askedToStop();
      } catch (error) {
        send(socket, { kind: 'refused', id, reason: errorText(error) });
      }
      return;
    }
    // Only the bridge that has it may change it.
    if (owner?.socket !== socket) return;
    switch (request.kind) {
      case 'configurePort':
        running.configurePort(request.port.index, detailsFromLine(request.port));
        return;
      case 'setCarrier':
        return running.setCarrier(request.index, request.up);
      case 'setSandbox':
        return running.setSandbox(request.sandbox);
      default:
        throw new Error(`unknown request ${JSON.stringify(request)}`);
    }
  }

  /** Does what is asked; only `counters` has something to give. */
  async function answer(socket: Socket, request: Request & { id: number }): Promise<PuntCounters | undefined> {
    switch (request.kind) {
      case 'take':
        await take(socket, request);
        break;
      case 'reconfigure':
        if (owner?.socket !== socket) throw new Error('not the bridge that has this punt process');
        await reconfigure(configFromLine(request.config));
        break;
      case 'counters':
        return running.counters();
      case 'look':
        break;
      case 'stop':
        log.info('stopping: asked to');
        break;
      default:
        throw new Error(`unknown request ${JSON.stringify(request)}`);
    }
    return undefined;
  }

  return {
    stopped,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await running.close();
      // Only now: who asked for the end waits for its connection's.
      connections.forEach((socket) => socket.destroySoon());
      await closed;
    },
  };
}
