/**
 * The slot tables of load balancers written lately. zebra gives a route whose nexthops change another nexthop id more often
 * than it changes the id: the new id's table then starts from the one that resembles it most, so that flows stay there too.
 */
import type { WeightedTarget } from './path-slots';
import type { Token } from '../aft/model';

/** As many are compared for each new table. */
const KEPT = 64;
/** Of all targets of two tables, so many have to be in both. */
const ALIKE = 1 / 3;

interface Kept {
  readonly slots: readonly Token[];
  readonly targets: ReadonlySet<Token>;
}

export class RecentTables {
  /** By load balancer, the latest last. */
  private readonly tables = new Map<Token, Kept>();

  clear(): void {
    this.tables.clear();
  }

  note(balancer: Token, slots: readonly Token[]): void {
    this.tables.delete(balancer);
    this.tables.set(balancer, { slots, targets: new Set(slots) });
    if (this.tables.size <= KEPT) return;
    for (const oldest of this.tables.keys()) {
      this.tables.delete(oldest);
      return;
    }
  }

  forget(balancer: Token): void {
    this.tables.delete(balancer);
  }

  /** The table that has most of these targets and fewest others, the latest of equals; undefined when none is alike. */
  closest(targets: readonly WeightedTarget[]): readonly Token[] | undefined {
    let best: Kept | undefined;
    let bestScore = ALIKE;
    for (const kept of this.tables.values()) {
      const common = targets.reduce((count, { target }) => count + (kept.targets.has(target) ? 1 : 0), 0);
      const score = common / (targets.length + kept.targets.size - common);
      if (score < bestScore) continue;
      best = kept;
      bestScore = score;
    }
    return best?.slots;
  }
}
