/**
 * Who may be zebra, beside a real one: an ordinary user, silent connections, a zebra that is killed and comes back, and
 * machines that vanish. The topology is that of lab/hosts-topology.ts; the vanishing machine is one of its own.
 */
import { join } from 'node:path';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { link } from '../../lab/node';
import { logLines, logMark } from '../../lab/process';
import { distDir } from '../../lab/programs';
import { ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import { RTA_DST, RTA_NH_ID } from '../../src/netlink/constants';
import { message, route } from '../unit/fpm/messages';

const ID = labId('fpmaccess');
const ROUTE = '10.9.1.1/32';
const OTHERS = Array.from({ length: 20 }, (_, i) => `10.60.${i}.0/24`);
jest.setTimeout(180_000);

let lab: Lab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
  await stopLab(ID);
});

const until = <T>(what: string, look: () => Promise<T | undefined | false>, timeoutMs = 30_000): Promise<T> =>
  waitFor(look, { timeoutMs, what }) as Promise<T>;

/** A frame for bash's printf. */
function escaped(payload: Buffer): string {
  const header = Buffer.from([1, 1, 0, 0]);
  header.writeUInt16BE(4 + payload.length, 2);
  return [...Buffer.concat([header, payload])].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** A program for bash that connects to the FPM port, sends this, and reads until the other side ends it. */
const speaking = (bytes: string, address = '127.0.0.1'): string =>
  `exec 3<>/dev/tcp/${address}/2620 && printf '${bytes}' >&3; exec cat <&3`;

async function started(settings: readonly string[]): Promise<HostsTopology> {
  lab = await openLab(ID);
  const topology = await buildHostsTopology(lab, {
    hosts: 2,
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=2s', ...settings],
    config: [`ip route ${ROUTE} ${hostAddress(1)}`, ...OTHERS.map((prefix) => `ip route ${prefix} ${hostAddress(1)}`)],
  });
  await until('all routes to be offloaded', async () => (await offloaded(topology)) === OTHERS.length + 1);
  return topology;
}

/** How many of the routes above the vASIC has. */
async function offloaded({ bridge }: HostsTopology): Promise<number> {
  const wanted = [ROUTE, ...OTHERS];
  return (await bridge.routes()).filter(({ prefix, state }) => wanted.includes(prefix) && state === 'offloaded').length;
}

const problems = async ({ bridge }: HostsTopology): Promise<string> => (await bridge.status()).problems.join('\n');

test("an ordinary user's blackhole is refused and zebra stays; the operator is told who it was", async () => {
  const topology = await started([]);
  const { router, bridge } = topology;
  const { peer } = (await bridge.status()).fpm;
  const blackhole = escaped(route({ length: 32, type: 6 }, [[RTA_DST, hostAddress(1)]]));
  const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'bash', '-c', speaking(blackhole)];
  await router.exec(asNobody);
  expect((await bridge.status()).fpm.peer).toBe(peer);
  expect((await bridge.routes()).some(({ type }) => type === 'blackhole')).toBe(false);
  expect(await problems(topology)).toMatch(/from 127\.0\.0\.1:\d+ was refused .*it is of user .*65534/);

  // Root may, but not in place of a zebra that lives.
  await router.exec(['bash', '-c', speaking(blackhole)]);
  expect((await bridge.status()).fpm.peer).toBe(peer);
  expect(await problems(topology)).toMatch(/zebra is connected from .*, and lives/);

  // Nor a replay, unless that is what is wanted.
  const file = join(router.dir, 'stream');
  await router.must(['bash', '-c', `printf '${blackhole}' >${file}`]);
  const replay = ['fpm2afi', 'replay', file, '--to', '127.0.0.1:2620'];
  expect(await router.exec(replay)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/let none of it in: a zebra is connected there/) as string,
  });
  expect((await bridge.status()).fpm.peer).toBe(peer);
  const displacing = [...replay, '--displace', '--socket', join(router.dir, 'fpm2afi.sock')];
  expect(await router.must(displacing)).toMatch(/^sent: 1 frames, .*\ncame back: 1 offloaded, 0 trapped/);
  await until('zebra to be back', async () => ((await bridge.status()).fpm.peer ?? peer) !== peer);
});

test('zebra killed: silent and nearly silent connections sweep nothing; zebra comes back in spite of them', async () => {
  const topology = await started([]);
  const { router, bridge, frr, hosts } = topology;
  await frr.process('zebra').kill('SIGKILL');
  await until('zebra gone', async () => (await bridge.status()).fpm.state === 'listening');

  // Only a nexthop: no route.
  const nexthop = escaped(message(104, Buffer.from([2, 0, 11, 0, 0, 0, 0, 0]), [[RTA_NH_ID, 7]]));
  const some = router.start('some', ['bash', '-c', speaking(nexthop)]);
  await until('the doubt', async () => /has sent no route/.test(await problems(topology)));
  expect(await offloaded(topology)).toBe(OTHERS.length + 1);
  await some.kill('SIGKILL');
  await until('it to be gone', async () => (await bridge.status()).fpm.state === 'listening');

  router.start('silent', ['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/2620; sleep 600']);
  await until('the doubt again', async () => /has sent no route/.test(await problems(topology)));
  expect(await offloaded(topology)).toBe(OTHERS.length + 1);
  expect(await ping(hosts[0]!, '10.9.1.1')).toMatchObject({ received: 3 });

  const mark = logMark(bridge.logFile);
  await frr.restart('zebra');
  await until('zebra to take the place of the silent one', async () =>
    logLines(bridge.logFile, mark).some((line) => line.includes('the replay is over')),
  );
  expect(logLines(bridge.logFile, mark).join('\n')).toMatch(
    /takes the place of the one before it.*it has sent nothing/,
  );
  await until('all routes', async () => (await offloaded(topology)) === OTHERS.length + 1);
});

test('zebra killed and away: what was configured happens after its time, and Linux forwards', async () => {
  const topology = await started(['fpm.away=flush after 3s']);
  const { bridge, frr, hosts } = topology;
  await frr.process('zebra').kill('SIGKILL');
  await until('the routes to go', async () => (await offloaded(topology)) === 0);
  expect(logLines(bridge.logFile, 0).join('\n')).toMatch(/zebra stays away: its routes are removed/);
  // The kernel has zebra's routes still.
  expect(await ping(hosts[0]!, '10.9.1.1')).toMatchObject({ received: 3 });
});

test.each([
  ['with nothing under way', []],
  ['with statuses under way', ['statuses']],
])('a machine that vanishes is found dead, %s, and the next one is let in', async (_what, more) => {
  lab = await openLab(ID);
  const [here, there] = [await lab.node('here'), await lab.node('there')];
  await link(
    { node: here, ifname: 'veth', addresses: ['10.55.0.1/24'] },
    { node: there, ifname: 'veth', addresses: ['10.55.0.2/24', '10.55.0.3/24'] },
  );
  const agent = join(distDir(), 'test/integration/fpm-agent.js');
  const server = here.start('agent', [process.execPath, agent, '0.0.0.0', '2620', '10.55.0.0/24', ...more]);
  const said = (line: RegExp, timeoutMs = 30_000): Promise<boolean> =>
    until(String(line), () => Promise.resolve(line.test(logLines(server.logFile, 0).join('\n'))), timeoutMs);
  await said(/listening/);
  const frame = escaped(
    route({}, [
      [RTA_DST, '192.0.2.0'],
      [RTA_NH_ID, 1],
    ]),
  );
  there.start('zebra', ['bash', '-c', speaking(frame, '10.55.0.1')]);
  await said(/routeAdd/);
  // Frames are lost without a word from here on; the address that speaks next isn't concerned.
  await here.must(['ip', 'neigh', 'replace', '10.55.0.2', 'lladdr', '02:00:00:00:00:99', 'dev', 'veth']);
  there.start('next', [
    'bash',
    '-c',
    // It connects again where it is refused, as zebra does.
    'ip address del 10.55.0.2/24 dev veth; ip address add 10.55.0.3/24 dev veth; ' +
      `while true; do (${speaking(frame, '10.55.0.1')}); sleep 1; done`,
  ]);
  await said(
    more.length === 0 ? /disconnected: .*ETIMEDOUT/ : /disconnected: (its machine has not answered|.*ETIMEDOUT)/,
  );
  await said(/disconnected[^]*connected 10\.55\.0\.3:\d+\nrouteAdd/);
});
