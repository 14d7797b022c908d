/**
 * Routes that zebra has from the kernel, over real zebra and a real kernel: what is deleted there, or goes with a link, an
 * address or a nexthop object, is gone in the vASIC without a word of FPM's. The topology is that of lab/hosts-topology.ts.
 */
import { buildHostsTopology, hostAddress, hostAddress6, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { tapName } from '../../lab/plan';
import { waitFor } from '../../lab/wait';

const ID = labId('kernelroutes');
const PREFIX = '198.51.100.0/24';
const PREFIX6 = '2001:db8:100::/48';
/** By zebra itself, to a neighbor of the same port. */
const STATIC = '203.0.113.0/24';
jest.setTimeout(120_000);

let lab: Lab | undefined;
let topology: HostsTopology;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, {
    ip6: true,
    config: [`ip route ${STATIC} ${hostAddress(1)}`],
    settings: ['fpm.sweep.minimum=1s'],
  });
  await stateIs(STATIC, 'offloaded');
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

const ip = (...argv: string[]): Promise<string> => topology.router.must(['ip', ...argv]);

async function state(prefix: string): Promise<string | undefined> {
  return (await topology.bridge.routes()).find((route) => route.prefix === prefix)?.state;
}

const stateIs = (prefix: string, expected: string | undefined): Promise<boolean> =>
  waitFor(async () => (await state(prefix)) === expected, {
    timeoutMs: 20_000,
    what: `${prefix} to be ${expected ?? 'gone'}`,
  });

/** What zebra has must be there too, and what it hasn't must not. */
async function agrees(prefix: string): Promise<void> {
  const family = prefix.includes(':') ? 'ipv6' : 'ip';
  const json = (await topology.frr.json(`show ${family} route ${prefix} json`)) as Record<string, unknown>;
  expect([prefix, (await state(prefix)) !== undefined]).toEqual([prefix, prefix in json]);
}

test.each([
  [PREFIX, hostAddress(1)],
  [PREFIX6, hostAddress6(1)],
])('%s is deleted in the kernel', async (prefix, gateway) => {
  await ip('route', 'add', prefix, 'via', gateway, 'dev', tapName(1));
  await stateIs(prefix, 'offloaded');
  await ip('route', 'del', prefix);
  await stateIs(prefix, undefined);
  await agrees(prefix);
  expect(await state(STATIC)).toBe('offloaded');
});

test.each(['0.0.0.0/0', '::/0'])('%s onto an interface is deleted in the kernel', async (prefix) => {
  const family = prefix.includes(':') ? '-6' : '-4';
  await ip(family, 'route', 'add', prefix, 'dev', tapName(1), 'metric', '50');
  await stateIs(prefix, 'trapped');
  await ip(family, 'route', 'del', prefix, 'dev', tapName(1), 'metric', '50');
  await stateIs(prefix, undefined);
});

test('one of two for the same prefix is deleted: the other one stays, and the last one goes', async () => {
  const add = (gateway: string, metric: number): Promise<string> =>
    ip('route', 'add', PREFIX, 'via', gateway, 'metric', String(metric));
  await add(hostAddress(1), 10);
  await add(hostAddress(2), 20);
  await stateIs(PREFIX, 'offloaded');
  await ip('route', 'del', PREFIX, 'metric', '10');
  await waitFor(
    async () => {
      const route = (await topology.bridge.routes()).find(({ prefix }) => prefix === PREFIX);
      return route?.nexthops[0]?.gateway === hostAddress(2) && route.state === 'offloaded';
    },
    { timeoutMs: 20_000, what: 'the other route' },
  );
  await ip('route', 'del', PREFIX);
  await stateIs(PREFIX, undefined);
});

test('deleted and added at once, many times: what the kernel has at the end is there', async () => {
  for (let i = 0; i < 20; i++) {
    await ip('route', 'replace', PREFIX, 'via', hostAddress(1 + (i % 2)));
    await ip('route', 'del', PREFIX);
  }
  await ip('route', 'add', PREFIX, 'via', hostAddress(2));
  await stateIs(PREFIX, 'offloaded');
  // Past the check of the last one that zebra sent.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(await state(PREFIX)).toBe('offloaded');
  await ip('route', 'del', PREFIX);
  await stateIs(PREFIX, undefined);
  await agrees(PREFIX);
});

test('the kernel’s route gives way to one of zebra’s own for the same prefix, which stays', async () => {
  await ip('route', 'add', PREFIX, 'via', hostAddress(1));
  await stateIs(PREFIX, 'offloaded');
  await topology.frr.vtysh(`configure terminal\nip route ${PREFIX} ${hostAddress(2)}\nend`);
  await ip('route', 'del', PREFIX);
  await waitFor(
    async () => (await topology.bridge.routes()).find(({ prefix }) => prefix === PREFIX)?.protocol === 'static',
    { timeoutMs: 20_000, what: 'the static route' },
  );
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(await state(PREFIX)).toBe('offloaded');
  await topology.frr.vtysh(`configure terminal\nno ip route ${PREFIX} ${hostAddress(2)}\nend`);
  await stateIs(PREFIX, undefined);
});

test('a source address goes, and takes its route along without a message', async () => {
  await ip('address', 'add', '192.0.2.1/32', 'dev', 'lo');
  await ip('route', 'add', PREFIX, 'via', hostAddress(1), 'src', '192.0.2.1');
  await stateIs(PREFIX, 'offloaded');
  await ip('address', 'del', '192.0.2.1/32', 'dev', 'lo');
  await stateIs(PREFIX, undefined);
  await agrees(PREFIX);
});

test('a link goes down, and takes its routes along without a message; connected subnets and addresses stay right', async () => {
  await ip('route', 'add', PREFIX, 'via', hostAddress(2));
  await ip('address', 'add', '192.0.2.1/24', 'dev', tapName(1), 'noprefixroute');
  await stateIs(PREFIX, 'offloaded');
  await stateIs('192.0.2.1/32', 'trapped');
  await ip('link', 'set', tapName(2), 'down');
  await stateIs(PREFIX, undefined);
  for (const prefix of ['10.1.1.0/24', '192.0.2.1/32', '10.1.1.1/32'])
    expect([prefix, await state(prefix)]).toEqual([prefix, 'trapped']);
  await ip('link', 'set', tapName(2), 'up');
  await stateIs('10.1.2.0/24', 'trapped');
  await agrees(PREFIX);
  await ip('address', 'del', '192.0.2.1/24', 'dev', tapName(1));
  await stateIs('192.0.2.1/32', undefined);
});

test.each([
  [PREFIX, hostAddress],
  [PREFIX6, hostAddress6],
])(
  '%s is replaced by one over a link without carrier: the old one doesn’t stay, the new one comes with the link',
  async (prefix, host) => {
    await ip('route', 'add', prefix, 'via', host(1), 'dev', tapName(1));
    await stateIs(prefix, 'offloaded');
    const carrier = async (up: boolean): Promise<unknown> => {
      await topology.hosts[2]!.must(['ip', 'link', 'set', 'veth', up ? 'up' : 'down']);
      return waitFor(async () => (await ip('link', 'show', tapName(2))).includes('NO-CARRIER') !== up, {
        timeoutMs: 10_000,
        what: `the TAP ${up ? 'with' : 'without'} carrier`,
      });
    };
    await carrier(false);
    // What zebra passes over never comes over FPM.
    await ip('route', 'replace', prefix, 'via', host(2), 'dev', tapName(2));
    await stateIs(prefix, undefined);
    await carrier(true);
    await ip('route', 'replace', prefix, 'via', host(2), 'dev', tapName(2));
    await waitFor(
      async () =>
        (await topology.bridge.routes()).find((route) => route.prefix === prefix)?.nexthops[0]?.gateway === host(2),
      { timeoutMs: 20_000, what: 'the new way' },
    );
    await ip('route', 'del', prefix);
    await stateIs(prefix, undefined);
  },
);

test('a nexthop object of the kernel’s that zebra doesn’t send: used, as the kernel has it, and gone with its route', async () => {
  await ip('nexthop', 'add', 'id', '540', 'via', hostAddress(1), 'dev', tapName(1));
  await ip('route', 'add', PREFIX, 'nhid', '540');
  await stateIs(PREFIX, 'offloaded');
  await ip('nexthop', 'replace', 'id', '540', 'via', hostAddress(2), 'dev', tapName(2));
  // zebra puts its own version back, or follows: what counts is the kernel's in the end.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const gateway = /id 540 via (\S+)/.exec(await ip('nexthop', 'get', 'id', '540'))?.[1];
  const route = (await topology.bridge.routes()).find(({ prefix }) => prefix === PREFIX);
  expect([route?.state, route?.nexthops[0]?.gateway]).toEqual(['offloaded', gateway]);
  await ip('nexthop', 'del', 'id', '540');
  await stateIs(PREFIX, undefined);
});

/** FRR 10.7 forgets the subnet here: the address counts before it is in the kernel, and again once it is (zebra/connected.c, connected_up). */
test('a connected subnet goes onto its interface, also where zebra has lost its route to it', async () => {
  const { frr, router } = topology;
  const subnet = '10.1.1.0/24';
  await frr.vtysh(`configure terminal\nip route 0.0.0.0/0 ${hostAddress(2)}`);
  await stateIs('0.0.0.0/0', 'offloaded');
  await ip('link', 'set', tapName(1), 'down');
  await stateIs(subnet, undefined);
  await frr.vtysh(`configure terminal\ninterface ${tapName(1)}\nip address 10.1.1.33/24`);
  await waitFor(async () => (await ip('route', 'show', subnet)).includes(tapName(1)), {
    timeoutMs: 20_000,
    what: 'the kernel to have the subnet',
  });
  const way = async (): Promise<string> => router.must(['fpm2afi', 'why', hostAddress(1, 77)]);
  await waitFor(async () => (await way()).includes(`matches ${subnet}: trapped`), {
    timeoutMs: 20_000,
    what: `the vASIC to take ${subnet} for a subnet`,
  });
  await ip('link', 'set', tapName(1), 'down');
  await ip('link', 'set', tapName(1), 'up');
  await stateIs(subnet, 'trapped');
});
