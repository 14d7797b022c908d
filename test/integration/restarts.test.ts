/**
 * Restarts of fpm2afi under traffic, with OSPF, BGP and BFD up between real FRR routers: nothing is lost, no flow moves, no
 * session drops; and TAPs, addresses and static routes are what they were, whatever restarts after what.
 */
import { at } from '../../lab/json';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { IP4, PORTS, tapName } from '../../lab/plan';
import { ospf } from '../../lab/protocols/ospf';
import { measureRestart, startEchoes } from '../../lab/restart-measure';
import { buildRestarts } from '../../lab/restarts-topology';
import type { Topology } from '../../lab/topology';
import { sleep, waitFor } from '../../lab/wait';

const ID = labId('restarts');
const ROUTES = 500;
const STATIC = '10.77.0.0/24';
/** BFD would be down after half of it, and OSPF and BGP with it. */
const AWAY_MS = 4000;
jest.setTimeout(300_000);

let lab: Lab | undefined;
let topology: Topology;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildRestarts(lab, {
    ospf,
    routes: ROUTES,
    bfd: { intervalMs: 100, multiplier: 20 },
    settings: ['fpm.sweep.idle=1s', 'fpm.sweep.minimum=3s'],
    routerExtra: [`ip route ${STATIC} ${IP4.vrouterAddress(0)}`],
  });
  await startEchoes(topology);
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

/** What the kernel has of the TAPs: which devices they are, and their addresses. */
async function taps(): Promise<unknown> {
  const shown = JSON.parse(await topology.router.must(['ip', '-j', 'address'])) as Record<string, unknown>[];
  return PORTS.map((port) => {
    const { ifindex, address, operstate, addr_info } = shown.find((one) => one['ifname'] === tapName(port))!;
    return { ifindex, address, operstate, addresses: (addr_info as { local: string }[]).map(({ local }) => local) };
  });
}

const puntProcess = async (): Promise<number | undefined> => (await topology.bridge.status()).punt.process?.pid;

const measured = (act: () => Promise<void>) =>
  measureRestart(topology, { routes: ROUTES, flows: 50, intervalMs: 200, settleMs: 6000 }, act);

test.each(['SIGKILL', 'SIGTERM'] as const)('the bridge ends by %s and another comes', async (signal) => {
  const { bridge } = topology;
  const before = await taps();
  const punt = await puntProcess();
  const result = await measured(async () => {
    await bridge.process().kill(signal);
    await sleep(AWAY_MS);
    expect(await taps()).toEqual(before);
    await bridge.restart();
  });
  expect(result).toMatchObject({ lost: 0, moved: 0, sessionsLost: 0 });
  expect(await taps()).toEqual(before);
  expect(await puntProcess()).toBe(punt);
});

test('zebra is killed, then the bridge: static routes are resolved, as nobody made the interfaces anew', async () => {
  const { bridge, routerFrr } = topology;
  const before = await taps();
  await routerFrr.process('zebra').kill('SIGKILL');
  await routerFrr.restart('zebra');
  await bridge.process().kill('SIGKILL');
  await bridge.restart();
  await waitFor(
    async () => {
      const shown = await routerFrr.json(`show ip route ${STATIC} json`);
      return (await bridge.routes()).some(
        ({ prefix, state }) =>
          prefix === STATIC && state === 'offloaded' && at(shown, STATIC, 0, 'nexthops', 0, 'active') === true,
      );
    },
    { timeoutMs: 60_000, what: `${STATIC} in zebra and in the vASIC` },
  );
  expect(await taps()).toEqual(before);
});

test('the address of a TAP that was set while the bridge was away is the port’s', async () => {
  const { bridge, router, vrouters } = topology;
  const tap = tapName(1);
  const set = (address: string): Promise<string> => router.must(['ip', 'link', 'set', tap, 'address', address]);
  const before = (await router.must(['cat', `/sys/class/net/${tap}/address`])).trim();
  const given = '02:00:00:00:00:77';
  // The neighbor knows the new one alone, and what it sends there has to be taken.
  const reaches = async (address: string): Promise<boolean> => {
    const neighbor = [
      'ip',
      'neigh',
      'replace',
      IP4.routerAddress(1),
      'lladdr',
      address,
      'dev',
      'veth',
      'nud',
      'permanent',
    ];
    await vrouters[1]!.must(neighbor);
    return (await vrouters[1]!.exec(['ping', '-c1', '-W1', IP4.routerAddress(1)])).status === 0;
  };
  await bridge.process().kill('SIGKILL');
  await set(given);
  await bridge.restart();
  await waitFor(() => reaches(given), { timeoutMs: 30_000, what: `packets for ${given}` });
  expect(await router.must(['cat', `/sys/class/net/${tap}/address`])).toBe(`${given}\n`);
  expect(await reaches(before)).toBe(false);
  await set(before);
  await waitFor(() => reaches(before), { timeoutMs: 30_000, what: `packets for ${before}` });
});

test('a punt process that is left behind is said, and "stop" ends it and takes the TAPs away', async () => {
  const { bridge, router } = topology;
  const pid = (await puntProcess())!;
  await bridge.process().kill('SIGTERM');
  expect((await router.exec(['fpm2afi', 'show', 'status'])).stderr).toMatch(
    new RegExp(`The punt process \\(pid ${pid}\\) runs and has tap0, .*"fpm2afi stop" ends it`),
  );
  await bridge.restart();
  expect(await puntProcess()).toBe(pid);
  const command = ['fpm2afi', 'stop', '--config', `${router.dir}/fpm2afi.yaml`];
  const said = await router.must(command);
  expect(said).toMatch(
    /stopped the bridge \(pid \d+\)\nstopped the punt process \(pid \d+\): tap0, tap1, tap2, tap3\n/,
  );
  expect(await router.must(['ip', '-br', 'link'])).not.toMatch(/tap\d/);
  expect(await router.must(command)).toBe('nothing runs\n');
});
