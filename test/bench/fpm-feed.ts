/**
 * A zebra that only has a table: connects to fpm2afi's FPM, sends the made-up routes as `stream.ts` lays them out, and reads and forgets
 * what comes back. `node fpm-feed.js PORT FAMILY ROUTES NEXTHOPS IFINDEX…`: the interfaces' subnets are connected, every other route has a gateway on
 * the first of them.
 */
import { connect } from 'node:net';
import { makePrefixes, makePrefixes6 } from './prefixes';
import { makeStream } from './stream';

const [fpmPort = 0, family = 4, routes = 0, nexthops = 0, ...ifindexes] = process.argv.slice(2).map(Number);
const chunks = makeStream({
  prefixes: family === 6 ? makePrefixes6(routes) : makePrefixes(routes),
  nexthops,
  ports: 1,
  ifindexOf: (port) => ifindexes[port]!,
  connected: [...ifindexes.keys()],
});
const socket = connect(fpmPort, '127.0.0.1');
socket.on('connect', () => chunks.forEach((chunk) => socket.write(chunk)));
socket.on('data', () => undefined);
socket.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
