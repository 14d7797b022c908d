/**
 * Events: what happens to both routers alike. Each is chosen with an eye on what there is, so that most of them do something, and
 * written down as actions, so that they can be played again without the choice.
 */
import type { Random } from '../fuzz/random';
import { formatAddress, maskAddress, parseAddress } from '../../src/net/address';
import { portMtu, portName, PORTS, routerMac, subnet4, subnet6 } from './plan';
import type { Action } from './scene';
import { isFamily, type OwnAddress, type OwnRoute, type World } from './world';

export interface Event {
  readonly kind: EventKind;
  readonly actions: readonly Action[];
}

const ip = (...argv: readonly string[]): Action => ({ on: 'routers', argv: ['ip', ...argv] });
const configure = (...lines: readonly string[]): Action => ({
  on: 'routers',
  argv: ['vtysh', '-c', 'configure terminal', ...lines.flatMap((line) => ['-c', line])],
});
const word = (text: string): string => (text.includes(':') ? 'ipv6' : 'ip');

type Maker = (random: Random, world: World) => readonly Action[] | undefined;

const anyPort = (random: Random): number => random.pick(PORTS);
const family = (random: Random): 4 | 6 => (random.below(2) === 0 ? 4 : 6);

function putAddress(world: World, address: OwnAddress): Action {
  world.addresses = [...world.addresses, address];
  const { dev, cidr, by } = address;
  return by === 'kernel'
    ? ip('address', 'add', cidr, 'dev', dev, ...(cidr.includes(':') ? ['nodad'] : []))
    : configure(`interface ${dev}`, `${word(cidr)} address ${cidr}`);
}

function takeAddress(world: World, address: OwnAddress): Action {
  world.addresses = world.addresses.filter((one) => one !== address);
  const { dev, cidr, by } = address;
  return by === 'kernel'
    ? ip('address', 'del', cidr, 'dev', dev)
    : configure(`interface ${dev}`, `no ${word(cidr)} address ${cidr}`);
}

const by = (random: Random): 'zebra' | 'kernel' => (random.below(2) === 0 ? 'zebra' : 'kernel');

/** `10.1.0.9/24` and `10.1.0.1/24` are of the same subnet. */
function subnetOf(cidr: string): string {
  const [address = '', length = ''] = cidr.split('/');
  return `${formatAddress(maskAddress(parseAddress(address)!, Number(length)))}/${length}`;
}

/** Addresses of the same subnet on other devices. To which of them packets go is no question: it would be the one that came first, or last. */
const elsewhere = (world: World, cidr: string, dev: string): readonly OwnAddress[] =>
  world.addresses.filter((one) => one.dev !== dev && subnetOf(one.cidr) === subnetOf(cidr));

const addAddress: Maker = (random, world) => {
  const port = anyPort(random);
  const own = random.below(200) + 20;
  const choices: readonly (readonly [dev: string, cidr: string])[] = [
    [portName(port), `${subnet4(port)}.${own}/24`],
    [portName(port), `${subnet4(3)}.${own}/24`],
    [portName(port), `10.2.${own}.1/30`],
    [portName(port), `10.3.0.${own}/32`],
    ['lo', `10.0.255.${own}/32`],
    [portName(port), `${subnet6(port)}::${own}/64`],
    [portName(port), `${subnet6(3)}::${own}/64`],
    [portName(port), `2001:db8:3:1::${own}/128`],
    ['lo', `2001:db8:255::${own}/128`],
  ];
  const [dev, cidr] = random.pick(choices);
  if (elsewhere(world, cidr, dev).length > 0) return undefined;
  if (world.addresses.some((one) => one.cidr === cidr)) return undefined;
  return [putAddress(world, { dev, cidr, by: by(random) })];
};

const delAddress: Maker = (random, world) => {
  if (world.addresses.length < 6) return undefined;
  return [takeAddress(world, random.pick(world.addresses))];
};

/** A subnet leaves its port for another one, or comes back. */
const moveSubnet: Maker = (random, world) => {
  const movable = world.addresses.filter(({ dev, cidr }) => dev !== 'lo' && !/\/(32|128)$/.test(cidr));
  if (movable.length === 0) return undefined;
  const old = random.pick(movable);
  const dev = portName(random.pick(PORTS.filter((port) => portName(port) !== old.dev)));
  const all = movable.filter((one) => one.dev === old.dev && subnetOf(one.cidr) === subnetOf(old.cidr));
  const actions = [
    ...all.map((one) => () => takeAddress(world, one)),
    ...all.map((one) => () => putAddress(world, { ...one, dev })),
  ];
  if (random.below(3) === 0) actions.reverse();
  return actions.map((act) => act());
};

const restoreAddress: Maker = (random, world) => {
  const missing = PORTS.flatMap((port): readonly OwnAddress[] => [
    { dev: portName(port), cidr: `${subnet4(port)}.1/24`, by: 'zebra' },
    { dev: portName(port), cidr: `${subnet6(port)}::1/64`, by: 'zebra' },
  ]).filter(({ dev, cidr }) => !world.addresses.some((one) => one.dev === dev && one.cidr === cidr));
  if (missing.length === 0) return undefined;
  const wanted = random.pick(missing);
  const others = elsewhere(world, wanted.cidr, wanted.dev);
  return [...others.map((one) => takeAddress(world, one)), putAddress(world, wanted)];
};

/** A port that is down comes up before another one goes down. */
const flip =
  (what: 'up' | 'carrier', action: (port: number, up: boolean) => Action): Maker =>
  (random, world) => {
    const down = PORTS.find((port) => !world.ports[port]![what]);
    const port = down ?? anyPort(random);
    const up = down !== undefined;
    world.ports[port]![what] = up;
    return [action(port, up)];
  };

/** With a rest between: a zebra by itself, too, may lose the routes of an interface that is down for a moment only (seen in FRR 10.7). */
const bounce: Maker = (random) => {
  const port = anyPort(random);
  return [ip('link', 'set', portName(port), 'down'), { on: 'rest' }, ip('link', 'set', portName(port), 'up')];
};

const setMac: Maker = (random, world) => {
  const port = anyPort(random);
  const state = world.ports[port]!;
  world.formerMacs.push(state.mac);
  state.mac =
    state.mac === routerMac(port)
      ? `32:26:0a:2e:bb:${(16 * (random.below(15) + 1) + port).toString(16)}`
      : routerMac(port);
  return [ip('link', 'set', portName(port), 'address', state.mac)];
};

const setMtu: Maker = (random, world) => {
  const port = anyPort(random);
  const mtu = random.pick([1280, 1300, 1400, portMtu(port), portMtu(port)]);
  world.ports[port]!.mtu = mtu;
  return [ip('link', 'set', portName(port), 'mtu', String(mtu))];
};

function someHost(random: Random, port: number, six: 4 | 6): string {
  const host = random.below(4) + 2;
  return six === 4 ? `${subnet4(port)}.${host}` : `${subnet6(port)}::${host}`;
}

const setNeighbor: Maker = (random, world) => {
  const port = anyPort(random);
  const address = someHost(random, port, family(random));
  const dev = portName(port);
  world.neighbors = [...world.neighbors.filter((one) => one.address !== address), { dev, address }];
  const lladdr = `02:0${port}:00:99:00:${(random.below(200) + 16).toString(16)}`;
  const nud = random.pick(['permanent', 'permanent', 'reachable', 'stale']);
  return [ip('neighbor', 'replace', address, 'lladdr', lladdr, 'dev', dev, 'nud', nud)];
};

const noarp: Maker = (random, world) => {
  const port = anyPort(random);
  const address = someHost(random, port, family(random));
  const dev = portName(port);
  world.neighbors = [...world.neighbors.filter((one) => one.address !== address), { dev, address }];
  return [ip('neighbor', 'replace', address, 'lladdr', `02:0${port}:00:98:00:01`, 'dev', dev, 'nud', 'noarp')];
};

const delNeighbor: Maker = (random, world) => {
  const port = anyPort(random);
  const known = [...world.neighbors, { dev: portName(port), address: someHost(random, port, family(random)) }];
  const { dev, address } = random.pick(known);
  world.neighbors = world.neighbors.filter((one) => one.address !== address);
  return [ip('neighbor', 'del', address, 'dev', dev)];
};

const hostComes: Maker = (random, world) => {
  const address = someHost(random, anyPort(random), family(random));
  const generation = world.hosts.get(address) ?? 0;
  world.hosts.set(address, generation);
  return [{ on: 'host', address, generation, announce: true }];
};

const hostMac: Maker = (random, world) => {
  const [address, generation] = random.pick([...world.hosts]);
  world.hosts.set(address, generation + 1);
  return [{ on: 'host', address, generation: generation + 1, announce: true }];
};

/** Nobody answers any more, and the kernels are told so: how soon each finds out by itself is another matter. */
const hostGoes: Maker = (random, world) => {
  const port = anyPort(random);
  const address = someHost(random, port, family(random));
  world.hosts.delete(address);
  return [{ on: 'host', address, announce: false }, ip('neighbor', 'del', address, 'dev', portName(port))];
};

const prefixes4 = [
  '10.50.0.0/16',
  '10.51.0.0/16',
  '10.60.0.0/16',
  '10.60.7.0/24',
  '10.60.7.9/32',
  '0.0.0.0/0',
  '10.1.1.128/25',
  '10.1.0.3/32',
];
const prefixes6 = [
  '2001:db8:50::/48',
  '2001:db8:51::/48',
  '2001:db8:60::/48',
  '2001:db8:60:7::/64',
  '2001:db8:60:7::9/128',
  '::/0',
  '2001:db8:1::8000:0/97',
  '2001:db8:0::3/128',
];

const gatewayOf = (random: Random, port: number, of: 4 | 6): string =>
  of === 4 ? `${subnet4(port)}.${random.pick([2, 2, 3, 4])}` : `${subnet6(port)}::${random.pick([2, 2, 3, 4])}`;

const addStatic: Maker = (random, world) => {
  const of = family(random);
  const port = anyPort(random);
  const prefix = random.pick(of === 4 ? prefixes4 : prefixes6);
  if (world.routes.some((one) => one.prefix === prefix && one.by === 'zebra')) return undefined;
  const gateway = gatewayOf(random, port, of);
  const way = random.pick([
    ...[gateway, gateway, gateway, `${gateway} ${portName(port)}`, portName(port)],
    ...[
      'blackhole',
      'reject',
      `${gateway} 200`,
      ...(of === 6 ? [`fe80::${random.below(3) + 2} ${portName(port)}`] : []),
    ],
  ]);
  const text = `${prefix} ${way}`;
  world.routes = [...world.routes, { prefix, by: 'zebra', text }];
  return [configure(`${word(prefix)} route ${text}`)];
};

const addKernel: Maker = (random, world) => {
  const of = family(random);
  const port = anyPort(random);
  const prefix = random.pick(of === 4 ? prefixes4 : prefixes6);
  if (world.routes.some((one) => one.prefix === prefix && one.by === 'kernel')) return undefined;
  const gateway = ['via', gatewayOf(random, port, of), 'dev', portName(port)];
  const way = random.pick<readonly string[]>([gateway, gateway, gateway, ['dev', portName(port)], ['KIND'], ['KIND']]);
  const type = way[0] === 'KIND' ? random.pick(['blackhole', 'unreachable', 'prohibit']) : undefined;
  const metric = random.below(3) === 0 ? ['metric', '50'] : [];
  const words = [...(type === undefined ? [] : [type]), prefix, ...(type === undefined ? way : []), ...metric];
  world.routes = [...world.routes, { prefix, by: 'kernel', text: words.join(' ') }];
  return [ip(`-${of}`, 'route', 'add', ...words)];
};

/** Routes from where most packets come stay. */
const removable = ({ prefix }: OwnRoute): boolean => !/^(10\.20\d\.|2001:db8:20\d:)/.test(prefix);

const delRoute =
  (which: 'zebra' | 'kernel'): Maker =>
  (random, world) => {
    const there = world.routes.filter((one) => one.by === which && removable(one));
    if (there.length === 0) return undefined;
    const route = random.pick(there);
    world.routes = world.routes.filter((one) => one !== route);
    if (which === 'zebra') return [configure(`no ${word(route.prefix)} route ${route.text}`)];
    return [ip(isFamily(route.prefix, 4) ? '-4' : '-6', 'route', 'del', ...route.text.split(' '))];
  };

/** Kinds of events with their weight. */
const KINDS = {
  'address-add': [6, addAddress],
  'address-del': [4, delAddress],
  'address-restore': [5, restoreAddress],
  'subnet-moves': [4, moveSubnet],
  'link-admin': [5, flip('up', (port, up) => ip('link', 'set', portName(port), up ? 'up' : 'down'))],
  'link-carrier': [5, flip('carrier', (port, up) => ({ on: 'link', port, up }))],
  'link-bounce': [2, bounce],
  'port-mac': [3, setMac],
  'port-mtu': [4, setMtu],
  'neighbor-set': [5, setNeighbor],
  'neighbor-noarp': [3, noarp],
  'neighbor-del': [4, delNeighbor],
  'host-comes': [3, hostComes],
  'host-goes': [4, hostGoes],
  'host-mac': [4, hostMac],
  'route-zebra-add': [9, addStatic],
  'route-zebra-del': [7, delRoute('zebra')],
  'route-kernel-add': [8, addKernel],
  'route-kernel-del': [6, delRoute('kernel')],
} as const satisfies Record<string, readonly [number, Maker]>;

export type EventKind = keyof typeof KINDS;
export const EVENT_KINDS = Object.keys(KINDS) as readonly EventKind[];

const WEIGHTED: readonly EventKind[] = EVENT_KINDS.flatMap((kind) => new Array<EventKind>(KINDS[kind][0]).fill(kind));

/** The next event; the world is then as after it. */
export function nextEvent(random: Random, world: World): Event {
  for (;;) {
    const kind = random.pick(WEIGHTED);
    const actions = KINDS[kind][1](random, world);
    if (actions !== undefined) return { kind, actions };
  }
}

/** An action as a command that can be typed (`host` and `link` are of the wire). */
export function describeAction(action: Action): string {
  switch (action.on) {
    case 'routers':
      return action.argv.map((arg) => (/[^\w./:-]/.test(arg) ? `'${arg}'` : arg)).join(' ');
    case 'rest':
      return 'until both rest';
    case 'link':
      return `link of ${portName(action.port)} ${action.up ? 'up' : 'down'} at its far end`;
    case 'host':
      return action.generation === undefined
        ? `host ${action.address} answers no more`
        : `host ${action.address} answers${action.announce ? ' and announces itself' : ''} (MAC generation ${action.generation})`;
  }
}
