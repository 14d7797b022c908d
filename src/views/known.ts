/**
 * Whether what is told of the vASIC is what it does. States come from acknowledgements, and those say nothing of a vASIC that can't be
 * asked: it may forward as before, or be dead. Every view says so then.
 */
import type { AfiState } from '../afi/connection-state';
import type { Moment } from '../observe/moment';

/** Since when what is known of the vASIC is only what was known last, and why. */
export interface LastKnown {
  readonly since: Moment;
  /** Completes "the vASIC …". */
  readonly why: string;
}

/** Undefined: the vASIC answers, and what is told of it holds. */
export function lastKnown(connection: AfiState): LastKnown | undefined {
  const { kind, since } = connection;
  switch (kind) {
    case 'connecting':
      return { since, why: 'has not answered yet' };
    case 'down':
      return { since, why: 'is not reachable' };
    case 'adopting':
    case 'placingGraph':
      return { since, why: 'is being taken over' };
    case 'unreadable':
      return { since, why: "can't be read" };
    case 'refused':
      return { since, why: 'refused the forwarding graph' };
    case 'ready':
      return undefined;
  }
}

/** The same for views, as ISO 8601; nothing where it holds. */
export function lastKnownSince(connection: AfiState): { readonly lastKnown?: string } {
  const known = lastKnown(connection);
  return known === undefined ? {} : { lastKnown: known.since.toISOString() };
}
