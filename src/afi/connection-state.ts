/**
 * What the connection to the AFI server has come to, as one value. The programmer owns it: it alone knows how far an open
 * sandbox is from taking routes. Everybody else reads it.
 */

import type { AftSandboxInfo } from '../aft/model';
import type { Moment } from '../observe/moment';

/** Parts that every state of an open sandbox has. */
export interface AfiSession {
  /** When the sandbox was opened. */
  readonly since: Moment;
  /** The server's instance: changes when it starts with empty tables. */
  readonly instance: string;
}

/**
 * - `connecting`: the first connection hasn't come about yet.
 * - `down`: it was up once; `reason` for people, `instance` of the server that was connected last.
 * - `adopting`: the sandbox is open, what it holds is being read.
 * - `unreadable`: the sandbox is open and holds something that could not be read, `reason` says why. It is read again now and
 *   then; programming blindly would leave entries behind that nobody wants.
 * - `placingGraph`: the base graph was sent and not acknowledged; `refusedBefore` says why the last try in this session failed.
 * - `ready`: routes can go in.
 * - `refused`: the server refused the base graph, `reason` says why. It is tried again now and then.
 */
export type AfiState =
  | { readonly kind: 'connecting'; readonly since: Moment }
  | { readonly kind: 'down'; readonly since: Moment; readonly reason: string; readonly instance: string | undefined }
  | ({ readonly kind: 'adopting' | 'ready' } & AfiSession)
  | ({ readonly kind: 'unreadable'; readonly reason: string; readonly info: AftSandboxInfo } & AfiSession)
  | ({ readonly kind: 'placingGraph'; readonly refusedBefore: string | undefined } & AfiSession)
  | ({ readonly kind: 'refused'; readonly reason: string } & AfiSession);

/** Whether a sandbox is open, ready for routes or not. */
export function isOpen(state: AfiState): state is Exclude<AfiState, { kind: 'connecting' | 'down' }> {
  return state.kind !== 'connecting' && state.kind !== 'down';
}

/** The server's instance, as far as one was ever connected. */
export function instanceOf(state: AfiState): string | undefined {
  return state.kind === 'connecting' ? undefined : state.instance;
}
