/**
 * Makes histories of what zebra, the kernel and the server may mean, likely and unlikely: few addresses, ids and interfaces, so that
 * everything meets everything.
 */
import type {
  FpmUpdate,
  KernelUpdate,
  LspPath,
  NeighborState,
  NexthopContent,
  NexthopPath,
  RouteTarget,
} from '../../../src/fib/updates';
import { VRF_TABLES } from '../../../src/fib/updates';
import { parseAddress, parsePrefix } from '../../../src/net/address';
import { ifindexOf, macOfPort, TABLE } from '../../bed/bed';
import type { Random } from '../random';
import { ENDINGS, REFUSED_KINDS, type Event, type History } from './events';
import { pathTo, usualRouter } from './usual-router';

const PORTS = [0, 1, 2, 3] as const;
/** Ports may have the same address. */
const SAME_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x77);
const GROUPS = [1, 2, 3].map((last) => Uint8Array.of(1, 0, 0x5e, 0, 0, last));
const BRIDGE = 40;
/** VRF devices: two may have the same table, as in Linux. */
const VRFS = [41, 42, 43];
const VRF_DEVICE_TABLES = [100, 100, 200, TABLE];
const LOOPBACK = 1;
/** Ports, a second index for each, an interface that is no port, none. */
const IFINDEXES = [...PORTS, ...PORTS, ...PORTS].map(ifindexOf).concat(20, 21, 30, 0);
const IDS = [1, 2, 3, 4, 5, 11, 12, 13];

const perPort = (of: (port: number) => string[]): string[] => PORTS.flatMap(of);
const GATEWAYS = [...perPort((p) => [`10.0.${p}.2`, `10.0.${p}.3`, `2001:db8:${p}::2`]), 'fe80::2', '169.254.0.2'];
const HOSTS = [...GATEWAYS, '10.0.0.2', '10.0.0.2', '20.0.0.9', '10.0.1.255', '224.0.0.9'];
const ADDRESSES = [
  ...perPort((p) => [`10.0.${p}.1/24`, `2001:db8:${p}::1/64`]),
  ...['10.0.0.2/32', '10.0.0.1/32', '10.0.1.255/24', 'fe80::1/64', '169.254.0.1/16', '10.0.0.0/31', '10.0.0.3/8'],
];
const SUBNETS = perPort((p) => [`10.0.${p}.0/24`, `2001:db8:${p}::/64`, `10.0.${p}.2/32`]);
const FAR = ['20.0.0.0/24', '20.0.1.0/24', '20.0.0.0/16', '20.0.0.9/32', '2001:db8:20::/48', '2001:db8:20:1::/64'];
const ODD = [
  ...['0.0.0.0/0', '::/0', '10.0.0.0/16', '10.0.0.0/8', '10.0.1.255/32', '10.0.0.1/32', '10.0.0.128/25'],
  ...['224.0.0.0/4', '224.1.0.0/16', '169.254.0.0/16', 'fe80::/64', '2001:db8:0::2/128'],
];
const PREFIXES = [...SUBNETS, ...FAR, ...FAR, ...FAR, ...ODD];
const STATES: readonly NeighborState[] = [
  ...(['reachable', 'reachable', 'reachable', 'stale', 'delay', 'probe', 'permanent', 'noarp'] as const),
  ...(['incomplete', 'failed', 'none'] as const),
];
const WEIGHTS = [1, 1, 1, 2, 3, 255, 256, 65535, 65536];

export class Generator {
  /** Linux speaks of ports more than of all else, and they have one address. */
  private readonly isOfPorts: boolean;

  constructor(private readonly random: Random) {
    this.isOfPorts = random.below(3) === 0;
  }

  private few<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.random.below(most) }, make);
  }

  private plainPath(): NexthopPath {
    const { random } = this;
    // A gateway is mostly on its port.
    const gateway = random.pick(GATEWAYS);
    const port = /^(?:10\.0|2001:db8)[.:](\d)/.exec(gateway)?.[1];
    const ifindex = port !== undefined && random.below(6) > 0 ? ifindexOf(Number(port)) : random.pick(IFINDEXES);
    return {
      ...(random.below(4) > 0 || ifindex === 0 ? { gateway: parseAddress(gateway)! } : {}),
      ifindex,
      weight: random.pick(WEIGHTS),
      ...(random.below(8) === 0 ? { onlink: true } : {}),
    };
  }

  private path(): NexthopPath {
    const path = this.plainPath();
    return this.random.below(20) === 0 ? { ...path, encap: { kind: 'mpls', labels: [100, 200] } } : path;
  }

  private target(): RouteTarget {
    const { random } = this;
    switch (random.below(10)) {
      case 0:
        return { kind: 'drop', drop: random.pick(['blackhole', 'unreachable', 'prohibit'] as const) };
      case 1:
        return random.below(2) === 0 ? { kind: 'host' } : { kind: 'unsupported', reason: 'for the test' };
      case 2:
      case 3:
      case 4:
        return { kind: 'paths', paths: this.few(4, () => this.path()) };
      default:
        return { kind: 'nexthopId', id: random.pick(IDS) };
    }
  }

  /** One of a few contents, so that what an id meant comes again. */
  private usual(): NexthopContent {
    const { random } = this;
    const id = (): number => 1 + random.below(PORTS.length);
    if (random.below(2) === 0) return { kind: 'group', members: this.few(3, () => ({ id: id(), weight: 1 })) };
    return { kind: 'path', path: pathTo(random.below(PORTS.length)) };
  }

  private content(): NexthopContent {
    const { random } = this;
    if (random.below(2) === 0) return this.usual();
    const member = (): { id: number; weight: number } => ({ id: random.pick(IDS), weight: random.pick(WEIGHTS) });
    switch (random.below(10)) {
      case 0:
        return { kind: 'drop', drop: random.pick(['blackhole', 'unreachable', 'prohibit'] as const) };
      case 1:
        return random.below(2) === 0 ? { kind: 'unsupported', reason: 'for the test' } : this.huge();
      case 2:
      case 3:
      case 4:
        return { kind: 'group', members: this.few(5, member) };
      default:
        return { kind: 'path', path: this.path() };
    }
  }

  private huge(): NexthopContent {
    const { random } = this;
    const count = random.below(20) === 0 ? 8000 : 300;
    const ids = random.below(2) === 0 ? IDS : [random.pick(IDS)];
    return {
      kind: 'group',
      members: Array.from({ length: count }, (_, i) => ({ id: ids[i % ids.length]!, weight: 1 + (i % 256) })),
    };
  }

  private subnet(): FpmUpdate {
    const { random } = this;
    const prefix = random.pick(SUBNETS);
    const port = Number(/^(?:10\.0\.|2001:db8:)(\d)/.exec(prefix)![1]);
    const onto = (): NexthopPath => ({
      ifindex: random.below(4) > 0 ? ifindexOf(port) : random.pick(IFINDEXES) || 30,
      weight: 1,
    });
    const paths = random.below(4) > 0 ? [onto()] : [onto(), { ifindex: ifindexOf((port + 1) % 4), weight: 1 }];
    const target: RouteTarget = { kind: 'paths', paths };
    const table = random.below(4) === 0 ? random.pick([100, 200]) : TABLE;
    return { kind: 'routeAdd', table, prefix: parsePrefix(prefix)!, protocol: 11, metric: 0, target };
  }

  /** Taken off, swapped, or more put on. */
  private lspPath(): LspPath {
    const { random } = this;
    // Its label taken off, a packet may be looked up: it is sent to a VRF's device.
    if (random.below(4) === 0)
      return { ifindex: random.pick([LOOPBACK, ...VRFS]), weight: 1, outLabels: random.pick([[], [], [3], [200]]) };
    return { ...this.plainPath(), outLabels: random.pick([[], [3], [200], [200], [0], [100, 200]]) };
  }

  fpm(): FpmUpdate {
    const { random } = this;
    const table = random.below(4) === 0 ? random.pick([100, 100, 200, 200, VRF_TABLES, VRF_TABLES + 3]) : TABLE;
    const prefix = parsePrefix(random.pick(PREFIXES))!;
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        return { kind: 'routeAdd', table, prefix, protocol: 188, metric: 20, target: this.target() };
      case 3:
      case 4:
        return { kind: 'routeDelete', table, prefix };
      case 5:
      case 6:
      case 7:
        return { kind: 'nexthopAdd', id: random.pick(IDS), family: 2, protocol: 11, content: this.content() };
      case 8:
        return random.below(2) === 0
          ? { kind: 'nexthopDelete', id: random.pick(IDS) }
          : random.below(4) === 0
            ? { kind: 'lspDelete', label: 16 + random.below(4) }
            : { kind: 'lspAdd', label: 16 + random.below(4), protocol: 1, paths: this.few(3, () => this.lspPath()) };
      case 9: {
        const update = this.neighbor();
        return { ...update, source: 'fpm' };
      }
      default:
        return this.subnet();
    }
  }

  /** Often the same address on two interfaces. */
  private neighbor(): Extract<KernelUpdate, { kind: 'neighborAdd' | 'neighborDelete' }> {
    const { random } = this;
    const address = random.pick(HOSTS);
    const port = /^(?:10\.0|2001:db8)[.:](\d)/.exec(address)?.[1];
    const ifindex =
      port !== undefined && random.below(3) > 0
        ? ifindexOf((Number(port) + (random.below(3) === 0 ? 1 : 0)) % PORTS.length)
        : random.pick(IFINDEXES) || ifindexOf(0);
    const source = random.below(6) === 0 ? 'static' : 'kernel';
    const base = { source, ifindex, address: parseAddress(address)! } as const;
    if (random.below(5) === 0) return { kind: 'neighborDelete', ...base };
    const mac = Uint8Array.of(random.below(12) === 0 ? 3 : 2, 0, 0, 0, ifindex, random.below(3));
    return { kind: 'neighborAdd', ...base, state: random.pick(STATES), ...(random.below(12) === 0 ? {} : { mac }) };
  }

  private link(): KernelUpdate {
    const { random } = this;
    const ifindex = random.pick([...PORTS.map(ifindexOf), 20, 21, 30]);
    const own = ifindex - ifindexOf(0);
    const number = own < PORTS.length && random.below(4) > 0 ? own : random.below(PORTS.length);
    const isPort = ifindex !== 30 && random.below(12) > 0;
    return {
      kind: 'link',
      ifindex,
      name: isPort ? `tap${number}` : `eth${ifindex}`,
      present: random.below(4) > 0,
      up: random.below(4) > 0,
      mac: random.below(8) < (this.isOfPorts ? 7 : 2) ? SAME_MAC : macOfPort(number),
      master: random.below(4) === 0 ? random.pick([BRIDGE, ...VRFS, ...VRFS]) : 0,
      ...(random.below(8) === 0 ? { adminDown: true } : {}),
      ...(random.below(8) === 0 ? { promiscuous: true } : {}),
      ...(random.below(8) === 0 ? { allMulticast: true } : {}),
      ...(random.below(4) === 0 ? { mtu: 1400 } : {}),
    };
  }

  /** The groups that Linux takes at a port, or a VLAN device on it. */
  private filter(): KernelUpdate {
    const { random } = this;
    const ifindex = ifindexOf(random.below(this.isOfPorts ? 1 : PORTS.length));
    if (random.below(3) > 0) return { kind: 'groups', ifindex, groups: GROUPS.filter(() => random.below(2) === 0) };
    const id = 1 + random.below(3);
    return {
      ...{ kind: 'link', ifindex: 50 + id, name: `vlan${id}`, present: random.below(3) > 0, up: true, master: 0 },
      vlan: { parent: ifindex, id },
    };
  }

  private master(): KernelUpdate {
    const { random } = this;
    const ifindex = random.pick([BRIDGE, LOOPBACK, ...VRFS, ...VRFS]);
    const isVrf = VRFS.includes(ifindex);
    return {
      kind: 'link',
      ifindex,
      name: isVrf ? `vrf${ifindex}` : ifindex === LOOPBACK ? 'lo' : 'bridge',
      present: random.below(4) > 0,
      up: true,
      master: 0,
      ...(isVrf ? { vrfTable: random.pick(VRF_DEVICE_TABLES) } : {}),
    };
  }

  kernel(): KernelUpdate {
    const { random } = this;
    switch (random.below(12)) {
      case 10:
      case 11:
        return this.filter();
      case 0:
        return this.link();
      case 1:
        return random.below(2) === 0 ? this.master() : this.link();
      case 2:
      case 3: {
        const text = random.pick(ADDRESSES);
        const [address, length] = text.split('/');
        const ifindex = ifindexOf(random.below(PORTS.length));
        const update = { ifindex, address: parseAddress(address!)!, length: Number(length) };
        if (random.below(2) === 0) return { kind: 'addressDelete', ...update };
        const subnet = length === '32' || random.below(4) === 0 ? {} : { subnet: parsePrefix(text)! };
        return { kind: 'addressAdd', ...update, ...subnet };
      }
      default:
        return this.neighbor();
    }
  }

  /** What the server and the connection do. */
  disturbance(): Event {
    const { random } = this;
    switch (random.below(17)) {
      case 14:
      case 15:
        return { do: 'base' };
      case 16:
        return { do: 'refuseKind', kind: random.pick(REFUSED_KINDS) };
      case 0:
      case 4:
      case 5:
        return {
          do: 'down',
          applied: random.below(4),
          lost: random.below(4) === 0,
          linger: random.below(3) > 0,
        };
      case 10:
      case 11:
      case 12:
        return { do: 'late', count: 1 + random.below(6) };
      case 13:
        return { do: 'otherClient' };
      case 1:
        return { do: 'up' };
      case 2:
        return { do: 'serverRestart', limit: random.below(2) === 0 ? undefined : 6 + random.below(20) };
      case 3:
        return { do: 'bridgeRestart' };
      default:
        return { do: 'refuse' };
    }
  }

  /** @param update what comes from zebra; the generator's own meanings where absent */
  event(calm: boolean, update = this.fpm()): Event {
    const { random } = this;
    if (this.isOfPorts && random.below(3) === 0)
      return { do: 'kernel', update: random.below(3) > 0 ? this.filter() : this.link() };
    switch (random.below(30)) {
      case 0:
        return { do: 'beginReplay', retell: random.pick(['no', 'membersFirst', 'groupsFirst'] as const) };
      case 1:
      case 2:
        return { do: 'endReplay' };
      case 3:
        return { do: 'port', port: random.below(PORTS.length), up: random.below(3) > 0 };
      case 4:
      case 5:
        return { do: 'check' };
      case 6:
      case 7:
      case 8:
        return { do: 'answer', count: random.below(8) };
      case 9:
      case 10:
        return calm ? { do: 'fpm', update } : this.disturbance();
      case 11:
      case 12:
      case 13:
      case 14:
      case 15:
      case 16:
        return { do: 'kernel', update: this.kernel() };
      default:
        return { do: 'fpm', update };
    }
  }
}

/** The history of a seed. `updates`: what zebra says, where it isn't the generator's own meanings; used up. */
export function historyOf(seed: number, random: Random, length: number, updates?: readonly FpmUpdate[]): History {
  const generator = new Generator(random);
  const calm = random.below(2) === 0;
  const count = updates?.length ?? length;
  const events = Array.from({ length: count }, (_, i): Event =>
    updates === undefined || random.below(4) === 0 ? generator.event(calm) : { do: 'fpm', update: updates[i]! },
  );
  if (random.below(3) > 0) events.unshift(...usualRouter(random.below(2) === 0 ? 100 : TABLE));
  return {
    seed,
    batch: random.pick([1, 4, 100]),
    inFlight: random.pick([1, 3, 8]),
    ending: random.pick(ENDINGS),
    events,
  };
}
