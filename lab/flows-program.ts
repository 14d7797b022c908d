/**
 * A program for the lab: many UDP flows that are answered, one packet of each per interval, and the record of what was lost
 * when. Run as
 *
 *   echo ADDRESS PORT NAME                          answers every datagram with NAME in front
 *   send SOURCE TARGET PORT FLOWS INTERVAL_MS       until SIGTERM or SIGINT; then prints a FlowsReport as JSON
 *
 * A flow is one source port. Sequence numbers and times of sending are kept, so that a gap is known in milliseconds.
 */
import { createSocket, type Socket } from 'node:dgram';
import { errorText } from '../src/net/error-text';
import type { FlowReport, FlowsReport } from './flows';

const TICK_MS = 1;
/** After the last packet, for answers still under way. */
const LINGER_MS = 500;
const HEADER = 8;

function bind(address: string, port: number): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => {
      socket.setRecvBufferSize(1 << 20);
      resolve(socket);
    });
  });
}

async function echo(address: string, port: number, name: string): Promise<void> {
  const socket = await bind(address, port);
  const prefix = Buffer.from(name.padEnd(HEADER).slice(0, HEADER));
  socket.on('message', (message, from) => socket.send(Buffer.concat([prefix, message]), from.port, from.address));
  // A vanished link makes sending fail for a moment; the datagram is lost like any other.
  socket.removeAllListeners('error').on('error', () => undefined);
  console.log('ready');
}

interface Flow {
  readonly socket: Socket;
  /** performance.now() at which each packet was sent. */
  readonly sentAt: number[];
  /** Who answered each packet. */
  readonly answeredBy: (string | undefined)[];
}

function reportFlow(flow: Flow, port: number, epoch: number): FlowReport {
  const { sentAt, answeredBy } = flow;
  const answers: { by: string; firstMs: number; lastMs: number; packets: number }[] = [];
  const gaps: { fromMs: number; durationMs: number; packets: number }[] = [];
  let missing = 0;
  answeredBy.forEach((by, seq) => {
    const atMs = epoch + sentAt[seq]!;
    if (by === undefined) {
      missing++;
      return;
    }
    if (missing > 0) {
      const from = sentAt[seq - missing]!;
      gaps.push({ fromMs: epoch + from, durationMs: sentAt[seq]! - from, packets: missing });
      missing = 0;
    }
    const last = answers.at(-1);
    if (last?.by === by) {
      last.lastMs = atMs;
      last.packets++;
    } else answers.push({ by, firstMs: atMs, lastMs: atMs, packets: 1 });
  });
  if (missing > 0) {
    const from = sentAt[sentAt.length - missing]!;
    gaps.push({ fromMs: epoch + from, durationMs: sentAt.at(-1)! - from, packets: missing });
  }
  return { port, sent: sentAt.length, answers, gaps };
}

async function send(source: string, target: string, port: number, count: number, intervalMs: number): Promise<void> {
  const flows: Flow[] = [];
  for (let i = 0; i < count; i++) {
    const flow: Flow = { socket: await bind(source, 0), sentAt: [], answeredBy: [] };
    flow.socket.removeAllListeners('error').on('error', () => undefined);
    flow.socket.on('message', (message) => {
      const seq = message.readUInt32BE(HEADER);
      if (seq < flow.sentAt.length) flow.answeredBy[seq] = message.toString('latin1', 0, HEADER).trim();
    });
    flows.push(flow);
  }
  const start = performance.now();
  const epoch = Date.now() - start;
  let sent = 0;
  const timer = setInterval(() => {
    // Spread evenly: packet k is due at start + k × interval / flows.
    const due = Math.floor(((performance.now() - start) * count) / intervalMs);
    for (; sent < due; sent++) {
      const flow = flows[sent % count]!;
      const packet = Buffer.alloc(32);
      packet.writeUInt32BE(flow.sentAt.length);
      flow.answeredBy[flow.sentAt.length] = undefined;
      flow.sentAt.push(performance.now());
      flow.socket.send(packet, port, target);
    }
  }, TICK_MS);
  console.log('ready');
  await new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  clearInterval(timer);
  await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  const report: FlowsReport = {
    intervalMs,
    flows: flows.map((flow) => reportFlow(flow, flow.socket.address().port, epoch)),
  };
  for (const { socket } of flows) socket.close();
  console.log(JSON.stringify(report));
}

const [mode, ...rest] = process.argv.slice(2);
const [a = '', b = '', c = '', d = '', e = ''] = rest;
const started = mode === 'echo' ? echo(a, Number(b), c) : send(a, b, Number(c), Number(d), Number(e));
started.catch((error: unknown) => {
  console.error(errorText(error));
  process.exitCode = 1;
});
