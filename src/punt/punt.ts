/**
 * Punt and inject: one TAP per configured port, joined to the vASIC by hostpath datagrams.
 *
 * This file is the owner: it opens the TAPs and the socket, sets MAC, MTU and carrier, and keeps the worker thread
 * (worker.ts) running that moves the packets. As the descriptors are the owner's, a worker that dies takes no TAP with
 * it. A TAP that somebody deletes is made again with what it had from us; addresses on it are the operator's.
 *
 * It runs in a process of its own (process.ts), so that TAPs outlive the bridge, or in the bridge.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { formatEndpoint } from '../net/endpoint';
import { errorText } from '../net/error-text';
import { listenFault } from '../sys/listen-fault';
import type { Config } from '../config/types';
import type { Logger } from '../observe/log';
import { type PollThread, startPollThread } from '../sys/poll-thread';
import { formatSockaddr, sockaddr } from '../net/sockaddr';
import { UdpSocket } from '../sys/udp';
import { CounterTable, type PuntCounters } from './counters';
import { type Port, type PortDetails, createPort } from './port';
import { ANY_SANDBOX } from './pump';
import type { PuntWorkerData, PuntWorkerReport } from './worker';
import type { Moment } from '../observe/moment';

export type { PuntCounters, PuntPortCounters } from './counters';
export type { PortDetails } from './port';

/** What was said of a port. */
export interface PortTold extends PortDetails {
  readonly index: number;
}

/** What the punt path needs of the configuration. */
export interface PuntConfig {
  readonly punt: Pick<Config['punt'], 'listen' | 'vasic'>;
  readonly ports: Config['ports'];
}

/** The process that moves the packets, where that isn't ours. */
export interface PuntProcess {
  readonly pid: number;
  readonly since: Moment;
  readonly socket: string;
}

export interface Punt {
  /**
   * Sets what the port is to have and brings its TAP up. What is neither given nor configured stays as it is. A port
   * that isn't in the configuration is ignored; what the kernel refuses is logged and told to `onError`. Returns whether the TAP
   * had been made just this before, so that it is left as it is now.
   */
  configurePort(index: number, details: PortDetails): boolean;
  /** What `configurePort` was told of each port. */
  told(): readonly PortTold[];
  /** The TAP's carrier follows the vASIC port's link. Off until told otherwise. */
  setCarrier(index: number, up: boolean): void;
  /**
   * The sandbox whose packets are accepted and into which frames are injected. Until it is set any is accepted, and the
   * one heard of last (at first 0) is used.
   */
  setSandbox(id: number): void;
  /**
   * Goes on with another configuration: TAPs that it has too stay as they are, with their counters; new ones are made, the
   * others closed. @throws Error as `startPunt`; all is as before then
   */
  reconfigure(config: PuntConfig): Promise<void>;
  counters(): Promise<PuntCounters>;
  /** The process of its own that it is; undefined: a thread of this one, or there is none now. */
  process(): PuntProcess | undefined;
  /** What is wrong now, for the operator. */
  problem(): string | undefined;
  /** Told of a worker that died (and is started again), a lost TAP and refused settings. All are logged as well. */
  onError(listener: (error: Error) => void): void;
  /**
   * Ends the worker and closes the TAPs: those made here vanish, those found stay as they are. Of a process of its own it ends the
   * connection only.
   */
  close(): Promise<void>;
}

/** How soon to try again to make a TAP that was lost. */
const REOPEN_MS = 1000;

/**
 * Opens the TAPs and the hostpath socket and starts the worker. Resolves when packets can flow; TAPs come up once their
 * port has a MAC, by configuration or `configurePort`.
 *
 * @throws Error naming the device or address and the remedy; nothing stays open then
 */
export function startPunt(config: PuntConfig, log: Logger): Promise<Punt> {
  return Promise.resolve().then(() => open(config, log));
}

function open(config: PuntConfig, log: Logger): Punt {
  const vasic = vasicAddress(config);
  const { listen } = config.punt;
  const ports: Port[] = [];
  let udp: UdpSocket | undefined;
  try {
    udp = openSocket(listen);
    for (const port of config.ports) ports.push(createPort(port, log));
    log.info('punt runs', { listen: `${listen.host}:${udp.port}`, vasic: formatSockaddr(vasic), ports: ports.length });
    return run(ports, udp, config, log);
  } catch (error) {
    ports.forEach((port) => port.close());
    udp?.close();
    throw error;
  }
}

/** Packed sockaddr of the vASIC's side. @throws Error when the two sides don't fit together */
function vasicAddress({ punt }: PuntConfig): Buffer {
  const vasic = sockaddr(punt.vasic.host, punt.vasic.port);
  if (sockaddr(punt.listen.host, punt.listen.port).length === vasic.length) return vasic;
  throw new Error(
    `punt.listen (${punt.listen.host}) and punt.vasic (${punt.vasic.host}) must both be IPv4 or both IPv6`,
  );
}

function openSocket(listen: { readonly host: string; readonly port: number }): UdpSocket {
  try {
    return UdpSocket.open(listen);
  } catch (error) {
    const reason = listenFault(error, { ...listen, transport: 'udp' });
    throw new Error(`cannot receive hostpath packets on ${formatEndpoint(listen)} (punt.listen): ${reason}`, {
      cause: error,
    });
  }
}

function run(openPorts: readonly Port[], openUdp: UdpSocket, openConfig: PuntConfig, log: Logger): Punt {
  let ports = openPorts;
  let udp = openUdp;
  let config = openConfig;
  let counters = CounterTable.create(ports.length);
  const sandbox = new Int32Array(new SharedArrayBuffer(4)).fill(ANY_SANDBOX);
  const listeners: ((error: Error) => void)[] = [];
  let restarts = 0;
  let reopening: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  function failed(message: string): void {
    log.error(message, { code: 'punt-failed' });
    const error = new Error(message);
    listeners.forEach((listener) => listener(error));
  }

  const thread: PollThread = startPollThread<PuntWorkerData, PuntWorkerReport>({
    file: join(__dirname, 'worker.js'),
    data: () => ({
      udpFd: udp.fd,
      vasic: vasicAddress(config),
      taps: ports.map((port) => ({ fd: port.fd(), index: port.config.index })),
      counters: counters.memory,
      sandbox: sandbox.buffer as SharedArrayBuffer,
    }),
    onReport,
    onCrash(error, restartMs) {
      restarts++;
      failed(`punt worker died: ${error.message}; starting another in ${restartMs} ms`);
    },
  });

  function onReport(report: PuntWorkerReport): void {
    if (report.kind === 'noPriority') {
      log.info('punted packets have no priority over other processes', { reason: report.detail });
      return;
    }
    if (report.kind === 'drops') {
      log.warn('punt path drops packets', {
        code: 'punt-drops',
        cause: report.cause,
        detail: report.detail,
        remedy: remedyFor(report),
      });
      return;
    }
    const port = ports[report.slot];
    // The worker may still report what has been made again, or taken away, meanwhile.
    if (closing !== undefined || port === undefined || port.alive()) return;
    failed(`${port.config.tap} is gone (${report.detail}): removed by somebody else; making it again`);
    reopen();
  }

  function reopen(): void {
    if (closing !== undefined || reopening !== undefined) return;
    // Between threads: a descriptor's number may be reused at once, and no thread may take one device for another.
    void thread.restart(() => {
      for (const port of ports.filter((each) => !each.alive())) {
        try {
          port.reopen();
        } catch (error) {
          failed(errorText(error));
        }
      }
      if (ports.every((port) => port.alive())) return;
      clearTimeout(reopening);
      reopening = setTimeout(() => {
        reopening = undefined;
        reopen();
      }, REOPEN_MS);
    });
  }

  /** Runs a change of one port; a refusal is reported, not thrown: the caller is in an event handler of its own. */
  function change<T>(index: number, apply: (port: Port) => T): T | undefined {
    const port = ports.find((each) => each.config.index === index);
    if (port === undefined || closing !== undefined) return undefined;
    try {
      return apply(port);
    } catch (error) {
      failed(`${port.config.tap}: ${errorText(error)}`);
      return undefined;
    }
  }

  /** New sockets and TAPs first, so that a refusal leaves all as it was; packets wait while the worker is exchanged. */
  async function reconfigure(next: PuntConfig): Promise<void> {
    if (isDeepStrictEqual(next, config)) return;
    vasicAddress(next);
    const kept = new Map(ports.map((port) => [port.config.tap, port]));
    const made: Port[] = [];
    let socket: UdpSocket | undefined;
    try {
      if (!isDeepStrictEqual(next.punt.listen, config.punt.listen)) socket = openSocket(next.punt.listen);
      for (const port of next.ports) if (!kept.has(port.tap)) made.push(createPort(port, log));
    } catch (error) {
      made.forEach((port) => port.close());
      socket?.close();
      throw error;
    }
    const after = next.ports.map(({ tap }) => kept.get(tap) ?? made.find((port) => port.config.tap === tap)!);
    await thread.restart(() => {
      counters = counters.copyFor(after.map((port) => ports.indexOf(port)));
      const gone = ports.filter((port) => !after.includes(port));
      ports = after;
      if (socket !== undefined) {
        udp.close();
        udp = socket;
      }
      config = next;
      gone.forEach((port) => port.close());
      after.forEach((port, i) => {
        try {
          port.reconfigure(next.ports[i]!);
        } catch (error) {
          failed(`${port.config.tap}: ${errorText(error)}`);
        }
      });
    });
  }

  return {
    configurePort: (index, details) => change(index, (port) => port.configure(details)) ?? false,
    told: () =>
      ports.flatMap((port) => {
        const told = port.told();
        return told === undefined ? [] : [{ index: port.config.index, ...told }];
      }),
    setCarrier: (index, up) => change(index, (port) => port.setCarrier(up)),
    setSandbox: (id) => void Atomics.store(sandbox, 0, id),
    reconfigure,
    counters: () =>
      Promise.resolve(
        counters.snapshot(
          ports.map((port) => port.config),
          restarts,
        ),
      ),
    process: () => undefined,
    problem: () => undefined,
    onError: (listener) => void listeners.push(listener),
    close: () =>
      (closing ??= (async () => {
        clearTimeout(reopening);
        await thread.close();
        ports.forEach((port) => port.close());
        udp.close();
      })()),
  };
}

function remedyFor(report: Extract<PuntWorkerReport, { kind: 'drops' }>): string | undefined {
  switch (report.cause) {
    case 'foreignSender':
      return 'punt.vasic must be the address and port that the vASIC sends hostpath packets from';
    case 'unknownPort':
      return 'add the port to the configuration';
    case 'tapDown':
      return 'ip link set the TAP up';
    case 'wrongDirection':
      return "punt.listen must be this host's side, punt.vasic the vASIC's";
    case 'malformedHeader':
    case 'unknownSandbox':
    case 'shortFrame':
    case 'tapFull':
    case 'tapError':
    case 'socketFull':
    case 'tooLong':
      return undefined;
  }
}
