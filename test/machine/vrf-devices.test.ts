/**
 * Real VRF devices: what Linux says of them by rtnetlink is followed live, by zebra and by fpm2afi, and packets go as it says. Ports 0 and 1 are
 * put into a VRF and taken out again, its device is deleted and made anew, for another table. Behind hosts 1 and 3 is the same
 * address: which of them answers tells in which table a packet was looked up.
 *
 * Where the kernel has MPLS, too, zebra uses that, and bgpd gives a VPN label out for the VRF: what comes with it is looked up there.
 *
 * It needs a kernel with VRF devices: `make vrf-devices` runs it in a virtual machine that has one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { vpnLabelSection } from '../../lab/bgp-section';
import { buildHostsTopology, hostAddress, hostAddress6, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { tapName } from '../../lab/plan';
import type { Bridge } from '../../lab/programs';
import { ping } from '../../lab/traffic';
import { PATIENCE, waitFor } from '../../lab/wait';
import type { LspView, VrfView } from '../../src/control/types';
import { entry, packet, Probe } from '../integration/mpls/probe';

const ID = labId('vrfdevices');
const SHARED = '10.77.0.1';
const SHARED6 = '2001:db8:77::1';
const SHARED_PREFIXES = [`${SHARED}/32`, `${SHARED6}/128`];
const VPN_LABEL = 800;
const FIRST_TABLE = 1001;
const OTHER_TABLE = 2001;
jest.setTimeout(180_000 * PATIENCE);

function needVrfDevices(): void {
  try {
    execFileSync('unshare', ['-n', 'ip', 'link', 'add', 'vrftest', 'type', 'vrf', 'table', '1'], { stdio: 'pipe' });
  } catch (error) {
    throw new Error('this kernel has no VRF devices: make vrf-devices runs this on one that has', { cause: error });
  }
}

/** The shared addresses by host 3 in the default VRF, by host 1 in red. */
const CONFIG = [
  `ip route ${SHARED}/32 ${hostAddress(3)}`,
  `ipv6 route ${SHARED6}/128 ${hostAddress6(3)}`,
  'vrf red',
  ` ip route ${SHARED}/32 ${hostAddress(1)}`,
  ` ipv6 route ${SHARED6}/128 ${hostAddress6(1)}`,
  'exit-vrf',
  ...vpnLabelSection('red', VPN_LABEL),
];
const withMpls = existsSync('/proc/sys/net/mpls');

describe('VRF devices of a real kernel', () => {
  let lab: Lab | undefined;
  let topology: HostsTopology;
  let probe: Probe | undefined;
  const ip = (...argv: string[]): Promise<string> => topology.router.must(['ip', ...argv]);

  beforeAll(async () => {
    needVrfDevices();
    lab = await openLab(ID);
    topology = await buildHostsTopology(lab, { hosts: 4, ip6: true, config: CONFIG, daemons: ['bgpd'] });
    const { router, hosts } = topology;
    // A TAP that is put into a VRF or taken out of one goes down and up on the way.
    await router.sysctl({ 'net.ipv6.conf.all.keep_addr_on_down': 1 });
    if (withMpls) {
      await router.sysctl({ 'net.mpls.platform_labels': 1000, [`net.mpls.conf.${tapName(2)}.input`]: 1 });
      probe = await Probe.open(hosts);
    }
    for (const port of [1, 3]) {
      await hosts[port]!.must(['ip', 'address', 'add', `${SHARED}/32`, 'dev', 'lo']);
      await hosts[port]!.must(['ip', '-6', 'address', 'add', `${SHARED6}/128`, 'dev', 'lo']);
    }
  });

  afterAll(async () => {
    await probe?.close();
    await lab?.close();
    await stopLab(ID);
  });

  /** The VRFs that are forwarded by: `254 default: , 1001 red: tap0 tap1`. */
  async function vrfs(): Promise<string> {
    const shown = JSON.parse(await topology.router.must(['fpm2afi', 'show', 'vrfs', '--json'])) as VrfView[];
    const forwarded = shown.filter((vrf) => vrf.forwarded);
    return forwarded.map(({ table, vrf, ports }) => `${table} ${vrf}: ${ports.join(' ')}`).join(', ');
  }

  /** The shared routes in these tables are in the vASIC, and zebra has been told. */
  async function offloadedIn(tables: readonly number[]): Promise<boolean> {
    const routes = (await topology.bridge.routes()).filter(({ prefix }) => SHARED_PREFIXES.includes(prefix));
    const found = routes.filter(({ state }) => state === 'offloaded');
    const where = [...new Set(found.map(({ table }) => table))].sort((a, b) => a - b);
    return found.length === 2 * tables.length && where.join() === tables.join();
  }

  /** On an emulated machine the control socket may find a request too slow (HTTP status 408): it is asked again. */
  const portsNow = (): ReturnType<Bridge['ports']> =>
    waitFor(() => topology.bridge.ports(), { timeoutMs: 20_000, what: 'the ports' });

  /** Pings from a host until the vASIC knows both ends, then once more: the port that all of it left by, if all came back. */
  async function answeredBy(from: number, target: string): Promise<number | 'nobody'> {
    const { hosts } = topology;
    await ping(hosts[from]!, target, { count: 3 });
    const before = await portsNow();
    const { received } = await ping(hosts[from]!, target, { count: 3, waitS: 3 });
    if (received < 3) return 'nobody';
    const after = await portsNow();
    const by = [1, 3].filter((port) => after[port]!.output!.packets - before[port]!.output!.packets >= 3);
    expect(by).toHaveLength(1);
    return by[0]!;
  }

  /** What has to hold after a step: the VRFs, and who answers at the shared address, IPv4 and IPv6, to hosts 0 and 2. */
  async function expectAfter(
    known: string,
    tables: readonly number[],
    answers: readonly [number, number],
  ): Promise<void> {
    await waitFor(async () => (await vrfs()) === known, { timeoutMs: 30_000, what: `the VRFs to be: ${known}` });
    await waitFor(() => offloadedIn(tables), {
      timeoutMs: 30_000,
      what: `the shared routes in tables ${tables.join(' and ')}`,
    });
    for (const target of [SHARED, SHARED6]) {
      expect([await answeredBy(0, target), await answeredBy(2, target)]).toEqual(answers);
    }
  }

  /** What has to hold of the VRF's label after a step: it is taken off, and the packet goes to host 1; or it is unknown. */
  async function expectLabel(known: boolean): Promise<void> {
    if (probe === undefined) return;
    const state = async (): Promise<string | undefined> => {
      const lsps = JSON.parse(await topology.router.must(['fpm2afi', 'show', 'lsps', '--json'])) as LspView[];
      return lsps.find(({ label }) => label === VPN_LABEL)?.state;
    };
    const wanted = known ? 'offloaded' : undefined;
    await waitFor(async () => (await state()) === wanted, { timeoutMs: 30_000, what: `label ${VPN_LABEL}: ${wanted}` });
    const labelled = { labels: [entry(VPN_LABEL, 9)], ...packet(SHARED) };
    if (known) {
      const [out] = await probe.outcome(labelled, 2);
      // By port 1, as IPv4, with the TTL of the label less one.
      expect([out!.slice(0, 2), out!.slice(26, 30), out!.slice(46, 48)]).toEqual(['1 ', '0800', '08']);
    } else {
      const [mark] = await probe.send([labelled], 2);
      await probe.outcome({ labels: [], ...packet(SHARED) }, 2);
      expect(probe.heard(mark!)).toEqual([]);
    }
  }

  test('no VRF: all ports are in the default one', async () => {
    await expectAfter('254 default: tap0 tap1 tap2 tap3', [254], [3, 3]);
  });

  test('two TAPs are put into a VRF: their packets are looked up there, and the others can not reach it', async () => {
    await ip('link', 'add', 'red', 'type', 'vrf', 'table', String(FIRST_TABLE));
    await ip('link', 'set', 'red', 'up');
    for (const port of [0, 1]) await ip('link', 'set', tapName(port), 'master', 'red');
    await expectAfter(`254 default: tap2 tap3, ${FIRST_TABLE} red: tap0 tap1`, [254, FIRST_TABLE], [1, 3]);
    expect(await answeredBy(2, hostAddress(1))).toBe('nobody');
    expect(await topology.frr.vtysh('show ip route vrf red')).toMatch(new RegExp(`^S>\\* ${SHARED}/32`, 'm'));
    await expectLabel(true);
  });

  test('one of them is released: it is back in the default VRF', async () => {
    await ip('link', 'set', tapName(0), 'nomaster');
    await expectAfter(`254 default: tap0 tap2 tap3, ${FIRST_TABLE} red: tap1`, [254, FIRST_TABLE], [3, 3]);
  });

  test('and put in again', async () => {
    await ip('link', 'set', tapName(0), 'master', 'red');
    await expectAfter(`254 default: tap2 tap3, ${FIRST_TABLE} red: tap0 tap1`, [254, FIRST_TABLE], [1, 3]);
  });

  test('the VRF device is deleted: its ports are in the default VRF, and its tree is gone', async () => {
    await ip('link', 'delete', 'red');
    await expectAfter('254 default: tap0 tap1 tap2 tap3', [254], [3, 3]);
    await expectLabel(false);
  });

  test('it is made anew, as another device for another table', async () => {
    await ip('link', 'add', 'red', 'type', 'vrf', 'table', String(OTHER_TABLE));
    await ip('link', 'set', 'red', 'up');
    for (const port of [0, 1]) await ip('link', 'set', tapName(port), 'master', 'red');
    await expectAfter(`254 default: tap2 tap3, ${OTHER_TABLE} red: tap0 tap1`, [254, OTHER_TABLE], [1, 3]);
    await expectLabel(true);
  });
});
