/**
 * Control protocols apart from all else that goes to the host: what may be one of them is looked at once more, and if it
 * is, it has a reason, and so policers, of its own. No stream of data can starve those.
 *
 *   IPv4 protocol ─▶ IPv6 next header ─▶ else: the reason it came for
 *     │ 89 OSPF · 88, 103, 112 others · 6 TCP ports: BGP, LDP · 17 UDP ports: BFD, LDP, RIP
 *     └ 58 with hop limit 255: neighbor discovery (nothing that was forwarded has it)
 */
import { AftField, PuntReason, type AftEntry, type AftNode, type Token } from '../aft/model';
import { FIRST_HIGH, policedToken } from './policers';

/** Reasons for which packets of routing protocols come. Those to loopback addresses have routes out of no port. */
const CLASSIFIED: readonly PuntReason[] = [
  PuntReason.NoRoute,
  PuntReason.Local,
  PuntReason.Unresolved,
  PuntReason.Multicast,
  PuntReason.LinkLocal,
  PuntReason.NotAPort,
  PuntReason.Tagged,
  PuntReason.HostPort,
];

const FIRST_CLASS: Token = FIRST_HIGH + 64;
const PLACES = ['ip4', 'ip6', 'nd', 'tcpTo', 'tcpFrom', 'udp'] as const;
type Place = (typeof PLACES)[number];

const TCP = 6;
const UDP = 17;
const ICMP6 = 58;
const ND_HOP_LIMIT = 255;

const PROTOCOLS: readonly (readonly [number, PuntReason])[] = [
  [89, PuntReason.Ospf],
  [88, PuntReason.Control],
  [103, PuntReason.Control],
  [112, PuntReason.Control],
];
const TCP_PORTS: readonly (readonly [number, PuntReason])[] = [
  [179, PuntReason.Bgp],
  [646, PuntReason.Control],
];
const UDP_PORTS: readonly (readonly [number, PuntReason])[] = [
  [3784, PuntReason.Bfd],
  [3785, PuntReason.Bfd],
  [4784, PuntReason.Bfd],
  [520, PuntReason.Control],
  [521, PuntReason.Control],
  [646, PuntReason.Control],
];

function placeToken(reason: PuntReason, place: Place): Token {
  return FIRST_CLASS + 8 * CLASSIFIED.indexOf(reason) + PLACES.indexOf(place);
}

/** The node that hands a packet to the host for this reason, or for its protocol's. */
export function puntToken(reason: PuntReason): Token {
  return CLASSIFIED.includes(reason) ? placeToken(reason, 'ip4') : policedToken(reason);
}

/** First nodes of what tells control protocols apart, and where all else goes from there. */
export const CLASS_ENTRIES: ReadonlyMap<Token, Token> = new Map(
  CLASSIFIED.map((reason) => [placeToken(reason, 'ip4'), policedToken(reason)]),
);

/** The nodes that tell the classes apart, what is pointed at first, and their entries. */
export function classNodes(): { readonly nodes: AftNode[]; readonly entries: AftEntry[] } {
  const parts = CLASSIFIED.map(classesOf);
  return { nodes: parts.flatMap(({ nodes }) => nodes), entries: parts.flatMap(({ entries }) => entries) };
}

function classesOf(reason: PuntReason): { readonly nodes: AftNode[]; readonly entries: AftEntry[] } {
  const at = (place: Place): Token => placeToken(reason, place);
  const name = (place: Place): string => `class.${PuntReason[reason]}.${place}`;
  const other = policedToken(reason);
  const by = (place: Place, field: AftField, defaultNext: Token): AftNode => ({
    ...{ type: 'switch', token: at(place), name: name(place), field, defaultNext },
  });
  const entries = (place: Place, field: AftField, values: readonly (readonly [number, Token])[]): AftEntry[] =>
    values.map(([value, next]) => ({ parent: at(place), key: { field, data: { kind: 'int', value } }, next }));
  const classes = (values: readonly (readonly [number, PuntReason])[]): (readonly [number, Token])[] =>
    values.map(([value, kind]) => [value, policedToken(kind)]);
  const transports: readonly (readonly [number, Token])[] = [
    [TCP, at('tcpTo')],
    [UDP, at('udp')],
  ];
  return {
    nodes: [
      by('udp', AftField.L4Dport, other),
      by('tcpFrom', AftField.L4Sport, other),
      by('tcpTo', AftField.L4Dport, at('tcpFrom')),
      {
        type: 'match',
        token: at('nd'),
        name: name('nd'),
        field: AftField.Ip6HopLimit,
        op: 'eq',
        value: { kind: 'int', value: ND_HOP_LIMIT },
        trueNext: policedToken(PuntReason.NeighborDiscovery),
        falseNext: other,
      },
      by('ip6', AftField.Ip6NextHeader, other),
      by('ip4', AftField.Ip4Proto, at('ip6')),
    ],
    entries: [
      ...entries('ip4', AftField.Ip4Proto, [...classes(PROTOCOLS), ...transports]),
      ...entries('ip6', AftField.Ip6NextHeader, [...classes(PROTOCOLS), ...transports, [ICMP6, at('nd')]]),
      ...entries('tcpTo', AftField.L4Dport, classes(TCP_PORTS)),
      ...entries('tcpFrom', AftField.L4Sport, classes(TCP_PORTS)),
      ...entries('udp', AftField.L4Dport, classes(UDP_PORTS)),
    ],
  };
}
