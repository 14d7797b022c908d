/**
 * Whoever gets at the daemons' sockets with bad intentions: crowds of connections, bytes that trickle, messages without end. zebra is
 * served all the while, packets are forwarded, memory and log stay bounded. The topology is that of lab/hosts-topology.ts.
 */
import { join } from 'node:path';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { logLines, logMark } from '../../lab/process';
import { ROUTER_MGMT, VASIC_MGMT } from '../../lab/plan';
import { AFI_PORT, distDir, HOSTPATH_CLIENT_PORT, HOSTPATH_VASIC_PORT } from '../../lab/programs';
import { ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import { residentBytes } from '../bench/replay';

const ID = labId('intruders');
const METRICS = '127.0.0.1:9465';
const MIB = 1 << 20;
const MOST_GROWTH = 64 * MIB;
const MOST_LINES = 60;
/** What the kernel takes from a sender before the other side has ended it. */
const MOST_SENT = 32 * MIB;
jest.setTimeout(180_000);

let lab: Lab | undefined;
let topology: HostsTopology;
let routes = 0;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, { hosts: 2, settings: [`metrics.listen=${METRICS}`] });
  await offloads();
});
afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

/** zebra gets another route, which reaches the vASIC, and hosts reach each other by it. */
async function offloads(): Promise<void> {
  const { bridge, frr, hosts } = topology;
  const prefix = `10.70.${routes++}.0/24`;
  await frr.vtysh(`configure terminal\nip route ${prefix} ${hostAddress(1)}\nend`);
  await waitFor(
    async () => (await bridge.routes()).some((route) => route.prefix === prefix && route.state === 'offloaded'),
    { timeoutMs: 30_000, what: `${prefix} to be offloaded` },
  );
  expect(await ping(hosts[0]!, hostAddress(1), { count: 2, waitS: 5 })).toMatchObject({ received: 2 });
}

interface Came {
  readonly connected: number;
  readonly ended: number;
  readonly sent: number;
  readonly said?: string;
}

/** Lets intruders in on the router, all at once, works on meanwhile, and looks at what it has cost the two daemons. */
async function intrude(target: string, kinds: readonly string[], seconds = 4): Promise<Record<string, Came>> {
  const { router, bridge, softvasic } = topology;
  const programs = [bridge, softvasic];
  const { peer } = (await bridge.status()).fpm;
  const before = programs.map((program) => residentBytes(program.process().pid));
  const marks = programs.map(({ logFile }) => logMark(logFile));
  const intruder = join(distDir(), 'test/integration/intruder.js');
  const running = kinds.map(async (kind): Promise<[string, Came]> => {
    const argv = [process.execPath, intruder, kind, target, String(seconds)];
    return [kind, JSON.parse(await router.must(argv, { timeoutMs: 90_000 })) as Came];
  });
  await offloads();
  const came = Object.fromEntries(await Promise.all(running));
  await offloads();
  expect((await bridge.status()).fpm.peer).toBe(peer);
  const grown = programs.map((program, i) => Math.round((residentBytes(program.process().pid) - before[i]!) / MIB));
  const lines = programs.map(({ logFile }, i) => logLines(logFile, marks[i]!).length);
  process.stderr.write(
    `intruders.test: ${target}: ${JSON.stringify(came)}; grown by ${grown.join(' and ')} MiB, ${lines.join(' and ')} lines\n`,
  );
  for (const mib of grown) expect(mib).toBeLessThan(MOST_GROWTH / MIB);
  for (const count of lines) expect(count).toBeLessThan(MOST_LINES);
  return came;
}

const control = (): string => join(topology.router.dir, 'fpm2afi.sock');
const FPM = '127.0.0.1:2620';
const AFI = `${VASIC_MGMT}:${AFI_PORT}`;

const ALL_ENDED = { connected: expect.any(Number) as number, ended: 1000 };

test('the FPM port: 1,000 connections, silent or not, one that promises what never comes, any bytes', async () => {
  const came = await intrude(FPM, ['crowd', 'loris', 'promise', 'bytes']);
  expect(came).toMatchObject({ crowd: ALL_ENDED, loris: ALL_ENDED, promise: { ended: 1 }, bytes: { ended: 1 } });
});

test('the AFI port: 1,000 connections, silent or not, bytes without end, a message of 100 MiB, 1,000 bad streams', async () => {
  const came = await intrude(AFI, ['crowd', 'preface', 'bytes'], 20);
  expect(came).toMatchObject({ bytes: { ended: 1 } });
  const refused = { said: expect.stringMatching(/^8 Received message larger than max/) as string };
  expect(await intrude(AFI, ['giant'])).toMatchObject({ giant: refused });
  expect(await intrude(AFI, ['streams'])).toMatchObject({ streams: { ended: 1000 } });
});

test('the control socket: 1,000 connections, silent or not, which lose their places; headers and bodies without end', async () => {
  expect(await intrude(control(), ['crowd', 'loris'], 12)).toMatchObject({ crowd: ALL_ENDED, loris: ALL_ENDED });
  const { headers, body } = await intrude(control(), ['headers', 'body']);
  for (const { sent } of [headers!, body!]) expect(sent).toBeLessThan(MOST_SENT);
});

test('the port of the metrics: the same', async () => {
  expect(await intrude(METRICS, ['crowd', 'loris'], 12)).toMatchObject({ crowd: ALL_ENDED, loris: ALL_ENDED });
  const { headers, body } = await intrude(METRICS, ['headers', 'body']);
  for (const { sent } of [headers!, body!]) expect(sent).toBeLessThan(MOST_SENT);
});

test('hostpath datagrams of a stranger go nowhere, on either side', async () => {
  const { bridge, softvasic } = topology;
  const dropped = async (): Promise<number> => (await bridge.status()).punt.drops;
  const before = await dropped();
  await intrude(`${ROUTER_MGMT}:${HOSTPATH_CLIENT_PORT}`, ['datagrams']);
  expect((await dropped()) - before).toBeGreaterThan(2000);
  // On fpm2afi's own machine, from another port: it counts the first and then thousands.
  const mark = logMark(softvasic.logFile);
  await intrude(`${VASIC_MGMT}:${HOSTPATH_VASIC_PORT}`, ['datagrams']);
  const refused = `only ${ROUTER_MGMT}:${HOSTPATH_CLIENT_PORT} (--punt-to) may inject refused=2001`;
  await waitFor(() => logLines(softvasic.logFile, mark).some((line) => line.includes(refused)), {
    ...{ timeoutMs: 10_000, what: 'softvasic to have refused 2,001' },
  });
});
