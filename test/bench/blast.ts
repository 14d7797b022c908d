/**
 * Sends 64-byte UDP packets (60 without the checksum that the wire adds) into an interface as fast as it can, to destinations spread over
 * the made-up table. `node blast.js INTERFACE PORT-MAC ROUTES SECONDS` prints `{"sent": …, "ms": …}`. The frames are made before the clock
 * starts and sent from where they lie, so that sending costs as little as it can beside what is measured.
 */
import { bind, close, ifNameToIndex, sendmmsg, socket, SOCK_RAW, AF_PACKET } from '../../src/sys/libc';
import { MessageVector } from '../../src/sys/mmsg';
import { parseMac } from '../../src/net/address';
import { sumBytes, write16, write32 } from '../../src/net/checksum';
import { destinationsIn } from './prefixes';

const FRAME = 60;
const FRAMES = 1 << 16;
/** What one sendmmsg takes (UIO_MAXIOV). */
const BATCH = 1024;
const SOURCE = 0x0a010002;

/** A UDP packet to `destination` from a port of its own, so that no two look like one flow. */
function fill(frame: Buffer, portMac: Uint8Array, destination: number, sourcePort: number): void {
  frame.set(portMac, 0);
  frame.set([2, 0, 0, 0, 0, 0x77, 0x08, 0, 0x45, 0, 0, FRAME - 14, 0, 0, 0, 0, 64, 17], 6);
  write32(frame, 26, SOURCE);
  write32(frame, 30, destination);
  write16(frame, 24, ~sumBytes(frame, 14, 34) & 0xffff);
  write16(frame, 34, sourcePort);
  frame.set([0x13, 0x88, 0, FRAME - 34, 0, 0], 36);
}

function main(): void {
  const [interfaceName = '', portMac = '', ...numbers] = process.argv.slice(2);
  const [routes, seconds] = numbers.map(Number) as [number, number];
  const vector = new MessageVector({ slots: FRAMES, slotBytes: FRAME });
  const destinations = destinationsIn(routes, FRAMES);
  const mac = parseMac(portMac)!;
  vector.slots.forEach((slot, i) => fill(slot, mac, destinations[i]!, i));

  // Protocol 0: nothing is received.
  const fd = socket(AF_PACKET, SOCK_RAW, 0);
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(ifNameToIndex(interfaceName), 4);
  bind(fd, address, interfaceName);
  const started = performance.now();
  const end = started + seconds * 1000;
  let sent = 0;
  for (let at = 0; performance.now() < end; at = (at + BATCH) % FRAMES) {
    sent += Math.max(0, sendmmsg(fd, vector.from(at), BATCH));
  }
  console.log(JSON.stringify({ sent, ms: performance.now() - started }));
  close(fd);
}

main();
