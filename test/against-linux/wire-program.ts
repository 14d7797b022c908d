/**
 * The other end of all ports of both routers: answers ARP and neighbor solicitations for the hosts, sends frames, and collects
 * what comes out. Run in the namespace of the wire, `wire-program [SIDE…]` (absent: both); commands come by standard input (wire.ts).
 */
import { renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { formatAddress, formatMac, parseAddress, parseMac } from '../../src/net/address';
import { fold, pseudoHeaderSum, sumBytes, write16 } from '../../src/net/checksum';
import { ETHERTYPE_IPV6 } from '../../src/net/ethertypes';
import { interfaceState } from '../../src/sys/interface';
import { SysError } from '../../src/sys/libc';
import { PacketSocket, type ReceivedFrame } from '../../src/sys/packet';
import { hostMac, PORTS, SIDES, wireName, type Side } from './plan';
import type { Heard, WireCommand, WireFrame } from './wire';

const TICK_MS = 2;
/** Frames sent in one tick: the routers' queues aren't what is compared. */
const PER_TICK = 6;
const ETHERTYPE_ARP = 0x0806;
const PLAIN = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };
const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;

interface End {
  readonly side: Side;
  readonly port: number;
  readonly socket: PacketSocket;
}

interface Exchange {
  readonly answer: string;
  readonly quietMs: number;
  readonly waiting: WireFrame[];
  readonly heard: Heard[];
  lastAt: number;
}

const hosts = new Map<string, number>();
let exchange: Exchange | undefined;
const chosen = process.argv.slice(2);
const sides = SIDES.filter((side) => chosen.length === 0 || chosen.includes(side));
const ends: readonly End[] = sides.flatMap((side) =>
  PORTS.map((port) => {
    const name = wireName(side, port);
    const found = interfaceState(name);
    if (found === undefined) throw new Error(`no interface ${name}`);
    return { side, port, socket: PacketSocket.open(found.ifindex, 0) };
  }),
);

function send({ socket }: End, frame: Buffer): void {
  socket.send(frame, 0, frame.length, PLAIN);
  socket.flush();
}

const macOf = (port: number, address: string): Uint8Array => parseMac(hostMac(port, address, hosts.get(address) ?? 0))!;

function arp(mac: Uint8Array, address: Uint8Array, to: Uint8Array, toAddress: Uint8Array, operation: 1 | 2): Buffer {
  const head = Buffer.from([8, 6, 0, 1, 8, 0, 6, 4, 0, operation]);
  return Buffer.concat([to, mac, head, mac, address, operation === 1 ? new Uint8Array(6) : to, toAddress]);
}

function advertisement(mac: Uint8Array, address: Uint8Array, to: Uint8Array, toAddress: Uint8Array): Buffer {
  const solicited = toAddress[0] !== 0xff;
  const frame = Buffer.concat([
    ...[to, mac, Buffer.from([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, ICMPV6, 255]), address, toAddress],
    Buffer.from([ADVERTISEMENT, 0, 0, 0, solicited ? 0x60 : 0x20, 0, 0, 0]),
    ...[address, Buffer.from([2, 1]), mac],
  ]);
  write16(frame, 56, ~sumBytes(frame, 54, frame.length, pseudoHeaderSum(frame, 14, 6, ICMPV6, 32)) & 0xffff);
  return frame;
}

/** Answers what asks for a host. True for ARP and neighbor discovery, which aren't collected. */
function answers(end: End, frame: Buffer): boolean {
  const type = frame.readUInt16BE(12);
  if (type === ETHERTYPE_ARP) {
    const address = formatAddress(frame.subarray(38, 42));
    if (frame.readUInt16BE(20) === 1 && hosts.has(address)) {
      send(
        end,
        arp(macOf(end.port, address), frame.subarray(38, 42), frame.subarray(22, 28), frame.subarray(28, 32), 2),
      );
    }
    return true;
  }
  if (type !== ETHERTYPE_IPV6 || frame.length < 78 || frame[20] !== ICMPV6) return false;
  if (frame[54] === SOLICITATION) {
    const target = frame.subarray(62, 78);
    const address = formatAddress(target);
    if (hosts.has(address)) {
      send(end, advertisement(macOf(end.port, address), target, frame.subarray(6, 12), frame.subarray(22, 38)));
    }
  }
  return frame[54]! >= 133 && frame[54]! <= 136;
}

function announce(address: string): void {
  const bytes = parseAddress(address)!;
  for (const end of ends) {
    const mac = macOf(end.port, address);
    const frame =
      bytes.length === 4
        ? arp(mac, bytes, parseMac('ff:ff:ff:ff:ff:ff')!, bytes, 1)
        : advertisement(mac, bytes, parseMac('33:33:00:00:00:01')!, parseAddress('ff02::1')!);
    send(end, frame);
  }
}

/** A checksum that the kernel left for hardware to complete. */
function complete(frame: Buffer, { flags, csumStart, csumOffset }: ReceivedFrame['offload']): void {
  if ((flags & 1) === 0) return;
  write16(frame, csumStart + csumOffset, ~fold(sumBytes(frame, csumStart, frame.length)) & 0xffff);
}

function receive(end: End): void {
  const take = (received: ReceivedFrame): void => {
    const frame = Buffer.from(received.buffer.subarray(received.offset, received.offset + received.length));
    complete(frame, received.offload);
    if (answers(end, frame) || exchange === undefined) return;
    exchange.heard.push({ side: end.side, port: end.port, hex: frame.toString('hex') });
    exchange.lastAt = performance.now();
  };
  try {
    while (end.socket.receive(take));
  } catch (error) {
    // The link went down: an event, and no fault.
    if (!(error instanceof SysError)) throw error;
  }
}

function proceed(running: Exchange): void {
  for (const { port, hex } of running.waiting.splice(0, PER_TICK)) {
    const frame = Buffer.from(hex, 'hex');
    for (const end of ends) if (end.port === port) send(end, frame);
    running.lastAt = performance.now();
  }
  if (running.waiting.length > 0 || performance.now() - running.lastAt < running.quietMs) return;
  exchange = undefined;
  writeFileSync(`${running.answer}.new`, JSON.stringify(running.heard));
  renameSync(`${running.answer}.new`, running.answer);
}

function obey(command: WireCommand): void {
  switch (command.kind) {
    case 'host': {
      const address = formatAddress(parseAddress(command.address)!);
      if (command.generation === undefined) hosts.delete(address);
      else hosts.set(address, command.generation);
      if (command.announce) announce(address);
      break;
    }
    case 'exchange': {
      const { frames, quietMs, answer } = command;
      exchange = { answer, quietMs, waiting: [...frames], heard: [], lastAt: performance.now() };
      break;
    }
  }
}

setInterval(() => {
  for (const end of ends) receive(end);
  if (exchange !== undefined) proceed(exchange);
}, TICK_MS);
createInterface({ input: process.stdin })
  .on('line', (line) => obey(JSON.parse(line) as WireCommand))
  .on('close', () => process.exit(0));
process.stdout.write(`ready, ${formatMac(parseMac(hostMac(0, '10.1.0.2'))!)} is the first host\n`);
