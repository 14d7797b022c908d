/**
 * A zebra that only has a table: connects to fpm2afi's FPM, sends the made-up routes as `stream.ts` lays them out, and reads and forgets
 * what comes back. `node fpm-feed.js PORT FAMILY ROUTES NEXTHOPS IFINDEX… [labels]`: the interfaces' subnets are connected, every other route has a
 * gateway on the first of them. `labels`: LSPs and routes behind labels follow (labelled.ts), by the same gateways.
 */
import { connect } from 'node:net';
import { ZebraFrames } from '../../lab/zebra-frames';
import { writeLabelled } from './labelled';
import { makePrefixes, makePrefixes6 } from './prefixes';
import { gatewayOf, makeStream } from './stream';

const LOOPBACK = 1;

const argv = process.argv.slice(2);
const hasLabels = argv.at(-1) === 'labels';
const [fpmPort = 0, family = 4, routes = 0, nexthops = 0, ...ifindexes] = (hasLabels ? argv.slice(0, -1) : argv).map(
  Number,
);
const chunks = makeStream({
  prefixes: family === 6 ? makePrefixes6(routes) : makePrefixes(routes),
  nexthops,
  ports: 1,
  ifindexOf: (port) => ifindexes[port]!,
  connected: [...ifindexes.keys()],
});
if (hasLabels) {
  const gateways = Array.from({ length: nexthops }, (_, hop) => gatewayOf(hop, 1).address);
  const frames = new ZebraFrames();
  writeLabelled(frames, { gateways, ifindex: ifindexes[0]!, loopback: LOOPBACK });
  chunks.push(frames.take());
}
const socket = connect(fpmPort, '127.0.0.1');
socket.on('connect', () => chunks.forEach((chunk) => socket.write(chunk)));
socket.on('data', () => undefined);
socket.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
