/**
 * What the bridge and the punt process say to each other over the Unix socket `punt.socket`: one JSON object a line, MAC
 * addresses as text. The bridge begins with `take`: from then on the process is that bridge's, until the connection ends. The
 * process keeps everything as it was last told when nobody is there.
 */
import type { Socket } from 'node:net';
import type { PortConfig } from '../config/types';
import { formatMac, parseMac } from '../net/address';
import type { PuntCounters } from './counters';
import type { PuntConfig } from './punt';
import type { PortDetails } from './port';

/** Raised when a line gets another meaning. Two ends that differ don't work together. */
export const PROTOCOL = 1;

/** A port with its MAC as text. */
export interface PortLine {
  readonly index: number;
  readonly tap?: string;
  readonly mac?: string;
  readonly mtu?: number;
}

/** The configuration as it goes over the socket. */
export interface ConfigLine {
  readonly listen: PuntConfig['punt']['listen'];
  readonly vasic: PuntConfig['punt']['vasic'];
  readonly ports: readonly PortLine[];
}

/** What is asked of the process. Those with an `id` are answered with it. */
export type Request =
  | {
      readonly kind: 'take';
      readonly id: number;
      readonly protocol: number;
      readonly pid: number;
      /** Of the bridge's process, and of no other one; absent from older bridges. A pid is another one's too, in another namespace. */
      readonly life?: string;
      readonly config: ConfigLine;
    }
  | { readonly kind: 'reconfigure'; readonly id: number; readonly config: ConfigLine }
  | { readonly kind: 'counters'; readonly id: number }
  /** What is there, without taking it. */
  | { readonly kind: 'look'; readonly id: number }
  /** Ends the process, and with it its TAPs; answered before it does. */
  | { readonly kind: 'stop'; readonly id: number }
  | { readonly kind: 'configurePort'; readonly port: PortLine }
  | { readonly kind: 'setCarrier'; readonly index: number; readonly up: boolean }
  | { readonly kind: 'setSandbox'; readonly sandbox: number };

/** What a punt process is. */
export interface ProcessLine {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  /** ISO time of its start. */
  readonly since: string;
  readonly taps: readonly string[];
  /** What it was told of the ports by this bridge or an earlier one; absent from older processes. */
  readonly told?: readonly PortLine[];
  /** Process id of the bridge that has it. */
  readonly owner?: number;
}

/** What the process says. */
export type Reply =
  | { readonly kind: 'answer'; readonly id: number; readonly process: ProcessLine; readonly counters?: PuntCounters }
  | { readonly kind: 'refused'; readonly id: number; readonly reason: string }
  /** Something broke, and was logged there. */
  | { readonly kind: 'error'; readonly message: string };

/** A line longer than this is none of ours: a configuration of a thousand ports has 100 kB. */
const LINE_BYTES = 4 << 20;

export function configToLine({ punt, ports }: PuntConfig): ConfigLine {
  return { listen: punt.listen, vasic: punt.vasic, ports: ports.map(portToLine) };
}

/** @throws Error when it isn't one */
export function configFromLine({ listen, vasic, ports }: ConfigLine): PuntConfig {
  return {
    punt: { listen, vasic },
    ports: ports.map((line): PortConfig => {
      if (line.tap === undefined) throw new Error(`port ${line.index} has no TAP`);
      return { index: line.index, tap: line.tap, ...detailsFromLine(line) };
    }),
  };
}

export function portToLine({ index, tap, mac, mtu }: PortDetails & { index: number; tap?: string }): PortLine {
  return {
    index,
    ...(tap === undefined ? {} : { tap }),
    ...(mac === undefined ? {} : { mac: formatMac(mac) }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

export function detailsFromLine({ mac, mtu }: PortLine): PortDetails {
  const bytes = mac === undefined ? undefined : parseMac(mac);
  return { ...(bytes === undefined ? {} : { mac: bytes }), ...(mtu === undefined ? {} : { mtu }) };
}

export function send(socket: Socket, message: Request | Reply): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `take` with each line's object; what is no JSON, or far too long, ends the connection. */
export function onLines(socket: Socket, take: (message: unknown) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    if (rest.length > LINE_BYTES) return void socket.destroy();
    for (const line of lines) {
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        return void socket.destroy();
      }
      take(message);
    }
  });
}
