/** Makes a failing history short: events are left out as long as it goes on failing. */
import type { Event, History } from './events';
import { play } from './player';

/** Most plays that a reduction takes. */
const MOST_PLAYS = 2000;

/**
 * The shortest that was found: leaving out any one event makes the fault go away, or there were plays enough. `alive` is called
 * before each.
 */
export async function reduce(history: History, alive: () => void = () => undefined): Promise<History> {
  let events: readonly Event[] = history.events;
  let plays = 0;
  const fails = async (candidate: readonly Event[]): Promise<boolean> => {
    plays++;
    alive();
    return (await play({ ...history, events: candidate }, { operations: 0, packets: 0, checks: 0 })) !== undefined;
  };
  for (let size = Math.ceil(events.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let shorter = true;
    while (shorter) {
      shorter = false;
      for (let at = events.length - size; at > -size && plays < MOST_PLAYS; at -= size) {
        const candidate = events.filter((_, i) => i < at || i >= at + size);
        if (candidate.length === events.length || !(await fails(candidate))) continue;
        events = candidate;
        shorter = true;
      }
    }
  }
  return { ...history, events };
}
