/**
 * Keeps Linux off a port interface: it must neither answer nor forward there, only the vASIC may.
 *
 * Two lines of defence. A clsact ingress filter drops every frame before Linux's stack sees it (AF_PACKET sees it
 * earlier); it needs `tc`. And per-interface sysctls: no IPv6, no ARP answers, no forwarding. With the filter the sysctls
 * only keep Linux from sending of its own accord (IPv6 router solicitations and the like); without it they are what there
 * is. Addresses on the interface are the operator's: found ones stop the start, they are never removed here.
 *
 * What was changed is undone at a clean exit, on the same interface though it has another name by then. State left by a killed process
 * is accepted and taken over, and undone to what was before that one (isolation-memory.ts).
 */
import { readFileSync } from 'node:fs';
import { formatAddress } from '../../net/address';
import type { Logger } from '../../observe/log';
import { addFilter } from './ingress-filter';
import type { Originals } from './isolation-memory';
import { setSysctls, type Undo } from './isolation-sysctls';
import { interfaceIpv4, interfaceState, setInterfaceUp } from '../../sys/interface';
import { SysError } from '../../sys/libc';
import { lacks } from '../../sys/rights';

/**
 * `auto`: the filter, or else all sysctls, must be in place; `require`: both; `off`: nothing is touched or checked, the
 * operator sees to it.
 */
export type IsolationMode = 'auto' | 'require' | 'off';

/** An interface that is kept from Linux. */
export interface Isolated {
  readonly ifindex: number;
  /** What its sysctls were before any softvasic. */
  readonly originals: Originals;
  /** Undoes, once, what was changed, whatever the interface is called by then; failures are logged. */
  undo(): void;
  /** Another one of the same interface undoes it. */
  supersede(): void;
}

const SCOPE_LINK = 0x20;

/**
 * Isolates one interface and sets it up.
 * @param earlier what was done to this very interface before, and is undone by the result's undo
 * @throws Error with cause and remedy when the interface has addresses or cannot be isolated as `mode` asks
 */
export function isolateInterface(name: string, mode: IsolationMode, log: Logger, earlier?: Isolated): Isolated {
  const state = interfaceState(name);
  if (state === undefined) {
    throw new Error(`no interface ${name} in this network namespace: create it first, or correct --port`);
  }
  const { ifindex } = state;
  const undos: Undo[] = [];
  const undo = (): void =>
    undos
      .splice(0)
      .reverse()
      .forEach((one) => one());
  const isolated = (originals: Originals): Isolated => ({
    ...{ ifindex, originals, undo },
    supersede: () => void undos.splice(0),
  });
  if (mode === 'off') {
    setUp(name);
    return isolated({});
  }
  refuseAddresses(name);
  earlier?.supersede();
  try {
    const { faults, originals } = setSysctls({ name, ifindex, known: earlier?.originals, log }, undos);
    const filterFault = addFilter({ name, ifindex, log }, undos);
    judge(name, mode, filterFault, faults, log);
    setUp(name);
    return isolated(originals);
  } catch (error) {
    undo();
    throw error;
  }
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
