/**
 * A policer in front of every receive node, so that a flood of packets for one reason can't take the host's time from the
 * others: expired TTLs and gleaning must not starve routing protocols. Its counters tell what passed and what was dropped.
 */
import { PuntReason, TOKEN_FIRST_CLIENT, type AftNode, type Token } from '../aft/model';
import type { Config } from '../config/types';

/** Packets a second by reason; absent or 0: not limited. */
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
};

/** The reasons that the graph knows, by the names that the configuration gives them. */
export const POLICED = Object.entries(REASON_OF) as readonly (readonly [keyof Configured, PuntReason])[];

/** The configured limits by the reason's number. */
export function puntLimits(configured: Configured): PuntLimits {
  return Object.fromEntries(POLICED.map(([name, reason]) => [reason, configured[name]]));
}

const FIRST_POLICER: Token = TOKEN_FIRST_CLIENT + 96;
/** More than any port delivers. The node is there all the same: a changed configuration changes it in place. */
const UNLIMITED = 1e12;

/** The policer of a reason: what hands a packet to the host points here. */
export function policerToken(reason: PuntReason): Token {
  return FIRST_POLICER + reason;
}

/** The policer's node. A second's worth may come at once. */
export function policerNode(reason: PuntReason, limits: PuntLimits, next: Token): AftNode {
  const rate = limits[reason] || UNLIMITED;
  const name = `police.${PuntReason[reason]}`;
  return { type: 'policer', token: policerToken(reason), name, rate, burst: rate, packetMode: true, next };
}
