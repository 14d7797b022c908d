/**
 * Where our router is meant to do other than Linux, each with its reason and the document that says so. Everything else that
 * differs is a fault. An entry takes the frames that it explains out of a difference.
 */
import { BALANCED4, BALANCED6 } from './plan';
import { parseAddress, parsePrefix, prefixContains } from '../../src/net/address';
import type { Difference, Seen } from './compare';

export interface Intended {
  readonly name: string;
  readonly reason: string;
  readonly document: string;
  readonly explain: (difference: Difference, stage: StageState) => Difference;
}

/** What the events have made of the stage, as far as it explains something. */
export interface StageState {
  /** Ports whose link is down at the far end. */
  readonly linksDown: ReadonlySet<number>;
  /** Their subnets, as an address of theirs with its length. */
  subnetsDown(): Iterable<string>;
  /** MAC addresses that neighbors were given until somebody knows better (`nud reachable`, `nud stale`). */
  readonly passingMacs: ReadonlySet<string>;
}

const isForwarded = ({ words }: Seen): boolean => words.startsWith('forwarded');

const isRedirect = ({ words }: Seen): boolean => /^ICMP 5\/|^ICMPv6 137\//.test(words);

function isBalanced({ spec: { packet } }: Difference): boolean {
  if (packet.family === 'other') return false;
  const address = parseAddress(packet.dst);
  return address !== undefined && prefixContains(parsePrefix(packet.family === 4 ? BALANCED4 : BALANCED6)!, address);
}

/** Addresses that events give to the routers: `.1`, `.20` to `.219`; hosts have others. */
const isFromRouter = ({ spec: { packet } }: Difference): boolean =>
  packet.family === 4 && packet.spread !== true && /^10\.[0-3]\.\d+\.(1|[2-9]\d|1\d\d|2[01]\d)$/.test(packet.src);

/** To a host on one of these subnets. */
const isTo = ({ spec: { packet } }: Difference, subnets: Iterable<string>): boolean => {
  const address = packet.family === 'other' ? undefined : parseAddress(packet.dst);
  if (address === undefined) return false;
  for (const text of subnets) {
    const subnet = parsePrefix(text);
    if (subnet?.bytes.length === address.length && prefixContains(subnet, address)) return true;
  }
  return false;
};

/** An ICMPv6 message without the source address, and the checksum over it. */
const withoutSource = ({ hex }: Seen): string =>
  [hex.slice(0, 2 * 22), hex.slice(2 * 38, 2 * 56), hex.slice(2 * 58)].join();

/** Without the Ethernet header. */
const packetOf = ({ hex }: Seen): string => hex.slice(28);

export const INTENDED: readonly Intended[] = [
  {
    name: 'no ICMP redirects',
    reason:
      'Linux tells a host of a better gateway behind the port it came from. A vASIC forwards such packets like any other, as routers in hardware do.',
    document: 'docs/limits.md, "Know this"',
    explain: (difference) => ({
      ...difference,
      onlyLinux: difference.onlyLinux.filter((seen) => !isRedirect(seen)),
      onlyOurs: difference.onlyOurs.filter((seen) => !isRedirect(seen)),
    }),
  },
  {
    name: 'another path of several',
    reason: 'Which of the paths of a route a flow takes follows from a hash, and the vASIC has another one than Linux.',
    document: 'docs/architecture.md, "Load balancing is resilient"',
    explain: (difference) => {
      if (!isBalanced(difference)) return difference;
      const { onlyLinux, onlyOurs } = difference;
      const bytes = (seen: readonly Seen[]): string => seen.map(packetOf).sort().join();
      return bytes(onlyLinux) === bytes(onlyOurs) ? { ...difference, onlyLinux: [], onlyOurs: [] } : difference;
    },
  },
  {
    name: "the router's own address as a source",
    reason:
      'Linux drops such a packet as a martian. In the vASIC it would cost a second look-up for every packet, and it can do no harm beyond that of any forged source.',
    document: 'docs/limits.md, "Addresses that are not forwarded"',
    explain: (difference) =>
      isFromRouter(difference) && difference.onlyLinux.length === 0 && difference.onlyOurs.every(isForwarded)
        ? { ...difference, onlyOurs: [] }
        : difference,
  },
  {
    name: 'an unspecified IPv6 source, out by the port it came in by',
    reason:
      'Linux looks at the source only where a packet leaves by another port. Nobody can answer such a packet: the vASIC drops all of them.',
    document: 'docs/limits.md, "Addresses that are not forwarded"',
    explain: (difference) => {
      const { spec, onlyLinux } = difference;
      const isHairpin = onlyLinux.every((seen) => isForwarded(seen) && seen.port === spec.port);
      return spec.packet.family === 6 && spec.packet.src === '::' && isHairpin
        ? { ...difference, onlyLinux: [] }
        : difference;
    },
  },
  {
    name: 'a subnet whose link is down',
    reason:
      'The kernel keeps the route of a connected subnet when the carrier goes, and answers that its hosts are unreachable. zebra takes it out of its RIB, which the vASIC follows: the next longer route counts, or none.',
    document: 'docs/limits.md, "Know this"',
    explain: (difference, stage) => {
      const { onlyLinux, onlyOurs } = difference;
      // To such a subnet Linux does as if it were there: it says unreachable, too large, or nothing of ICMP errors.
      const asConnected =
        isTo(difference, stage.subnetsDown()) || onlyLinux.every(({ words }) => /^ICMP 3\/1|^ICMPv6 1\/3/.test(words));
      const byRib = onlyOurs.every(({ words }) => /^forwarded|^ICMP 3\/0|^ICMPv6 1\/0/.test(words));
      const said = onlyLinux.length > 0 || isTo(difference, stage.subnetsDown());
      return stage.linksDown.size > 0 && asConnected && byRib && said
        ? { ...difference, onlyLinux: [], onlyOurs: [] }
        : difference;
    },
  },
  {
    name: 'a wrong MAC address that is not for good',
    reason:
      'Whom the vASIC sends to is verified when its entry is stale (docs/neighbors.md). Linux asks only when it sends itself, so at either router the right address takes over at another time.',
    document: 'docs/neighbors.md',
    explain: (difference, { passingMacs }) => {
      const { onlyLinux, onlyOurs } = difference;
      const to = ({ hex }: Seen): string => (hex.slice(0, 12).match(/../g) ?? []).join(':');
      const wrong = [...onlyLinux, ...onlyOurs].some((seen) => passingMacs.has(to(seen)));
      const packets = (seen: readonly Seen[]): string => seen.map(packetOf).sort().join();
      return wrong && packets(onlyLinux) === packets(onlyOurs)
        ? { ...difference, onlyLinux: [], onlyOurs: [] }
        : difference;
    },
  },
  {
    name: 'the address from which a router answers for an anycast address',
    reason:
      'It is Linux that answers at both routers, and that chooses among its addresses where the one asked for may not be the source (RFC 4291, 2.6).',
    document: 'docs/limits.md, "Know this"',
    explain: (difference) => {
      const { onlyLinux, onlyOurs } = difference;
      const isReply = [...onlyLinux, ...onlyOurs].every(({ words }) => words.startsWith('ICMPv6 129/'));
      const others = (seen: readonly Seen[]): string => seen.map(withoutSource).sort().join();
      return isReply && others(onlyLinux) === others(onlyOurs)
        ? { ...difference, onlyLinux: [], onlyOurs: [] }
        : difference;
    },
  },
  {
    name: "a subnet's broadcast address as an IPv4 source, out by the port it came in by",
    reason:
      'Linux looks at such a source only where a packet leaves by the same port, to see if a redirect is due. The vASIC forwards all of them.',
    document: 'docs/limits.md, "Addresses that are not forwarded"',
    explain: (difference) => {
      const { spec, onlyLinux, onlyOurs } = difference;
      const isHairpin =
        onlyLinux.length === 0 && onlyOurs.every((seen) => isForwarded(seen) && seen.port === spec.port);
      const isBroadcast = spec.packet.family === 4 && spec.packet.spread !== true && /\.(0|255)$/.test(spec.packet.src);
      return isBroadcast && isHairpin ? { ...difference, onlyOurs: [] } : difference;
    },
  },
];

/** Not of frames: what ends an episode without being a fault of ours. */
export const LEFT_BY_ZEBRA = {
  name: 'a route that one of the zebras forgot in the kernel, or by a subnet that it lost',
  reason:
    'zebra put the route into the kernel, and by its own words (vtysh) has it no more, or resolves its nexthop by a route that it has no more; or it has no connected route for the subnet of an interface that it calls up. Which of two zebras does so is chance; ours follows its own.',
  document: 'docs/forwarding.md, "Against Linux"',
};

/**
 * Whether one router may refuse a command that the other takes. Our kernel has neighbors that Linux's has not: fpm2afi has it ask
 * for every nexthop, without a packet (docs/architecture.md, "Who answers at an address").
 */
export const mayBeRefused = (argv: readonly string[]): boolean =>
  argv[0] === 'ip' && argv[1] === 'neighbor' && argv[2] === 'del';

/** What of a difference is left after all that is intended, and what explained the rest. */
export function explain(
  difference: Difference,
  stage: StageState = { linksDown: new Set(), subnetsDown: () => [], passingMacs: new Set() },
): { readonly left: Difference; readonly by: readonly string[] } {
  let left = difference;
  const by: string[] = [];
  for (const intended of INTENDED) {
    const next = intended.explain(left, stage);
    if (next.onlyLinux.length + next.onlyOurs.length < left.onlyLinux.length + left.onlyOurs.length)
      by.push(intended.name);
    left = next;
  }
  return { left, by };
}
