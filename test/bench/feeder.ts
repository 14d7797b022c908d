/**
 * A BGP speaker that has nothing to say but a table: connects to a bgpd, announces the made-up prefixes with as many different
 * nexthops as asked for, then answers keepalives. `node feeder.js BGPD LOCAL-AS ROUTES NEXTHOPS PORTS`, all in RFC 4271's plainest form
 * (no capabilities: two-byte AS numbers, IPv4 unicast). Says `sent` when the last update has left.
 */
import { connect } from 'node:net';
import { hopOf, gatewayOf } from './stream';
import { makePrefixes } from './prefixes';

const PORT = 179;
const HEADER = 19;
const OPEN = 1;
const UPDATE = 2;
const KEEPALIVE = 4;
const HOLD_SECONDS = 0;
/** An update's NLRI, below BGP's 4096 bytes a message. */
const NLRI_BYTES = 4000;

function message(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER, 0xff);
  header.writeUInt16BE(HEADER + body.length, 16);
  header[18] = type;
  return Buffer.concat([header, body]);
}

function open(as: number): Buffer {
  const body = Buffer.alloc(10);
  body[0] = 4;
  body.writeUInt16BE(as, 1);
  body.writeUInt16BE(HOLD_SECONDS, 3);
  body.set([192, 168, 255, 2], 5);
  return message(OPEN, body);
}

/** ORIGIN igp, AS_PATH (as), NEXT_HOP. */
function attributes(as: number, nexthop: Uint8Array): Buffer {
  return Buffer.from([0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, as >> 8, as & 0xff, 0x40, 3, 4, ...nexthop]);
}

function update(attrs: Buffer, nlri: Buffer): Buffer {
  const lengths = Buffer.alloc(4);
  lengths.writeUInt16BE(attrs.length, 2);
  return message(UPDATE, Buffer.concat([lengths, attrs, nlri]));
}

/** All updates, one nexthop after the other. */
function* updates(as: number, routes: number, nexthops: number, ports: number): Generator<Buffer> {
  const { addresses, lengths } = makePrefixes(routes);
  const members: number[][] = Array.from({ length: nexthops }, () => []);
  for (let i = 0; i < routes; i++) members[hopOf(i, nexthops)]!.push(i);
  for (let hop = 0; hop < nexthops; hop++) {
    const attrs = attributes(as, gatewayOf(hop, ports).address);
    const nlri = Buffer.alloc(NLRI_BYTES + 5);
    let at = 0;
    for (const i of members[hop]!) {
      const length = lengths[i]!;
      nlri[at++] = length;
      for (let bits = 0; bits < length; bits += 8) nlri[at++] = (addresses[i]! >>> (24 - bits)) & 0xff;
      if (at < NLRI_BYTES) continue;
      yield update(attrs, nlri.subarray(0, at));
      at = 0;
    }
    if (at > 0) yield update(attrs, nlri.subarray(0, at));
  }
}

function main(): void {
  const [host = '', ...numbers] = process.argv.slice(2);
  const [as, routes, nexthops, ports] = numbers.map(Number) as [number, number, number, number];
  const source = updates(as, routes, nexthops, ports);
  const attempt = (): void => {
    const socket = connect(PORT, host, () => socket.write(open(as)));
    let established = false;
    let held: Buffer = Buffer.alloc(0);
    const send = (): void => {
      for (let next = source.next(); ; next = source.next()) {
        if (next.done === true) {
          console.log('sent');
          return;
        }
        if (!socket.write(next.value)) break;
      }
      socket.once('drain', send);
    };
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= HEADER && held.length >= held.readUInt16BE(16)) {
        const type = held[18];
        held = held.subarray(held.readUInt16BE(16));
        if (type === OPEN) socket.write(message(KEEPALIVE, Buffer.alloc(0)));
        if (type !== KEEPALIVE) continue;
        socket.write(message(KEEPALIVE, Buffer.alloc(0)));
        if (!established) send();
        established = true;
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (established) process.exit(1);
      setTimeout(attempt, 500);
    });
  };
  attempt();
}

main();
