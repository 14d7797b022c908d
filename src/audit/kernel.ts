/**
 * The kernel's links, addresses and neighbors on the ports, read anew, compared with what the FIB was told of them. What looks
 * wrong is compared a second time after a pause, as the news of it may be on its way.
 */
import type { KernelMessage } from '../kernel/decode';
import { addressOwner } from '../fib/host-entries';
import type { Fib } from '../fib/fib';
import { isUsable } from '../fib/neighbors';
import { formatAddress, formatMac, isLinkLocal } from '../net/address';
import type { DifferenceKind } from '../control/audit-types';
import type { Findings } from './findings';

export interface KernelParts {
  readonly fib: Fib;
  /** TAPs of the ports. */
  readonly taps: readonly string[];
  /** Whether neighbors are learned from the kernel. */
  readonly neighbors: boolean;
  readonly dump: () => Promise<readonly KernelMessage[]>;
  readonly pause: () => Promise<void>;
}

interface Difference {
  readonly kind: DifferenceKind;
  readonly what: string;
  readonly why: string;
}

/** Compares, and adds to the findings. Rejects when the kernel can't be asked. */
export async function auditKernel(parts: KernelParts, findings: Findings): Promise<void> {
  const first = compareKernel(parts, await parts.dump());
  findings.compared += first.compared;
  if (first.differences.size === 0) return;
  await parts.pause();
  const second = compareKernel(parts, await parts.dump());
  for (const [name, difference] of second.differences) {
    if (first.differences.has(name)) findings.add(difference.kind, () => difference);
  }
}

/** One comparison: differences by a name that is the same for the same one. */
export function compareKernel(
  { fib, taps, neighbors }: Pick<KernelParts, 'fib' | 'taps' | 'neighbors'>,
  messages: readonly KernelMessage[],
): { compared: number; differences: Map<string, Difference> } {
  const differences = new Map<string, Difference>();
  let compared = 0;
  const differ = (kind: DifferenceKind, what: string, why: string): void =>
    void differences.set(`${kind} ${what} ${why}`, { kind, what, why });
  const ports = new Set<number>();
  const owners = new Set<string>();
  const known = new Set<string>();
  const nameOf = (ifindex: number): string => fib.interfaces.nameOf(ifindex);

  for (const message of messages) {
    if (message.kind !== 'link' || !taps.includes(message.name)) continue;
    compared++;
    ports.add(message.ifindex);
    const link = fib.interfaces.get(message.ifindex);
    if (link === undefined) differ('missing', message.name, 'the kernel has the interface, the FIB knows none');
    else if (link.up !== message.up) {
      const [kernel, here] = [message.up, link.up].map((up) => (up ? 'up' : 'down'));
      differ('differs', message.name, `the kernel calls it ${kernel}, the FIB ${here}`);
    } else if (link.name !== message.name) {
      differ('differs', message.name, `the FIB calls the interface ${link.name}`);
    }
  }
  for (const ifindex of fib.interfaces.portInterfaces()) {
    if (!ports.has(ifindex)) differ('surplus', nameOf(ifindex), 'the FIB knows an interface that the kernel has not');
  }

  for (const message of messages) {
    if (!ports.has(message.ifindex) || message.kind === 'link') continue;
    const where = `${formatAddress(message.address)} on ${nameOf(message.ifindex)}`;
    if (message.kind === 'address') {
      if (isLinkLocal(message.address)) continue;
      compared++;
      owners.add(addressOwner(message));
    } else if (neighbors) {
      compared++;
      known.add(where);
      const told = fib.neighbors.find(message.ifindex, message.address)?.told.get('kernel');
      const [has, here] = [describeNeighbor(message), describeNeighbor(told)];
      if (told === undefined) differ('missing', `neighbor ${where}`, `the kernel has it (${has}), the FIB has not`);
      else if (has !== here) differ('differs', `neighbor ${where}`, `the kernel says ${has}, the FIB has ${here}`);
    }
  }

  const hosts = new Set<string>();
  for (const { owner } of fib.rows.hostOwners()) if (owner.startsWith('address ')) hosts.add(owner);
  const addressText = (owner: string): string => {
    const [, ifindex, ...text] = owner.split(' ');
    return `address ${text.join(' ')} on ${nameOf(Number(ifindex))}`;
  };
  for (const owner of owners) {
    if (!hosts.has(owner)) differ('missing', addressText(owner), 'the kernel has it, the FIB has not');
  }
  for (const owner of hosts) {
    if (!owners.has(owner)) differ('surplus', addressText(owner), 'the FIB has it, the kernel has not');
  }
  for (const neighbor of fib.neighbors.all()) {
    if (!neighbor.told.has('kernel')) continue;
    const where = `${formatAddress(neighbor.address)} on ${nameOf(neighbor.ifindex)}`;
    if (!known.has(where)) differ('surplus', `neighbor ${where}`, 'the FIB has it, the kernel has not');
  }
  return { compared, differences };
}

/** States that come and go by themselves make no difference, as long as the neighbor is usable in all of them. */
function describeNeighbor(
  neighbor:
    | (Pick<Extract<KernelMessage, { kind: 'neighbor' }>, 'state'> & { readonly mac?: Uint8Array | undefined })
    | undefined,
): string {
  if (neighbor?.mac === undefined || !isUsable(neighbor.state)) return 'no usable hardware address';
  return formatMac(neighbor.mac);
}
