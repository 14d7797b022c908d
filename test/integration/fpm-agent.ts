/**
 * An FPM server by itself, to be run in a namespace: `node fpm-agent.js ADDRESS PORT PREFIX [statuses]`. Lets connections from PREFIX in,
 * prints what happens, a line each, and with `statuses` tells each route's status back, again and again.
 */
import { createFpmServer } from '../../src/fpm/server';
import type { StatusReport } from '../../src/fib/updates';
import { parsePrefix } from '../../src/net/address';
import { nullLogger } from '../../src/observe/log';

const [host = '', port = '', allowed = '', statuses] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const source = createFpmServer(
  {
    listen: { host, port: Number(port) },
    feedback: 'table',
    zebraVty: '/nonexistent/zebra.vty',
    allow: { users: [], addresses: [parsePrefix(allowed)!] },
  },
  nullLogger,
);
const status: StatusReport = { ...parsePrefix('192.0.2.0/24')!, table: 254, protocol: 186, status: 'offloaded' };
if (statuses === 'statuses') setInterval(() => source.report([status]), 500);
void source
  .start({
    connected: (peer) => say(`connected ${peer}`),
    disconnected: (reason) => say(`disconnected: ${reason}`),
    update: ({ kind }) => say(kind),
    frameEnd: () => undefined,
    writable: () => undefined,
  })
  .then(() => say('listening'));
