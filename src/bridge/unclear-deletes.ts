/**
 * Routes that zebra withdrew without saying of which table, where several have the prefix (fib/withdrawals.ts). Nothing is guessed: zebra is asked for the prefix in each of
 * them over its vty, and those go that it has no more. What comes over FPM about one meanwhile is newer than the answer.
 *
 * Where zebra can't be asked so, it is made to connect again and to send everything: what it does not send goes with the sweep. That is done once a while at most, and not before
 * the replay that is under way is over.
 */
import { tablesOf } from '../audit/zebra-table';
import { zebraRoutes, type ZebraVty } from '../audit/zebra';
import type { FpmUpdate } from '../fib/updates';
import { formatPrefix, type Prefix } from '../net/address';
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';
import type { Vty } from '../vty/vty';

export interface UnclearDeletesParts {
  /** A conversation with zebra. Rejects when there can be none. */
  readonly open: () => Promise<ZebraVty & Pick<Vty, 'ask' | 'text' | 'close'>>;
  /** zebra has the prefix in this table no more. */
  readonly withdraw: (table: number, prefix: Prefix) => void;
  /** Has zebra send everything again. */
  readonly askAgain: (reason: string) => void;
  /** zebra has sent its table, and what it did not send is swept. */
  readonly replayed: () => boolean;
  /** Runs `action` after `ms`; the result ends that. */
  readonly later: (ms: number, action: () => void) => () => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly log: Logger;
}

/** What comes together is asked together. */
const GATHER_MS = 100;
/** So many are asked for one by one; with more the whole table is no more work. */
const MOST = 10_000;
/** zebra is not made to connect again sooner than so long after the last time. */
const AGAIN_MS = 60_000;

interface Unclear {
  readonly prefix: Prefix;
  readonly tables: Set<number>;
}

export class UnclearDeletes {
  private readonly unclear = new Map<string, Unclear>();
  private cancel: (() => void) | undefined;
  private asking = false;
  private generation = 0;
  /** zebra is to send everything again. */
  private resend = false;
  private resentAt = -Infinity;

  constructor(private readonly parts: UnclearDeletesParts) {}

  /** zebra withdrew the prefix in one of these tables. */
  add(prefix: Prefix, tables: readonly number[]): void {
    if (this.resend) return;
    const copy = { ...prefix, bytes: Uint8Array.from(prefix.bytes) };
    this.unclear.set(formatPrefix(prefix), { prefix: copy, tables: new Set(tables) });
    if (this.unclear.size > MOST) return this.giveUp(`${MOST} routes at once`);
    this.askSoon();
  }

  /** An update comes over FPM. Called for each one. */
  received(update: FpmUpdate): void {
    if (this.unclear.size === 0 || update.kind !== 'routeAdd') return;
    this.unclear.get(formatPrefix(update.prefix))?.tables.delete(update.table);
  }

  /** Has zebra send everything again, when it is time. Call now and then. */
  check(): void {
    const { askAgain, replayed, now } = this.parts;
    if (!this.resend || !replayed() || now() - this.resentAt < AGAIN_MS) return;
    this.resend = false;
    this.resentAt = now();
    askAgain('zebra withdrew routes that several tables have without saying of which');
  }

  /** The session is over: the next one brings everything. */
  close(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.unclear.clear();
    this.resend = false;
    this.asking = false;
    this.generation++;
  }

  private askSoon(): void {
    if (this.asking) return;
    this.cancel ??= this.parts.later(GATHER_MS, () => {
      this.cancel = undefined;
      void this.ask(this.generation);
    });
  }

  private giveUp(reason: string): void {
    this.unclear.clear();
    this.resend = true;
    this.parts.log.info('zebra is asked for all routes again, as it does not say which were withdrawn', { reason });
  }

  private async ask(generation: number): Promise<void> {
    this.asking = true;
    try {
      await this.askAll(generation);
    } catch (error) {
      if (generation === this.generation) this.giveUp(errorText(error));
    }
    if (generation === this.generation) this.asking = false;
  }

  private async askAll(generation: number): Promise<void> {
    const vty = await this.parts.open();
    try {
      const inTable = await tablesOf(vty);
      for (let [next] = this.unclear; next !== undefined; [next] = this.unclear) {
        const [name, unclear] = next;
        for (const table of [...unclear.tables]) {
          const has = await hasRoute(inTable(table), unclear.prefix);
          if (generation !== this.generation) return;
          if (!has && unclear.tables.has(table)) this.parts.withdraw(table, unclear.prefix);
        }
        // Withdrawn a second time meanwhile, it is asked for a second time.
        if (this.unclear.get(name) === unclear) this.unclear.delete(name);
      }
    } finally {
      vty.close();
    }
  }
}

async function hasRoute(vty: ZebraVty, prefix: Prefix): Promise<boolean> {
  let has = false;
  for await (const found of zebraRoutes(vty, { prefix, exactly: true })) has ||= found[1] !== undefined;
  return has;
}
