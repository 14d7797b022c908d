/**
 * A program for the lab, in zebra's place: many routes over one group of nexthop objects, which changes in place. Run as
 *
 *   ROUTES IFINDEX GATEWAY IFINDEX GATEWAY …
 *
 * It stays connected until SIGTERM; each SIGUSR2 takes the last nexthop out of the group, or puts it in again.
 */
import { connect } from 'node:net';
import { parseAddress } from '../src/net/address';
import { ZebraFrames } from './zebra-frames';

const GROUP = 100;
const [count = '0', ...hops] = process.argv.slice(2);
const members: number[] = [];
const frames = new ZebraFrames();
for (let i = 0; i < hops.length; i += 2) {
  const id = GROUP + 1 + members.length;
  members.push(id);
  frames.nexthop(id, parseAddress(hops[i + 1]!)!, Number(hops[i]));
}
frames.group(GROUP, members);
for (let i = 0; i < Number(count); i++) frames.route(Uint8Array.of(30 + (i >> 16), i >> 8, i, 0), 24, GROUP);

const socket = connect(2620, '127.0.0.1', () => socket.write(frames.take(), () => console.log('sent')));
socket.resume().on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
let whole = true;
process.on('SIGUSR2', () => {
  whole = !whole;
  socket.write(frames.group(GROUP, whole ? members : members.slice(0, -1)).take());
});
