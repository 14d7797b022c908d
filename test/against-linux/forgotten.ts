/**
 * What zebra itself shows to have forgotten: a route that it put into the kernel and has no more, or one that it keeps by a nexthop which,
 * by its own tracking (`show ip nht`), is resolved by a route that it has no more. Seen with 10.7.1 after a kernel's default route went
 * under a chain of recursive static routes, in one of two zebras with the same events.
 */

/** Asks one zebra: a command of vtysh, its text. */
export type Ask = (command: string) => Promise<string>;

interface Nexthop {
  readonly ip?: string;
  /** It stands for the nexthop before it. */
  readonly resolver?: boolean;
}

interface ZebraEntry {
  readonly selected?: boolean;
  readonly nexthops?: readonly Nexthop[];
}

const family = (text: string): 'ip' | 'ipv6' => (text.includes(':') ? 'ipv6' : 'ip');

/** The route that zebra uses for a prefix; undefined: none. */
async function selected(ask: Ask, prefix: string): Promise<ZebraEntry | undefined> {
  const shown = JSON.parse(await ask(`show ${family(prefix)} route ${prefix} json`)) as Record<string, ZebraEntry[]>;
  return shown[prefix]?.find((entry) => entry.selected === true);
}

/** The prefix that a nexthop is resolved by, in zebra's words; undefined: it isn't, or isn't tracked. */
export function trackedBy(nht: string, gateway: string): string | undefined {
  const lines = nht.split('\n');
  const at = lines.findIndex((line) => line.trim() === gateway || line.startsWith(`${gateway}(`));
  return at < 0 ? undefined : /^ resolved via \S+, prefix (\S+)/.exec(lines[at + 1] ?? '')?.[1];
}

/** Whether the route to `prefix` that is in zebra's kernel is there because zebra forgot something. */
export async function isForgotten(ask: Ask, prefix: string): Promise<boolean> {
  const route = await selected(ask, prefix);
  if (route === undefined) return true;
  const nht = await ask(`show ${family(prefix)} nht`);
  for (const { ip, resolver } of route.nexthops ?? []) {
    const by = ip === undefined || resolver === true ? undefined : trackedBy(nht, ip);
    if (by !== undefined && (await selected(ask, by)) === undefined) return true;
  }
  return false;
}
