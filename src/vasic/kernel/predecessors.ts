/**
 * Ports are cleared of what an earlier softvasic left there before anything is hung on them or received from them, whichever engine
 * is to forward: else both would forward each packet, or the earlier program, which is the first one at its hook, takes all of them
 * and nobody has them any more. Whoever calls this has the ports' locks, so no softvasic that runs is meant.
 */
import { detachLinkOf, hangingAt, linkProgram, programNames, type Hanging } from '../../sys/bpf-links';
import { interfaceState } from '../../sys/interface';
import { close, SysError, usleep } from '../../sys/libc';
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import type { Legacy } from './legacy';

/** As program-file.ts's programs, and one of their maps, are called in the kernel. */
const PROGRAMS: readonly string[] = ['forward_tc', 'forward_xdp'];
const MAP = 'softvasi.bss';

/** What lost its name goes a little later where it can't be taken off at once. */
const GOING_TRIES = 20;
const GOING_US = 10_000;

export interface Clearing {
  /** Where earlier ones gave names to what they left. */
  readonly legacy?: Legacy | undefined;
  /** What has a name there and still counts stays, as the forwarder goes on with it. */
  readonly inherits: boolean;
}

/** Takes the programs of earlier softvasics off ports; from how many ports. What can't be taken off is warned of. */
export function clearPorts(names: readonly string[], { legacy, inherits }: Clearing, log: Logger): number {
  return names.filter((name) => {
    const ifindex = interfaceState(name)?.ifindex;
    if (ifindex === undefined) return false;
    try {
      if (inherits && legacy !== undefined && !legacy.isOver(ifindex)) {
        const left = legacy.find(ifindex);
        if (left !== undefined) {
          const kept = linkProgram(left.link);
          left.release();
          close(left.link);
          return clearStrangers(name, ifindex, kept, log);
        }
      }
      legacy?.end(ifindex);
      const cleared = legacy?.takeOff(ifindex) ?? false;
      if (cleared) {
        log.info(`port ${name}: the program of an earlier softvasic was taken off`);
        awaitGoing(ifindex);
      }
      return clearStrangers(name, ifindex, undefined, log) || cleared;
    } catch (error) {
      warn(log, name, `it isn't known what hangs on it (${errorText(error)})`);
      return false;
    }
  }).length;
}

function awaitGoing(ifindex: number): void {
  for (let i = 0; i < GOING_TRIES && hangingAt(ifindex).length > 0; i++) usleep(GOING_US);
}

/** What hangs there without a name that is known here: softvasic's is taken off. `kept`: the number of a program that stays. */
function clearStrangers(name: string, ifindex: number, kept: number | undefined, log: Logger): boolean {
  let cleared = false;
  for (const hanging of hangingAt(ifindex)) {
    if (hanging.program === kept) continue;
    const { by, program, link } = hanging;
    try {
      if (!isSoftvasics(hanging)) continue;
      if (link === undefined) throw new Error('it hangs by no link');
      detachLinkOf(link);
      log.info(`port ${name}: the program of an earlier softvasic with another --bpf-fs was taken off`, {
        by,
        program,
        link,
      });
      cleared = true;
    } catch (error) {
      const why = error instanceof SysError && error.code === 'EPERM' ? 'without CAP_SYS_ADMIN' : errorText(error);
      warn(log, name, `program ${program} hangs there (${by}), and softvasic can't see whether it is its own (${why})`);
    }
  }
  return cleared;
}

function isSoftvasics({ program }: Hanging): boolean {
  const names = programNames(program);
  return names !== undefined && PROGRAMS.includes(names.program) && names.maps.includes(MAP);
}

function warn(log: Logger, port: string, fault: string): void {
  log.warn(
    `port ${port}: ${fault}. If an earlier softvasic left it, packets are forwarded twice or lost: as root, softvasic --port ${port} --release takes it off`,
    { code: 'vasic-predecessor' },
  );
}
