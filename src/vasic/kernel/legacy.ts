/**
 * What a softvasic leaves in the kernel for its successor: the links that its programs hang by, the globals that these read and the
 * counters that they write, under names in a BPF file system. A link with a name stays when its process ends, also by kill -9, and forwards by the last tables.
 *
 * Names of a port: `NETNS-IFINDEX-POINT-` and `link`, `globals` or `counters` (NETNS: the inode of the network namespace, as several may
 * share one file system). Globals of another layout are left alone.
 *
 * Owner: the dataplane thread.
 */
import { existsSync, mkdirSync, readdirSync, readlinkSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { linkInterface, pinnedObject, pinObject, type LinkPoint } from '../../sys/bpf';
import { detachLink } from '../../sys/bpf-links';
import { close } from '../../sys/libc';
import { MappedMemory } from '../../sys/mapped-memory';
import { isOver, pastDeadline } from './deadline';
import * as layout from './layout';

const BPF_FS_MAGIC = 0xcafe4a11;
/** Where every layout has its deadline. */
const FIRST_BYTES = 4096;
/** Dots aren't allowed in such names. */
const NAME = /^(\d+)-(\d+)-(xdp|xdp-generic|tcx)-link$/;
const FOLDER = 'softvasic';
const WORD = 4;
const THINGS = ['link', 'globals', 'counters'] as const;
type Thing = (typeof THINGS)[number];

/** A port's link and the globals of the program on it, found under their names. */
export interface Left {
  readonly point: LinkPoint;
  readonly link: number;
  /** Absent: they have another layout. */
  readonly globals?: Uint32Array;
  /** The descriptor of the map of its counters; absent: it has no name. */
  readonly counters?: number;
  /** Gives up globals and counters; the link stays. */
  release(): void;
}

/** A link's name, read. */
interface Name {
  readonly path: string;
  readonly netns: string;
  readonly ifindex: number;
  readonly point: LinkPoint;
}

export class Legacy {
  private readonly folder: string;
  private readonly netns: string;

  /**
   * @param keeps something is to be left here, too
   * @throws Error with the remedy where there is no BPF file system, or nothing was ever left and nothing is to be
   */
  constructor(
    bpffs: string,
    readonly keeps: boolean,
  ) {
    this.netns = /\d+/.exec(readlinkSync('/proc/self/ns/net'))![0];
    this.folder = join(bpffs, FOLDER);
    const mount = `mount -t bpf bpf ${bpffs}, or name another with --bpf-fs`;
    try {
      // The folder may be a mount of its own, as softvasic.service has it.
      const place = existsSync(this.folder) ? this.folder : bpffs;
      if (statfsSync(place).type !== BPF_FS_MAGIC) throw new Error(`${place} is no BPF file system: ${mount}`);
      if (keeps) mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      readdirSync(this.folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw new Error(`there is no ${bpffs}: mkdir -p ${bpffs} && ${mount}`, { cause: error });
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      const uid = process.geteuid!();
      throw new Error(
        `uid ${uid} may not write in ${bpffs}: as root, mkdir -m 700 ${this.folder} && chown ${uid} ${this.folder}, and let it through the folders above`,
        { cause: error },
      );
    }
  }

  private path(ifindex: number, point: string, what: Thing, netns = this.netns): string {
    return join(this.folder, `${netns}-${ifindex}-${point}-${what}`);
  }

  /** The names of links, of whatever namespace; `ifindex`: of those on that interface of this one. */
  private names(ifindex?: number): readonly Name[] {
    return readdirSync(this.folder).flatMap((name) => {
      const [, netns, number, point] = NAME.exec(name) ?? [];
      if (netns === undefined || (ifindex !== undefined && (netns !== this.netns || Number(number) !== ifindex)))
        return [];
      return [{ path: join(this.folder, name), netns, ifindex: Number(number), point: point as LinkPoint }];
    });
  }

  /** What hangs on an interface of this namespace; nothing that hangs nowhere any more. @throws SysError */
  find(ifindex: number): Left | undefined {
    for (const { path, point } of this.names(ifindex)) {
      const link = pinnedObject(path);
      if (linkInterface(link) === ifindex) return this.left(ifindex, point, link);
      close(link);
      this.forget(ifindex, point);
    }
    return undefined;
  }

  /**
   * Takes off what hangs on an interface of this namespace, by names. It takes no right on BPF, only on the file system.
   * @returns whether there was anything
   */
  takeOff(ifindex: number): boolean {
    const names = this.names(ifindex);
    for (const { path, point } of names) {
      try {
        // At once: without its name it goes a little later.
        const link = pinnedObject(path);
        detachLink(link);
        close(link);
      } catch {
        // Its name was what held it.
      }
      this.forget(ifindex, point);
    }
    return names.length > 0;
  }

  /** Ends the tables that what hangs on an interface forwards by, at all ports that have these. */
  end(ifindex: number): void {
    for (const { point } of this.names(ifindex))
      this.atDeadline(ifindex, point, this.netns, (globals) => (globals[layout.GLOBAL_DEADLINE] = pastDeadline()));
  }

  /** Whether something hangs on an interface of this namespace by tables that have ended. */
  isOver(ifindex: number): boolean {
    return this.names(ifindex).some((name) => this.hasEnded(name));
  }

  private hasEnded({ ifindex, point, netns }: Name): boolean {
    const deadline = this.atDeadline(ifindex, point, netns, (globals) => globals[layout.GLOBAL_DEADLINE]!);
    return deadline !== undefined && isOver(deadline);
  }

  /** The globals up to their deadline, of whatever layout. */
  private atDeadline(
    ifindex: number,
    point: LinkPoint,
    netns: string,
    use: (globals: Uint32Array) => number,
  ): number | undefined {
    const fd = this.named(ifindex, point, 'globals', netns);
    if (fd === undefined) return undefined;
    const memory = new MappedMemory(FIRST_BYTES);
    try {
      return use(new Uint32Array(memory.place(fd, FIRST_BYTES)));
    } catch {
      return undefined;
    } finally {
      memory.release();
      close(fd);
    }
  }

  private left(ifindex: number, point: LinkPoint, link: number): Left {
    // Absent where its softvasic was killed between the names.
    const fd = this.named(ifindex, point, 'globals');
    if (fd === undefined) return { point, link, release: () => undefined };
    const bytes = layout.GLOBAL_WORDS * WORD;
    const memory = new MappedMemory(bytes);
    const counters = this.named(ifindex, point, 'counters');
    const release = (): void => {
      memory.release();
      if (counters !== undefined) close(counters);
    };
    try {
      const globals = new Uint32Array(memory.place(fd, bytes));
      if (globals[layout.GLOBAL_LAYOUT] === layout.LAYOUT_VERSION)
        return { point, link, globals, ...(counters !== undefined && { counters }), release };
    } catch {
      // Smaller than this layout's.
    } finally {
      close(fd);
    }
    release();
    return { point, link, release: () => undefined };
  }

  private named(ifindex: number, point: LinkPoint, what: Thing, netns = this.netns): number | undefined {
    try {
      return pinnedObject(this.path(ifindex, point, what, netns));
    } catch {
      return undefined;
    }
  }

  /** Names what is a port's, by descriptors. @throws SysError */
  keep(ifindex: number, point: LinkPoint, things: Readonly<Record<Thing, number>>): void {
    this.forget(ifindex, point);
    // The link last: what has no link is nothing to a successor.
    for (const what of ['globals', 'counters', 'link'] as const)
      pinObject(this.path(ifindex, point, what), things[what]);
  }

  /** Another map has the counters from now on. Where it can't be named, a successor doesn't see what is counted meanwhile. */
  keepCounters(ifindex: number, point: LinkPoint, counters: number): void {
    this.unname(this.path(ifindex, point, 'counters'));
    try {
      pinObject(this.path(ifindex, point, 'counters'), counters);
    } catch {
      // The ports forward by the larger map already, and its link has its name.
    }
  }

  /** The names go; so does the link, with its last descriptor. `netns`: another namespace than this process'. */
  forget(ifindex: number, point: LinkPoint, netns = this.netns): void {
    for (const what of THINGS) this.unname(this.path(ifindex, point, what, netns));
  }

  private unname(path: string): void {
    try {
      unlinkSync(path);
    } catch {
      // There was none.
    }
  }

  /**
   * Forgets what hung on interfaces that are gone, and what forwards by tables that have ended, of whatever namespace. A softvasic
   * that runs has its deadline ahead; one that was stopped for longer keeps what it hung up, by its descriptors.
   */
  sweep(): void {
    if (!existsSync(this.folder)) return;
    for (const name of this.names()) {
      try {
        const link = pinnedObject(name.path);
        const gone = linkInterface(link) === 0;
        close(link);
        if (gone || this.hasEnded(name)) this.forget(name.ifindex, name.point, name.netns);
      } catch {
        // Another softvasic swept, too.
      }
    }
  }
}
