// Prints zebra's routes as they come, and tells zebra that each is offloaded. Usage: node fpm.mjs [PORT]
import { FpmServer, formatPrefix } from 'fpm2afi/fpm';

const server = new FpmServer({ port: Number(process.argv[2] ?? 2620) });
const statuses = [];
// What the socket didn't take stays for the next time.
const report = () => statuses.splice(0, server.report(statuses));

const { host, port } = await server.start({
  connected: (peer) => console.log(`zebra connected from ${peer.replace(/:\d+$/, '')}`),
  update(update) {
    if (update.kind !== 'routeAdd' && update.kind !== 'routeDelete') return;
    console.log(`${update.kind} ${formatPrefix(update.prefix)} table ${update.table}`);
    if (update.kind === 'routeDelete') return;
    const { table, prefix, protocol } = update;
    // An update is good during the call only: what is kept is copied.
    statuses.push({ table, ...prefix, bytes: prefix.bytes.slice(), protocol, status: 'offloaded' });
  },
  frameEnd: report,
  writable: report,
});
console.log(`listening on ${host}:${port}`);
