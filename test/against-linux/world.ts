/** What the events have made of the stage so far: what the next event and the next frames are chosen from. */
import { CONFIG, HOSTS, portMtu, PORTS, routerMac } from './plan';

/** An address on a router: how it came, so that it goes the same way. */
export interface OwnAddress {
  readonly dev: string;
  /** With length. */
  readonly cidr: string;
  readonly by: 'zebra' | 'kernel';
}

export interface OwnRoute {
  readonly prefix: string;
  readonly by: 'zebra' | 'kernel';
  /** What vtysh or `ip` was given behind "route" or "route add". */
  readonly text: string;
}

export interface OwnNeighbor {
  readonly dev: string;
  readonly address: string;
}

export interface PortWorld {
  mac: string;
  mtu: number;
  up: boolean;
  carrier: boolean;
}

export interface World {
  readonly ports: readonly PortWorld[];
  addresses: readonly OwnAddress[];
  routes: readonly OwnRoute[];
  neighbors: readonly OwnNeighbor[];
  /** Generation of a host's MAC addresses; absent: it doesn't answer. */
  readonly hosts: Map<string, number>;
  /** Former MAC addresses of ports. */
  readonly formerMacs: string[];
}

export function initialWorld(): World {
  const addresses: OwnAddress[] = [];
  const routes: OwnRoute[] = [];
  let dev = '';
  for (const line of CONFIG) {
    const [first, second, third] = line.trim().split(' ');
    if (first === 'interface') dev = second!;
    else if (second === 'address') addresses.push({ dev, cidr: third!, by: 'zebra' });
    else if (second === 'route') {
      routes.push({ prefix: third!, by: 'zebra', text: line.replace(/^\S+ route /, '') });
    }
  }
  return {
    ports: PORTS.map((port) => ({ mac: routerMac(port), mtu: portMtu(port), up: true, carrier: true })),
    addresses,
    routes,
    neighbors: [],
    hosts: new Map(HOSTS.map((host) => [host, 0])),
    formerMacs: [],
  };
}

export const isFamily = (text: string, family: 4 | 6): boolean => text.includes(':') === (family === 6);
