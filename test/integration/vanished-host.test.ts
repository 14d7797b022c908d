/**
 * A host on a connected subnet goes away while packets are sent to it. Linux doesn't see them, as the vASIC forwards them; it is
 * to notice all the same, and the sender to hear that the host is unreachable. The topology is lab/hosts-topology.ts's.
 */
import { buildHostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import type { Bridge } from '../../lab/programs';
import { ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';

const ID = labId('vanished');
jest.setTimeout(120_000);

let lab: Lab | undefined;
let router: LabNode;
let hosts: readonly LabNode[];
let bridge: Bridge;

beforeAll(async () => {
  lab = await openLab(ID);
  ({ router, hosts, bridge } = await buildHostsTopology(lab, { hosts: 2, ip6: true }));
  // Linux' own pauses, shortened: what is confirmed is stale after two to five seconds. Less than it waits before it probes
  // would have it verify without being asked.
  for (const family of ['ipv4', 'ipv6']) {
    const neigh = `net.${family}.neigh.tap1`;
    await router.sysctl({
      [`${neigh}.base_reachable_time_ms`]: 3000,
      [`${neigh}.delay_first_probe_time`]: 1,
      [`${neigh}.retrans_time_ms`]: 300,
    });
  }
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

const hasEntry = async (address: string): Promise<boolean> =>
  (await bridge.routes()).some(({ prefix }) => prefix.startsWith(`${address}/`));

const entryOf = (address: string): Promise<string> =>
  router.must(['ip', 'neigh', 'show', 'to', address, 'dev', 'tap1']);

async function becomes(address: string, state: string): Promise<void> {
  const look = async (): Promise<boolean> => {
    const entry = await entryOf(address);
    if (!entry.includes(state)) throw new Error(entry.trim());
    return true;
  };
  await waitFor(look, { timeoutMs: 40_000, what: `${address} to be ${state}` });
}

/** Has it known to Linux, and to the vASIC by its host entry; then Linux hears no more of it. */
async function known(address: string): Promise<void> {
  expect(await ping(hosts[0]!, address, { count: 1, waitS: 5 })).toMatchObject({ received: 1 });
  await waitFor(() => hasEntry(address), { timeoutMs: 10_000, what: `the host entry of ${address}` });
  await becomes(address, 'STALE');
}

test.each([
  ['IPv4', '10.1.1.77', 24, /From 10\.1\.0\.1 .*Destination Host Unreachable/],
  ['IPv6', '2001:db8:1::77', 64, /From 2001:db8::1 .*Destination unreachable: Address unreachable/],
])(
  '%s: the sender hears of it, and the host is forwarded to again when it is back',
  async (_, address, length, told) => {
    const nodad = address.includes(':') ? ['nodad'] : [];
    const appear = (): Promise<unknown> =>
      hosts[1]!.must(['ip', 'address', 'add', `${address}/${length}`, 'dev', 'veth', ...nodad]);
    await appear();
    await known(address);
    await hosts[1]!.must(['ip', 'address', 'del', `${address}/${length}`, 'dev', 'veth']);
    await waitFor(
      async () => {
        const { stdout, stderr } = await hosts[0]!.exec(['ping', '-n', '-c', '4', '-i', '0.5', '-W', '1', address]);
        return told.test(stdout + stderr);
      },
      { timeoutMs: 60_000, what: `the sender to hear that ${address} is unreachable` },
    );
    expect(await hasEntry(address)).toBe(false);
    await appear();
    await waitFor(async () => (await ping(hosts[0]!, address, { count: 1 })).received === 1, {
      timeoutMs: 20_000,
      what: `${address} to answer again`,
    });
    await waitFor(() => hasEntry(address), { timeoutMs: 10_000, what: `the host entry of ${address}` });
  },
);

test('a host that is there and in use is confirmed again and again; one that is not in use is left stale', async () => {
  const [used, idle] = ['10.1.1.78', '10.1.1.79'];
  for (const address of [used, idle]) {
    await hosts[1]!.must(['ip', 'address', 'add', `${address}/24`, 'dev', 'veth']);
    await known(address);
  }
  const traffic = hosts[0]!.start('traffic', ['ping', '-n', '-q', '-i', '0.2', used]);
  try {
    for (const state of ['REACHABLE', 'STALE', 'REACHABLE']) await becomes(used, state);
  } finally {
    await traffic.kill('SIGKILL');
  }
  expect(await entryOf(idle)).toContain('STALE');
  expect([await hasEntry(used), await hasEntry(idle)]).toEqual([true, true]);
});
