/**
 * softvasic with two ports, ge0 and ge1, each a veth pair to a host, a and b; by examples/aft/router.aft it routes between
 * 10.71.0.2 (a) and 10.72.0.2 (b). For tests of what happens to its ports. Needs root and iproute2.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { waitFor } from '../../lab/wait';
import { ask } from '../../src/afi/calls';
import type { AftSandboxInfo } from '../../src/aft/model';
import { AFI_METHODS } from '../../src/aft/service';

const ROOT = join(__dirname, '..', '..', '..');
const SOFTVASIC = join(ROOT, 'bin', 'softvasic.js');
const SANDBOX = { engine: 'trio', name: 'green' };
const LINKS = {
  ge0: { host: 'a', letter: 'a', net: '10.71.0' },
  ge1: { host: 'b', letter: 'b', net: '10.72.0' },
} as const;

type Port = keyof typeof LINKS;
type Place = 'vasic' | 'a' | 'b' | 'elsewhere';

/** A port going up or down, as clients are told. */
export interface PortTold {
  readonly index: number;
  readonly up: boolean;
}

export class PortStage {
  /** What softvasic logged, all runs together. */
  log = '';
  private readonly id = randomBytes(3).toString('hex');
  private readonly folder = mkdtempSync(join(tmpdir(), 'fpm2afi-ports-'));
  private readonly socket = join(this.folder, 'afi.sock');
  private process: ChildProcess | undefined;
  private ended: Promise<number | null> = Promise.resolve(null);
  private client: grpc.Client | undefined;

  constructor() {
    if (process.getuid!() !== 0) throw new Error('these tests make network namespaces: run them as root');
    for (const place of ['vasic', 'a', 'b'] as const) {
      this.host('ip', 'netns', 'add', this.netns(place));
      this.ip(place, 'link set lo up');
    }
    this.wire('ge0');
    this.wire('ge1');
  }

  netns(place: Place): string {
    return `f2a-pt-${this.id}-${place}`;
  }

  /** A port's veth pair, and the host that it leads to. */
  wire(port: Port): void {
    const { host, letter, net } = LINKS[port];
    const mac = (end: number): string => `02:00:00:00:0${letter}:0${end}`;
    const peer = `peer name eth0 address ${mac(2)} netns ${this.netns(host)}`;
    this.ip('vasic', `link add name ${port} address ${mac(1)} type veth ${peer}`);
    this.ip('vasic', `link set ${port} up`);
    this.ip(host, 'link set eth0 up');
    this.ip(host, `address add ${net}.2/24 dev eth0`);
    this.ip(host, `neighbor add ${net}.1 lladdr ${mac(1)} dev eth0 nud permanent`);
    this.ip(host, `route add default via ${net}.1`);
  }

  /** Moves a port's interface into another namespace and back: it keeps its index there, and is as new. */
  away(port: Port): void {
    const elsewhere = this.netns('elsewhere');
    this.host('ip', 'netns', 'add', elsewhere);
    this.ip('vasic', `link set ${port} netns ${elsewhere}`);
    this.ip('elsewhere', `link set ${port} netns ${this.netns('vasic')}`);
    this.host('ip', 'netns', 'del', elsewhere);
    this.ip('vasic', `link set ${port} up`);
  }

  ip(place: Place, words: string): string {
    return this.host('ip', '-n', this.netns(place), ...words.split(' '));
  }

  run(place: Place, ...command: string[]): string {
    return this.host('ip', 'netns', 'exec', this.netns(place), ...command);
  }

  private host(program: string, ...args: string[]): string {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Starts softvasic on these ports, and waits until clients may connect. */
  async start(args: readonly string[] = [], ports: readonly string[] = ['ge0', 'ge1']): Promise<void> {
    await this.begin('ready: AFI clients connect', args, ports);
    this.client = new grpc.Client(`unix:${this.socket}`, grpc.credentials.createInsecure());
  }

  /** Starts softvasic, and waits until it logs that. */
  async begin(text: string, args: readonly string[] = [], ports: readonly string[] = ['ge0', 'ge1']): Promise<void> {
    const before = this.log.length;
    const named = ports.flatMap((port) => ['--port', port]);
    const command = [process.execPath, SOFTVASIC, ...named, '--listen', `unix:${this.socket}`, ...args];
    this.process = spawn('ip', ['netns', 'exec', this.netns('vasic'), ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.process.stderr!.on('data', (data: Buffer) => (this.log += data.toString()));
    let gone = false;
    // What it wrote has been read by then.
    this.ended = new Promise((resolve) => this.process!.once('close', (code) => resolve(code)));
    void this.ended.then(() => (gone = true));
    await waitFor(
      () => {
        if (gone) throw new Error(`softvasic ended: ${this.log.slice(before)}`);
        return this.log.slice(before).includes(text);
      },
      { timeoutMs: 30_000, everyMs: 1, what: `softvasic to log ${text}` },
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.process!.kill(signal);
  }

  /** Ends softvasic; its exit status. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.client?.close();
    this.process?.kill(signal);
    return this.ended;
  }

  logged(pattern: RegExp): Promise<unknown> {
    return waitFor(() => pattern.test(this.log), { timeoutMs: 20_000, what: `the log to have ${pattern}` });
  }

  aft(...words: string[]): string {
    return this.host(process.execPath, SOFTVASIC, 'aft', '--server', `unix:${this.socket}`, ...words);
  }

  route(): void {
    this.aft('run', join(ROOT, 'examples', 'aft', 'router.aft'));
  }

  /** @throws Error what was refused, and why */
  async sandbox(action: 'alloc' | 'open' | 'release'): Promise<void> {
    const request = { action, sandbox: SANDBOX, inputPorts: 0, outputPorts: 0 };
    const reply = await ask(this.client!, AFI_METHODS.sandbox, request, 5000);
    if ('error' in reply) throw new Error(`${action}: ${reply.error.message}`);
  }

  async info(): Promise<AftSandboxInfo> {
    const reply = await ask(this.client!, AFI_METHODS.sandboxInfo, SANDBOX, 5000);
    if ('error' in reply) throw new Error(reply.error.message);
    return reply.info;
  }

  /** Gathers what clients are told of ports from now on. */
  watch(): PortTold[] {
    const { path, requestSerialize, responseDeserialize } = AFI_METHODS.watch;
    const told: PortTold[] = [];
    const stream = this.client!.makeServerStreamRequest(path, requestSerialize, responseDeserialize, SANDBOX);
    stream.on('data', (event: PortTold) => told.push(event));
    stream.on('error', () => undefined);
    return told;
  }

  /** How many of so many pings from a arrive at b. */
  pings(count: number): number {
    const command = ['ping', '-n', '-c', `${count}`, '-i', '0.1', '-W', '1', '10.72.0.2'];
    const { stdout } = spawnSync('ip', ['netns', 'exec', this.netns('a'), ...command], { encoding: 'utf8' });
    return Number(/(\d+) received/.exec(stdout)?.[1] ?? NaN);
  }

  /** The same without waiting for them, every `seconds`. */
  async pingsMeanwhile(count: number, seconds: number): Promise<number> {
    const command = ['ping', '-n', '-q', '-c', `${count}`, '-i', `${seconds}`, '-W', '1', '10.72.0.2'];
    const child = spawn('ip', ['netns', 'exec', this.netns('a'), ...command], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    return Number(/(\d+) received/.exec(text)?.[1] ?? NaN);
  }

  /** Sends a datagram from a to b; what arrives there. */
  async udp(text: string): Promise<string> {
    const receive =
      "const s = require('dgram').createSocket('udp4'); s.on('message', (m) => (process.stdout.write(m), s.close()));" +
      "s.bind(7, () => process.stdout.write('-')); setTimeout(() => process.exit(), 5000).unref()";
    const send =
      "const s = require('dgram').createSocket('udp4'); s.send(process.argv[1], 7, '10.72.0.2', () => s.close())";
    const receiver = spawn('ip', ['netns', 'exec', this.netns('b'), process.execPath, '-e', receive]);
    let got = '';
    receiver.stdout.on('data', (data: Buffer) => (got += data.toString()));
    await waitFor(() => got === '-', { timeoutMs: 10_000, what: 'the receiver' });
    this.run('a', process.execPath, '-e', send, text);
    await waitFor(() => receiver.exitCode !== null, { timeoutMs: 10_000, what: 'the receiver to end' });
    return got.slice(1);
  }

  /** A sysctl of softvasic's namespace, such as `ipv4/conf/ge0/forwarding`. */
  sysctl(path: string): string {
    return this.run('vasic', 'cat', `/proc/sys/net/${path}`).trim();
  }

  filters(name: string): string {
    return this.run('vasic', 'tc', 'filter', 'show', 'dev', name, 'ingress');
  }

  /** The number of softvasic's namespace, as names of files have it. */
  get netnsNumber(): string {
    return this.run('vasic', 'stat', '-L', '-c', '%i', '/proc/self/ns/net').trim();
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    for (const place of ['vasic', 'a', 'b', 'elsewhere'] as const) spawnSync('ip', ['netns', 'del', this.netns(place)]);
    rmSync(this.folder, { recursive: true });
  }
}
