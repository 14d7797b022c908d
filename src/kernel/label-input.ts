/**
 * Whether Linux takes packets with MPLS labels on an interface: the sysctl net.mpls.conf.NAME.input of the network namespace
 * that this process is in. Nothing tells of its changes that every kernel has, so it is read now and then.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SYSCTLS = '/proc/sys/net/mpls';

/** Undefined: the kernel has no MPLS. False too where there is no such interface. */
export function takesLabels(name: string, sysctls = SYSCTLS): boolean | undefined {
  try {
    return readFileSync(join(sysctls, 'conf', name, 'input'), 'utf8').trim() === '1';
  } catch {
    return existsSync(sysctls) ? false : undefined;
  }
}
