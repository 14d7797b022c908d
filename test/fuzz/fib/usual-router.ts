/** Where most histories begin: a router that works. */
import type { FpmUpdate, KernelUpdate, LinkChange, NexthopPath } from '../../../src/fib/updates';
import { parseAddress, parsePrefix } from '../../../src/net/address';
import { ifindexOf, TABLE } from '../../bed/bed';
import type { Event } from './events';

const PORTS = [0, 1, 2, 3] as const;
const VRF = 41;

/** A port's interface as it is made. */
export const linkOf = (port: number): LinkChange => {
  const mac = Uint8Array.of(0x32, 0x26, 0x0a, 0x2e, 0xaa, 0xf0 + port);
  return { kind: 'link', ifindex: ifindexOf(port), name: `tap${port}`, present: true, up: true, mac, master: 0 };
};

/** A path to a port's usual gateway. */
export const pathTo = (port: number): NexthopPath => ({
  gateway: parseAddress(`10.0.${port}.2`)!,
  ifindex: ifindexOf(port),
  weight: 1,
});

/**
 * A router as it mostly is: subnets, neighbors that answer, routes over groups.
 * @param table the table of the last two ports; another than the default VRF's: they belong to a VRF device
 */
export function usualRouter(table: number): Event[] {
  const tableOf = (port: number): number => (port >= 2 ? table : TABLE);
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
      {
        ...{ kind: 'addressAdd', ifindex, address: parseAddress(`10.0.${port}.1`)!, length: 24 },
        subnet: parsePrefix(`10.0.${port}.0/24`)!,
      },
      { ...neighbor, address: parseAddress(`10.0.${port}.2`)!, mac: Uint8Array.of(2, 0, 0, 0, ifindex, 0) },
    ];
  });
  const fpm = PORTS.flatMap((port): FpmUpdate[] => [
    {
      ...{ ...route, table: tableOf(port), prefix: parsePrefix(`10.0.${port}.0/24`)! },
      target: { kind: 'paths', paths: [{ ifindex: ifindexOf(port), weight: 1 }] },
    },
    { ...nexthop, id: port + 1, content: { kind: 'path', path: pathTo(port) } },
  ]);
  const far = [
    ...[group(11, 1, 2, 3), group(12, 2, 4)],
    { ...route, prefix: parsePrefix('20.0.0.0/24')!, target: { kind: 'nexthopId', id: 11 } } as const,
    { ...route, prefix: parsePrefix('20.0.1.0/24')!, target: { kind: 'nexthopId', id: 12 } } as const,
    { ...route, table, prefix: parsePrefix('20.0.0.0/16')!, target: { kind: 'nexthopId', id: 4 } } as const,
  ];
  return [
    ...(table === TABLE ? [] : vrfOf(table)),
    ...kernel.map((update): Event => ({ do: 'kernel', update })),
    ...[...fpm, ...far].map((update): Event => ({ do: 'fpm', update })),
    { do: 'check' },
  ];
}

/** A VRF device with the last two ports. */
function vrfOf(table: number): Event[] {
  const vrf = { kind: 'link', present: true, up: true, ifindex: VRF, name: `vrf${VRF}`, master: 0 } as const;
  return [
    { do: 'kernel', update: { ...vrf, vrfTable: table } },
    ...[2, 3].map((port): Event => ({ do: 'kernel', update: { ...linkOf(port), master: VRF } })),
  ];
}
