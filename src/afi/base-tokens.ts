/** Fixed tokens of the nodes that all ports share, beside those of the reasons. */
import { TOKEN_FIRST_CLIENT, type Token } from '../aft/model';

export const ETHER_TYPE_SWITCH: Token = TOKEN_FIRST_CLIENT + 65;
export const GROUP_MATCH: Token = TOKEN_FIRST_CLIENT + 66;
export const GROUP_SWITCH: Token = TOKEN_FIRST_CLIENT + 67;
export const BROADCAST_MATCH: Token = TOKEN_FIRST_CLIENT + 68;
export const LENGTH_MATCH: Token = TOKEN_FIRST_CLIENT + 69;
export const OTHER_ADDRESS_MATCH: Token = TOKEN_FIRST_CLIENT + 70;
export const HOST_PORT_SWITCH: Token = TOKEN_FIRST_CLIENT + 71;
export const VLAN_PORT_SWITCH: Token = TOKEN_FIRST_CLIENT + 72;
