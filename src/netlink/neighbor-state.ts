/** The states of a neighbor (linux/neighbor.h, NUD_) by name. */
import {
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
} from './constants';

/** The first whose bit is set counts; the kernel sets one at a time. */
const STATES = [
  [NUD_PERMANENT, 'permanent'],
  [NUD_NOARP, 'noarp'],
  [NUD_REACHABLE, 'reachable'],
  [NUD_PROBE, 'probe'],
  [NUD_DELAY, 'delay'],
  [NUD_STALE, 'stale'],
  [NUD_FAILED, 'failed'],
  [NUD_INCOMPLETE, 'incomplete'],
] as const;

/** The state of an ndm_state; `none` when no bit that we know is set. */
export function neighborState(bits: number): (typeof STATES)[number][1] | 'none' {
  return STATES.find(([bit]) => (bits & bit) !== 0)?.[1] ?? 'none';
}
