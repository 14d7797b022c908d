/**
 * Runs in a namespace of forward.test.ts and is told what to do by JSON lines. As the router: loads the program with a heap made by
 * hand, two routes and a default that leads to the engine, hangs it on two ports, and reports each frame left to the engine. As a
 * host: sends a frame with offload metadata.
 */
import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { errorText } from '../../../src/net/error-text';
import { noOffload, type Offload } from '../../../src/net/offload';
import { ExceptionTap } from '../../../src/sys/exception-tap';
import { nullLogger } from '../../../src/observe/log';
import { interfaceState } from '../../../src/sys/interface';
import { addressOf, close, ioctl, PollSet, socket, SOCK_DGRAM, SysError } from '../../../src/sys/libc';
import { AF_INET } from '../../../src/net/sockaddr';
import { PacketSocket, type ReceivedFrame } from '../../../src/sys/packet';
import { createLinuxPort } from '../../../src/vasic/io/linux-port';
import { deadlineIn, pastDeadline } from '../../../src/vasic/kernel/deadline';
import { Forwarder } from '../../../src/vasic/kernel/forwarder';
import type { PortMode } from '../../../src/vasic/kernel/hooks';
import * as layout from '../../../src/vasic/kernel/layout';
import { Legacy } from '../../../src/vasic/kernel/legacy';
import { portAt } from '../../../src/vasic/kernel/port-table';
import { ShortWays } from '../../../src/vasic/kernel/short-ways';

const HEADROOM = 64;
const LOOK_MS = 2;

/** Port by port: whose MAC address is the neighbor's. */
type Neighbors = readonly string[];

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Slots of the graph made by hand; each port has three of its own behind them. */
const SLOT = { types: 2, tree: 3, host: 4, discard: 5, firstPort: 8 } as const;
const SLOTS_OF_PORT = 4;
const RECORDS_AT = layout.CHUNK_WORDS;

/**
 * The heap of a router with 10.0.0.0/15 on port 0 and 10.2.0.0/15 on port 1: a path, a branching node and a leaf for each. From port 0 to port 1 packets have a
 * short way; the other way all nodes are there by themselves.
 */
function makeHeap(forwarder: Forwarder, macs: readonly Uint8Array[], neighbors: Neighbors): void {
  const { heap, globals } = forwarder;
  const record = (slot: number, ...words: number[]): void => heap.set(words, RECORDS_AT + slot * layout.RECORD_WORDS);
  globals[layout.GLOBAL_RECORDS] = RECORDS_AT;
  const ports = macs.map((mac, port) => ({ mac: Buffer.from(mac), port, slot: SLOT.firstPort + port * SLOTS_OF_PORT }));
  for (const { mac, port, slot } of ports) {
    const macs = Buffer.concat([Buffer.from(neighbors[port]!.replaceAll(':', ''), 'hex'), mac]);
    const word = (i: number): number => macs.readUInt32LE(4 * i);
    const counter = forwarder.firstCounter + port;
    const macWords = [mac.readUInt16BE(0), mac.readUInt32BE(2)] as const;
    const header = [0, counter, word(0), word(1), word(2)] as const;
    if (port === 0) {
      record(slot, layout.KIND_FRONT, ...macWords, SLOT.discard, SLOT.tree, SLOT.tree, 0);
      record(slot + 1, layout.KIND_GOTO, slot + 2);
    } else {
      record(slot, layout.KIND_MATCH_MAC, ...macWords, SLOT.types, SLOT.discard);
      record(slot + 1, layout.KIND_ADJACENCY, port, ...header);
    }
    record(slot + 2, layout.KIND_ENCAP, slot + 3, ...header);
    record(slot + 3, layout.KIND_OUTPUT, port);
    globals[portAt(port) + layout.PORT_START] = slot;
  }
  const root = 2 * layout.CHUNK_WORDS;
  record(SLOT.types, layout.KIND_ETHER_SWITCH, SLOT.tree, SLOT.tree, 0);
  record(SLOT.tree, layout.KIND_TREE, SLOT.host, root, 0);
  record(SLOT.host, layout.KIND_SLOW, layout.REASON_HOST);
  record(SLOT.discard, layout.KIND_DISCARD, forwarder.firstCounter + 2);
  // 10.0.0.0/15 is 0000101000 00000, 10.2.0.0/15 is 0000101000 00001; behind that there are no bits left to compare.
  const [top, branch, leaves] = [root + 8, root + 12, root + 16] as const;
  heap[root + layout.ROOT_NODE] = top;
  heap.set([layout.NODE_PATH | (10 << layout.NODE_BITS_SHIFT), 0b0000101000 << 22, 0, branch], top);
  heap.set([0, 0b11, leaves, 0], branch);
  ports.forEach(({ slot }, port) => heap.set([layout.NODE_PATH | layout.NODE_LEAF, 0, 0, slot + 1], leaves + 4 * port));
  new ShortWays(globals).write(heap, RECORDS_AT, ports.length);
}

let forwarder: Forwarder | undefined;
let sockets: readonly PacketSocket[] = [];
let taps: readonly ExceptionTap[] = [];

function report(port: number): (frame: ReceivedFrame) => void {
  return ({ buffer, offset, length, offload }) =>
    say({ slow: port, frame: buffer.toString('hex', offset, offset + length), offload: { ...offload } });
}

/** All that waits at a port. A test may take its interface away: reading the error clears it. */
function receive(source: PacketSocket | ExceptionTap, port: number): void {
  try {
    source.receive(report(port));
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== 'ENETDOWN') throw error;
  }
}

const calls = {
  /** `bpfFs`: a BPF file system, where what hangs on the ports outlives this process, and is found. */
  route(mode: PortMode, names: readonly string[], neighbors: Neighbors, bpfFs?: string): object[] {
    const made = (forwarder = new Forwarder({
      ...{ ports: 2, heapWords: 1, maxHeapWords: 1 << 20, counters: 16 },
      ...(bpfFs !== undefined && { legacy: new Legacy(bpfFs, true), keeps: true }),
    }));
    made.growHeap(4 * layout.CHUNK_WORDS);
    const states = names.map((name) => interfaceState(name)!);
    makeHeap(
      made,
      states.map(({ mac }) => mac),
      neighbors,
    );
    if (mode === 'tc') taps = names.map(() => ExceptionTap.open('exc%d', layout.SLOW_MARK, HEADROOM));
    sockets = states.map(({ ifindex }) => PacketSocket.open(ifindex, HEADROOM, mode !== 'tc'));
    const hooks = states.map(({ ifindex, mtu }, port) => {
      made.setPort(port, { mtu, up: true });
      return made.attach(port, ifindex, mode, taps[port]?.ifindex ?? 0, false);
    });
    const sources = mode === 'tc' ? taps : sockets;
    const polled = new PollSet(sources.map(({ fd }) => fd));
    setInterval(() => {
      if (polled.wait(0) > 0) sources.forEach(receive);
    }, LOOK_MS);
    return hooks.map(({ by }) => ({ by }));
  },
  taps: () => taps.map(({ name }) => name),
  counts: () =>
    [0, 1].map((port) => ({
      ...forwarder!.portCounts(port),
      slow: forwarder!.slowCounts(port),
      lost: taps[port]?.drops() ?? 0,
    })),
  setMtu: (port: number, mtu: number): void => forwarder!.setPort(port, { mtu, up: true }),
  setUp: (port: number, up: boolean): void => forwarder!.setPort(port, { mtu: 1500, up }),
  detach: (port: number): void => forwarder!.detach(port),
  /** `seconds`: until when what is left forwards, from now on. */
  setDeadline: (seconds: number): void => forwarder!.setDeadline(seconds < 0 ? pastDeadline() : deadlineIn(seconds)),
  /** A port's link can't be changed any more. */
  breakLink(port: number): void {
    const { link } = forwarder!.hookOf(port)!;
    close(link!);
    // The lowest number that is free.
    if (openSync('/dev/null', 'r') !== link) throw new Error(`${link} was taken`);
  },
  /** A port that something else forwards for, which is lost: what that is asked for until after a look, and whether the port has its socket. */
  lose(name: string): readonly (string | boolean)[] {
    let lost = false;
    const asked: (string | boolean)[] = [];
    const shortcut = {
      attach(): undefined {
        asked.push('attach');
      },
      update: () => undefined,
      detach(): void {
        asked.push('detach');
        lost = false;
      },
    };
    const port = createLinuxPort(name, nullLogger, {
      ...shortcut,
      get lost() {
        return lost;
      },
    });
    port.attach();
    port.refresh();
    lost = true;
    port.refresh();
    port.refresh();
    const seen = [...asked, port.fd >= 0];
    port.close();
    return seen;
  },
  sweep: (bpfFs: string): void => new Legacy(bpfFs, false).sweep(),
  grow: (): boolean => {
    forwarder!.growCounters();
    return forwarder!.growHeap(forwarder!.heap.length + 1);
  },
  /** As grow(), with what is ready or is being made so, of which the writer knows nothing. */
  growPrepared: (): boolean => {
    forwarder!.prepareHeap();
    return forwarder!.growHeap(forwarder!.heap.length + 1);
  },
  /** A driver that takes no other program: what it says, and whether the heap is still the one in use. */
  growRefused: (): string => {
    const made = forwarder!;
    const hook = made.hookOf(1)!;
    const { replace } = hook;
    Object.assign(hook, {
      replace: (): never => {
        throw new Error('not now');
      },
    });
    let said = '';
    try {
      made.growHeap(made.heap.length + 1);
    } catch (error) {
      said = errorText(error);
    }
    Object.assign(hook, { replace });
    return said;
  },
  /** Nothing is led to a neighbor any more. */
  forgetNeighbors: (): void => {
    const made = forwarder!;
    for (let slot: number = SLOT.firstPort; slot < SLOT.firstPort + 2 * SLOTS_OF_PORT; slot++)
      made.heap[RECORDS_AT + slot * layout.RECORD_WORDS] = layout.KIND_DISCARD;
  },
  leftPorts: () => forwarder!.leftPorts,
  takeOver: (): object[] => forwarder!.takeOver().map(({ port, what }) => ({ port, what })),
  close: (): void => {
    forwarder!.close();
    taps.forEach((tap) => tap.close());
    process.exit(0);
  },
  /** Generic receive offload: without it a veth's peer has no queue for frames that native XDP sends. */
  setGro(name: string): void {
    const [SIOCETHTOOL, ETHTOOL_SGRO] = [0x8946, 0x2c];
    const value = Buffer.alloc(8);
    value.writeUInt32LE(ETHTOOL_SGRO, 0);
    value.writeUInt32LE(1, 4);
    const request = Buffer.alloc(40);
    request.write(name);
    request.writeBigUInt64LE(addressOf(value), 16);
    const fd = socket(AF_INET, SOCK_DGRAM, 0);
    ioctl(fd, SIOCETHTOOL, request, name);
    close(fd);
  },
  send(name: string, hex: string, offload: Partial<Offload>): void {
    const bytes = Buffer.from(hex, 'hex');
    const socket = PacketSocket.open(interfaceState(name)!.ifindex, 0, false);
    socket.send(bytes, 0, bytes.length, { ...noOffload(), ...offload });
    socket.flush();
    const { sendDrops, lastSendError } = socket.stats;
    socket.close();
    if (sendDrops > 0) throw new Error(`not sent: ${lastSendError}`);
  },
} as const;

createInterface(process.stdin).on('line', (line) => {
  const { call, name, args } = JSON.parse(line) as { call: number; name: keyof typeof calls; args: unknown[] };
  const run = calls[name] as (...given: unknown[]) => unknown;
  try {
    say({ call, result: run(...args) ?? null });
  } catch (error) {
    say({ call, error: errorText(error) });
  }
});
