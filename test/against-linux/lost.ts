/**
 * Subnets that a zebra has lost, by its own words: an interface that it calls up has an address (`show interface json`), and it has no connected route for the address's subnet. Seen
 * with 10.7.1 where `ip address` in vtysh names a second address of the subnet while the interface is down: whether it happens depends on whose message comes first,
 * so it may be in one of two zebras with the same events. The routes by nexthops there are not in that one's kernel, then, or lead elsewhere.
 */
import { formatPrefix, parseAddress, parsePrefix, prefixContains, type Prefix } from '../../src/net/address';
import type { Ask } from './forgotten';

interface ShownInterface {
  readonly operationalStatus?: string;
  readonly ipAddresses?: readonly { readonly address: string; readonly noPrefixRoute?: boolean }[];
}

/** The subnets that this zebra has lost. */
export async function lostSubnets(ask: Ask): Promise<readonly Prefix[]> {
  const interfaces = JSON.parse(await ask('show interface json')) as Record<string, ShownInterface>;
  const lost = new Map<string, Prefix>();
  for (const { operationalStatus, ipAddresses } of Object.values(interfaces)) {
    if (operationalStatus !== 'up') continue;
    for (const { address, noPrefixRoute } of ipAddresses ?? []) {
      const subnet = parsePrefix(address);
      if (subnet === undefined || noPrefixRoute === true || subnet.length === 8 * subnet.bytes.length) continue;
      const name = formatPrefix(subnet);
      const family = subnet.family === 4 ? 'ip' : 'ipv6';
      const shown = JSON.parse(await ask(`show ${family} route ${name} json`)) as Record<
        string,
        readonly { readonly protocol?: string }[]
      >;
      if (shown[name]?.some(({ protocol }) => protocol === 'connected') !== true) lost.set(name, subnet);
    }
  }
  return [...lost.values()];
}

/** Whether a route, as `ip route` shows it, has a gateway on one of the subnets. */
export function leadsInto(route: string, subnets: readonly Prefix[]): boolean {
  return [...route.matchAll(/\bvia (?:inet6? )?(\S+)/g)].some(([, text]) => {
    const gateway = parseAddress(text!);
    return (
      gateway !== undefined &&
      subnets.some((subnet) => subnet.bytes.length === gateway.length && prefixContains(subnet, gateway))
    );
  });
}
