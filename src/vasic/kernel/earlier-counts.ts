/**
 * What the programs of an earlier softvasic go on to count at ports while its tables are in force, from when the present one has these
 * ports: told together with what the present one's program counts there. What was counted before isn't.
 *
 * Owner: the dataplane thread.
 */
import { mapEntries } from '../../sys/bpf';
import { CounterMemory, type Count } from './counters';

interface Watched {
  readonly memory: CounterMemory;
  /** The number of the port's first counter there; the others follow. */
  readonly first: number;
  /** What these had when it began. */
  readonly before: readonly Count[];
}

export class EarlierCounts {
  private readonly watched = new Map<number, Watched>();
  /** By port, of what isn't watched any more. */
  private readonly settled = new Map<number, readonly Count[]>();

  /** @param countersOfPort how many counters with numbers in a row a port has, in both programs */
  constructor(
    private readonly cpus: number,
    private readonly countersOfPort: number,
  ) {}

  /**
   * Begins with a port, unless there is no memory for it. `counters`: the descriptor of the other program's counter map, used during the
   * call only.
   */
  watch(port: number, counters: number, first: number): void {
    const memory = new CounterMemory(this.cpus);
    try {
      memory.add(counters, mapEntries(counters) / this.cpus);
    } catch {
      return; // What counts is that packets are forwarded.
    }
    this.watched.set(port, { memory, first, before: this.readAll(memory, first) });
  }

  /** Ends with a port; what was counted stays. Nothing happens where it isn't watched. */
  settle(port: number): void {
    const watched = this.watched.get(port);
    if (watched === undefined) return;
    const sums = Array.from({ length: this.countersOfPort }, (_, index) => {
      const sum = { packets: 0, bytes: 0 };
      this.addTo(sum, port, index);
      return sum;
    });
    this.settled.set(port, sums);
    this.watched.delete(port);
    watched.memory.release();
  }

  /** Adds to `out` what the port's counter with this index counted. */
  addTo(out: Count, port: number, index: number): void {
    add(out, this.settled.get(port)?.[index], 1);
    const watched = this.watched.get(port);
    if (watched === undefined) return;
    const now = { packets: 0, bytes: 0 };
    watched.memory.read(watched.first + index, now);
    add(out, now, 1);
    add(out, watched.before[index], -1);
  }

  close(): void {
    for (const { memory } of this.watched.values()) memory.release();
    this.watched.clear();
  }

  private readAll(memory: CounterMemory, first: number): readonly Count[] {
    return Array.from({ length: this.countersOfPort }, (_, index) => {
      const count = { packets: 0, bytes: 0 };
      memory.read(first + index, count);
      return count;
    });
  }
}

function add(out: Count, count: Count | undefined, sign: 1 | -1): void {
  if (count === undefined) return;
  out.packets += sign * count.packets;
  out.bytes += sign * count.bytes;
}
