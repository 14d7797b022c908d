/** The sysctls that keep Linux off an interface, and setting them back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import { interfaceName } from '../../sys/interface';
import { IsolationMemory, originalsOf, type Originals } from './isolation-memory';

/** Undoes a change; failures are logged. */
export type Undo = () => void;

/** The interface that is isolated. */
export interface IsolatedOne {
  /** What it is called now. */
  readonly name: string;
  readonly ifindex: number;
  readonly log: Logger;
}

/** Sysctl of an interface → the value that isolates. */
const WANTED = [
  ['ipv6/disable_ipv6', '1'],
  ['ipv4/arp_ignore', '8'],
  ['ipv4/forwarding', '0'],
] as const;

function fileOf(sysctl: string, name: string): string {
  const [family, own] = sysctl.split('/');
  return `/proc/sys/net/${family}/conf/${name}/${own}`;
}

/**
 * Sets the sysctls, and keeps in a file what they were.
 * @param of `known`: what this process knows that they were
 * @returns what is wrong, or nothing; and what they were
 */
export function setSysctls(
  of: IsolatedOne & { readonly known: Originals | undefined },
  undos: Undo[],
): { readonly faults: string[]; readonly originals: Originals } {
  const { name, ifindex, log } = of;
  const memory = new IsolationMemory(ifindex);
  const now = Object.fromEntries(WANTED.flatMap(([sysctl]) => valueOf(sysctl, name)));
  const originals = originalsOf(WANTED, now, of.known ?? memory.recall());
  undos.push(() => memory.forget());
  try {
    memory.keep(originals);
  } catch (error) {
    log.warn(
      `${name}: what its sysctls were can't be kept for the case that this process is killed: ${errorText(error)}`,
      { code: 'vasic-isolation' },
    );
  }
  return { originals, faults: WANTED.flatMap(([sysctl, value]) => setSysctl(of, sysctl, value, originals, undos)) };
}

function valueOf(sysctl: string, name: string): [string, string][] {
  try {
    return [[sysctl, readFileSync(fileOf(sysctl, name), 'utf8').trim()]];
  } catch {
    return []; // setting it says what is wrong
  }
}

/** Sets one sysctl, to be undone to the original; what is wrong, or nothing. */
function setSysctl(of: IsolatedOne, sysctl: string, value: string, originals: Originals, undos: Undo[]): string[] {
  const file = fileOf(sysctl, of.name);
  const before = originals[sysctl];
  try {
    if (before === value) return [];
    writeFileSync(file, value);
    if (before !== undefined) undos.push(() => setBack(of, sysctl, before));
    return [];
  } catch (error) {
    // Without IPv6 in the kernel there is nothing to switch off.
    if (sysctl.startsWith('ipv6/') && isMissing(error)) return [];
    return [`cannot set ${file} to ${value} (${errorText(error)})`];
  }
}

function setBack({ ifindex, log }: IsolatedOne, sysctl: string, before: string): void {
  const name = interfaceName(ifindex);
  if (name === undefined) return;
  const file = fileOf(sysctl, name);
  try {
    writeFileSync(file, before);
  } catch (error) {
    // The interface may be gone, and its sysctls with it.
    if (!isMissing(error))
      log.warn(`cannot set ${file} back to ${before}: ${errorText(error)}`, { code: 'vasic-isolation' });
  }
}

/** There is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
