/**
 * Kernel neighbors, addresses and links, from a real kernel: a router namespace with a port `tap0` (a veth, so that
 * somebody can answer at the other end) and a peer namespace.
 */
import { parseAddress } from '../../src/net/address';
import type { NeighborCounters } from '../../src/kernel/kernel';
import { type Child, type Namespace, eventually, openNamespace, startChild } from './host/namespace';

jest.setTimeout(60_000);

let router: Namespace;
let peer: Namespace;
let child: Child;

beforeEach(() => {
  router = openNamespace();
  peer = openNamespace();
  router.ip(`link add tap0 type veth peer name port netns ${peer.name}`);
  router.ip('link set tap0 address 02:00:00:00:00:01 up');
  router.ip('address add 10.9.0.1/24 broadcast 10.9.0.255 dev tap0');
  router.ip('address add 2001:db8::1/64 dev tap0 nodad');
  peer.ip('link set port address 02:00:00:00:00:02 up');
  peer.ip('address add 10.9.0.2/24 dev port');
  peer.ip('address add 2001:db8::2/64 dev port nodad');
  child = startChild(router);
});

afterEach(async () => {
  await child.kill();
  router.close();
  peer.close();
});

const hex = (address: string): string => Buffer.from(parseAddress(address)!).toString('hex');
const ifindexOf = (name: string): number =>
  Number(router.ipJson('link show').find((each) => each['ifname'] === name)!['ifindex']);

type Update = Record<string, unknown>;
const updates = (): Update[] =>
  child.events.flatMap((event) => (event['update'] === undefined ? [] : [event['update'] as Update]));

/** Waits for an update with these values, among those since `from`. */
function updated(values: Update, from = 0): Promise<Update> {
  return child.until(() =>
    updates()
      .slice(from)
      .find((update) => Object.entries(values).every(([key, value]) => update[key] === value)),
  );
}

/** The neighbors as the updates add up to, `ifindex address state mac`. */
function neighborsNow(): string[] {
  const now = new Map<string, string>();
  for (const update of updates()) {
    const key = `${String(update['ifindex'])} ${String(update['address'])}`;
    if (update['kind'] === 'neighborAdd') now.set(key, `${key} ${String(update['state'])} ${String(update['mac'])}`);
    else if (update['kind'] === 'neighborDelete') now.delete(key);
  }
  return [...now.values()].sort();
}

/** The same, as `ip` shows them. */
function neighborsShown(): string[] {
  return router
    .ipJson('neighbor show nud all')
    .filter((n) => !/^(22[4-9]|23\d|ff)/.test(String(n['dst'])) && /^tap/.test(String(n['dev'])))
    .map((n) => {
      const mac = n['lladdr'] === undefined ? 'undefined' : String(n['lladdr']).replaceAll(':', '');
      const state = (n['state'] as string[])[0]!.toLowerCase();
      return `${ifindexOf(String(n['dev']))} ${hex(String(n['dst']))} ${state} ${mac}`;
    })
    .sort();
}

test('tells of what is there: all links, but addresses and neighbors of ports only', async () => {
  router.ip(`link add mgmt0 type veth peer name mgmt1 netns ${peer.name}`);
  router.ip('link set mgmt0 up');
  peer.ip('link set mgmt1 up');
  router.ip('address add 10.8.0.1/24 dev mgmt0');
  router.ip('neighbor add 10.8.0.2 dev mgmt0 lladdr 02:00:00:00:08:02 nud permanent');
  router.ip('neighbor add 10.9.0.7 dev tap0 lladdr 02:00:00:00:00:07 nud permanent');
  router.ip('neighbor add 10.9.0.8 dev tap0 lladdr 02:00:00:00:00:08 nud noarp');
  await child.call('startNeighbors', ['tap0', 'tap1']);
  const tap0 = ifindexOf('tap0');

  const links = updates().filter((update) => update['kind'] === 'link');
  expect(links.map((link) => link['name'])).toEqual(expect.arrayContaining(['lo', 'tap0', 'mgmt0']));
  expect(links.find((link) => link['name'] === 'tap0')).toEqual({
    kind: 'link',
    ifindex: tap0,
    name: 'tap0',
    present: true,
    up: true,
    mac: '020000000001',
    mtu: 1500,
    master: 0,
  });
  expect(updates()).toContainEqual({
    kind: 'addressAdd',
    ifindex: tap0,
    address: hex('10.9.0.1'),
    length: 24,
    broadcast: hex('10.9.0.255'),
    subnet: { family: 4, bytes: hex('10.9.0.0'), length: 24 },
  });
  expect(updates()).toContainEqual({
    kind: 'addressAdd',
    ifindex: tap0,
    address: hex('2001:db8::1'),
    length: 64,
    subnet: { family: 6, bytes: hex('2001:db8::'), length: 64 },
  });
  expect(neighborsNow()).toContain(`${tap0} ${hex('10.9.0.7')} permanent 020000000007`);
  expect(updates().filter((u) => u['kind'] !== 'link' && u['ifindex'] !== tap0)).toEqual([]);
  // Order: a port is known before what is on it (other links may be told of between); and a batch ends after its updates.
  const first = (is: (update: Update) => boolean): number => updates().findIndex(is);
  expect(first((u) => u['kind'] !== 'link')).toBeGreaterThan(
    first((u) => u['kind'] === 'link' && u['ifindex'] === tap0),
  );
  expect(child.events.findLastIndex((event) => event['batchEnd'] === true)).toBeGreaterThan(
    child.events.findLastIndex((event) => event['update'] !== undefined),
  );
  // Multicast pseudo neighbors are in the kernel's table and not in ours; real ones in their state are.
  expect(router.ip('neighbor show nud noarp')).toContain('33:33:');
  expect(neighborsNow().filter((line) => line.includes('noarp'))).toEqual([
    `${tap0} ${hex('10.9.0.8')} noarp 020000000008`,
  ]);
  await child.call('closeNeighbors');
});

test('follows a neighbor: learned, another MAC, failed, deleted', async () => {
  await child.call('startNeighbors', ['tap0']);
  const two = { ifindex: ifindexOf('tap0'), address: hex('10.9.0.2') };
  router.exec('ping', ['-c1', '-W5', '10.9.0.2']);
  await updated({ kind: 'neighborAdd', source: 'kernel', ...two, state: 'reachable', mac: '020000000002' });

  let from = updates().length;
  peer.ip('link set port address 02:00:00:00:00:22');
  // The peer asks, and the kernel takes the new MAC from its request.
  peer.ip('neighbor flush all');
  peer.exec('ping', ['-c1', '-W5', '10.9.0.1']);
  router.ip('neighbor change 10.9.0.2 dev tap0 lladdr 02:00:00:00:00:22 nud stale');
  await updated({ kind: 'neighborAdd', ...two, mac: '020000000022' }, from);

  from = updates().length;
  router.ip('neighbor change 10.9.0.2 dev tap0 nud failed');
  const failed = await updated({ kind: 'neighborAdd', ...two, state: 'failed' }, from);
  expect(failed).not.toHaveProperty('mac');

  router.ip('neighbor del 10.9.0.2 dev tap0');
  await updated({ kind: 'neighborDelete', source: 'kernel', ...two }, from);
});

test('follows addresses and the link', async () => {
  await child.call('startNeighbors', ['tap0']);
  const tap0 = ifindexOf('tap0');
  let from = updates().length;
  router.ip('address add 10.9.7.1/30 dev tap0');
  await updated({ kind: 'addressAdd', ifindex: tap0, address: hex('10.9.7.1'), length: 30 }, from);
  router.ip('address del 10.9.7.1/30 dev tap0');
  await updated({ kind: 'addressDelete', ifindex: tap0, address: hex('10.9.7.1'), length: 30 }, from);

  router.exec('ping', ['-c1', '-W5', '10.9.0.2']);
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.2') }, from);
  from = updates().length;
  peer.ip('link set port down');
  await updated({ kind: 'link', name: 'tap0', up: false, present: true }, from);
  // Linux forgets the neighbors of a link without carrier.
  await updated({ kind: 'neighborDelete', address: hex('10.9.0.2') }, from);
  peer.ip('link set port up');
  await updated({ kind: 'link', name: 'tap0', up: true }, from);
  from = updates().length;
  router.ip('link set tap0 mtu 1400 down');
  await updated({ kind: 'link', name: 'tap0', up: false, mtu: 1400 }, from);
});

test('ports may come later, change their name, and go', async () => {
  await child.call('startNeighbors', ['tap0', 'tap1']);
  router.ip('tuntap add tap1 mode tap');
  const tap1 = ifindexOf('tap1');
  await updated({ kind: 'link', name: 'tap1', ifindex: tap1, present: true });
  router.ip('link set tap1 up');
  router.ip('address add 10.10.0.1/24 dev tap1');
  router.ip('neighbor add 10.10.0.2 dev tap1 lladdr 02:00:00:00:10:02 nud permanent');
  await updated({ kind: 'neighborAdd', ifindex: tap1, state: 'permanent' });

  let from = updates().length;
  router.ip('link set tap1 name other');
  await updated({ kind: 'link', name: 'other', ifindex: tap1 }, from);
  expect(updates().slice(from)).toEqual(
    expect.arrayContaining([
      { kind: 'neighborDelete', source: 'kernel', ifindex: tap1, address: hex('10.10.0.2') },
      { kind: 'addressDelete', ifindex: tap1, address: hex('10.10.0.1'), length: 24 },
    ]),
  );
  from = updates().length;
  router.ip('link set other name tap1');
  await updated({ kind: 'neighborAdd', ifindex: tap1, state: 'permanent' }, from);
  await updated({ kind: 'addressAdd', ifindex: tap1, address: hex('10.10.0.1') }, from);

  from = updates().length;
  router.ip('tuntap del tap1 mode tap');
  await updated({ kind: 'link', name: 'tap1', present: false }, from);
  const gone = updates().slice(from);
  expect(gone).toContainEqual({ kind: 'neighborDelete', source: 'kernel', ifindex: tap1, address: hex('10.10.0.2') });
  expect(gone).toContainEqual({ kind: 'addressDelete', ifindex: tap1, address: hex('10.10.0.1'), length: 24 });
});

test('a needed neighbor is resolved without any packet to it, IPv4 and IPv6', async () => {
  await child.call('startNeighbors', ['tap0']);
  const tap0 = ifindexOf('tap0');
  for (const address of ['10.9.0.2', '2001:db8::2']) {
    expect(router.ip(`neighbor show ${address}`)).toBe('');
    await child.call('need', tap0, address);
    await updated({ kind: 'neighborAdd', address: hex(address), state: 'reachable', mac: '020000000002' });
  }
});

test('what nobody answers for fails, is tried again, and resolves when somebody does', async () => {
  await child.call('startNeighbors', ['tap0']);
  await child.call('need', ifindexOf('tap0'), '10.9.0.9');
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.9'), state: 'failed' });
  peer.ip('address add 10.9.0.9/24 dev port');
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.9'), state: 'reachable' });
  const counters = await child.call<NeighborCounters>('neighborCounters');
  expect(counters).toMatchObject({ wanted: 1, unresolved: 0, resolveErrors: 0, malformed: 0 });
  expect(counters.resolveRequests).toBeGreaterThanOrEqual(2);
});

test('a needed neighbor is re-confirmed when it gets stale; others are not, and permanent ones stay so', async () => {
  router.exec('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/neigh/tap0/delay_first_probe_time']);
  router.ip('neighbor add 10.9.0.7 dev tap0 lladdr 02:00:00:00:00:07 nud permanent');
  peer.ip('address add 10.9.0.3/24 dev port');
  await child.call('startNeighbors', ['tap0']);
  const tap0 = ifindexOf('tap0');
  await child.call('need', tap0, '10.9.0.2');
  await child.call('need', tap0, '10.9.0.7');
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.2'), state: 'reachable' });
  router.exec('ping', ['-c1', '-W5', '10.9.0.3']);
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.3'), state: 'reachable' });
  const from = updates().length;
  router.ip('neighbor change 10.9.0.3 dev tap0 nud stale');
  router.ip('neighbor change 10.9.0.2 dev tap0 nud stale');
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.2'), state: 'stale' }, from);
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.2'), state: 'reachable' }, from);
  expect(router.ip('neighbor show 10.9.0.3')).toContain('STALE');
  expect(router.ip('neighbor show 10.9.0.7')).toContain('PERMANENT');
});

test('waits for the link before it asks', async () => {
  peer.ip('link set port down');
  await eventually(() => !router.ip('link show tap0').includes('LOWER_UP'), 'no carrier');
  await child.call('startNeighbors', ['tap0']);
  await child.call('need', ifindexOf('tap0'), '10.9.0.2');
  await child.call('need', ifindexOf('tap0'), '10.9.0.3');
  expect(await child.call('neighborCounters')).toMatchObject({ unresolved: 2, resolveRequests: 0 });
  await child.call('release', ifindexOf('tap0'), '10.9.0.3');
  peer.ip('link set port up');
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.2'), state: 'reachable' });
  expect(updates().some((update) => update['address'] === hex('10.9.0.3'))).toBe(false);
});

test('a reading thread that dies is replaced, and nothing is lost', async () => {
  await child.call('startNeighbors', ['tap0']);
  await child.call('killWorker');
  router.ip('neighbor add 10.9.0.7 dev tap0 lladdr 02:00:00:00:00:07 nud permanent');
  await child.until((events) => events.some((e) => String(e['message']).startsWith('netlink reader died')));
  router.ip('neighbor add 10.9.0.8 dev tap0 lladdr 02:00:00:00:00:08 nud permanent');
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.7') });
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.8') });
  // What the thread had read is lost with it, so the tables are read again.
  await eventually(
    async () => (await child.call<NeighborCounters>('neighborCounters')).dumps >= 2,
    'the tables are read again',
  );
  expect(await child.call('neighborCounters')).toMatchObject({ restarts: 1 });
});

test('after an overrun it reads the tables again, and deletes what went unseen', async () => {
  // The smallest buffer there is, and more neighbors than fit at once.
  await child.call('startNeighbors', ['tap0'], 2048);
  let round = 0;
  const batch = (verb: string, from: number, to: number): void => {
    round++;
    const lines = Array.from({ length: to - from }, (_, i) => {
      const host = from + i;
      const mac = `02:00:00:${(round & 255).toString(16)}:${(host >> 8).toString(16)}:${(host & 255).toString(16)}`;
      return `neighbor ${verb} 10.9.${(host >> 8) + 1}.${host & 255} dev tap0${verb === 'del' ? '' : ` lladdr ${mac} nud permanent`}`;
    });
    router.exec('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
  };
  batch('add', 0, 600);
  await eventually(async () => {
    batch('replace', 0, 600);
    return (await child.call<NeighborCounters>('neighborCounters')).overruns > 0;
  }, 'an overrun');
  batch('del', 200, 600);
  const same = (): boolean => JSON.stringify(neighborsNow()) === JSON.stringify(neighborsShown());
  await eventually(same, 'the mirror is the kernel table');
  expect(neighborsNow().filter((line) => line.includes('permanent'))).toHaveLength(200);
  const counters = await child.call<NeighborCounters>('neighborCounters');
  expect(counters.dumps).toBeGreaterThan(1);
  expect(counters.malformed).toBe(0);
});

test('an address that two hosts claimed is settled when they have stopped, however lately the wrong one answered', async () => {
  // The kernel alone would believe the last one for ten minutes.
  router.exec('sysctl', ['-w', 'net.ipv4.neigh.tap0.base_reachable_time_ms=600000']);
  await child.call('startNeighbors', ['tap0']);
  const tap0 = ifindexOf('tap0');
  await child.call('need', tap0, '10.9.0.2');
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.2'), mac: '020000000002' });
  for (let i = 0; i < 5; i++) {
    for (const mac of ['02:00:00:00:00:02', '02:00:00:00:00:99']) {
      router.ip(`neighbor replace 10.9.0.2 dev tap0 lladdr ${mac} nud reachable`);
    }
  }
  await updated({ kind: 'neighborAdd', address: hex('10.9.0.2'), mac: '020000000099' });
  await child.until(() => (neighborsNow().some((line) => line.endsWith('reachable 020000000002')) ? true : undefined));
});
