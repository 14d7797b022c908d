/** What the probes share: a packet to send into a vASIC port, sockets on the far ends of ports, and looking without a pause. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseAddress, parseMac } from '../../src/net/address';
import { finishIpv4 } from '../bed/ipv4-header';
import { SysError } from '../../src/sys/libc';
import { noOffload } from '../../src/net/offload';
import { PacketSocket, type ReceivedFrame } from '../../src/sys/packet';
import { sleep } from '../../lab/wait';

export const PLAIN = noOffload();
const TIMEOUT_MS = 10_000;
const ETHERNET = 14;
const IPV4 = 20;
const DESTINATION = ETHERNET + 16;
const SOURCE_PORT = ETHERNET + IPV4;

export function openOn(name: string): PacketSocket {
  return PacketSocket.open(Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8')), 0);
}

/** A UDP packet from 10.1.0.2 in an Ethernet frame for a router's port. */
export function udpFrame(portMac: string, destination: string, sourcePort: number): Buffer {
  const bytes = Buffer.alloc(60);
  bytes.set(parseMac(portMac)!, 0);
  bytes.set([2, 0, 0, 0, 0, 0x77, 0x08, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17], 6);
  bytes.set([10, 1, 0, 2], 26);
  bytes.set(parseAddress(destination)!, DESTINATION);
  finishIpv4(bytes, ETHERNET);
  bytes.writeUInt16BE(sourcePort, SOURCE_PORT);
  bytes.set([0x13, 0x88, 0, 26, 0, 0], SOURCE_PORT + 2);
  return bytes;
}

/** The UDP source port of a received frame that is one of `udpFrame`'s to the same destination; undefined: it is not. */
export function flowOf({ buffer, offset, length }: ReceivedFrame, sent: Buffer): number | undefined {
  if (length < SOURCE_PORT + 2) return undefined;
  const at = offset + DESTINATION;
  return buffer.compare(sent, DESTINATION, DESTINATION + 4, at, at + 4) === 0
    ? buffer.readUInt16BE(offset + SOURCE_PORT)
    : undefined;
}

/** Hands over what has come; an interface that is down has nothing. */
export function receiveAll(socket: PacketSocket, handler: (frame: ReceivedFrame) => void): void {
  try {
    while (socket.receive(handler));
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== 'ENETDOWN') throw error;
  }
}

/**
 * Calls `look` every millisecond until the condition holds; the time then. More often would take a CPU from those who are measured. Throws
 * after 10 s.
 */
export async function until(condition: () => boolean, look: () => void, what: () => string): Promise<number> {
  const end = performance.now() + TIMEOUT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${TIMEOUT_MS} ms for ${what()}`);
    await sleep(1);
    look();
  }
  return performance.now();
}

/**
 * An `ip` that runs already and takes commands, so that no start of a process is measured. Returns what gives it one; a command that
 * fails ends it, which nobody but `until` notices.
 */
export function startIp(...args: readonly string[]): (command: string) => void {
  const { stdin } = spawn('ip', [...args, '-batch', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  stdin.on('error', () => undefined);
  return (command) => void stdin.write(`${command}\n`);
}

/** Runs a probe to its end: status 1, and why, when it throws. */
export function runProbe(main: () => Promise<void>): void {
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}
