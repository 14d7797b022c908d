/**
 * What the sysctls of a port interface were before the first softvasic changed them, in a file under /run: a softvasic that was
 * killed undoes nothing, and the next one finds its changes and not what was before. One file an interface, by network
 * namespace, name and index; it goes when the changes are undone. systemd removes the folder of the socket whenever the unit stops,
 * so this one is another.
 *
 * Numbers of namespaces and interfaces come again. So what a file says counts only while the interface is as a softvasic left it.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

export const STATE_DIR = '/run/softvasic-state';

/** Sysctl (under /proc/sys/net) → its value before. */
export type Originals = Readonly<Record<string, string>>;

/**
 * What the sysctls were before any softvasic, by what they are `now`. What was `known` then counts where all are as one leaves them: as wanted; or,
 * where it was killed while it set them in this order, or set them back from the last on, the first ones as wanted and the others as known.
 */
export function originalsOf(
  wanted: readonly (readonly [path: string, value: string])[],
  now: Originals,
  known: Originals | undefined,
): Originals {
  const first = wanted.findIndex(([path, value]) => now[path] !== undefined && now[path] !== value);
  const isLeft = first === -1 || wanted.slice(first).every(([path]) => now[path] === known?.[path]);
  return { ...now, ...(isLeft ? known : undefined) };
}

export class IsolationMemory {
  private readonly file: string;

  constructor(
    name: string,
    ifindex: number,
    private readonly dir = STATE_DIR,
  ) {
    this.file = join(dir, `isolation-${statSync('/proc/self/ns/net').ino}-${ifindex}-${name}.json`);
  }

  /** What an earlier softvasic found; undefined: nothing is known. */
  recall(): Originals | undefined {
    try {
      const found = JSON.parse(readFileSync(this.file, 'utf8')) as unknown;
      if (typeof found !== 'object' || found === null) return undefined;
      const known = Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
      return Object.fromEntries(known);
    } catch {
      return undefined; // none, or cut short by a full disk
    }
  }

  /** @throws when the folder can't be written */
  keep(originals: Originals): void {
    // Not written over for nothing: where others fill the disk meanwhile, nothing would be left of it.
    if (isDeepStrictEqual(this.recall(), originals)) return;
    mkdirSync(this.dir, { recursive: true, mode: 0o755 });
    try {
      writeFileSync(this.file, JSON.stringify(originals), { mode: 0o600 });
    } catch (error) {
      // A part of it is no use, and takes what room there is.
      this.forget();
      throw error;
    }
  }

  forget(): void {
    rmSync(this.file, { force: true });
  }
}
