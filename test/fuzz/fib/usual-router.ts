/** Where most histories begin: a router that works. */
import type { FpmUpdate, KernelUpdate, NexthopPath } from '../../../src/fib/updates';
import { parseAddress, parsePrefix } from '../../../src/net/address';
import { ifindexOf, TABLE } from '../../bed/bed';
import type { Event } from './events';

const PORTS = [0, 1, 2, 3] as const;

/** A path to a port's usual gateway. */
export const pathTo = (port: number): NexthopPath => ({
  gateway: parseAddress(`10.0.${port}.2`)!,
  ifindex: ifindexOf(port),
  weight: 1,
});

/** A router as it mostly is: subnets, neighbors that answer, routes over groups. */
export function usualRouter(): Event[] {
  const route = { kind: 'routeAdd', table: TABLE, protocol: 188, metric: 20 } as const;
  const nexthop = { kind: 'nexthopAdd', family: 2, protocol: 11 } as const;
  const group = (id: number, ...ids: number[]): FpmUpdate => ({
    ...{ ...nexthop, id },
    content: { kind: 'group', members: ids.map((member) => ({ id: member, weight: 1 })) },
  });
  const kernel = PORTS.flatMap((port): KernelUpdate[] => {
    const ifindex = ifindexOf(port);
    const neighbor = { kind: 'neighborAdd', source: 'kernel', ifindex, state: 'reachable' } as const;
    return [
      { kind: 'addressAdd', ifindex, address: parseAddress(`10.0.${port}.1`)!, length: 24 },
      { ...neighbor, address: parseAddress(`10.0.${port}.2`)!, mac: Uint8Array.of(2, 0, 0, 0, ifindex, 0) },
    ];
  });
  const fpm = PORTS.flatMap((port): FpmUpdate[] => [
    {
      ...{ ...route, prefix: parsePrefix(`10.0.${port}.0/24`)! },
      target: { kind: 'paths', paths: [{ ifindex: ifindexOf(port), weight: 1 }] },
    },
    { ...nexthop, id: port + 1, content: { kind: 'path', path: pathTo(port) } },
  ]);
  const far = [
    ...[group(11, 1, 2, 3), group(12, 2, 4)],
    { ...route, prefix: parsePrefix('20.0.0.0/24')!, target: { kind: 'nexthopId', id: 11 } } as const,
    { ...route, prefix: parsePrefix('20.0.1.0/24')!, target: { kind: 'nexthopId', id: 12 } } as const,
  ];
  return [
    ...kernel.map((update): Event => ({ do: 'kernel', update })),
    ...[...fpm, ...far].map((update): Event => ({ do: 'fpm', update })),
    { do: 'check' },
  ];
}
