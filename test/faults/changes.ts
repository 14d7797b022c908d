/**
 * Changes: what happens to a router every day. Routes, nexthops, neighbors and links, each chosen with an eye on what there is, and
 * written down as actions, so that a seed's campaign is known before it begins. An action may fail, as a fault may have taken away what it is
 * about: nothing is compared with what was meant here, only with what zebra and the kernel have.
 */
import { HOSTS, portMtu, portName, PORTS, routerMac } from '../against-linux/plan';
import type { Random } from '../fuzz/random';
import { BLOCK_ROUTES, BLOCKS, blockPrefix, hostOf, isSix, STATIC_PREFIXES } from './plan';

export type Action =
  /** A command on the router. */
  | { readonly on: 'router'; readonly argv: readonly string[] }
  /** Lines for `ip -force -batch` on the router. */
  | { readonly on: 'batch'; readonly lines: readonly string[] }
  /** A host answers, with this generation of its MAC addresses, or none does. */
  | { readonly on: 'host'; readonly address: string; readonly generation: number | undefined }
  /** The link of a port, at its far end. */
  | { readonly on: 'carrier'; readonly port: number; readonly up: boolean };

export interface Change {
  readonly kind: ChangeKind;
  readonly actions: readonly Action[];
}

/** What changes and faults have made of the stage, by intention. */
export interface World {
  /** A static route's ways, as words behind the prefix. */
  readonly statics: Map<string, readonly string[]>;
  /** Gateway and port of a block's routes. */
  readonly blocks: Map<number, string>;
  /** Generation of a host's MAC addresses; absent: it doesn't answer. */
  readonly hosts: Map<string, number>;
  readonly neighbors: Map<string, string>;
  readonly addresses: Map<string, string>;
  readonly down: Set<number>;
  readonly unplugged: Set<number>;
}

/** The campaign's beginning; what is in it is in the stage's configuration. */
export function initialWorld(): World {
  return {
    statics: new Map(
      STATIC_PREFIXES.filter((_, i) => i % 3 === 0).map((prefix, i) => [prefix, [hostOf(i % 3, 2, isSix(prefix))]]),
    ),
    blocks: new Map(),
    hosts: new Map(HOSTS.map((address) => [address, 0])),
    neighbors: new Map(),
    addresses: new Map(),
    down: new Set(),
    unplugged: new Set(),
  };
}

/** Lines of zebra's configuration for static routes. */
export function staticLines(prefix: string, ways: readonly string[], word = ''): readonly string[] {
  return ways.map((way) => `${word}${isSix(prefix) ? 'ipv6' : 'ip'} route ${prefix} ${way}`);
}

const ip = (...argv: readonly string[]): Action => ({ on: 'router', argv: ['ip', ...argv] });
const configure = (lines: readonly string[]): Action => ({
  on: 'router',
  argv: ['vtysh', '-c', 'configure terminal', ...lines.flatMap((line) => ['-c', line])],
});

type Maker = (random: Random, world: World) => readonly Action[] | undefined;

/** One to three gateways on different ports, or a route to nowhere. `.4` never answers unless it came. */
function someWays(random: Random, six: boolean): readonly string[] {
  if (random.below(8) === 0) return [random.pick(['blackhole', 'reject'])];
  const gateway = (port: number): string => {
    const way = hostOf(port, random.pick([2, 2, 2, 3, 3, 4]), six);
    return random.below(4) === 0 ? `${way} ${portName(port)}` : way;
  };
  const first = random.below(3);
  return Array.from({ length: random.pick([1, 1, 1, 2, 2, 3]) }, (_, i) => gateway((first + i) % 3));
}

const routeAdd: Maker = (random, { statics }) => {
  const prefix = random.pick(STATIC_PREFIXES.filter((one) => !statics.has(one)));
  if (prefix === undefined) return undefined;
  const ways = someWays(random, isSix(prefix));
  statics.set(prefix, ways);
  return [configure(staticLines(prefix, ways))];
};

/** Another set of nexthops: first what comes or first what goes. */
const routeChange: Maker = (random, { statics }) => {
  if (statics.size === 0) return undefined;
  const [prefix, before] = random.pick([...statics]);
  const ways = someWays(random, isSix(prefix));
  statics.set(prefix, ways);
  const add = staticLines(prefix, ways);
  const remove = staticLines(
    prefix,
    before.filter((way) => !ways.includes(way)),
    'no ',
  );
  return [configure(random.below(2) === 0 ? [...add, ...remove] : [...remove, ...add])];
};

const routeDel: Maker = (random, { statics }) => {
  if (statics.size < 5) return undefined;
  const [prefix, ways] = random.pick([...statics]);
  statics.delete(prefix);
  return [configure(staticLines(prefix, ways, 'no '))];
};

/** One nexthop more, or one less. */
const pathChange: Maker = (random, { statics }) => {
  const several = [...statics].filter(([, ways]) => !/blackhole|reject/.test(ways[0]!));
  if (several.length === 0) return undefined;
  const [prefix, ways] = random.pick(several);
  if (ways.length > 1 && random.below(2) === 0) {
    const gone = random.pick(ways);
    statics.set(
      prefix,
      ways.filter((way) => way !== gone),
    );
    return [configure(staticLines(prefix, [gone], 'no '))];
  }
  const more = hostOf(random.below(3), random.pick([2, 3]), isSix(prefix));
  if (ways.some((way) => way.startsWith(more))) return undefined;
  statics.set(prefix, [...ways, more]);
  return [configure(staticLines(prefix, [more]))];
};

function blockLines(block: number, verb: 'replace' | 'del', way: string): readonly string[] {
  return Array.from(
    { length: BLOCK_ROUTES },
    (_, i) => `route ${verb} ${blockPrefix(block, i)}${verb === 'del' ? '' : ` ${way}`}`,
  );
}

/** A block of routes comes, or all of them get another nexthop. */
const blockChange: Maker = (random, { blocks }) => {
  const block = random.pick(BLOCKS);
  const port = random.below(3);
  const way = `via ${hostOf(port, random.pick([2, 3]), false)} dev ${portName(port)}`;
  if (blocks.get(block) === way) return undefined;
  blocks.set(block, way);
  return [{ on: 'batch', lines: blockLines(block, 'replace', way) }];
};

const blockDel: Maker = (random, { blocks }) => {
  if (blocks.size < 2) return undefined;
  const [block, way] = random.pick([...blocks]);
  blocks.delete(block);
  return [{ on: 'batch', lines: blockLines(block, 'del', way) }];
};

const somebody = (random: Random): readonly [port: number, address: string] => {
  const port = random.below(3);
  return [port, hostOf(port, random.pick([2, 2, 3, 4]), random.below(2) === 0)];
};

const neighborSet: Maker = (random, { neighbors }) => {
  const [port, address] = somebody(random);
  neighbors.set(address, portName(port));
  const mac = `02:0${port}:00:99:00:${(random.below(200) + 16).toString(16)}`;
  return [ip('neighbor', 'replace', address, 'lladdr', mac, 'dev', portName(port), 'nud', 'permanent')];
};

const neighborDel: Maker = (random, { neighbors }) => {
  if (neighbors.size === 0) return undefined;
  const [address, dev] = random.pick([...neighbors]);
  neighbors.delete(address);
  return [ip('neighbor', 'del', address, 'dev', dev)];
};

const hostMoves: Maker = (random, { hosts }) => {
  const [address, generation] = random.pick([...hosts]);
  hosts.set(address, generation + 1);
  return [{ on: 'host', address, generation: generation + 1 }];
};

const hostComes: Maker = (random, { hosts }) => {
  const [, address] = somebody(random);
  if (hosts.has(address)) return undefined;
  hosts.set(address, 0);
  return [{ on: 'host', address, generation: 0 }];
};

/** Nobody answers there any more, and the kernel is told so. */
const hostGoes: Maker = (random, { hosts }) => {
  const [port, address] = somebody(random);
  if (!hosts.delete(address)) return undefined;
  return [{ on: 'host', address, generation: undefined }, ip('neighbor', 'del', address, 'dev', portName(port))];
};

/** A port that is down comes up before another one goes down. */
const linkAdmin: Maker = (random, { down }) => {
  const [port] = down;
  if (port !== undefined) {
    down.delete(port);
    return [ip('link', 'set', portName(port), 'up')];
  }
  const other = random.pick(PORTS);
  down.add(other);
  return [ip('link', 'set', portName(other), 'down')];
};

const linkCarrier: Maker = (random, { unplugged }) => {
  const [port] = unplugged;
  if (port !== undefined) {
    unplugged.delete(port);
    return [{ on: 'carrier', port, up: true }];
  }
  const other = random.pick(PORTS);
  unplugged.add(other);
  return [{ on: 'carrier', port: other, up: false }];
};

const linkMtu: Maker = (random) => {
  const port = random.pick(PORTS);
  return [ip('link', 'set', portName(port), 'mtu', String(random.pick([1280, 1400, portMtu(port)])))];
};

const linkMac: Maker = (random) => {
  const port = random.pick(PORTS);
  const mac = random.pick([routerMac(port), `32:26:0a:2e:bb:${(16 * (random.below(15) + 1) + port).toString(16)}`]);
  return [ip('link', 'set', portName(port), 'address', mac)];
};

const addressChange: Maker = (random, { addresses }) => {
  if (addresses.size > 2) {
    const [cidr, dev] = random.pick([...addresses]);
    addresses.delete(cidr);
    return [ip('address', 'del', cidr, 'dev', dev)];
  }
  const cidr = `10.2.${random.below(200)}.1/30`;
  const dev = portName(random.pick(PORTS));
  addresses.set(cidr, dev);
  return [ip('address', 'replace', cidr, 'dev', dev)];
};

/** Kinds with their weight. */
const KINDS = {
  'route-add': [9, routeAdd],
  'route-change': [10, routeChange],
  'route-del': [5, routeDel],
  'path-change': [10, pathChange],
  'block-change': [7, blockChange],
  'block-del': [2, blockDel],
  'neighbor-set': [4, neighborSet],
  'neighbor-del': [4, neighborDel],
  'host-moves': [6, hostMoves],
  'host-comes': [3, hostComes],
  'host-goes': [3, hostGoes],
  'link-admin': [4, linkAdmin],
  'link-carrier': [4, linkCarrier],
  'link-mtu': [2, linkMtu],
  'link-mac': [2, linkMac],
  'address-change': [3, addressChange],
} as const satisfies Record<string, readonly [number, Maker]>;

export type ChangeKind = keyof typeof KINDS;
export const CHANGE_KINDS = Object.keys(KINDS) as readonly ChangeKind[];

const WEIGHTED: readonly ChangeKind[] = CHANGE_KINDS.flatMap((kind) =>
  new Array<ChangeKind>(KINDS[kind][0]).fill(kind),
);

/** The next change; the world is then as after it. */
export function nextChange(random: Random, world: World): Change {
  for (;;) {
    const kind = random.pick(WEIGHTED);
    const actions = KINDS[kind][1](random, world);
    if (actions !== undefined) return { kind, actions };
  }
}
