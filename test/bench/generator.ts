/**
 * Sends 64-byte UDP packets out of an interface from within the kernel: millions a second from one core, where a sender in user space can
 * do a few hundred thousand and hides whatever is faster. `node generator.js INTERFACE PORT-MAC FAMILY ROUTES SECONDS [CASE]` prints
 * `{"sent": …, "ms": …, "waitedMs": …}`, a GeneratorReport. The program is generate.bpf.c's; the packets are flood-frames.ts's, or with a case labelled.ts's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { BpfObject } from '../../src/sys/bpf-object';
import { LIVE_FRAMES_MAX, runLiveFrames } from '../../src/sys/bpf';
import { SysError, ifNameToIndex } from '../../src/sys/libc';
import { MappedMemory } from '../../src/sys/mapped-memory';
import { parseMac } from '../../src/net/address';
import { NEXTHOPS } from './crossing';
import { FRAME_BYTES, fillFrames } from './flood-frames';
import { fillLabelled, type LabelCase } from './labelled';

const FRAMES = 1 << 16;
/**
 * Frames that are handed over at a time; the forwarder works on them before the next. It is polled for 64 at a time: for more, it takes several rounds,
 * and where another process waits for the core the kernel ends after the first and lets the generator go on. Its next 256 then met the ring of 256
 * with up to 192 still in it, and what had no room was lost before it came to the forwarder. Fewer than 64 are done in one round. The kernel hands over
 * 16 at once.
 */
const BATCH = 48;

export interface GeneratorReport {
  readonly sent: number;
  /** From the first packet to the last. */
  readonly ms: number;
  /** Of these, how long another program had the core. */
  readonly waitedMs: number;
}

/** struct control: packets made, interface, and in nanoseconds the first packet's time and the last one's. */
const CONTROL_BYTES = 24;

/**
 * One call, ended by a signal: each waits some 25 ms for the kernel, on a busy machine longer. With a call for each 131072 packets half of the
 * generator's time was that.
 */
function sendFor(seconds: number, program: number): void {
  const alarm = koffi.load('libc.so.6').func('unsigned int alarm(unsigned int seconds)');
  // Without a handler the signal would end the process.
  process.once('SIGALRM', () => undefined);
  alarm(seconds);
  try {
    runLiveFrames(program, Buffer.alloc(FRAME_BYTES), LIVE_FRAMES_MAX, BATCH);
  } catch (error) {
    if (!(error instanceof SysError && error.code === 'EINTR')) throw error;
  }
}

/** Milliseconds for which this thread was ready to run and another had the core. */
function waitedMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
}

function main(): void {
  const [interfaceName = '', portMac = '', ...more] = process.argv.slice(2);
  const [family, routes, seconds] = more.slice(0, 3).map(Number) as [4 | 6, number, number];
  const labels = more[3] as LabelCase | undefined;
  const object = BpfObject.load({
    name: 'generate',
    bytes: readFileSync(join(__dirname, 'generate.bpf.o')),
    programs: ['generate'],
    maps: {},
  });
  const frames = Buffer.from(
    new MappedMemory(FRAMES * FRAME_BYTES).place(object.mapFd('frames'), FRAMES * FRAME_BYTES),
  );
  const slots = Array.from({ length: FRAMES }, (_, i) => frames.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES));
  const mac = parseMac(portMac)!;
  if (labels === undefined) fillFrames(slots, family, mac, routes);
  else fillLabelled(slots, labels, mac, { routes, gateways: NEXTHOPS });
  const control = new MappedMemory(4096).place(object.mapFd('control'), CONTROL_BYTES);
  const [counts, clock] = [new Uint32Array(control), new BigUint64Array(control)];
  counts[1] = ifNameToIndex(interfaceName);
  const waited = waitedMs();
  sendFor(seconds, object.programFd('generate'));
  const report: GeneratorReport = {
    sent: counts[0]!,
    ms: Number(clock[2]! - clock[1]!) / 1e6,
    waitedMs: waitedMs() - waited,
  };
  console.log(JSON.stringify(report));
  object.close();
}

main();
