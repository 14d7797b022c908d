/**
 * Which of zebra's routes it has sent since it connected last: each row has the generation of the replay that confirmed it. What isn't confirmed stays until the
 * replay is over.
 */
import type { Replays } from './replays';
import { ROW } from './route-table';
import type { Rows } from './rows';
import { VRF_TABLES } from './updates';

/** A replay's tables: those that zebra tells whole, or all of them. */
export type ReplayTables = 'told' | 'all';

export class RouteGenerations {
  private current = 0;

  constructor(
    private readonly rows: Rows,
    private readonly replays: Replays,
  ) {}

  /** zebra (re)connected and sends everything again. */
  begin(): void {
    this.current = this.rows.routes.nextGeneration(this.current);
  }

  /** zebra has sent the row's route. */
  confirm(row: number): void {
    const { generation } = this.rows.routes;
    if (generation[row] === this.current) return;
    generation[row] = this.current;
    this.replays.count();
  }

  /** Whether zebra's route has not been confirmed since zebra connected last. */
  isStale(row: number): boolean {
    return this.rows.routes.generation[row] !== this.current;
  }

  /** Whether a replay has to confirm zebra's route, and has not. */
  isAwaited(row: number): boolean {
    return this.isSwept(row, 'told') && this.isStale(row);
  }

  /** How many of zebra's routes that a replay has to confirm it has confirmed, and how many not. Looks at all rows. */
  standing(): { confirmed: number; unconfirmed: number } {
    const standing = { confirmed: 0, unconfirmed: 0 };
    for (let row = 1; row < this.rows.routes.end; row++) {
      if (!this.isSwept(row, 'told')) continue;
      if (this.isStale(row)) standing.unconfirmed++;
      else standing.confirmed++;
    }
    return standing;
  }

  /** The rows that a replay, which is over, has not confirmed. They may be removed as they come. */
  *unconfirmed(tables: ReplayTables): Generator<number> {
    for (let row = 1; row < this.rows.routes.end; row++) if (this.isSwept(row, tables) && this.isStale(row)) yield row;
  }

  /** Whether the row is a route of zebra that a replay has to confirm. */
  private isSwept(row: number, tables: ReplayTables): boolean {
    const { routes, vrfs } = this.rows;
    if (!routes.live(row) || (routes.flags[row]! & ROW.zebra) === 0) return false;
    // zebra's replay leaves out plain tables (those of no VRF): absence says nothing there.
    const table = routes.tableOf(row);
    return tables === 'all' || table >= VRF_TABLES || vrfs.isReplayed(table);
  }
}
