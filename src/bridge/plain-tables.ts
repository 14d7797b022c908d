/**
 * Plain tables: those that routes were put into by their number, and that belong to no VRF. When zebra connects it sends the tables of
 * its VRFs and leaves these out (FRR's `rib_tables_iter`), so zebra is asked for them over its vty, and what it answers counts as
 * replayed. What comes over FPM about a route while the answer is on its way is newer than the answer.
 *
 * Where zebra can't be asked, what comes over FPM is all that is known, and nothing is taken as gone that isn't heard of.
 */
import { zebraRoutes, type ZebraVty } from '../audit/zebra';
import { inPlainTable } from '../audit/zebra-table';
import type { Fib } from '../fib/fib';
import { NO_TABLE, type FpmUpdate, type RouteAdd } from '../fib/updates';
import { formatPrefix, type Prefix } from '../net/address';
import { errorText } from '../net/error-text';
import { protocolNumber } from '../net/protocol';
import type { Logger } from '../observe/log';
import { Vty } from '../vty/vty';
import { later } from './later';

export interface PlainTablesParts {
  /** The tables that zebra leaves out of its replay, of those that are forwarded by. */
  readonly tables: () => readonly number[];
  /** A conversation with zebra. Rejects when there can be none. */
  readonly open: () => Promise<ZebraVty & { close(): void }>;
  /** A route of zebra's answer. */
  readonly apply: (route: RouteAdd) => void;
  /** All of a table has been applied: what wasn't in it is gone. */
  readonly read: (table: number) => void;
  /** Runs `action` after `ms`; the result ends that. */
  readonly later: (ms: number, action: () => void) => () => void;
  readonly log: Logger;
}

/** zebra has connected, and may have come up just before: what it is configured with is there after so long. */
const SETTLE_MS = 1000;
const RETRY_MS = 1000;
/** How often zebra is asked that doesn't answer. */
const ATTEMPTS = 5;
/** What zebra gives as the metric of every route over FPM. */
const METRIC = 20;
/** RTPROT_ZEBRA, for a protocol whose name says nothing to us. */
const ZEBRA = 11;

/** Everything, as zebra is asked for it. */
const ALL: readonly Prefix[] = [
  { family: 4, bytes: new Uint8Array(4), length: 0 },
  { family: 6, bytes: new Uint8Array(16), length: 0 },
];

export class PlainTables {
  private cancel: (() => void) | undefined;
  private attempt = 0;
  private generation = 0;
  /** Table and prefix of what came over FPM since zebra was asked. */
  private newer: Set<string> | undefined;

  constructor(private readonly parts: PlainTablesParts) {}

  /** zebra has connected and replays its VRFs. */
  begin(): void {
    this.close();
    if (this.parts.tables().length > 0) this.askIn(SETTLE_MS);
  }

  /** What a sweep has to wait for, in words; undefined: nothing. */
  get waitingFor(): string | undefined {
    if (this.cancel === undefined && this.newer === undefined) return undefined;
    return `zebra's answer about table ${this.parts.tables().join(', ')}`;
  }

  /** An update comes over FPM. Called for each one. */
  received(update: FpmUpdate): void {
    if (this.newer === undefined || (update.kind !== 'routeAdd' && update.kind !== 'routeDelete')) return;
    const tables = update.table === NO_TABLE ? this.parts.tables() : [update.table];
    for (const table of tables) this.newer.add(nameOf(table, update.prefix));
  }

  /** Nothing is asked any more. */
  close(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.newer = undefined;
    this.attempt = 0;
    this.generation++;
  }

  private askIn(ms: number): void {
    this.cancel = this.parts.later(ms, () => {
      this.cancel = undefined;
      void this.ask(this.generation);
    });
  }

  private async ask(generation: number): Promise<void> {
    const { tables, log } = this.parts;
    const asked = tables();
    this.newer = new Set();
    try {
      const routes = await this.readAll(asked, generation);
      if (generation !== this.generation) return;
      this.newer = undefined;
      log.info('zebra was asked for the tables that it does not replay', { tables: asked.join(', '), routes });
    } catch (error) {
      if (generation !== this.generation) return;
      this.newer = undefined;
      if (++this.attempt < ATTEMPTS) return this.askIn(RETRY_MS);
      log.warn(
        'zebra can not be asked for the tables that it does not replay: routes that it had there before it connected are not ' +
          'known, and left to Linux until zebra sends them again',
        { code: 'fpm-tables-unknown', tables: asked.join(', '), reason: errorText(error) },
      );
    }
  }

  private async readAll(tables: readonly number[], generation: number): Promise<number> {
    const vty = await this.parts.open();
    let routes = 0;
    try {
      for (const table of tables) {
        const inTable: ZebraVty = { ask: (command) => vty.ask(inPlainTable(command, table)) };
        for (const prefix of ALL) {
          for await (const [found, route] of zebraRoutes(inTable, { prefix, exactly: false })) {
            if (generation !== this.generation) return routes;
            // What is about to change comes over FPM; so does what has an encapsulation, when its protocol touches it.
            if (route === undefined || route.leaving || route.target === undefined) continue;
            if (this.newer?.has(nameOf(table, found)) === true) continue;
            const protocol = protocolNumber(route.protocol) ?? ZEBRA;
            this.parts.apply({
              ...{ kind: 'routeAdd', table, prefix: found, protocol, metric: METRIC, target: route.target },
            });
            routes++;
          }
        }
        this.parts.read(table);
      }
      return routes;
    } finally {
      vty.close();
    }
  }
}

/** The plain tables of a FIB, asked of the zebra of this vty socket. */
export function plainTablesOf({
  fib,
  vtyPath,
  soon,
  log,
}: {
  readonly fib: Fib;
  readonly vtyPath: string;
  /** Asks for another turn: the FIB has changed. */
  readonly soon: () => void;
  readonly log: Logger;
}): PlainTables {
  return new PlainTables({
    tables: () => [...fib.vrfs.tables].filter((table) => fib.vrfs.isPlain(table)),
    open: () => Vty.open(vtyPath),
    apply: (route) => {
      fib.applyFpm(route);
      soon();
    },
    read: (table) => fib.vrfs.tableTold(table),
    ...{ later, log },
  });
}

function nameOf(table: number, prefix: Prefix): string {
  return `${table} ${formatPrefix(prefix)}`;
}
