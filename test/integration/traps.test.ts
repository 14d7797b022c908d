/**
 * What a router owes beyond forwarding, through the whole of it: the vASIC hands these packets to Linux, and Linux answers
 * or forwards them. The topology is that of lab/hosts-topology.ts; port 2 has a smaller MTU than the others.
 */
import { buildHostsTopology } from '../../lab/hosts-topology';
import { items } from '../../lab/json';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import type { Bridge } from '../../lab/programs';
import { capture, ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import type { PuntReasonView } from '../../src/control/types';

const ID = labId('trapstest');
const PORTS = [0, 1, 2];
const SMALL_MTU = 1300;
jest.setTimeout(120_000);

let lab: Lab | undefined;
let router: LabNode;
let hosts: readonly LabNode[];
let bridge: Bridge;

const ROUTES = [
  ...PORTS.map((port) => `ip route 10.9.${port}.1/32 10.1.${port}.2`),
  ...PORTS.map((port) => `ipv6 route 2001:db8:9:${port}::1/128 2001:db8:${port}::2`),
  'ip route 10.31.0.0/16 reject',
];

beforeAll(async () => {
  lab = await openLab(ID);
  ({ router, hosts, bridge } = await buildHostsTopology(lab, { ip6: true, mtu: { 2: SMALL_MTU }, config: ROUTES }));
  await waitFor(
    async () => {
      const routes = (await bridge.routes()).filter(({ protocol }) => protocol === 'static');
      const due = routes.filter(({ prefix, state }) => state === (prefix === '10.31.0.0/16' ? 'trapped' : 'offloaded'));
      return due.length === ROUTES.length;
    },
    { timeoutMs: 60_000, what: 'the static routes to be offloaded' },
  );
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

/** `fpm2afi show punt` for one reason. */
async function punted(reason: string): Promise<PuntReasonView> {
  const views = items(
    JSON.parse(await router.must(['fpm2afi', 'show', 'punt', '--json'])),
  ) as readonly PuntReasonView[];
  return views.find((view) => view.reason === reason)!;
}

async function passed(reason: string): Promise<number> {
  return (await punted(reason)).passed!;
}

/** Sends one Ethernet frame, given in hex, out of a host's interface. */
async function sendRaw(host: LabNode, hex: string): Promise<void> {
  const script =
    'import socket,sys; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(("veth",0)); ' +
    's.send(bytes.fromhex(sys.argv[1]))';
  await host.must(['python3', '-c', script, hex]);
}

/** Pings that may have to wait for Linux's own limit of ICMP errors, about one a second to a host; what was printed. */
async function errorText(target: string): Promise<string> {
  return pingText(target, '-c', '4', '-i', '1.5');
}

/** One ping with more of ping's options; what it printed. */
async function pingText(target: string, ...options: string[]): Promise<string> {
  const { stdout, stderr } = await hosts[0]!.exec(['ping', '-n', '-c', '1', '-W', '3', ...options, target]);
  return stdout + stderr;
}

test.each([
  ['IPv4', '10.1.1.77', '10.1.1.77/24'],
  ['IPv6', '2001:db8:1::77', '2001:db8:1::77/64'],
])('glean, %s: the first packet to an unknown neighbor arrives', async (_family, address, withLength) => {
  const nodad = address.includes(':') ? ['nodad'] : [];
  await hosts[1]!.must(['ip', 'address', 'add', withLength, 'dev', 'veth', ...nodad]);
  const before = await passed('glean');
  expect(await ping(hosts[0]!, address, { count: 1, waitS: 5 })).toMatchObject({ sent: 1, received: 1 });
  expect(await passed('glean')).toBeGreaterThan(before);
  // And then the vASIC forwards by itself.
  await waitFor(async () => (await bridge.routes()).some(({ prefix }) => prefix.startsWith(`${address}/`)), {
    timeoutMs: 10_000,
    what: `the host entry of ${address}`,
  });
  const gleaned = await passed('glean');
  expect(await ping(hosts[0]!, address)).toMatchObject({ received: 3 });
  expect(await passed('glean')).toBe(gleaned);
});

test('expired TTL and hop limit are answered by the router', async () => {
  const before = await passed('ttlExpired');
  expect(await pingText('10.9.1.1', '-t', '1')).toMatch(/From 10\.1\.0\.1 .*Time to live exceeded/);
  expect(await pingText('2001:db8:9:1::1', '-t', '1')).toMatch(/From 2001:db8::1 .*Time exceeded: Hop limit/);
  expect((await passed('ttlExpired')) - before).toBe(2);
});

test('unreachable: by a route, without a route, and without a host', async () => {
  expect(await errorText('10.31.0.1')).toMatch(/From 10\.1\.0\.1 .*Destination Host Unreachable/);
  expect(await errorText('10.99.0.1')).toMatch(/From 10\.1\.0\.1 .*Destination Net Unreachable/);
  expect(await errorText('2001:db8:99::1')).toMatch(/From 2001:db8::1 .*Destination unreachable: No route/);
  expect(await errorText('10.1.1.99')).toMatch(/From 10\.1\.0\.1 .*Destination Host Unreachable/);
});

test.each([
  ['IPv4', '10.9.2.1', /From 10\.1\.0\.1 .*mtu = 1300/],
  ['IPv6', '2001:db8:9:2::1', /From 2001:db8::1 .*Packet too big: mtu=1300/],
])('path MTU discovery, %s: the sender is told, and then sends what fits', async (_family, target, told) => {
  expect(await ping(hosts[0]!, target)).toMatchObject({ received: 3 });
  const before = await passed('mtu');
  expect(await pingText(target, '-M', 'do', '-s', '1400')).toMatch(told);
  expect(await passed('mtu')).toBeGreaterThan(before);
  expect(await hosts[0]!.must(['ip', 'route', 'get', target])).toContain(`mtu ${SMALL_MTU}`);
  const largest = SMALL_MTU - (target.includes(':') ? 48 : 28);
  expect(await pingText(target, '-M', 'do', '-s', String(largest))).toContain(' 1 received');
  // To the other port, packets of the full size pass.
  expect(await pingText(target.replace('2.1', '1.1').replace(':2::', ':1::'), '-M', 'do', '-s', '1400')).toContain(
    ' 1 received',
  );
});

test.each([
  ['IPv4', '10.9.2.1', '10.1.0.1'],
  ['IPv6', '2001:db8:9:2::1', '2001:db8::1'],
])('tracepath, %s: the hops, and the MTU behind the router', async (_family, target, gateway) => {
  // What was learnt before would be where tracepath starts.
  await hosts[0]!.must(['ip', target.includes(':') ? '-6' : '-4', 'route', 'flush', 'cache']);
  const before = await passed('mtu');
  const text = await hosts[0]!.must(['tracepath', '-n', target], { timeoutMs: 60_000 });
  expect(text).toMatch(/\[LOCALHOST\] .*pmtu 1500\n/);
  expect(text).toContain(` 1:  ${gateway} `);
  expect(text).toMatch(new RegExp(`^ 2:  ${target} .* reached`, 'm'));
  expect(text).toMatch(/Resume: pmtu 1300 hops 2 back 2/);
  expect(await passed('mtu')).toBeGreaterThan(before);
});

test('larger than the MTU and without DF: fragmented by the router, and arrives', async () => {
  await hosts[0]!.must(['ip', 'route', 'flush', 'cache']);
  // MTU discovery off: no DF, and no notice is taken of what was learnt.
  expect(await pingText('10.9.2.1', '-M', 'dont', '-s', '1400')).toContain(' 1 received');
});

test.each(['10.9.1.1', '2001:db8:9:1::1'])('fragments to %s are forwarded by the vASIC', async (target) => {
  const sent = async (): Promise<number> => (await bridge.ports())[1]!.output!.packets;
  const listening = await capture(hosts[1]!, 'veth', [
    'src',
    'net',
    target.includes(':') ? '2001:db8::/64' : '10.1.0.0/24',
  ]);
  const before = await sent();
  expect(await pingText(target, '-s', '4000')).toContain(' 1 received');
  expect((await sent()) - before).toBeGreaterThanOrEqual(3);
  const seen = await listening.stop();
  expect(seen.filter((line) => line.includes(`> ${target}:`)).length).toBeGreaterThanOrEqual(3);
});

test('IP options are seen to by Linux: record route has the router in it', async () => {
  const before = await passed('ipOptions');
  const text = await pingText('10.9.1.1', '-R');
  expect(text).toContain(' 1 received');
  // Recorded on the way there: the interface that the packet left by.
  expect(text).toContain('10.1.1.1');
  expect(await passed('ipOptions')).toBeGreaterThan(before);
});

test('IS-IS, LLDP and ARP are counted as what they are, and IP for everybody by its address', async () => {
  const reasons = ['isis', 'nonIp', 'arp', 'multicast', 'broadcast'];
  const counts = (): Promise<number[]> => Promise.all(reasons.map(passed));
  const frames = ['0180c2000014', '0180c200000e'].map((to, i) => `${to}0200000000aa${i === 0 ? '0040fefe03' : '88cc'}`);
  // As isisd, an LLDP daemon and ospfd would do.
  const joined = ['01:80:c2:00:00:14', '01:80:c2:00:00:0e', '01:00:5e:00:00:05'];
  for (const group of joined) await router.must(['ip', 'maddr', 'add', group, 'dev', 'tap1']);
  const before = await counts();
  await waitFor(
    async () => {
      for (const frame of frames) await sendRaw(hosts[1]!, frame.padEnd(128, '0'));
      return (await passed('isis')) > before[0]!;
    },
    { timeoutMs: 10_000, what: 'the groups to be taken' },
  );
  await hosts[1]!.must(['ip', 'neigh', 'flush', 'dev', 'veth']);
  expect((await ping(hosts[1]!, '10.1.1.1', { count: 1 })).received).toBe(1);
  await hosts[1]!.exec(['ping', '-n', '-b', '-c', '2', '-W', '1', '10.1.1.255']);
  await hosts[1]!.exec(['ping', '-n', '-c', '2', '-W', '1', '-I', 'veth', '224.0.0.5']);
  const grown = (await counts()).map((count, i) => count - before[i]!);
  for (const [i, least] of [1, 1, 1, 2, 2].entries()) expect(grown[i]).toBeGreaterThanOrEqual(least);
});

test('a flood of expired TTLs is cut in the vASIC; multicast and the router itself stay reachable', async () => {
  const before = await punted('ttlExpired');
  const others = await Promise.all(['multicast', 'local'].map(punted));
  // Without answers ping sends no more than a hundred packets a second, but as many at once as it is told to.
  const burst = 'ping -n -q -l 1000 -c 1000 -w 1 -t 1 10.9.1.1';
  const flood = hosts[0]!.start('flood', ['sh', '-c', `while :; do ${burst}; done`]);
  try {
    await waitFor(async () => (await punted('ttlExpired')).dropped! > 200, {
      timeoutMs: 60_000,
      what: 'the policer to drop',
    });
    expect(await ping(hosts[1]!, '10.1.1.1', { count: 20 })).toMatchObject({ received: 20 });
    const hellos = await capture(router, 'tap1', ['dst', '224.0.0.5']);
    await hosts[1]!.exec(['ping', '-n', '-c', '20', '-i', '0.05', '-W', '1', '-I', 'veth', '224.0.0.5']);
    expect(await hellos.stop()).toHaveLength(20);
  } finally {
    await flood.kill('SIGKILL');
  }
  const after = await punted('ttlExpired');
  expect(after.dropped!).toBeGreaterThan(before.dropped!);
  expect(after.rate).toBe(100);
  for (const [i, reason] of ['multicast', 'local'].entries()) {
    const now = await punted(reason);
    expect(now.dropped).toBe(0);
    expect(now.passed! - others[i]!.passed!).toBeGreaterThanOrEqual(20);
  }
});
