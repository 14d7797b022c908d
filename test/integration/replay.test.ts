/**
 * A real zebra's session with fpm2afi, recorded by it and captured by tcpdump; both are decoded, and the recording is
 * replayed to a second fpm2afi in a router built the same way, which must end with the same routes.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startFrr } from '../../lab/frr';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { portMac, portName, vrouterMac } from '../../lab/plan';
import type { Bridge } from '../../lab/programs';
import { buildRouter, startPrograms } from '../../lab/router';
import { waitFor } from '../../lab/wait';
import type { RouteView } from '../../src/control/types';
import { Inspector, type View } from '../../src/inspect/inspector';
import { openSource } from '../../src/inspect/source';

const ID = labId('replaytest');
const PORTS = [0, 1];
jest.setTimeout(180_000);

const STATICS = [
  'ip route 10.9.0.1/32 10.1.0.2',
  'ip route 10.20.0.0/16 10.1.0.2',
  'ip route 10.20.0.0/16 10.1.1.2',
  'ip route 10.30.0.0/16 blackhole',
  'ip route 10.31.0.0/16 reject',
  'ip route 10.40.0.0/16 10.1.1.2',
  'ipv6 route 2001:db8:9::/48 2001:db8:1::2',
];

let lab: Lab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
  await stopLab(ID);
});

interface Site {
  readonly router: LabNode;
  readonly bridge: Bridge;
}

/** A router with a vASIC of two ports and a host behind each. Everything is made in the same order at each site. */
async function site(here: Lab, name: string, args: readonly string[]): Promise<Site> {
  const { router, vasic } = await buildRouter(here, true, { router: `${name}router`, vasic: `${name}vasic` });
  for (const port of PORTS) {
    const host = await here.node(`${name}h${port}`);
    await host.sysctl({ 'net.ipv6.conf.default.accept_dad': 0 });
    await link(
      { node: vasic, ifname: portName(port), mac: portMac(port) },
      { node: host, ifname: 'veth', mac: vrouterMac(port), addresses: [`10.1.${port}.2/24`] },
    );
    await host.must(['ip', '-6', 'address', 'add', `2001:db8:${port}::2/64`, 'dev', 'veth', 'nodad']);
  }
  const { bridge } = await startPrograms({ router, vasic }, { ports: PORTS, args });
  return { router, bridge };
}

/** What of a route must be the same everywhere. Host entries of neighbors come and go with the kernel's table. */
function essence(routes: readonly RouteView[]): string[] {
  return routes
    .filter(({ origin }) => origin === 'zebra')
    .map(({ prefix, table, protocol, type, state, nexthops }) => {
      const paths = nexthops
        .map((path) => `${path.gateway ?? ''} ${path.interface} ${path.weight} ${path.mac ?? ''}`)
        .sort();
      return [prefix, table, protocol, type, state, ...paths].join(' | ');
    })
    .sort();
}

const settled = (routes: readonly RouteView[]): boolean => {
  const state = (prefix: string): string | undefined => routes.find((route) => route.prefix === prefix)?.state;
  return (
    ['10.9.0.1/32', '10.20.0.0/16', '10.40.0.0/16', '10.30.0.0/16', '2001:db8:9::/48'].every(
      (prefix) => state(prefix) === 'offloaded',
    ) && routes.every((route) => route.state !== 'pending' && route.state !== 'unresolved')
  );
};

async function viewsOf(file: string): Promise<{ readonly views: View[]; readonly malformed: number }> {
  const views: View[] = [];
  const inspector = new Inspector((view) => views.push(view));
  const { events } = await openSource(file, 2620);
  for await (const event of events) inspector.take(event);
  return { views, malformed: inspector.totals.malformed };
}

/** The messages of one direction, in words that don't depend on how they were recorded. */
const messages = (views: readonly View[], direction: string): string[] =>
  views.flatMap((view) => {
    if (view.kind !== 'netlink' || view.place.direction !== direction) return [];
    const { message, prefix = '', nexthopId = '', status = '' } = view.view;
    return [`${message} ${prefix} ${nexthopId} ${status}`];
  });

test('recorded, captured, decoded, and replayed to another fpm2afi', async () => {
  lab = await openLab(ID);
  const file = join(lab.logDir, 'session.rec');
  const pcap = join(lab.logDir, 'session.pcap');
  const { router, bridge } = await site(lab, 'a', ['--record', file]);
  const tcpdump = router.start('tcpdump', [
    'tcpdump',
    '-i',
    'lo',
    '--immediate-mode',
    '-U',
    '-w',
    pcap,
    'tcp',
    'port',
    '2620',
  ]);
  await waitFor(() => existsSync(pcap) && statSync(pcap).size >= 24, { timeoutMs: 20_000, what: 'tcpdump' });

  const config = [
    'fpm address 127.0.0.1 port 2620',
    ...PORTS.flatMap((port) => [
      `interface tap${port}`,
      ` ip address 10.1.${port}.1/24`,
      ` ipv6 address 2001:db8:${port}::1/64`,
    ]),
    ...STATICS,
    '',
  ].join('\n');
  const frr = await startFrr(lab, router, {
    config,
    daemons: ['staticd'],
    zebraArgs: ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'],
  });
  const firstSettled = await waitFor(
    async () => {
      const routes = await bridge.routes();
      return settled(routes) ? routes : undefined;
    },
    { timeoutMs: 60_000, what: 'the routes of the first router' },
  );
  expect(firstSettled.length).toBeGreaterThan(STATICS.length);
  // A change and a withdrawal, so that the order of the recording matters.
  await frr.vtysh('conf t\nip route 10.50.0.0/16 10.1.0.2');
  await frr.vtysh('conf t\nno ip route 10.40.0.0/16 10.1.1.2\nip route 10.40.0.0/16 10.1.0.2');
  await frr.vtysh('conf t\nno ip route 10.50.0.0/16 10.1.0.2');
  const routes = await waitFor(
    async () => {
      const all = await bridge.routes();
      const moved = all.find(({ prefix }) => prefix === '10.40.0.0/16')?.nexthops.map((path) => path.gateway);
      const gone = all.every(({ prefix }) => prefix !== '10.50.0.0/16');
      return settled(all) && gone && moved?.join() === '10.1.0.2' ? all : undefined;
    },
    { timeoutMs: 60_000, what: 'the changes' },
  );
  const reported = (await bridge.status()).fpm;
  expect(reported.malformed).toBe(0);
  await bridge.process().kill('SIGTERM');
  // The end of the connection is the last thing tcpdump has to see: what it has not read by then is lost with it.
  await waitFor(async () => (await viewsOf(pcap)).views.length >= reported.messages, {
    timeoutMs: 20_000,
    what: 'tcpdump to have seen the session',
  });
  await tcpdump.kill('SIGINT');

  const recorded = await viewsOf(file);
  const captured = await viewsOf(pcap);
  expect([recorded.malformed, captured.malformed]).toEqual([0, 0]);
  const sent = messages(recorded.views, 'fromZebra');
  expect(sent.length).toBe(reported.messages);
  expect(sent).toContainEqual(expect.stringMatching(/^RTM_NEWROUTE 10\.50\.0\.0\/16/));
  // tcpdump sees the same bytes; of zebra's next attempts to connect, after the end, nothing.
  expect(messages(captured.views, 'fromZebra')).toEqual(sent);
  const back = messages(recorded.views, 'toZebra');
  expect(back).toContainEqual(expect.stringMatching(/^RTM_NEWROUTE 10\.9\.0\.1\/32 {2}offloaded$/));
  expect(messages(captured.views, 'toZebra')).toEqual(back);

  const second = await site(lab, 'b', []);
  for (const port of PORTS) {
    await second.router.must(['ip', 'address', 'add', `10.1.${port}.1/24`, 'dev', `tap${port}`]);
    await second.router.must(['ip', '-6', 'address', 'add', `2001:db8:${port}::1/64`, 'dev', `tap${port}`, 'nodad']);
  }
  const printed = await second.router.must(['fpm2afi', 'replay', file, '--to', '127.0.0.1:2620', '--linger', '5'], {
    timeoutMs: 60_000,
  });
  expect(printed).toMatch(
    /^sent: \d+ frames, \d+ bytes, 1 connections\ncame back: [1-9]\d* offloaded, [1-9]\d* trapped, \d+ unresolved, 0 failed, 0 other, 0 malformed\n$/,
  );
  const again = await waitFor(
    async () => {
      const all = await second.bridge.routes();
      return settled(all) ? all : undefined;
    },
    { timeoutMs: 60_000, what: 'the routes of the second router' },
  );
  expect(essence(again)).toEqual(essence(routes));
});
