/**
 * Samples for the pages that are open, as server-sent events: one reading of the daemon at a time for all of them, none while nobody looks.
 * Events are `sample` (a PageView) and `absent` (why there is none).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../net/error-text';
import { topView, type Sample } from '../control/top-model';
import { takeSample } from '../control/top-sample';
import { pageView } from './page-view';

/** Takes an event's text; what it can't take now it may leave out. */
export type Listener = (event: string) => void;

export class LiveFeed {
  private readonly listeners = new Set<Listener>();
  private last: string | undefined;
  /** Aborted when nobody listens any more. */
  private running: AbortController | undefined;

  constructor(
    private readonly socket: string,
    private readonly intervalMs: number,
  ) {}

  /** Has `listener` told the latest at once, and what comes. Returns what ends that. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    if (this.last !== undefined) listener(this.last);
    if (this.running === undefined) {
      this.running = new AbortController();
      void this.run(this.running.signal);
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.stop();
    };
  }

  private stop(): void {
    this.running?.abort();
    this.running = undefined;
    this.last = undefined;
  }

  private async run(signal: AbortSignal): Promise<void> {
    let before: Sample | undefined;
    while (!signal.aborted) {
      let event: string;
      try {
        const now = await takeSample(this.socket, signal);
        event = eventText('sample', pageView(topView(before, now)));
        before = now;
      } catch (error) {
        event = eventText('absent', { error: errorText(error) });
      }
      if (signal.aborted) return;
      this.last = event;
      for (const listener of this.listeners) listener(event);
      await sleep(this.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function eventText(name: 'sample' | 'absent', data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
