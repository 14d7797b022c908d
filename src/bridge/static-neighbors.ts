/** Neighbors that the configuration names: they are there as soon as their TAP is, and again whenever it is made anew. */
import type { Config } from '../config/types';
import { bytesEqual } from '../net/address';
import type { KernelUpdate, LinkChange } from '../fib/updates';

/** What follows from the kernel's news of a link: its static neighbors. Nothing for other news, and when the link is gone. */
export function staticNeighbors(entries: Config['neighbors']['static'], update: KernelUpdate): KernelUpdate[] {
  if (update.kind !== 'link' || !update.present) return [];
  const { ifindex, name } = update;
  return entries
    .filter(({ tap }) => tap === name)
    .map(({ address, mac }) => ({
      kind: 'neighborAdd' as const,
      source: 'static' as const,
      ifindex,
      address,
      mac,
      state: 'permanent' as const,
    }));
}

/** What becomes of the static neighbors of a link when the configuration has others. */
export function neighborChanges(
  before: Config['neighbors']['static'],
  after: Config['neighbors']['static'],
  link: LinkChange,
): KernelUpdate[] {
  const gone = before.filter(
    ({ tap, address }) =>
      tap === link.name && !after.some((entry) => entry.tap === tap && bytesEqual(entry.address, address)),
  );
  return [
    ...gone.map(({ address }) => ({
      kind: 'neighborDelete' as const,
      source: 'static' as const,
      ifindex: link.ifindex,
      address,
    })),
    ...staticNeighbors(after, link),
  ];
}
