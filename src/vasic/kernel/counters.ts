/**
 * The program's counters: for each number and CPU packets and bytes, which the program adds to without atomics. A reading is the sum
 * over the CPUs. When there come to be more numbers, a new map is made beside the old one, which then stands still; both count.
 */
import { readFileSync } from 'node:fs';
import { MappedMemory } from '../../sys/mapped-memory';

/** What passed a counter. */
export interface Count {
  packets: number;
  bytes: number;
}

const PARTS = 2;
const BYTES = 16;

interface Generation {
  readonly memory: MappedMemory;
  readonly values: BigUint64Array;
  readonly numbers: number;
}

export class CounterMemory {
  private readonly generations: Generation[] = [];

  constructor(private readonly cpus: number) {}

  /** The number after the last one. */
  get numbers(): number {
    return this.generations.at(-1)?.numbers ?? 0;
  }

  /** A map of so many numbers for each CPU, which the program counts in from now on. @throws SysError */
  add(fd: number, numbers: number): void {
    const bytes = numbers * this.cpus * BYTES;
    const memory = new MappedMemory(bytes);
    this.generations.push({ memory, values: new BigUint64Array(memory.place(fd, bytes)), numbers });
  }

  /** Sums into `out`. */
  read(number: number, out: Count): void {
    out.packets = 0;
    out.bytes = 0;
    for (const { values, numbers } of this.generations) {
      if (number >= numbers) continue;
      for (let cpu = 0; cpu < this.cpus; cpu++) {
        const at = (cpu * numbers + number) * PARTS;
        out.packets += Number(values[at]);
        out.bytes += Number(values[at + 1]);
      }
    }
  }

  release(): void {
    for (const { memory } of this.generations) memory.release();
  }
}

/** How many CPUs the machine may ever have, going by the highest number. */
export function possibleCpus(): number {
  const text = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim();
  return 1 + Number(/(\d+)$/.exec(text)?.[1] ?? 0);
}
