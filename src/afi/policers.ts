/**
 * A policer for every port and reason in front of the receive nodes: neither a flood of packets for one reason nor one at
 * one port can take the host's time from the others. Its counters tell what passed and what was dropped.
 *
 *   what hands a packet to the host → switch (input port) → policer of port and reason → receive node of the reason
 *
 * The switch's default, a policer that ports without one share, is where entries of an earlier version lead.
 */
import {
  AftField,
  PuntReason,
  TOKEN_FIRST_CLIENT,
  type AftEntry,
  type AftNode,
  type AftNodeType,
  type NodeInfo,
  type Token,
} from '../aft/model';
import type { Config } from '../config/types';

/** Packets a second of each port by reason; absent or 0: not limited. */
export type PuntLimits = Readonly<Partial<Record<PuntReason, number>>>;

type Configured = Config['punt']['policers'];

const REASON_OF: Readonly<Record<keyof Configured, PuntReason>> = {
  noRoute: PuntReason.NoRoute,
  glean: PuntReason.Glean,
  local: PuntReason.Local,
  unresolved: PuntReason.Unresolved,
  multicast: PuntReason.Multicast,
  broadcast: PuntReason.Broadcast,
  linkLocal: PuntReason.LinkLocal,
  ttlExpired: PuntReason.TtlExpired,
  nonIp: PuntReason.NonIp,
  notAPort: PuntReason.NotAPort,
  unsupported: PuntReason.Unsupported,
  mtu: PuntReason.Mtu,
  ipOptions: PuntReason.IpOptions,
  arp: PuntReason.Arp,
  neighborDiscovery: PuntReason.NeighborDiscovery,
  ospf: PuntReason.Ospf,
  isis: PuntReason.Isis,
  bgp: PuntReason.Bgp,
  bfd: PuntReason.Bfd,
  control: PuntReason.Control,
  tagged: PuntReason.Tagged,
  otherAddress: PuntReason.OtherAddress,
  hostPort: PuntReason.HostPort,
  labelTtl: PuntReason.LabelTtl,
  routerAlert: PuntReason.RouterAlert,
};

/** The reasons that the graph knows, by the names that the configuration gives them. */
export const POLICED = Object.entries(REASON_OF) as readonly (readonly [keyof Configured, PuntReason])[];

/** All reasons, those without a limit too. */
export const REASONS: readonly PuntReason[] = Object.values(PuntReason).filter((value) => typeof value === 'number');

/** The configured limits by the reason's number. */
export function puntLimits(configured: Configured): PuntLimits {
  return Object.fromEntries(POLICED.map(([name, reason]) => [reason, configured[name]]));
}

const FIRST_SHARED: Token = TOKEN_FIRST_CLIENT + 96;
/** More than any port delivers. The node is there all the same: a changed configuration changes it in place. */
const UNLIMITED = 1e12;

/** Far beyond what is allocated as nexthops and neighbors come: nodes of the graph that need more tokens than there were. */
export const FIRST_HIGH: Token = 2 ** 40;
const FIRST_PORT_SWITCH: Token = FIRST_HIGH;
const FIRST_PORT_BLOCK: Token = FIRST_HIGH + 1024;
const PORT_BLOCK = 64;

/** The first of a port's own tokens; policers take those up to the number of reasons. */
export function portBlock(port: number): Token {
  return FIRST_PORT_BLOCK + PORT_BLOCK * port;
}

/** Places in a port's block behind the policers. */
export const PORT_PLACE = { groups: 48, vlans: 49 } as const;

/** The policer of packets that come in at this port for this reason. */
export function policerToken(reason: PuntReason, port: number): Token {
  return portBlock(port) + reason;
}

/** Where packets go to reach the host for this reason. */
export function policedToken(reason: PuntReason): Token {
  return FIRST_PORT_SWITCH + reason;
}

/** The reason for which packets come to this node, where it is one of `policedToken`; else undefined. */
export function policedReason(token: Token): PuntReason | undefined {
  const reason = token - FIRST_PORT_SWITCH;
  return reason in PuntReason ? reason : undefined;
}

/** The policer that ports without one of their own share. */
function sharedPolicerToken(reason: PuntReason): Token {
  return FIRST_SHARED + reason;
}

/** The nodes that all ports share for a reason; `next` is its receive node. */
export function policedNodes(reason: PuntReason, limits: PuntLimits, next: Token): AftNode[] {
  const name = PuntReason[reason];
  return [
    policer(sharedPolicerToken(reason), `police.${name}`, limits[reason], next),
    {
      type: 'switch',
      token: policedToken(reason),
      name: `ports.${name}`,
      field: AftField.MetaIfInput,
      defaultNext: sharedPolicerToken(reason),
    },
  ];
}

/** A port's policer for a reason, and the way to it. */
export function portPolicer(
  reason: PuntReason,
  port: number,
  limits: PuntLimits,
  next: Token,
): { readonly node: AftNode; readonly entry: AftEntry } {
  const token = policerToken(reason, port);
  return {
    node: policer(token, `police.${PuntReason[reason]}.${port}`, limits[reason], next),
    entry: portEntry(policedToken(reason), port, token),
  };
}

/** An entry of a switch by input port. */
export function portEntry(parent: Token, port: number, next: Token): AftEntry {
  return { parent, key: { field: AftField.MetaIfInput, data: { kind: 'int', value: port } }, next };
}

/** A second's worth may come at once. */
function policer(
  token: Token,
  name: string,
  limit: number | undefined,
  next: Token,
): Extract<AftNode, { type: AftNodeType & 'policer' }> {
  const rate = limit || UNLIMITED;
  return { type: 'policer', token, name, rate, burst: rate, packetMode: true, next };
}

/** Every policer's token, for these ports. */
export function policerTokens(ports: readonly number[]): Token[] {
  return POLICED.flatMap(([, reason]) => [
    sharedPolicerToken(reason),
    ...ports.map((port) => policerToken(reason, port)),
  ]);
}

/** What the policers of a reason counted together; undefined where the vASIC tells of none. */
export function countedOf(
  reason: PuntReason,
  ports: readonly number[],
  infos: ReadonlyMap<Token, NodeInfo>,
): { readonly passed: number; readonly dropped: number } | undefined {
  const tokens = [sharedPolicerToken(reason), ...ports.map((port) => policerToken(reason, port))];
  const found = tokens.flatMap((token) => infos.get(token) ?? []);
  if (found.length === 0) return undefined;
  const sum = (value: (info: NodeInfo) => number): number => found.reduce((total, info) => total + value(info), 0);
  return { passed: sum(({ packets }) => packets), dropped: sum(({ drops }) => drops) };
}
