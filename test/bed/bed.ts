/**
 * A bench for the FIB and the programmer against a real softvasic sandbox, without gRPC between them: operations wait in
 * a queue until the test lets the server answer, so that every order of events can be played.
 */
import { Claim } from '../../src/afi/claim';
import type { LabelTtl } from '../../src/afi/label-graph';
import type { PuntLimits } from '../../src/afi/policers';
import { Programmer } from '../../src/afi/programmer';
import type { AftEntry, AftError, AftOperation } from '../../src/aft/model';
import { UNRESOLVED_GRACE_MS } from '../../src/fib/route-status';
import { Fib } from '../../src/fib/fib';
import type {
  FpmUpdate,
  LinkChange,
  NexthopContent,
  NexthopPath,
  NeighborState,
  RouteStatus,
  RouteTarget,
} from '../../src/fib/updates';
import type { NamedTable } from '../../src/fib/vrfs';
import { formatPrefix, parseAddress, parseMac, parsePrefix } from '../../src/net/address';
import { nullLogger } from '../../src/observe/log';
import type { Sandbox, SandboxOptions } from '../../src/vasic/engine/api';
import { finishIpv4 } from './ipv4-header';
import { createMemoryPort, type MemoryPort } from './memory-port';
import { packetOf } from '../../src/vasic/engine/packet';
import { createSandbox } from '../../src/vasic/engine/sandbox/sandbox';
import { Sessions } from '../../src/vasic/server/sessions';
import { withoutBatch } from './without-batch';

export const TABLE = 254;
/** Interface index of port i's TAP. */
export const ifindexOf = (port: number): number => 10 + port;
/** MAC address of a port of the server's. */
export const macOfPort = (port: number): Uint8Array => Uint8Array.of(0x32, 0x26, 0x0a, 0x2e, 0xaa, 0xf0 + port);

export interface Punted {
  readonly port: number;
  readonly reason: number;
}

/** What a test's packet has; `flow` is IPv6's flow label. */
export interface PacketOptions {
  readonly ttl?: number;
  readonly source?: string;
  readonly sport?: number;
  readonly flow?: number;
  /** Destination hardware address, when it isn't the port's. */
  readonly to?: string;
}

/** A softvasic with in-memory ports; survives the beds that use it, as a server survives its client. */
export class Server {
  readonly ports: MemoryPort[];
  readonly punted: Punted[] = [];
  sandbox: Sandbox;
  /** Who may write: the sessions of all beds on this server. */
  readonly sessions = new Sessions({ label: 'trio:green', now: () => Infinity, firstEpoch: 1 });
  private limit: number | undefined;

  constructor(
    private readonly options: Pick<SandboxOptions, 'maxEntries' | 'refuse' | 'now'> & {
      readonly portCount?: number;
    } = {},
  ) {
    const count = options.portCount ?? 4;
    this.ports = Array.from({ length: count }, (_, i) => createMemoryPort({ name: `p${i}`, mac: macOfPort(i) }));
    this.limit = options.maxEntries;
    this.sandbox = this.fresh('1');
  }

  private fresh(instance: string): Sandbox {
    const { refuse, now } = this.options;
    return createSandbox({
      id: 1,
      engine: 'trio',
      name: 'green',
      instance,
      ports: this.ports,
      host: { punt: (_sandbox, port, reason) => this.punted.push({ port, reason }) },
      ...(this.limit === undefined ? {} : { maxEntries: this.limit }),
      ...(refuse === undefined ? {} : { refuse }),
      ...(now === undefined ? {} : { now }),
    });
  }

  /** As after somebody closed the sandbox: empty tables, the same instance. */
  empty(): void {
    this.sandbox = this.fresh(this.sandbox.info().instance);
  }

  /** As after kill -9: empty tables, another instance, and room for so many entries. */
  restart(limit = this.options.maxEntries): void {
    this.limit = limit;
    this.sandbox = this.fresh(String(Number(this.sandbox.info().instance) + 1));
  }
}

export class Bed {
  readonly fib: Fib;
  readonly programmer: Programmer;
  /** Operations that the server has not looked at yet. */
  readonly queue: { id: number; epoch: number; operation: AftOperation }[] = [];
  /** The session's epoch. */
  epoch = 0;
  private readonly claim = new Claim({ id: 'bed', name: 'bed' }, 'restart');
  /** All that were ever sent. */
  readonly sent: AftOperation[] = [];
  /** What was reported to zebra last, by prefix; with the table before it where that isn't TABLE. */
  readonly told = new Map<string, RouteStatus>();
  readonly needed = new Set<string>();
  /** Withdrawals of which the FIB can't say in which of several tables they are: PREFIX TABLE …. */
  readonly unclear: string[] = [];
  /** Why what the server holds can't be read. */
  readFails: string | undefined;
  private time = 0;

  constructor(
    readonly server = new Server(),
    options: {
      batch?: number;
      inFlight?: number;
      limits?: PuntLimits;
      portTables?: ReadonlyMap<number, number>;
      vrfs?: readonly NamedTable[];
      labelTtl?: LabelTtl;
    } = {},
  ) {
    const ports = server.ports.map((_, index) => index);
    this.fib = new Fib({
      table: TABLE,
      ports: new Map(ports.map((index) => [`tap${index}`, index])),
      ...(options.portTables && { portTables: options.portTables }),
      ...(options.vrfs && { vrfs: options.vrfs }),
      onWork: () => undefined,
      onReport: () => undefined,
      onNeed: (ifindex, address, needed) => {
        const name = `${ifindex} ${address.join('.')}`;
        if (needed) this.needed.add(name);
        else this.needed.delete(name);
      },
      onUnclearDelete: (prefix, tables) => this.unclear.push([formatPrefix(prefix), ...tables].join(' ')),
      now: () => this.time,
    });
    this.programmer = new Programmer({
      source: this.fib.forwarding,
      transport: {
        send: (id, operation) => {
          this.queue.push({ id, epoch: this.epoch, operation });
          this.sent.push(withoutBatch(operation));
          return true;
        },
        readNodes: () => Promise.resolve(server.sandbox.find({}).filter((node) => node.token >= 1024)),
        readEntries: (container) => this.readEntries(container),
      },
      batch: options.batch ?? 100,
      inFlight: options.inFlight ?? 4,
      ports: ports.map((index) => ({ index, mac: undefined })),
      limits: options.limits ?? {},
      ...(options.labelTtl && { labelTtl: options.labelTtl }),
      log: nullLogger,
    });
    for (const port of ports) this.link(port, true);
  }

  /** Connects, and lets the server answer everything. */
  async up(): Promise<this> {
    await this.open();
    return this.settle();
  }

  /** Begins a session, as the transport does. */
  async open(): Promise<void> {
    const { sessions } = this.server;
    const sandbox = { engine: 'trio', name: 'green' };
    const asked = this.claim.request(sessions.shown);
    const claimed = sessions.open({ action: 'open', sandbox, inputPorts: 4, outputPorts: 4, ...asked }, 'test');
    if ('error' in claimed) throw new Error(claimed.error.message);
    this.epoch = sessions.shown.epoch!;
    await this.programmer.up(this.server.sandbox.info(), this.claim.granted(sessions.shown));
  }

  private async *readEntries(container: number): AsyncGenerator<readonly AftEntry[]> {
    if (this.readFails !== undefined) throw new Error(this.readFails);
    yield await Promise.resolve([...(this.server.sandbox.entriesOf(container) ?? [])]);
  }

  // ---- what zebra and the kernel say ----

  /** `over`: what else Linux says of it. */
  link(port: number, present: boolean, up = present, over: Partial<LinkChange> = {}): this {
    this.fib.applyKernel({
      kind: 'link',
      ifindex: ifindexOf(port),
      name: `tap${port}`,
      present,
      up,
      mac: macOfPort(port),
      master: 0,
      ...over,
    });
    return this;
  }

  /** A VRF device, or without a table its end. */
  vrf(ifindex: number, name: string, vrfTable: number | undefined): this {
    this.fib.applyKernel({
      ...{ kind: 'link', ifindex, name, present: vrfTable !== undefined, up: true, master: 0 },
      ...(vrfTable === undefined ? {} : { vrfTable }),
    });
    return this;
  }

  neighbor(port: number, address: string, mac: string | undefined, state: NeighborState = 'reachable'): this {
    const base = { ifindex: ifindexOf(port), address: parseAddress(address)!, source: 'kernel' as const };
    this.fib.applyKernel({
      kind: 'neighborAdd',
      ...base,
      state,
      ...(mac === undefined ? {} : { mac: parseMac(mac)! }),
    });
    return this;
  }

  neighborGone(port: number, address: string): this {
    const ifindex = ifindexOf(port);
    this.fib.applyKernel({ kind: 'neighborDelete', source: 'kernel', ifindex, address: parseAddress(address)! });
    return this;
  }

  address(port: number, text: string, added = true): this {
    const [address, length] = text.split('/');
    const base = { ifindex: ifindexOf(port), address: parseAddress(address!)!, length: Number(length) };
    this.fib.applyKernel({ kind: added ? 'addressAdd' : 'addressDelete', ...base });
    return this;
  }

  /** An own address with the subnet that the kernel has a route for. */
  connected(port: number, text: string, added = true): this {
    if (!added) return this.address(port, text, false);
    const [address, length] = text.split('/');
    const base = { ifindex: ifindexOf(port), address: parseAddress(address!)!, length: Number(length) };
    this.fib.applyKernel({ kind: 'addressAdd', ...base, subnet: parsePrefix(text)! });
    return this;
  }

  apply(update: FpmUpdate): this {
    this.fib.applyFpm(update);
    return this;
  }

  route(prefix: string, target: RouteTarget, options: { table?: number; protocol?: number } = {}): this {
    return this.apply({
      kind: 'routeAdd',
      table: options.table ?? TABLE,
      prefix: parsePrefix(prefix)!,
      protocol: options.protocol ?? 188,
      metric: 20,
      target,
    });
  }

  /** A route by nexthops given as `ADDRESS@PORT` or `@PORT` (connected). */
  via(prefix: string, ...hops: string[]): this {
    return this.route(prefix, { kind: 'paths', paths: hops.map(pathOf) });
  }

  /** The same in another table. */
  viaIn(table: number, prefix: string, ...hops: string[]): this {
    return this.route(prefix, { kind: 'paths', paths: hops.map(pathOf) }, { table });
  }

  viaId(prefix: string, id: number): this {
    return this.route(prefix, { kind: 'nexthopId', id });
  }

  withdraw(prefix: string, table = TABLE): this {
    return this.apply({ kind: 'routeDelete', table, prefix: parsePrefix(prefix)! });
  }

  nexthop(id: number, content: NexthopContent | string): this {
    const value: NexthopContent = typeof content === 'string' ? { kind: 'path', path: pathOf(content) } : content;
    return this.apply({ kind: 'nexthopAdd', id, family: 2, protocol: 11, content: value });
  }

  group(id: number, ...members: (number | readonly [id: number, weight: number])[]): this {
    const list = members.map((member) =>
      typeof member === 'number' ? { id: member, weight: 1 } : { id: member[0], weight: member[1] },
    );
    return this.nexthop(id, { kind: 'group', members: list });
  }

  // ---- the server's side ----

  /** The operation that is answered next, its routes as entries. */
  next(): AftOperation {
    return withoutBatch(this.queue[0]!.operation);
  }

  /** Has the server answer one operation; false when there is none. */
  answer(verdict?: AftError): boolean {
    const next = this.queue.shift();
    if (next === undefined) return false;
    this.programmer.ack(next.id, verdict ?? this.server.sandbox.apply(next.operation));
    return true;
  }

  /** Until nothing is left to send, acknowledge or report. */
  settle(): this {
    for (let round = 0; round < 100_000; round++) {
      this.programmer.pump();
      if (!this.answer()) {
        this.report();
        return this;
      }
    }
    throw new Error('does not settle');
  }

  /** Lets milliseconds pass; the grace time of unresolved routes, when not told how many. */
  later(ms = UNRESOLVED_GRACE_MS): this {
    this.time += ms;
    this.fib.status.settlePassing();
    this.report();
    return this;
  }

  report(): void {
    for (let next = this.fib.status.takeReport(); next !== undefined; next = this.fib.status.takeReport()) {
      this.told.set(`${next.table === TABLE ? '' : `${next.table} `}${formatPrefix(next)}`, next.status);
    }
  }

  /** Operations sent while `action` ran and the server answered. */
  operationsFor(action: () => void): AftOperation[] {
    this.settle();
    const before = this.sent.length;
    action();
    this.settle();
    return this.sent.slice(before);
  }

  /** A tree's entries: prefix → token. */
  entries(tree = 1024 + 64): Map<string, number> {
    const map = new Map<string, number>();
    for (const entry of this.server.sandbox.entriesOf(tree) ?? []) {
      if (entry.key.data.kind === 'prefix') map.set(formatPrefix(entry.key.data), entry.next);
    }
    return map;
  }

  // ---- packets ----

  /** Sends an IP packet into port `from`; says where it came out: `p2 32:26:…`, `punt 4`, or `dropped`. */
  packet(destination: string, from = 0, options: PacketOptions = {}): string {
    return this.frame(ipFrame(destination, from, options), from);
  }

  /** The same for a whole frame. */
  frame(frame: Uint8Array, from = 0): string {
    for (const port of this.server.ports) port.sent.length = 0;
    this.server.punted.length = 0;
    this.server.sandbox.receive(from, packetOf(frame));
    const punt = this.server.punted[0];
    if (punt !== undefined) return `punt ${punt.reason}`;
    for (const port of this.server.ports) {
      const sent = port.sent[0]?.frame;
      if (sent !== undefined) return `${port.name} ${sent.subarray(0, 6).toString('hex')}`;
    }
    return 'dropped';
  }
}

export function pathOf(text: string): NexthopPath {
  const [gateway, port, weight] = text.split(/[@*]/);
  return {
    ...(gateway === '' ? {} : { gateway: parseAddress(gateway!)! }),
    ifindex: ifindexOf(Number(port)),
    weight: Number(weight ?? 1),
  };
}

function ipFrame(destination: string, port: number, options: PacketOptions): Buffer {
  const mac = options.to === undefined ? macOfPort(port) : parseMac(options.to)!;
  const to = parseAddress(destination)!;
  const ttl = options.ttl ?? 64;
  const payload = Buffer.alloc(28);
  payload.writeUInt16BE(options.sport ?? 1000, 0);
  payload.writeUInt16BE(2000, 2);
  payload.writeUInt16BE(28, 4);
  if (to.length === 16) {
    const header = Buffer.alloc(40);
    header.writeUInt32BE((0x60000000 | (options.flow ?? 0)) >>> 0, 0);
    header.writeUInt16BE(payload.length, 4);
    header[6] = 17;
    header[7] = ttl;
    header.set(parseAddress(options.source ?? '2001:db8:ffff::1')!, 8);
    header.set(to, 24);
    return Buffer.concat([mac, Buffer.alloc(6, 2), Buffer.of(0x86, 0xdd), header, payload]);
  }
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header[8] = ttl;
  header[9] = 17;
  header.set(parseAddress(options.source ?? '198.51.100.1')!, 12);
  header.set(to, 16);
  finishIpv4(header);
  return Buffer.concat([mac, Buffer.alloc(6, 2), Buffer.of(0x08, 0x00), header, payload]);
}
