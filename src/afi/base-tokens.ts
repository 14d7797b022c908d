/** Fixed tokens of the nodes that all ports share, beside those of the reasons; and of each VRF's. */
import { TOKEN_FIRST_CLIENT, type Token } from '../aft/model';

/** The default VRF's route tree, as the original client called it. */
export const ROUTE_TREE: Token = TOKEN_FIRST_CLIENT + 64;
/** The default VRF's switch by ether type. */
export const ETHER_TYPE_SWITCH: Token = TOKEN_FIRST_CLIENT + 65;
export const GROUP_MATCH: Token = TOKEN_FIRST_CLIENT + 66;
export const GROUP_SWITCH: Token = TOKEN_FIRST_CLIENT + 67;
export const BROADCAST_MATCH: Token = TOKEN_FIRST_CLIENT + 68;
export const LENGTH_MATCH: Token = TOKEN_FIRST_CLIENT + 69;
export const OTHER_ADDRESS_MATCH: Token = TOKEN_FIRST_CLIENT + 70;
export const HOST_PORT_SWITCH: Token = TOKEN_FIRST_CLIENT + 71;
export const VLAN_PORT_SWITCH: Token = TOKEN_FIRST_CLIENT + 72;

/** The nodes of a VRF. */
export interface VrfTokens {
  /** Its routes. */
  readonly tree: Token;
  /** Where packets go that come in by one of its ports and are for the router. */
  readonly etherTypes: Token;
}

/** Beyond all others: two for each of the 2^32 kernel tables, so that a restarted bridge finds every tree again. */
const FIRST_VRF: Token = 2 ** 41;
const TABLES = 2 ** 32;

/** The tokens of a table's VRF. The default VRF's are those that were there before there were others. */
export function vrfTokens(table: number, defaultTable: number): VrfTokens {
  if (table === defaultTable) return { tree: ROUTE_TREE, etherTypes: ETHER_TYPE_SWITCH };
  return { tree: FIRST_VRF + 2 * table, etherTypes: FIRST_VRF + 2 * table + 1 };
}

/** The table whose tree, or switch, this token is; undefined: it is neither. */
export function tableOfToken(token: Token, defaultTable: number): number | undefined {
  if (token === ROUTE_TREE || token === ETHER_TYPE_SWITCH) return defaultTable;
  const place = token - FIRST_VRF;
  return place >= 0 && place < 2 * TABLES ? Math.floor(place / 2) : undefined;
}
