/**
 * Probe packets: one to each of some prefixes, and where it leaves. What is expected comes from zebra's nexthops and from who truly answers
 * at them, so that a bridge and a vASIC that agree on something wrong are found out.
 */
import { formatAddress, formatMac, parseAddress } from '../../src/net/address';
import type { RouteView } from '../../src/control/types';
import { encode, idIn, type FrameSpec } from '../against-linux/frame';
import { farNet4, farNet6, hostMac, PORTS, portName } from '../against-linux/plan';
import type { Random } from '../fuzz/random';
import { sleep } from '../../lab/wait';
import type { Tables } from './compare';
import { LongestMatch } from './longest-match';
import { isSix } from './plan';
import type { Stage } from './stage';

export interface Probe {
  readonly prefix: string;
  readonly dst: string;
  /** Where it comes in. */
  readonly port: number;
  /** `PORT MAC`, one of which it leaves by; none: it is dropped. */
  readonly expected: readonly string[];
}

const TRIES = 5;
const PAUSE_MS = 1500;
const MAC_OF_PROBER = '02:00:00:00:77:01';

/** Probes for up to `count` of the routes whose nexthops all answer, or that drop. */
export function chooseProbes(
  random: Random,
  { routes, neighbors }: Tables,
  hosts: ReadonlyMap<string, number>,
  count: number,
): readonly Probe[] {
  const able = routes.filter(
    ({ origin, state, table }) => origin === 'zebra' && state === 'offloaded' && table === 254,
  );
  const longest = new LongestMatch(routes.map(({ prefix }) => prefix));
  const probes: Probe[] = [];
  // A nexthop may be found while the probes are on their way: the campaign asks again with `renewed`.
  for (let tries = 0; tries < 3 * count && probes.length < count && able.length > 0; tries++) {
    const route = random.pick(able);
    const dst = insideOf(route.prefix, random);
    if (dst === undefined || longest.of(dst) !== route.prefix) continue;
    const expected = expectedOf(route, neighbors, hosts);
    if (expected === undefined) continue;
    probes.push({ prefix: route.prefix, dst, port: random.pick(PORTS), expected });
  }
  return probes;
}

/** The same probes, with what is expected of them by now; without those of which nothing is. */
export function renewed(
  probes: readonly Probe[],
  { routes, neighbors }: Tables,
  hosts: ReadonlyMap<string, number>,
): readonly Probe[] {
  return probes.flatMap((one) => {
    const route = routes.find(
      ({ origin, state, table, prefix }) =>
        origin === 'zebra' && state === 'offloaded' && table === 254 && prefix === one.prefix,
    );
    const expected = route && expectedOf(route, neighbors, hosts);
    return expected === undefined ? [] : [{ ...one, expected }];
  });
}

const expectedOf = (
  route: RouteView,
  neighbors: Tables['neighbors'],
  hosts: ReadonlyMap<string, number>,
): readonly string[] | undefined => (route.type === 'blackhole' ? [] : expectedEnds(route, neighbors, hosts));

/** Undefined: a nexthop leads to a port without wire, or nobody answers there. */
function expectedEnds(
  { nexthops }: RouteView,
  neighbors: Tables['neighbors'],
  hosts: ReadonlyMap<string, number>,
): readonly string[] | undefined {
  const ready = nexthops.filter(({ state }) => state === 'ready');
  const ends = ready.map(({ gateway, interface: dev }) => {
    const port = PORTS.find((one) => portName(one) === dev);
    if (gateway === undefined || port === undefined) return undefined;
    const given = neighbors.find((one) => one.dev === dev && one.address === gateway && one.state === 'PERMANENT');
    if (given?.mac !== undefined) return `${port} ${given.mac}`;
    const generation = [...hosts].find(([host]) => canonical(host) === gateway)?.[1];
    return generation === undefined ? undefined : `${port} ${hostMac(port, gateway, generation)}`;
  });
  return ends.some((end) => end === undefined) || ends.length === 0 ? undefined : (ends as readonly string[]);
}

const canonical = (address: string): string => formatAddress(parseAddress(address)!);

/** Some address of a prefix: not its first, not its last. */
function insideOf(prefix: string, random: Random): string | undefined {
  const [text = '', length = ''] = prefix.split('/');
  const bytes = Uint8Array.from(parseAddress(text)!);
  const free = Math.min(bytes.length * 8 - Number(length), 8);
  if (free === 0) return formatAddress(bytes);
  if (free < 2) return undefined;
  bytes[bytes.length - 1]! |= random.below(2 ** free - 2) + 1;
  return formatAddress(bytes);
}

/** A probe that left elsewhere than it should. */
export interface WrongProbe {
  readonly probe: Probe;
  /** In words. */
  readonly wrong: string;
}

/** The probes that left elsewhere than they should, several times. */
export async function probe(
  stage: Stage,
  probes: readonly Probe[],
  portMacs: ReadonlyMap<number, string>,
): Promise<readonly WrongProbe[]> {
  const usable = probes.flatMap((one) => {
    const port = portMacs.has(one.port) ? one.port : [...portMacs.keys()][0];
    return port === undefined ? [] : [{ ...one, port }];
  });
  let open: readonly WrongProbe[] = usable.map((one) => ({
    probe: one,
    wrong: '',
  }));
  for (let i = 0; i < TRIES && open.length > 0; i++) {
    if (i > 0) await sleep(PAUSE_MS);
    const left = await sendProbes(
      stage,
      open.map((one) => one.probe),
      portMacs,
    );
    open = open.flatMap((one, n) => {
      const wrong = wrongEnd(one.probe, left[n]!);
      return wrong === undefined ? [] : [{ ...one, wrong }];
    });
  }
  return open;
}

/** What is wrong with where a probe left, in words. */
export function wrongEnd({ prefix, dst, port, expected }: Probe, left: readonly string[]): string | undefined {
  const isRight = expected.length === 0 ? left.length === 0 : left.length === 1 && expected.includes(left[0]!);
  if (isRight) return undefined;
  const words = (ends: readonly string[]): string => (ends.length === 0 ? 'nowhere' : ends.join(' and '));
  return `a packet to ${dst} (${prefix}) from port ${port} left by ${words(left)}, not by ${words(expected)}`;
}

async function sendProbes(
  { exchange }: Stage,
  probes: readonly Probe[],
  portMacs: ReadonlyMap<number, string>,
): Promise<readonly (readonly string[])[]> {
  const frames = probes.flatMap((one, id) =>
    encode(frameOf(one, portMacs.get(one.port)!), id).map((bytes) => ({ port: one.port, hex: bytes.toString('hex') })),
  );
  const left = probes.map((): string[] => []);
  for (const { port, hex } of await exchange(frames)) {
    const bytes = Buffer.from(hex, 'hex');
    const id = idIn(bytes);
    const found = id === undefined ? undefined : probes[id];
    // ICMP errors quote the packet, and carry its id as well.
    if (found === undefined || destinationOf(bytes) !== found.dst) continue;
    left[id!]!.push(`${port} ${formatMac(bytes.subarray(0, 6))}`);
  }
  return left;
}

function frameOf({ dst, port, prefix }: Probe, dstMac: string): FrameSpec {
  const body = { proto: 'udp', port: 9, length: 32 } as const;
  const head = { kind: prefix, port, dstMac, srcMac: MAC_OF_PROBER };
  return isSix(dst)
    ? { ...head, packet: { family: 6, src: `${farNet6(port)}::1:7`, dst, ttl: 64, body } }
    : { ...head, packet: { family: 4, src: `${farNet4(port)}.0.7`, dst, ttl: 64, body } };
}

function destinationOf(frame: Buffer): string {
  const type = frame.readUInt16BE(12);
  if (type === 0x0800) return formatAddress(frame.subarray(30, 34));
  return type === 0x86dd ? formatAddress(frame.subarray(38, 54)) : '';
}
