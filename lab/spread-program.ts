/**
 * A program for the lab: raw UDP packets of very many flows, and who they are for where they come out. Run as
 *
 *   send IF PORT-MAC SOURCE DESTINATION FLOWS RATE   one packet of each flow into a vASIC port, RATE a second, then ends
 *   watch IF FAMILY FLOWS                            until SIGTERM; then prints a SpreadReport as JSON
 *
 * A flow's number is in its UDP ports. Load balancing is seen in the destination MAC of what comes out, so all paths may be
 * behind one port.
 */
import { readFileSync } from 'node:fs';
import { errorText } from '../src/net/error-text';
import { formatMac, parseAddress, parseMac } from '../src/net/address';
import { noOffload } from '../src/net/offload';
import { PacketSocket, type ReceivedFrame } from '../src/sys/packet';
import { buildProbe } from '../src/net/probe';
import type { SpreadReport } from './spread';
import { sleep } from './wait';

const PLAIN = noOffload();
const FIRST_SOURCE_PORT = 1024;
const SOURCE_PORTS = 50_000;
const FIRST_PORT = 5000;
const UDP = 17;
const ETHERNET = 14;
const TICK_MS = 1;

function openOn(name: string): PacketSocket {
  return PacketSocket.open(Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8')), 0);
}

async function send(ifname: string, mac: string, from: string, to: string, flows: number, rate: number): Promise<void> {
  const socket = openOn(ifname);
  const source = parseAddress(from)!;
  const start = performance.now();
  for (let sent = 0; sent < flows;) {
    const due = Math.min(flows, Math.ceil(((performance.now() - start) * rate) / 1000));
    for (; sent < due; sent++) {
      const destination = Buffer.from(parseAddress(to)!);
      destination.writeUInt16BE(sent & 0xffff, destination.length - 2);
      const packet = buildProbe(
        {
          ...{ source, destination, protocol: 'udp', ttl: 64, flowLabel: 0, size: 0 },
          sourcePort: FIRST_SOURCE_PORT + (sent % SOURCE_PORTS),
          destinationPort: FIRST_PORT + Math.floor(sent / SOURCE_PORTS),
        },
        parseMac(mac)!,
      );
      socket.send(packet, 0, packet.length, PLAIN);
    }
    socket.flush();
    await sleep(TICK_MS);
  }
  socket.close();
}

/** The number of the flow that a frame is of; undefined: of none. */
function flowOf({ buffer, offset, length }: ReceivedFrame, ip: number): number | undefined {
  const udp = ETHERNET + ip;
  if (length < udp + 8 || buffer[offset + ETHERNET + (ip === 20 ? 9 : 6)] !== UDP) return undefined;
  const low = buffer.readUInt16BE(offset + udp) - FIRST_SOURCE_PORT;
  const high = buffer.readUInt16BE(offset + udp + 2) - FIRST_PORT;
  return low >= 0 && low < SOURCE_PORTS && high >= 0 ? high * SOURCE_PORTS + low : undefined;
}

async function watch(ifname: string, family: string, count: number): Promise<void> {
  const socket = openOn(ifname);
  const paths: string[] = [];
  const flows = new Array<number>(count).fill(-1);
  let running = true;
  process.once('SIGTERM', () => (running = false));
  const look = (): boolean =>
    socket.receive((frame) => {
      const flow = flowOf(frame, family === '4' ? 20 : 40);
      if (flow === undefined || flow >= count) return;
      const mac = formatMac(frame.buffer.subarray(frame.offset, frame.offset + 6));
      if (!paths.includes(mac)) paths.push(mac);
      flows[flow] = paths.indexOf(mac);
    });
  console.log('ready');
  while (running) {
    while (look());
    await sleep(TICK_MS);
  }
  while (look());
  const report: SpreadReport = { paths, flows };
  console.log(JSON.stringify(report));
}

const [mode, ...rest] = process.argv.slice(2);
const [a = '', b = '', c = '', d = '', e = '', f = ''] = rest;
const started = mode === 'send' ? send(a, b, c, d, Number(e), Number(f)) : watch(a, b, Number(c));
started.catch((error: unknown) => {
  console.error(errorText(error));
  process.exitCode = 1;
});
