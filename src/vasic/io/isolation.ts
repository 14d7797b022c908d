/**
 * Keeps Linux off a port interface: it must neither answer nor forward there, only the vASIC may.
 *
 * Two lines of defence. A clsact ingress filter drops every frame before Linux's stack sees it (AF_PACKET sees it
 * earlier); it needs `tc`. And per-interface sysctls: no IPv6, no ARP answers, no forwarding. With the filter the sysctls
 * only keep Linux from sending of its own accord (IPv6 router solicitations and the like); without it they are what there
 * is. Addresses on the interface are the operator's: found ones stop the start, they are never removed here.
 *
 * What was changed is undone at a clean exit. State left by a killed process is accepted and taken over, and undone to what was
 * before that one (isolation-memory.ts).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { formatAddress } from '../../net/address';
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import { IsolationMemory, originalsOf } from './isolation-memory';
import { interfaceIpv4, interfaceState, setInterfaceUp } from '../../sys/interface';
import { SysError } from '../../sys/libc';
import { lacks } from '../../sys/rights';

/**
 * `auto`: the filter, or else all sysctls, must be in place; `require`: both; `off`: nothing is touched or checked, the
 * operator sees to it.
 */
export type IsolationMode = 'auto' | 'require' | 'off';

/** Undoes what isolating one interface changed; failures are logged. */
export type Undo = () => void;

/** The kernel's text for "return TC_ACT_SHOT" in classic BPF. */
const DROP_ALL = '1,6 0 0 2';
/** Ours among the filters of an interface, so that it can be replaced and removed. */
const FILTER_ID = ['pref', '1', 'protocol', 'all', 'handle', '0x1'];
const SCOPE_LINK = 0x20;

/** Sysctl (under /proc/sys/net) → the value that isolates. */
function sysctlsOf(name: string): readonly (readonly [path: string, value: string])[] {
  return [
    [`ipv6/conf/${name}/disable_ipv6`, '1'],
    [`ipv4/conf/${name}/arp_ignore`, '8'],
    [`ipv4/conf/${name}/forwarding`, '0'],
  ];
}

/**
 * Isolates one interface and sets it up.
 * @returns how to undo it
 * @throws Error with cause and remedy when the interface has addresses or cannot be isolated as `mode` asks
 */
export function isolateInterface(name: string, mode: IsolationMode, log: Logger): Undo {
  const state = interfaceState(name);
  if (state === undefined) {
    throw new Error(`no interface ${name} in this network namespace: create it first, or correct --port`);
  }
  if (mode === 'off') {
    setUp(name);
    return () => undefined;
  }
  refuseAddresses(name);
  const undos: Undo[] = [];
  const undo = (): void =>
    undos
      .splice(0)
      .reverse()
      .forEach((one) => one());
  try {
    const sysctlFaults = setSysctls(name, state.ifindex, undos, log);
    const filterFault = addFilter(name, undos, log);
    judge(name, mode, filterFault, sysctlFaults, log);
    setUp(name);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

function setUp(name: string): void {
  try {
    setInterfaceUp(name);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== 'EPERM') throw error;
    throw new Error(`cannot set port interface ${name} up: ${lacks('CAP_NET_ADMIN')}`, { cause: error });
  }
}

function judge(name: string, mode: IsolationMode, filter: string | undefined, sysctls: string[], log: Logger): void {
  if (filter === undefined && sysctls.length === 0) {
    log.debug(`${name}: isolated from Linux (ingress filter, no IPv6, no ARP answers, no forwarding)`);
    return;
  }
  const faults = [...(filter === undefined ? [] : [`no ingress filter (${filter})`]), ...sysctls].join('; ');
  if (mode === 'require' || (filter !== undefined && sysctls.length > 0)) {
    throw new Error(
      `cannot keep Linux off port interface ${name}: ${faults}. Install tc (package iproute2) and run as root with a ` +
        `writable /proc/sys, or isolate it yourself and start with --isolation off`,
    );
  }
  log.warn(
    filter === undefined
      ? `${name}: ${faults}. The ingress filter keeps Linux from answering, but it may still send IPv6 packets of its own`
      : `${name}: ${faults}. Linux is kept off by having no address, IPv6, ARP answers and forwarding there; ` +
          `don't add addresses to ${name}`,
    { code: 'vasic-isolation' },
  );
}

function refuseAddresses(name: string): void {
  const found = interfaceIpv4(name) ?? globalIpv6(name);
  if (found === undefined) return;
  throw new Error(
    `port interface ${name} has the address ${formatAddress(found)}: Linux would answer for the vASIC. ` +
      `Is this machine reached by it? Then choose another interface; else take its addresses away: ip addr flush dev ${name}`,
  );
}

/** An IPv6 address other than link-local ones, which go away with disable_ipv6. */
function globalIpv6(name: string): Uint8Array | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/net/if_inet6', 'utf8');
  } catch {
    return undefined; // a kernel without IPv6
  }
  for (const line of table.split('\n')) {
    const [address, , , scope, , device] = line.trim().split(/\s+/);
    if (device === name && parseInt(scope!, 16) !== SCOPE_LINK) return Uint8Array.from(Buffer.from(address!, 'hex'));
  }
  return undefined;
}

/** Sets the sysctls, and keeps in a file what they were; what is wrong, or nothing. */
function setSysctls(name: string, ifindex: number, undos: Undo[], log: Logger): string[] {
  const memory = new IsolationMemory(name, ifindex);
  const wanted = sysctlsOf(name);
  const now = Object.fromEntries(wanted.flatMap(([path]) => valueOf(path)));
  const before = originalsOf(wanted, now, memory.recall());
  undos.push(() => memory.forget());
  try {
    memory.keep(before);
  } catch (error) {
    log.warn(
      `${name}: what its sysctls were can't be kept for the case that this process is killed: ${errorText(error)}`,
      { code: 'vasic-isolation' },
    );
  }
  return wanted.flatMap(([path, value]) => setSysctl(path, value, before[path], undos, log));
}

function valueOf(path: string): [string, string][] {
  try {
    return [[path, readFileSync(`/proc/sys/net/${path}`, 'utf8').trim()]];
  } catch {
    return []; // setting it says what is wrong
  }
}

/** Sets one sysctl, to be undone to `before`; what is wrong, or nothing. */
function setSysctl(path: string, value: string, before: string | undefined, undos: Undo[], log: Logger): string[] {
  const file = `/proc/sys/net/${path}`;
  try {
    if (before === value) return [];
    writeFileSync(file, value);
    if (before === undefined) return [];
    undos.push(() => {
      try {
        writeFileSync(file, before);
      } catch (error) {
        // The interface may be gone, and its sysctls with it.
        if (!missing(error))
          log.warn(`cannot set ${file} back to ${before}: ${errorText(error)}`, { code: 'vasic-isolation' });
      }
    });
    return [];
  } catch (error) {
    // Without IPv6 in the kernel there is nothing to switch off.
    if (path.startsWith('ipv6/') && missing(error)) return [];
    return [`cannot set ${file} to ${value} (${errorText(error)})`];
  }
}

/** Installs the drop-everything filter; what is wrong, or undefined. */
function addFilter(name: string, undos: Undo[], log: Logger): string | undefined {
  const made = tc('qdisc', 'add', 'dev', name, 'clsact');
  const existed = made !== undefined && /exclusivity|file exists/i.test(made);
  if (made !== undefined && !existed) return made;
  const filter = tc('filter', 'replace', 'dev', name, 'ingress', ...FILTER_ID, 'bpf', 'da', 'bytecode', DROP_ALL);
  if (filter !== undefined) {
    if (!existed) tc('qdisc', 'del', 'dev', name, 'clsact');
    return filter;
  }
  undos.push(() => {
    if (interfaceState(name) === undefined) return;
    const fault =
      tc('filter', 'del', 'dev', name, 'ingress', ...FILTER_ID, 'bpf') ??
      // A clsact found at the start may be a killed softvasic's: it goes unless somebody else's filters hang on it.
      (existed && hasFilters(name) ? undefined : tc('qdisc', 'del', 'dev', name, 'clsact'));
    if (fault !== undefined)
      log.warn(`cannot remove the ingress filter of ${name}: ${fault}; tc qdisc del dev ${name} clsact`, {
        code: 'vasic-isolation',
      });
  });
  return undefined;
}

function hasFilters(name: string): boolean {
  return ['ingress', 'egress'].some((side) => {
    const shown = spawnSync('tc', ['filter', 'show', 'dev', name, side], { encoding: 'utf8' });
    return shown.stdout.trim() !== '';
  });
}

/** Runs tc; undefined when it succeeded, else its complaint. */
function tc(...args: string[]): string | undefined {
  const result = spawnSync('tc', args, { encoding: 'utf8', timeout: 5000 });
  if (result.error !== undefined) return missing(result.error) ? 'tc is not installed' : `tc: ${result.error.message}`;
  if (result.status === 0) return undefined;
  return result.stderr.trim().replace(/\s*\n\s*/g, ' ') || `tc ${args.join(' ')}: exit status ${result.status}`;
}

function missing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
