/**
 * The shortest list of events after which given frames still differ: delta debugging (halves, quarters … taken out, then single
 * ones), each attempt on a new stage, until the time is over.
 */
import type { Event } from './events';

export interface Minimised {
  readonly events: readonly Event[];
  /** Whether the differences came again at all, by these events and frames alone. */
  readonly reproduced: boolean;
  readonly attempts: number;
  readonly complete: boolean;
}

/** `fails`: whether the frames differ after these events. */
export async function minimise(
  events: readonly Event[],
  fails: (events: readonly Event[]) => Promise<boolean>,
  deadline: number,
): Promise<Minimised> {
  let attempts = 0;
  const test = (list: readonly Event[]): Promise<boolean> => {
    attempts++;
    return fails(list);
  };
  if (await test([])) return { events: [], reproduced: true, attempts, complete: true };
  const last = events.slice(-1);
  if (events.length > 1 && (await test(last))) return { events: last, reproduced: true, attempts, complete: true };
  if (!(await test(events))) return { events, reproduced: false, attempts, complete: true };
  let kept = events;
  let pieces = 2;
  while (kept.length > 1) {
    const size = Math.ceil(kept.length / pieces);
    let smaller: readonly Event[] | undefined;
    for (let at = 0; at < kept.length && smaller === undefined; at += size) {
      if (performance.now() > deadline) return { events: kept, reproduced: true, attempts, complete: false };
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await test(rest)) smaller = rest;
    }
    if (smaller !== undefined) {
      kept = smaller;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) break;
    else pieces = Math.min(kept.length, 2 * pieces);
  }
  return { events: kept, reproduced: true, attempts, complete: true };
}
