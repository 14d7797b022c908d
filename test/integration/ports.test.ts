/**
 * Linux's word on a port, live, in the vASIC: what an operator says of a TAP holds at once for what softvasic forwards. The
 * topology is that of lab/hosts-topology.ts.
 */
import { buildHostsTopology } from '../../lab/hosts-topology';
import { items } from '../../lab/json';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import type { Bridge } from '../../lab/programs';
import { capture, ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import type { PuntReasonView } from '../../src/control/types';

const ID = labId('portstest');
const PORTS = [0, 1, 2];
const MULTICAST_LIMIT = 50;
jest.setTimeout(180_000);

let lab: Lab | undefined;
let router: LabNode;
let hosts: readonly LabNode[];
let bridge: Bridge;

const ROUTES = PORTS.map((port) => `ip route 10.9.${port}.1/32 10.1.${port}.2`);

beforeAll(async () => {
  lab = await openLab(ID);
  const settings = [`punt.policers.multicast=${MULTICAST_LIMIT}`];
  ({ router, hosts, bridge } = await buildHostsTopology(lab, { ip6: true, config: ROUTES, settings }));
  await offloaded();
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

function offloaded(): Promise<unknown> {
  return waitFor(
    async () => {
      const routes = (await bridge.routes()).filter(({ protocol }) => protocol === 'static');
      return routes.length === ROUTES.length && routes.every(({ state }) => state === 'offloaded');
    },
    { timeoutMs: 60_000, what: 'the static routes to be offloaded' },
  );
}

const ip = (...words: string[]): Promise<string> => router.must(['ip', ...words]);
const set = (tap: string, ...words: string[]): Promise<string> => ip('link', 'set', tap, ...words);

async function problems(): Promise<readonly string[]> {
  return (await bridge.status()).problems;
}

async function problem(pattern: RegExp): Promise<void> {
  const shown = async (): Promise<boolean> => (await problems()).some((text) => pattern.test(text));
  await waitFor(shown, { timeoutMs: 10_000, what: `a problem like ${pattern}` });
}

/** What the vASIC counted for a reason. */
async function punted(reason: string): Promise<PuntReasonView> {
  const shown = items(
    JSON.parse(await router.must(['fpm2afi', 'show', 'punt', '--json'])),
  ) as readonly PuntReasonView[];
  return shown.find((view) => view.reason === reason)!;
}

async function counted(reason: string): Promise<number> {
  const { passed, dropped } = await punted(reason);
  return passed! + dropped!;
}

/** Whether pings through the router arrive; waits until they do, or don't. */
function reaches(from: number, target: string, expected = true): Promise<unknown> {
  const arrives = async (): Promise<boolean> =>
    ((await ping(hosts[from]!, target, { count: 1 })).received === 1) === expected;
  return waitFor(arrives, {
    timeoutMs: 30_000,
    what: `host${from} ${expected ? 'to reach' : 'not to reach'} ${target}`,
  });
}

/** Sends a frame, given in hex, out of a host's interface, so many times. */
async function send(port: number, hex: string, times = 1): Promise<void> {
  const script =
    'import socket,sys\ns=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(("veth",0)); f=bytes.fromhex(sys.argv[1])\n' +
    'for i in range(int(sys.argv[2])): s.send(f)';
  await hosts[port]!.must(['python3', '-c', script, hex, String(times)], { timeoutMs: 60_000 });
}

/** UDP of IPv4 to 224.10.11.12, in a frame to its group. */
const GROUP_FRAME =
  '01005e0a0b0c0200000000aa0800' + '4500001c00000000ff11194e0a010002e00a0b0c' + '03e807d000080000' + '00'.repeat(20);
/** The same to everybody, with a tag. */
const tagged = (id: number): string =>
  `ffffffffffff${GROUP_FRAME.slice(12, 24)}8100${id.toString(16).padStart(4, '0')}${GROUP_FRAME.slice(24)}`;

test('another hardware address: the port takes frames for it, and sends with it', async () => {
  await reaches(0, '10.9.1.1');
  await set('tap1', 'address', '02:00:00:00:00:99');
  // The host has the old one still, and asks anew.
  await hosts[1]!.must(['ip', 'neigh', 'flush', 'dev', 'veth']);
  await reaches(1, '10.9.0.1');
  await reaches(0, '10.9.1.1');
  expect((await bridge.ports())[1]).toMatchObject({ mac: '02:00:00:00:00:99' });
  const seen = await capture(hosts[1]!, 'veth', ['-e', 'icmp', 'and', 'dst', '10.9.1.1']);
  await ping(hosts[0]!, '10.9.1.1');
  const lines = await seen.stop();
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toMatch(/^02:00:00:00:00:99 > /);
  expect(await problems()).toEqual([]);
});

test('a smaller MTU: the sender of larger packets is told', async () => {
  const big = async (): Promise<string> => {
    const { stdout, stderr } = await hosts[0]!.exec([
      'ping',
      '-n',
      '-c',
      '1',
      '-W',
      '3',
      '-M',
      'do',
      '-s',
      '1450',
      '10.9.1.1',
    ]);
    return stdout + stderr;
  };
  expect(await big()).toContain(' 1 received');
  await set('tap1', 'mtu', '1400');
  await waitFor(async () => /From 10\.1\.0\.1 .*mtu = 1400/.test(await big()), {
    ...{ timeoutMs: 20_000, everyMs: 1100 },
    what: 'the router to tell of its MTU',
  });
  await set('tap1', 'mtu', '1500');
  await hosts[0]!.must(['ip', 'route', 'flush', 'cache']);
  await waitFor(async () => (await big()).includes(' 1 received'), { timeoutMs: 20_000, what: 'the full MTU' });
  await set('tap1', 'mtu', '9000');
  await problem(/tap1 has an MTU of 9000, port 1 of the vASIC carries 1500/);
  await set('tap1', 'mtu', '1500');
});

test('set down: nothing that comes in is forwarded, and the problem is shown', async () => {
  await reaches(1, '10.9.0.1');
  await set('tap1', 'down');
  await reaches(1, '10.9.0.1', false);
  const { stdout } = await hosts[0]!.exec(['sh', '-c', 'cat /proc/net/snmp | grep Icmp: | tail -1']);
  await ping(hosts[1]!, '10.9.0.1', { count: 5 });
  expect((await hosts[0]!.exec(['sh', '-c', 'cat /proc/net/snmp | grep Icmp: | tail -1'])).stdout).toBe(stdout);
  await problem(/tap1 is set down: .*ip link set tap1 up/);
  await set('tap1', 'up');
  await reaches(1, '10.9.0.1');
  await offloaded();
  expect(await problems()).toEqual([]);
});

test('TAPs in a bridge: hosts reach each other through Linux, and the vASIC forwards again after that', async () => {
  for (const port of [0, 1]) await hosts[port]!.must(['ip', 'address', 'add', `10.77.0.${port + 1}/24`, 'dev', 'veth']);
  await ip('link', 'add', 'br0', 'type', 'bridge');
  await set('br0', 'up');
  for (const tap of ['tap0', 'tap1']) await set(tap, 'master', 'br0');
  await reaches(0, '10.77.0.2');
  await reaches(1, '10.77.0.1');
  await problem(/tap0 belongs to br0: Linux has all packets of port 0/);
  expect((await punted('hostPort')).passed).toBeGreaterThan(0);
  for (const tap of ['tap0', 'tap1']) await set(tap, 'nomaster');
  await ip('link', 'del', 'br0');
  await reaches(0, '10.9.1.1');
  await offloaded();
  expect(await problems()).toEqual([]);
});

test('groups: what Linux has not joined does not come up; joined, it does at once', async () => {
  const before = await counted('multicast');
  await send(0, GROUP_FRAME, 1000);
  expect((await counted('multicast')) - before).toBeLessThan(100);
  await ip('maddr', 'add', '01:00:5e:0a:0b:0c', 'dev', 'tap0');
  await waitFor(
    async () => {
      const now = await counted('multicast');
      await send(0, GROUP_FRAME, 1000);
      return (await counted('multicast')) - now >= 1000;
    },
    { timeoutMs: 10_000, what: 'the group to be taken' },
  );
  // On another port it is nobody's.
  const other = await counted('multicast');
  await send(1, GROUP_FRAME, 1000);
  expect((await counted('multicast')) - other).toBeLessThan(100);
});

test('tags: without a VLAN device they do not come up', async () => {
  const before = await counted('tagged');
  const nonIp = await counted('nonIp');
  await send(2, tagged(7), 1000);
  expect((await counted('tagged')) - before).toBe(0);
  expect((await counted('nonIp')) - nonIp).toBeLessThan(100);
  // A priority without a VLAN is no tag of somebody else's.
  await send(2, tagged(0), 100);
  expect((await counted('tagged')) - before).toBe(100);
});

test('a flood for a joined group starves neither the control protocols of its port nor anything of another', async () => {
  await ip('maddr', 'add', '01:00:5e:0a:0b:0c', 'dev', 'tap0').catch(() => undefined);
  let flooding = true;
  const flood = (async () => {
    while (flooding) await send(0, GROUP_FRAME, 5000);
  })();
  try {
    await waitFor(async () => (await punted('multicast')).dropped! > 1000, { timeoutMs: 20_000, what: 'the flood' });
    for (const port of [0, 1]) {
      for (const target of [`10.1.${port}.1`, `2001:db8:${port}::1`]) {
        for (let i = 0; i < 10; i++) {
          await hosts[port]!.must(['ip', 'neigh', 'flush', 'dev', 'veth']);
          expect(await ping(hosts[port]!, target, { count: 1, waitS: 5 })).toMatchObject({ received: 1 });
        }
      }
    }
  } finally {
    flooding = false;
    await flood;
  }
});
