/**
 * softvasic as a process, forwarding between two network namespaces: routed packets, expired ones, TCP at full segment size,
 * injection, link changes, an interface that goes and comes, isolation from Linux, kill -9 and restart. All of it with the kernel engine
 * and with the TypeScript engine alone.
 *
 * Needs root and iproute2; without them it fails. Everything happens in namespaces made here.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import {
  AftField,
  PARAM,
  PuntReason,
  type AftEntry,
  type AftError,
  type AftNode,
  type AftSandboxInfo,
} from '../../src/aft/model';
import type { NodeInfo, TestReply } from '../../src/aft/wire';
import type { EngineChoice } from '../../src/vasic/kernel/kernel-engine';
import type { PortMode } from '../../src/vasic/kernel/hooks';
import type { AgentEvent, Answer, Request } from './softvasic-agent';

const PREFIX = `f2a-sv-${process.pid}`;
const NS = { vasic: `${PREFIX}-v`, a: `${PREFIX}-a`, b: `${PREFIX}-b` };
const MAIN = join(__dirname, '../../src/vasic/main.js');
const AGENT = join(__dirname, 'softvasic-agent.js');
const MAC = { ge0: '02:00:00:00:0a:01', a: '02:00:00:00:0a:02', ge1: '02:00:00:00:0b:01', b: '02:00:00:00:0b:02' };
const IP = { ge0: '10.71.0.1', a: '10.71.0.2', ge1: '10.72.0.1', b: '10.72.0.2' };
const LISTEN = '127.0.0.1:50051';
const ISOLATED = ['ipv6/conf/ge0/disable_ipv6', 'ipv4/conf/ge0/arp_ignore', 'ipv4/conf/ge0/forwarding'];
/** The output port to b. */
const TOKEN_OUTPUT = 513;
const TCP_BYTES = 200 << 20;

jest.setTimeout(60_000);

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const inside = (ns: string, ...args: string[]): string => ip('netns', 'exec', ns, ...args);
const macBytes = (text: string): Uint8Array => Uint8Array.from(text.split(':'), (byte) => parseInt(byte, 16));

/** A port's veth pair: `port` in the vASIC's namespace, `eth0` in the host's. */
function makeLink(port: 'ge0' | 'ge1', host: 'a' | 'b'): void {
  ip(
    '-n',
    NS.vasic,
    'link',
    'add',
    'name',
    port,
    'address',
    MAC[port],
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    NS[host],
  );
  ip('-n', NS[host], 'link', 'set', 'dev', 'eth0', 'address', MAC[host], 'up');
  ip('-n', NS[host], 'addr', 'add', `${IP[host]}/24`, 'dev', 'eth0');
  // The vASIC's port answers no ARP here: there is no router behind it.
  ip('-n', NS[host], 'neigh', 'replace', IP[port], 'lladdr', MAC[port], 'dev', 'eth0', 'nud', 'permanent');
  ip('-n', NS[host], 'route', 'replace', 'default', 'via', IP[port]);
}

/** A helper process in a namespace. */
class Agent {
  readonly events: AgentEvent[] = [];
  private readonly process: ChildProcess;
  private readonly answers = new Map<number, (answer: Answer) => void>();
  private waiting: (() => void)[] = [];
  private nextId = 1;
  private ended = false;

  constructor(ns: string) {
    this.process = spawn('ip', ['netns', 'exec', ns, process.execPath, AGENT], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.process.on('message', (message: Answer | AgentEvent) => {
      if (message.kind === 'answer') this.answers.get(message.id)?.(message);
      else this.events.push(message);
      for (const wake of this.waiting.splice(0)) wake();
    });
    this.process.on('exit', () => {
      this.ended = true;
      for (const [id, take] of this.answers) take({ kind: 'answer', id, error: 'the helper process died' });
      for (const wake of this.waiting.splice(0)) wake();
    });
  }

  async ask(request: Request): Promise<Answer['value']> {
    const id = this.nextId++;
    const answer = await new Promise<Answer>((resolve) => {
      this.answers.set(id, resolve);
      this.process.send({ id, request });
    });
    if (answer.error !== undefined) throw new Error(`${request.op}: ${answer.error}`);
    return answer.value;
  }

  of<K extends AgentEvent['kind']>(kind: K): Extract<AgentEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<AgentEvent, { kind: K }> => event.kind === kind);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended) throw new Error('the helper process died');
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }

  async close(): Promise<void> {
    if (this.ended) return;
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.disconnect();
    await gone;
  }
}

/** A running softvasic and what it logged. */
class Softvasic {
  output = '';
  private readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  private waiting: (() => void)[] = [];

  constructor(...args: string[]) {
    const command = [process.execPath, MAIN, '--listen', LISTEN, '--engine', engine, ...args];
    this.process = spawn('ip', ['netns', 'exec', NS.vasic, ...privileges, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // What it wrote has been read by then.
    this.exit = new Promise((resolve) => this.process.once('close', (code) => resolve(code)));
    this.process.stderr!.on('data', (data: Buffer) => {
      this.output += data.toString();
      for (const wake of this.waiting.splice(0)) wake();
    });
    void this.exit.then(() => this.waiting.splice(0).forEach((wake) => wake()));
  }

  /** Waits for a line; a process that ends before is an error. */
  async logged(pattern: RegExp): Promise<void> {
    let ended = false;
    void this.exit.then(() => (ended = true));
    while (!pattern.test(this.output)) {
      if (ended) throw new Error(`softvasic ended before logging ${pattern}:\n${this.output}`);
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

/** The one under test. */
let engine: EngineChoice;
/** What starts softvasic with less than root has. */
let privileges: readonly string[] = [];
let vasic: Softvasic;
let client: Agent;
let a: Agent;
let b: Agent;

const start = async (...args: string[]): Promise<Softvasic> => {
  const process = new Softvasic('--port', 'ge0', '--port', 'ge1', ...args);
  await process.logged(/ready: AFI clients connect/);
  return process;
};

const info = async (): Promise<AftSandboxInfo> => (await client.ask({ op: 'info' })) as AftSandboxInfo;

/** The route tree with a TTL-expiry punt, and a route to each host. */
async function program(): Promise<void> {
  const { outputPorts } = await info();
  const encap = (token: number, port: 'ge0' | 'ge1', host: 'a' | 'b'): AftNode => ({
    token,
    type: 'encap',
    template: 'ethernet',
    keys: [
      { field: AftField.EtherSaddr, data: { kind: 'ether', bytes: macBytes(MAC[port]) } },
      { field: AftField.EtherDaddr, data: { kind: 'ether', bytes: macBytes(MAC[host]) } },
    ],
    next: outputPorts.find(({ name }) => name === port)!.token,
  });
  const route = (address: string, next: number) => ({
    parent: 1040,
    key: {
      field: AftField.Ip4Daddr,
      data: { kind: 'prefix' as const, bytes: Uint8Array.from(address.split('.'), Number), length: 24 },
    },
    next,
  });
  const refused = await client.ask({
    op: 'apply',
    operation: {
      kind: 'insert',
      insert: {
        nodes: [
          { token: 1030, type: 'receive', code: PuntReason.TtlExpired, context: 0 },
          { token: 1031, type: 'receive', code: PuntReason.NoRoute, context: 0 },
          encap(1032, 'ge0', 'a'),
          encap(1033, 'ge1', 'b'),
          {
            token: 1040,
            type: 'tree',
            fields: [AftField.PacketLookupKey],
            defaultNext: 1031,
            params: { [PARAM.rtTtlExpired]: { kind: 'int', value: 1030 } },
          },
        ],
        entries: [route('10.71.0.0', 1032), route('10.72.0.0', 1033)],
        binds: [
          { port: 0, next: 1040 },
          { port: 1, next: 1040 },
        ],
      },
    },
  });
  if (refused !== undefined) throw new Error(`programming failed: ${(refused as AftError).message}`);
}

/** Sends a UDP datagram from a to b through the vASIC and waits for its arrival. */
async function carried(text: string): Promise<void> {
  await a.ask({ op: 'udpSend', to: IP.b, port: 7000, ttl: 64, text });
  await b.until(() => b.of('udp').some((event) => event.text === text));
}

const payloadOf = (frame: Uint8Array): string => Buffer.from(frame.subarray(42)).toString();

describe.each<EngineChoice>(['kernel', 'engine'])('--engine %s', (choice) => {
  beforeAll(async () => {
    engine = choice;
    if (process.getuid!() !== 0) throw new Error('softvasic.test needs root, for network namespaces and AF_PACKET');
    for (const ns of Object.values(NS)) ip('netns', 'add', ns);
    ip('-n', NS.vasic, 'link', 'set', 'dev', 'lo', 'up');
    makeLink('ge0', 'a');
    makeLink('ge1', 'b');
    for (const path of ['ipv4/conf/ge0/arp_ignore', 'ipv4/conf/ge0/forwarding']) {
      inside(NS.vasic, 'sh', '-c', `echo 1 > /proc/sys/net/${path}`);
    }
    client = new Agent(NS.vasic);
    a = new Agent(NS.a);
    b = new Agent(NS.b);
    vasic = await start();
    await client.ask({ op: 'hostpath' });
    await client.ask({ op: 'afi', ports: 2, server: LISTEN });
    await client.until(() => client.of('port').length === 2);
    await b.ask({ op: 'udpListen', port: 7000 });
    await program();
  });

  afterAll(async () => {
    for (const agent of [client, a, b]) await agent?.close();
    vasic?.kill('SIGKILL');
    await vasic?.exit;
    for (const ns of Object.values(NS)) spawnSync('ip', ['netns', 'del', ns]);
  });

  test('a routed packet leaves with new MAC addresses, the TTL one less and a right checksum', async () => {
    await b.ask({ op: 'sniff', interface: 'eth0' });
    await carried('routed');
    await b.until(() => b.of('frame').some(({ bytes }) => payloadOf(bytes) === 'routed'));
    await b.ask({ op: 'stopSniffing' });
    const { bytes } = b.of('frame').find((event) => payloadOf(event.bytes) === 'routed')!;
    expect(Buffer.from(bytes.subarray(0, 12)).toString('hex')).toBe(`${MAC.b}${MAC.ge1}`.replaceAll(':', ''));
    expect(bytes[22]).toBe(63);
    let sum = 0;
    for (let i = 14; i < 34; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
    expect((sum & 0xffff) + (sum >> 16)).toBe(0xffff);
  });

  test('a packet whose TTL expires goes to the host as it came, with reason and port', async () => {
    await a.ask({ op: 'udpSend', to: IP.b, port: 7000, ttl: 1, text: 'expired' });
    const punted = (): Uint8Array | undefined =>
      client.of('punt').find(({ datagram }) => payloadOf(datagram.subarray(8)) === 'expired')?.datagram;
    await client.until(() => punted() !== undefined);
    const datagram = punted()!;
    // Version 0, punt; reason; length; sandbox 1; port 0.
    expect([...datagram.subarray(0, 8)]).toEqual([0, PuntReason.TtlExpired, 0, 8 + 42 + 7, 0, 1, 0, 0]);
    expect(datagram[8 + 22]).toBe(1);
    expect(b.of('udp').some(({ text }) => text === 'expired')).toBe(false);
  });

  test('who forwards is told, and what both engines do is counted together', async () => {
    const counts = async (): Promise<(number | undefined)[]> => [
      ((await client.ask({ op: 'nodeInfo', tokens: [1033] })) as NodeInfo[])[0]!.packets,
      (await info()).outputPorts[1]!.packets,
      ((await client.ask({ op: 'nodeInfo', tokens: [TOKEN_OUTPUT] })) as NodeInfo[])[0]!.packets,
    ];
    const before = await counts();
    for (const text of ['one', 'two', 'three']) await carried(text);
    expect((await counts()).map((count, i) => count! - before[i]!)).toEqual([3, 3, 3]);
    const own = (await info()).inputPorts[0]!.engine!;
    if (engine === 'engine') expect(own).toEqual({ name: 'engine', hook: 'AF_PACKET', packets: 0, slow: [] });
    else {
      expect(own).toMatchObject({ name: 'kernel', hook: expect.stringMatching(/^tc \((tcx|clsact)\)$/) as string });
      // Those of this test and of the first one; others of the host's own may come between.
      expect(own.packets).toBeGreaterThanOrEqual(4);
      expect(own.slow).toContainEqual({ reason: 'ttl', packets: 1 });
    }
  });

  test('a packet that only tries its way is told which engine would take it, and why', async () => {
    const frame = Buffer.from(b.of('frame').find(({ bytes }) => payloadOf(bytes) === 'routed')!.bytes);
    frame.set([...macBytes(MAC.ge0), ...macBytes(MAC.a)]);
    const tried = async (): Promise<TestReply> =>
      (await client.ask({ op: 'test', port: 0, frame: Uint8Array.from(frame) })) as TestReply;
    const good = await tried();
    expect(good.outcome).toMatchObject({ kind: 'output', port: 1 });
    expect(good.engine).toBe(engine === 'kernel' ? 'kernel' : undefined);
    // Another TTL, and the checksum's other half with it (RFC 1624).
    const sum = frame.readUInt16BE(24) + ((frame[22]! - 1) << 8);
    frame.writeUInt16BE((sum & 0xffff) + (sum >> 16), 24);
    frame[22] = 1;
    const expiring = await tried();
    expect(expiring.outcome).toMatchObject({ kind: 'punt', reason: PuntReason.TtlExpired });
    expect(expiring.engine).toBe(engine === 'kernel' ? 'engine' : undefined);
    expect(expiring.engineReason).toBe(engine === 'kernel' ? 'ttl' : undefined);
  });

  test('TCP at full segment size arrives whole, and the vASIC counted it', async () => {
    const before = (await info()).inputPorts[0]!;
    await b.ask({ op: 'tcpSink', port: 7001 });
    const startedAt = performance.now();
    const arrived = await a.ask({ op: 'tcpSend', to: IP.b, port: 7001, bytes: TCP_BYTES });
    const seconds = (performance.now() - startedAt) / 1000;
    expect(arrived).toBe(String(TCP_BYTES));
    const after = (await info()).inputPorts[0]!;
    expect(after.bytes! - before.bytes!).toBeGreaterThan(TCP_BYTES);
    process.stderr.write(
      `softvasic.test: TCP through the vASIC at ${((TCP_BYTES * 8) / seconds / 1e9).toFixed(1)} Gbit/s\n`,
    );
  });

  test('an injected frame leaves its port unchanged; a stranger to the header is refused', async () => {
    const frame = Buffer.from(b.of('frame')[0]!.bytes);
    frame.write('inject', 42);
    const header = Buffer.from([8, 0, 0, 8 + frame.length, 0, 1, 0, 1]);
    await b.ask({ op: 'sniff', interface: 'eth0' });
    const wrong = Buffer.from(header);
    wrong[7] = 9;
    await client.ask({ op: 'inject', datagram: Buffer.concat([wrong, frame]) });
    await client.ask({ op: 'inject', datagram: Buffer.concat([header, frame]) });
    await b.until(() => b.of('frame').some(({ bytes }) => payloadOf(bytes) === 'inject'));
    await b.ask({ op: 'stopSniffing' });
    expect(
      b
        .of('frame')
        .filter(({ bytes }) => payloadOf(bytes) === 'inject')
        .map(({ bytes }) => Buffer.from(bytes)),
    ).toEqual([frame]);
    await vasic.logged(/refused a hostpath datagram from 127\.0\.0\.1:8001: no port 9/);
  });

  test('a VLAN tag that the kernel took out of a received frame is put back', async () => {
    const frame = Buffer.concat([
      macBytes(MAC.ge0),
      macBytes(MAC.a),
      Buffer.from([0x81, 0, 0x60, 42, 0x88, 0xb5]),
      Buffer.alloc(46, 7),
    ]);
    await client.ask({ op: 'sniff', interface: 'ge0' });
    await a.ask({ op: 'rawSend', interface: 'eth0', frame });
    await client.until(() => client.of('frame').length > 0);
    await client.ask({ op: 'stopSniffing' });
    expect(Buffer.from(client.of('frame')[0]!.bytes)).toEqual(frame);
  });

  test('link changes are told; an interface that goes away and comes back carries again', async () => {
    const states = (): boolean[] =>
      client
        .of('port')
        .filter(({ index }) => index === 1)
        .map(({ up }) => up);
    expect(states()).toEqual([true]);
    ip('-n', NS.vasic, 'link', 'set', 'dev', 'ge1', 'down');
    await client.until(() => states().length === 2);
    ip('-n', NS.vasic, 'link', 'set', 'dev', 'ge1', 'up');
    await client.until(() => states().length === 3);
    await carried('after down and up');
    ip('-n', NS.vasic, 'link', 'del', 'dev', 'ge1');
    await client.until(() => states().length === 4);
    await vasic.logged(/interface ge1 is gone/);
    makeLink('ge1', 'b');
    await client.until(() => states().length === 5);
    expect(states()).toEqual([true, false, true, false, true]);
    await carried('after coming back');
    expect(inside(NS.vasic, 'tc', 'filter', 'show', 'dev', 'ge1', 'ingress')).toMatch(/bytecode '1,6 0 0 2'/);
  });

  test('a second softvasic on one of the interfaces is refused with the holder, and takes nothing away', async () => {
    const second = new Softvasic('--port', 'ge1', '--hostpath-listen', '127.0.0.1:0');
    expect(await second.exit).toBe(1);
    expect(second.output).toMatch(
      new RegExp(String.raw`port interface ge1 is in use by softvasic \(pid \d+, AFI on ${LISTEN}\): stop that one`),
    );
    expect(inside(NS.vasic, 'tc', 'filter', 'show', 'dev', 'ge1', 'ingress')).toMatch(/bytecode '1,6 0 0 2'/);
    await carried('after a second softvasic was refused');
  });

  test('kill -9: the client is told; a restarted one is empty, takes over the isolation and carries again', async () => {
    const { hook } = (await info()).inputPorts[0]!.engine!;
    // On a busy machine the connection may have broken before.
    const [downs, ups] = [client.of('down').length, client.of('up').length];
    vasic.kill('SIGKILL');
    await vasic.exit;
    await client.until(() => client.of('down').length > downs);
    expect(inside(NS.vasic, 'ip', '-o', 'link')).not.toContain('softvasic0');
    await a.ask({ op: 'udpSend', to: IP.b, port: 7000, ttl: 64, text: 'while it was dead' });
    vasic = await start();
    await client.until(() => client.of('up').length > ups);
    expect(client.of('up')[ups]!.instance).not.toBe(client.of('up')[ups - 1]!.instance);
    expect(await info()).toMatchObject({ nodes: 0, entries: 0 });
    await program();
    await carried('after the restart');
    // Before kernel 6.6 there is no tcx: there the program stays at the port until the next start.
    if (hook !== 'tc (clsact)') expect(b.of('udp').some(({ text }) => text === 'while it was dead')).toBe(false);
    expect(((await client.ask({ op: 'nodeInfo', tokens: [1040] })) as NodeInfo[])[0]).toMatchObject({
      found: true,
      entries: 2,
    });
  });

  test('Linux does not answer on a port while softvasic runs, and is let back in when it ends', async () => {
    // An address that should not be there: without the filter Linux would refuse the connection with a reset.
    ip('-n', NS.vasic, 'addr', 'add', `${IP.ge0}/24`, 'dev', 'ge0');
    const received = (await info()).inputPorts[0]!.packets!;
    expect(await a.ask({ op: 'tcpProbe', to: IP.ge0, waitMs: 500 })).toBe('silence');
    expect((await info()).inputPorts[0]!.packets!).toBeGreaterThan(received);
    expect(inside(NS.vasic, 'cat', '/proc/sys/net/ipv6/conf/ge0/disable_ipv6').trim()).toBe('1');
    vasic.kill('SIGTERM');
    expect(await vasic.exit).toBe(0);
    expect(inside(NS.vasic, 'tc', 'qdisc', 'show', 'dev', 'ge0')).not.toMatch(/clsact/);
    // As they were before the first softvasic, which was killed.
    expect(ISOLATED.map((path) => inside(NS.vasic, 'cat', `/proc/sys/net/${path}`).trim())).toEqual(['0', '1', '1']);
    expect(await a.ask({ op: 'tcpProbe', to: IP.ge0, waitMs: 5000 })).toBe('ECONNREFUSED');
  });

  test('a port interface with an address stops the start, with the remedy', async () => {
    const refused = new Softvasic('--port', 'ge0', '--port', 'ge1');
    expect(await refused.exit).toBe(1);
    expect(refused.output).toMatch(/port interface ge0 has the address 10\.71\.0\.1.*ip addr flush dev ge0/);
    ip('-n', NS.vasic, 'addr', 'flush', 'dev', 'ge0');
  });

  if (choice === 'kernel') {
    test('tables that are full refuse with FULL, forward on, and take again what there is room for', async () => {
      const ups = client.of('up').length;
      vasic = await start('--kernel-memory', '2');
      await client.until(() => client.of('up').length > ups);
      await program();
      const batch = (n: number): AftEntry[] =>
        Array.from({ length: 1000 }, (_, i) => {
          const spread = (Math.imul(n * 1000 + i, 0x9e3779b1) >>> 8) | 0x0b000000;
          const bytes = Uint8Array.from([24, 16, 8, 0], (shift) => (spread >>> shift) & 0xff);
          return {
            parent: 1040,
            key: { field: AftField.Ip4Daddr, data: { kind: 'prefix', bytes, length: 32 } },
            next: 1033,
          };
        });
      const insert = async (entries: AftEntry[]): Promise<AftError | undefined> =>
        (await client.ask({ op: 'apply', operation: { kind: 'insert', insert: { nodes: [], entries } } })) as
          AftError | undefined;
      let refused: AftError | undefined;
      let taken = 0;
      while (refused === undefined && taken < 100) {
        refused = await insert(batch(taken));
        if (refused === undefined) taken++;
      }
      expect(refused).toMatchObject({ code: 'full', message: expect.stringContaining('--kernel-memory') as string });
      expect(taken).toBeGreaterThan(5);
      await carried('by full tables');
      const removed = (await client.ask({
        op: 'apply',
        operation: { kind: 'remove', remove: { tokens: [], entries: batch(0) } },
      })) as AftError | undefined;
      expect(removed).toBeUndefined();
      expect(await insert(batch(0))).toBeUndefined();
      expect((await info()).inputPorts[0]!.engine!.packets).toBeGreaterThan(0);
      vasic.kill('SIGTERM');
      expect(await vasic.exit).toBe(0);
    });

    test('without CAP_BPF auto is the TypeScript engine, and says why; kernel does not start', async () => {
      privileges = ['setpriv', '--bounding-set', '-bpf,-perfmon,-sys_admin'];
      const strict = new Softvasic('--port', 'ge0', '--port', 'ge1');
      const ended = await strict.exit;
      engine = 'auto';
      const ups = client.of('up').length;
      vasic = await start();
      privileges = [];
      engine = choice;
      expect(ended).toBe(1);
      expect(strict.output).toMatch(/no kernel engine: .*CAP_BPF.*; --engine auto forwards without it/);
      expect(vasic.output).toMatch(/the TypeScript engine forwards, as there is no kernel engine: .*CAP_BPF/);
      await client.until(() => client.of('up').length > ups);
      await program();
      await carried('without privileges');
      expect((await info()).inputPorts[0]!.engine!.name).toBe('engine');
    });

    test.each<PortMode>(['xdp-generic', 'xdp'])('--port-mode %s: exceptions come by AF_PACKET', async (mode) => {
      vasic.kill('SIGTERM');
      await vasic.exit;
      const ups = client.of('up').length;
      vasic = await start('--port-mode', `ge0=${mode}`);
      await client.until(() => client.of('up').length > ups);
      await program();
      // From XDP to a port that has tc a packet can go through the engine only, unless its XDP is the stack's.
      await carried(`by ${mode}`);
      const { hook, slow, packets } = (await info()).inputPorts[0]!.engine!;
      expect(hook).toBe(mode);
      if (mode === 'xdp') expect(slow).toContainEqual({ reason: 'port', packets: 1 });
      else expect(packets).toBeGreaterThan(0);
    });
  }
});
