/**
 * The BPF program on real interfaces: two hosts, a router between them that has nothing but the program. What it forwards arrives, what
 * it leaves to the TypeScript engine gets there whole, and nothing of it stays behind. The heap is made by hand (agent.ts).
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GSO, OFFLOAD_NEEDS_CSUM, type Offload } from '../../../src/net/offload';
import type { PortMode } from '../../../src/vasic/kernel/hooks';
import { finishIpv4 } from '../../bed/ipv4-header';
import { type Child, type Namespace, eventually, openNamespace, startChild } from '../host/namespace';

jest.setTimeout(120_000);

const AGENT = join(__dirname, 'agent.js');
/** Host i has 10.2i.0.2 and thinks that 10.2i.0.1 is the router. */
const HOSTS = [0, 1].map((i) => ({ address: `10.${2 * i}.0.2`, gateway: `10.${2 * i}.0.1` }));

let router: Namespace;
let hosts: readonly Namespace[];
let macs: { readonly router: string[]; readonly hosts: string[] };
let agent: Child | undefined;

const macOf = (ns: Namespace, name: string): string => String(ns.ipJson(`link show ${name}`)[0]!['address']);

beforeEach(() => {
  router = openNamespace();
  hosts = HOSTS.map(() => openNamespace());
  const found = hosts.map((host, i) => {
    router.ip(`link add r${i} type veth peer name h0 netns ${host.name}`);
    router.exec('sysctl', ['-qw', `net.ipv6.conf.r${i}.disable_ipv6=1`]);
    router.ip(`link set r${i} up`);
    host.exec('sysctl', ['-qw', 'net.ipv6.conf.h0.disable_ipv6=1']);
    host.ip(`addr add ${HOSTS[i]!.address}/24 dev h0`);
    host.ip('link set h0 up');
    const mac = macOf(router, `r${i}`);
    host.ip(`neigh add ${HOSTS[i]!.gateway} lladdr ${mac} dev h0`);
    host.ip(`route add default via ${HOSTS[i]!.gateway}`);
    return { router: mac, host: macOf(host, 'h0') };
  });
  macs = { router: found.map((one) => one.router), hosts: found.map((one) => one.host) };
});

afterEach(async () => {
  await agent?.kill();
  agent = undefined;
  for (const ns of [router, ...hosts]) ns.close();
});

async function start(
  mode: PortMode,
  bpfFs?: string,
  ports: readonly string[] = ['r0', 'r1'],
): Promise<readonly { readonly by: string }[]> {
  if (mode === 'xdp') await Promise.all(hosts.map(setGro));
  agent = startChild(router, AGENT);
  return agent.call('route', mode, ports, macs.hosts, ...(bpfFs === undefined ? [] : [bpfFs]));
}

async function setGro(host: Namespace): Promise<void> {
  const child = startChild(host, AGENT);
  await child.call('setGro', 'h0');
  await child.kill();
}

const ping = (...words: string[]): string => hosts[0]!.exec('ping', ['-n', '-W', '5', ...words]);

interface PortCount {
  readonly received: { readonly packets: number; readonly bytes: number };
  readonly sent: { readonly packets: number; readonly bytes: number };
  readonly slow: Record<string, number>;
  readonly lost: number;
}

/** Sends a frame from host 0 and waits for it at the engine. */
async function left(hex: string, offload: Partial<Offload> = {}): Promise<{ frame: string; offload: Offload }> {
  const host = startChild(hosts[0]!, AGENT);
  try {
    await host.call('send', 'h0', hex, offload);
    const has = (event: Record<string, unknown>): boolean =>
      event['slow'] === 0 && String(event['frame']).slice(24) === hex.slice(24);
    return (await agent!.until((events) => events.find(has))) as unknown as { frame: string; offload: Offload };
  } finally {
    await host.kill();
  }
}

/** An IPv4 packet for the router, with its checksum. */
function frameTo(destination: string, ttl: number, payload: Buffer, proto = 17): Buffer {
  const ip = Buffer.from('4500000000000000000000000a0000020a000002', 'hex');
  ip.writeUInt16BE(20 + payload.length, 2);
  ip[8] = ttl;
  ip[9] = proto;
  ip.set(destination.split('.').map(Number), 16);
  finishIpv4(ip);
  const ether = Buffer.from(`${macs.router[0]!}${macs.hosts[0]!}0800`.replaceAll(':', ''), 'hex');
  return Buffer.concat([ether, ip, payload]);
}

describe.each<PortMode>(['tc', 'xdp', 'xdp-generic'])('%s', (mode) => {
  test('what has a route arrives, with a hop less, and is counted', async () => {
    await start(mode);
    const said = ping('-c', '3', '-i', '0.2', HOSTS[1]!.address);
    expect(said).toContain('3 received');
    expect(said).toContain('ttl=63');
    const counts = await agent!.call<PortCount[]>('counts');
    for (const { received, sent } of counts) {
      expect([received.packets, sent.packets]).toEqual([3, 3]);
      expect(received.bytes).toBe(3 * 98);
    }
  });

  test('an expiring packet, and one without a route, reach the engine as they were sent, once', async () => {
    await start(mode);
    for (const [destination, ttl] of [
      [HOSTS[1]!.address, 1],
      ['192.0.2.1', 64],
    ] as const) {
      const hex = frameTo(destination, ttl, Buffer.from('0123456789abcdef0123456789abcdef', 'hex')).toString('hex');
      expect((await left(hex)).frame).toBe(hex);
      expect(agent!.events.filter((event) => event['frame'] === hex)).toHaveLength(1);
    }
    const [count] = await agent!.call<PortCount[]>('counts');
    expect(count!.slow).toEqual({ ttl: 1, host: 1 });
    expect(count!.received.packets).toBe(0);
  });

  test('a larger heap and more counters take over without a packet lost', async () => {
    await start(mode);
    const flow = spawn('ip', ['netns', 'exec', hosts[0]!.name, 'ping', '-c', '200', '-i', '0.01', HOSTS[1]!.address]);
    let said = '';
    flow.stdout.on('data', (text: Buffer) => (said += text.toString()));
    const ended = new Promise((resolve) => flow.on('close', resolve));
    for (let i = 0; i < 3; i++) expect(await agent!.call('grow')).toBe(true);
    await ended;
    expect(said).toContain('200 received');
    const [count] = await agent!.call<PortCount[]>('counts');
    expect(count!.received.packets).toBe(200);
  });

  test('one that another thread made ready does, too', async () => {
    await start(mode);
    for (let i = 0; i < 2; i++) {
      expect(await agent!.call('growPrepared')).toBe(true);
      expect(ping('-c', '2', '-i', '0.2', HOSTS[1]!.address)).toContain('2 received');
    }
    const [count] = await agent!.call<PortCount[]>('counts');
    expect(count!.received.packets).toBe(4);
  });

  test('where one port refuses it all go on by the tables that are written', async () => {
    await start(mode);
    expect(await agent!.call('growRefused')).toBe('not now');
    expect(ping('-c', '1', HOSTS[1]!.address)).toContain('1 received');
    await agent!.call('forgetNeighbors');
    expect(() => ping('-c', '1', '-W', '1', HOSTS[1]!.address)).toThrow();
  });

  test('a larger heap takes over where an interface has just gone', async () => {
    await start(mode);
    router.ip('link del r1');
    expect(await agent!.call('grow')).toBe(true);
    const hex = frameTo('192.0.2.1', 64, Buffer.alloc(32, 0x5a)).toString('hex');
    expect((await left(hex)).frame).toBe(hex);
  });

  test('after kill -9 nothing is left but the interfaces', async () => {
    const hooks = await start(mode);
    expect(ping('-c', '1', HOSTS[1]!.address)).toContain('1 received');
    await agent!.kill();
    agent = undefined;
    const links = (): string => router.exec('ip', ['-d', '-o', 'link']);
    if (hooks[0]!.by === 'clsact') {
      // A kernel without tcx: the next start takes the filter's place.
      await start(mode);
      expect(ping('-c', '1', HOSTS[1]!.address)).toContain('1 received');
      return;
    }
    await eventually(() => !links().includes('exc0') && !links().includes('prog/xdp'), 'the TAPs and programs to go');
    expect(() => ping('-c', '1', '-W', '1', HOSTS[1]!.address)).toThrow();
  });
});

describe.each<PortMode>(['tc', 'xdp'])('%s, with names in a BPF file system', (mode) => {
  let bpfFs: string;
  const names = (): string[] => readdirSync(join(bpfFs, 'softvasic'));

  beforeEach(() => {
    bpfFs = mkdtempSync(join(tmpdir(), 'fpm2afi-bpf-'));
    execFileSync('mount', ['-t', 'bpf', 'bpf', bpfFs]);
  });
  afterEach(async () => {
    await agent?.kill();
    agent = undefined;
    execFileSync('umount', [bpfFs]);
    rmSync(bpfFs, { recursive: true });
  });

  test('the next one counts what the earlier tables go on to forward and to leave, and takes over though a port is gone', async () => {
    await start(mode, bpfFs);
    expect(names()).toHaveLength(6);
    // Another map of counters is what the names stand for then.
    expect(await agent!.call('grow')).toBe(true);
    expect(ping('-c', '2', '-i', '0.2', HOSTS[1]!.address)).toContain('2 received');
    await agent!.kill();
    expect(ping('-c', '1', HOSTS[1]!.address)).toContain('1 received');

    await start(mode, bpfFs);
    expect(await agent!.call('leftPorts')).toBe(2);
    expect(ping('-c', '3', '-i', '0.2', HOSTS[1]!.address)).toContain('3 received');
    const expiring = frameTo(HOSTS[1]!.address, 1, Buffer.alloc(32, 0x5a)).toString('hex');
    expect((await left(expiring)).frame).toBe(expiring);
    const told = async (): Promise<PortCount[]> => agent!.call<PortCount[]>('counts');
    const before = await told();
    for (const { received, sent } of before) {
      expect([received, sent]).toEqual([
        { packets: 3, bytes: 3 * 98 },
        { packets: 3, bytes: 3 * 98 },
      ]);
    }
    expect(before[0]!.slow).toEqual({ ttl: 1 });

    router.ip('link del r1');
    await agent!.call('takeOver');
    expect(await agent!.call('leftPorts')).toBe(0);
    expect(await told()).toEqual(before);
    const unknown = frameTo('192.0.2.1', 64, Buffer.alloc(32, 0x5a)).toString('hex');
    expect((await left(unknown)).frame).toBe(unknown);
    expect((await told())[0]!.slow).toEqual({ ttl: 1, host: 1 });
  });

  const slow = async (): Promise<Record<string, number>> => (await agent!.call<PortCount[]>('counts'))[0]!.slow;
  const lost = (...words: string[]): void => expect(() => ping('-c', '1', '-W', '1', ...words)).toThrow();

  test('earlier tables send by ports as they are now: MTU, link, and none where the program is off', async () => {
    await start(mode, bpfFs);
    await agent!.kill();
    router.ip('link set r1 mtu 1000');
    await start(mode, bpfFs);
    const large = ['-s', '1200', HOSTS[1]!.address];
    const small = ['-c', '1', HOSTS[1]!.address];
    lost(...large);
    expect(await slow()).toEqual({ mtu: 1 });
    await agent!.call('setMtu', 1, 1500);
    router.ip('link set r1 mtu 1500');
    expect(ping('-c', '1', ...large)).toContain('1 received');
    await agent!.call('setUp', 1, false);
    lost(HOSTS[1]!.address);
    expect(await slow()).toEqual({ mtu: 1, port: 1 });
    await agent!.call('setUp', 1, true);
    expect(ping(...small)).toContain('1 received');
    await agent!.call('detach', 1);
    lost(HOSTS[1]!.address);
    expect(await slow()).toEqual({ mtu: 1, port: 2 });
  });

  test('a port that the next one has not goes on until the new tables count, and then has nothing on it', async () => {
    await start(mode, bpfFs);
    await agent!.kill();
    await start(mode, bpfFs, ['r0']);
    expect(await agent!.call('leftPorts')).toBe(1);
    expect(ping('-c', '1', HOSTS[1]!.address)).toContain('1 received');
    expect(names()).toHaveLength(6);
    expect(await agent!.call('takeOver')).toEqual([]);
    const [link] = router.ipJson('link show r1');
    const [first] = router.ipJson('link show r0');
    expect(names().map((name) => name.split('-')[1])).toEqual(Array(3).fill(String(first!['ifindex'])));
    if (mode === 'xdp') expect(link).not.toHaveProperty('xdp');
  });

  test('what has ended is swept away, what goes on is not', async () => {
    await start(mode, bpfFs);
    await agent!.call('setDeadline', 60);
    await agent!.call('sweep', bpfFs);
    expect(names()).toHaveLength(6);
    await agent!.call('setDeadline', -1);
    await agent!.kill();
    agent = startChild(router, AGENT);
    await agent.call('sweep', bpfFs);
    expect(names()).toEqual([]);
  });

  test('a port that refuses the new program has none then, and one that can get no name goes on: so do the others', async () => {
    await start(mode, bpfFs);
    await agent!.kill();
    await start(mode, bpfFs);
    await agent!.call('breakLink', 1);
    expect(await agent!.call('takeOver')).toEqual([{ port: 1, what: 'refused' }]);
    expect(names()).toHaveLength(3);
    expect(await agent!.call('grow')).toBe(true);

    await agent!.kill();
    await start(mode, bpfFs);
    expect(await agent!.call('leftPorts')).toBe(1);
    for (const name of names()) rmSync(join(bpfFs, 'softvasic', name));
    rmdirSync(join(bpfFs, 'softvasic'));
    expect(await agent!.call('takeOver')).toEqual([{ port: 0, what: 'unnamed' }]);
    expect(ping('-c', '1', HOSTS[1]!.address)).toContain('1 received');
    mkdirSync(join(bpfFs, 'softvasic'));
  });
});

test('a port whose shortcut is lost is attached again at the next look', async () => {
  agent = startChild(router, AGENT);
  expect(await agent.call('lose', 'r0')).toEqual(['attach', 'detach', 'attach', true]);
});

test('tc: a segment of TCP that the engine gets is whole, and unfinished as it was', async () => {
  await start('tc');
  const tcp = Buffer.from('30390050000000010000000050100040000000', 'hex');
  const segment = Buffer.concat([tcp, Buffer.alloc(1 + 30_000, 0x5a)]);
  const hex = frameTo('192.0.2.1', 64, segment, 6).toString('hex');
  const offload = {
    flags: OFFLOAD_NEEDS_CSUM,
    gsoType: GSO.tcpv4,
    hdrLen: 54,
    gsoSize: 1448,
    csumStart: 34,
    csumOffset: 16,
  };
  const got = await left(hex, offload);
  expect(got.frame).toBe(hex);
  expect(got.offload).toMatchObject({ ...offload, hdrLen: expect.any(Number) as number });
});

test('tc: TCP goes through in whole segments, and stays within the MTU', async () => {
  await start('tc');
  const server = spawn('ip', ['netns', 'exec', hosts[1]!.name, 'iperf3', '-s', '-1']);
  await eventually(() => hosts[1]!.exec('ss', ['-ltn']).includes(':5201'), 'iperf3 to listen');
  const said = hosts[0]!.exec('iperf3', ['-c', HOSTS[1]!.address, '-n', '100M', '-J']);
  server.kill();
  const { end } = JSON.parse(said) as { end: { sum_sent: { bytes: number }; sum_received: { bytes: number } } };
  expect(end.sum_sent.bytes).toBeGreaterThanOrEqual(100 * 1024 * 1024);
  // What is on its way when the sender ends isn't counted there.
  expect(end.sum_received.bytes).toBeGreaterThan(50 * 1024 * 1024);
  const [count] = await agent!.call<PortCount[]>('counts');
  // As single frames of 1,514 bytes it would be 70,000.
  expect(count!.received.bytes / count!.received.packets).toBeGreaterThan(5000);
  await agent!.call('setMtu', 1, 1400);
  ping('-c', '1', '-s', '1300', HOSTS[1]!.address);
  expect(() => ping('-c', '1', '-W', '1', '-s', '1450', HOSTS[1]!.address)).toThrow();
  const [after] = await agent!.call<PortCount[]>('counts');
  expect(after!.slow).toEqual({ mtu: 1 });
});
