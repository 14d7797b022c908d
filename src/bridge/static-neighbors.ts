/** Neighbors that the configuration names: they are there as soon as their TAP is, and again whenever it is made anew. */
import type { Config } from '../config/types';
import type { KernelUpdate } from '../fib/updates';

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
