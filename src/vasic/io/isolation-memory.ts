/**
 * What the sysctls of a port interface were before the first softvasic changed them, in a file under /run: a softvasic that was
 * killed undoes nothing, and the next one finds its changes and not what was before. One file an interface, by network
 * namespace and index, as it may be renamed; it goes when the changes are undone, or a softvasic starts and the interface is gone. systemd
 * removes the folder of the socket whenever the unit stops, so this one is another.
 *
 * Files of a softvasic before this one had the interface's name behind the index, and in their sysctls. They are read, too.
 *
 * Numbers of namespaces and interfaces come again. So what a file says counts only while the interface is as a softvasic left it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

export const STATE_DIR = '/run/softvasic-state';

/** Sysctl of an interface, such as `ipv4/forwarding` → its value before. */
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

/** The namespace's number and the interface's index, and the name that files had before. */
const FILE = /^isolation-(\d+)-(\d+)(-.*)?\.json$/;
const OLD_SYSCTL = /^(ipv[46])\/conf\/.*\/(\w+)$/;

const ownNetns = (): number => statSync('/proc/self/ns/net').ino;

/** The files of this network namespace's interfaces. */
function filesHere(dir: string): { readonly path: string; readonly ifindex: number }[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return [];
  }
  const here = String(ownNetns());
  return names.flatMap((name) => {
    const [, netns, ifindex] = FILE.exec(name) ?? [];
    return netns === here ? [{ path: join(dir, name), ifindex: Number(ifindex) }] : [];
  });
}

/** Removes what is known of interfaces of this network namespace that are gone. */
export function forgetGone(isThere: (ifindex: number) => boolean, dir = STATE_DIR): void {
  for (const { path, ifindex } of filesHere(dir)) {
    if (isThere(ifindex)) continue;
    try {
      rmSync(path, { force: true });
    } catch {
      // Somebody else's: it is no use, and does no harm.
    }
  }
}

export class IsolationMemory {
  private readonly file: string;

  constructor(
    private readonly ifindex: number,
    private readonly dir = STATE_DIR,
  ) {
    this.file = join(dir, `isolation-${ownNetns()}-${ifindex}.json`);
  }

  /** What an earlier softvasic found; undefined: nothing is known. */
  recall(): Originals | undefined {
    for (const path of [this.file, ...this.oldFiles()]) {
      const found = originalsIn(path);
      if (found !== undefined) return found;
    }
    return undefined;
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
    for (const path of [this.file, ...this.oldFiles()]) rmSync(path, { force: true });
  }

  /** The first written first: where the interface was renamed meanwhile, that one has what was before. */
  private oldFiles(): string[] {
    const old = filesHere(this.dir).filter(({ path, ifindex }) => ifindex === this.ifindex && path !== this.file);
    return old.map(({ path }) => path).sort((one, other) => statSync(one).mtimeMs - statSync(other).mtimeMs);
  }
}

function originalsIn(path: string): Originals | undefined {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as unknown;
    if (typeof found !== 'object' || found === null) return undefined;
    const known = Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return Object.fromEntries(known.map(([sysctl, value]) => [sysctl.replace(OLD_SYSCTL, '$1/$2'), value]));
  } catch {
    return undefined; // none, or cut short by a full disk
  }
}
