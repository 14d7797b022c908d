/**
 * Sends 64-byte UDP packets out of an interface from within the kernel: millions a second from one core, where a sender in user space can
 * do a few hundred thousand and hides whatever is faster. `node generator.js INTERFACE PORT-MAC FAMILY ROUTES SECONDS [CASE]` prints
 * `{"sent": …, "ms": …}`. The program is generate.bpf.c's; the packets are flood-frames.ts's, or with a case labelled.ts's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpfObject } from '../../src/sys/bpf-object';
import { runLiveFrames } from '../../src/sys/bpf';
import { ifNameToIndex } from '../../src/sys/libc';
import { MappedMemory } from '../../src/sys/mapped-memory';
import { parseMac } from '../../src/net/address';
import { NEXTHOPS } from './crossing';
import { FRAME_BYTES, fillFrames } from './flood-frames';
import { fillLabelled, type LabelCase } from './labelled';

const FRAMES = 1 << 16;
/** Frames of one call, which can't be ended early. */
const ROUND = 1 << 17;
/**
 * Frames that are handed over at a time; the forwarder works on them before the next. It is polled for 64 at a time: for more, it takes several rounds,
 * and where another process waits for the core the kernel ends after the first and lets the generator go on. Its next 256 then met the ring of 256
 * with up to 192 still in it, and what had no room was lost before it came to the forwarder. Fewer than 64 are done in one round. The kernel hands over
 * 16 at once.
 */
const BATCH = 48;

function main(): void {
  const [interfaceName = '', portMac = '', ...more] = process.argv.slice(2);
  const [family, routes, seconds] = more.slice(0, 3).map(Number) as [4 | 6, number, number];
  const labels = more[3] as LabelCase | undefined;
  const object = BpfObject.load('generate', readFileSync(join(__dirname, 'generate.bpf.o')), ['generate'], {});
  const frames = Buffer.from(
    new MappedMemory(FRAMES * FRAME_BYTES).place(object.mapFd('frames'), FRAMES * FRAME_BYTES),
  );
  const slots = Array.from({ length: FRAMES }, (_, i) => frames.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES));
  const mac = parseMac(portMac)!;
  if (labels === undefined) fillFrames(slots, family, mac, routes);
  else fillLabelled(slots, labels, mac, { routes, gateways: NEXTHOPS });
  const control = new Uint32Array(new MappedMemory(4096).place(object.mapFd('control'), 16));
  // Values of an array are eight bytes apart.
  control[2] = ifNameToIndex(interfaceName);
  const program = object.programFd('generate');
  const shape = Buffer.alloc(FRAME_BYTES);
  const started = performance.now();
  const end = started + seconds * 1000;
  let sent = 0;
  for (; performance.now() < end; sent += ROUND) runLiveFrames(program, shape, ROUND, BATCH);
  console.log(JSON.stringify({ sent, ms: performance.now() - started }));
  object.close();
}

main();
