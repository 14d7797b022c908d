/**
 * Failover as packets see it: sends one IPv4 packet after the other into one vASIC port and watches them come out of another; has
 * the neighbor's MAC changed meanwhile and says how long it took until the first packet with the new MAC came out.
 * `node probe.js IN OUT PORT-MAC DESTINATION NETNS DEV GATEWAY MAC…`: one change per MAC, one JSON line for each. The time includes the
 * start of `ip neigh replace`, which is given apart: `commandMs` from its start to its exit.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { formatMac, parseAddress, parseMac } from '../../src/net/address';
import { PacketSocket, type VnetHeader } from '../../src/sys/packet';

const [input = '', output = '', portMac = '', destination = '', netns = '', dev = '', gateway = '', ...macs] =
  process.argv.slice(2);
const PLAIN: VnetHeader = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };
const TIMEOUT_MS = 10_000;
const PAUSE_MS = 300;

function openOn(name: string): PacketSocket {
  return PacketSocket.open(Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8')), 0);
}

function frame(): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.set(parseMac(portMac)!, 0);
  bytes.set([2, 0, 0, 0, 0, 0x77, 0x08, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17], 6);
  bytes.set([10, 1, 0, 2], 26);
  bytes.set(parseAddress(destination)!, 30);
  let sum = 0;
  for (let i = 14; i < 34; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes.writeUInt16BE(~sum & 0xffff, 24);
  bytes.set([0x13, 0x88, 0x13, 0x88, 0, 26, 0, 0], 34);
  return bytes.subarray(0, 60);
}

const into = openOn(input);
const from = openOn(output);
const packet = frame();
let seen = '';

function look(): void {
  from.receive(({ buffer, offset, length }) => {
    if (length < 34 || buffer.compare(packet, 30, 34, offset + 30, offset + 34) !== 0) return;
    seen = formatMac(buffer.subarray(offset, offset + 6));
  });
}

/** Sends and looks, as often as the event loop comes round. */
function loop(): void {
  look();
  into.send(packet, 0, packet.length, PLAIN);
  into.flush();
  setTimeout(loop, 0);
}

async function until(condition: () => boolean, what: string): Promise<number> {
  const end = performance.now() + TIMEOUT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${TIMEOUT_MS} ms for ${what}; the last packet had ${seen}`);
    await new Promise((resolve) => setImmediate(resolve));
    look();
  }
  return performance.now();
}

async function main(): Promise<void> {
  loop();
  await until(() => seen !== '', 'a packet to come through');
  for (const mac of macs) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const started = performance.now();
    let commandMs = 0;
    const replace = ['-n', netns, 'neigh', 'replace', gateway, 'lladdr', mac, 'dev', dev, 'nud', 'permanent'];
    const command = spawn('ip', replace, { stdio: 'inherit' });
    const ended = new Promise((resolve) => command.once('exit', resolve));
    void ended.then(() => (commandMs = performance.now() - started));
    const changed = await until(() => seen === mac, `packets with ${mac}`);
    await ended;
    console.log(JSON.stringify({ ms: changed - started, commandMs }));
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
