/** The kinds of faults, what is expected of the stream that they leave alone, and how one is chosen. */
import { PORTS } from '../against-linux/plan';
import type { Random } from '../fuzz/random';
import type { World } from './changes';
import { hostOf } from './plan';
import type { ProxyFault } from './proxy';

/** What a proxy can do at AFI and at FPM. */
export const PROXY_FAULTS = ['delay', 'stall', 'trickle', 'mute', 'late', 'refuse', 'cut'] as const;
type ProxyKind = (typeof PROXY_FAULTS)[number];

const PROGRAMS = ['bridge', 'vasic', 'zebra', 'punt'] as const;
export type ProgramName = (typeof PROGRAMS)[number];
/** Links that lose all packets for a while: between bridge and proxy, proxy and vASIC, and that of punted packets. */
const LINKS = ['bridge', 'vasic', 'hostpath'] as const;
export type LinkName = (typeof LINKS)[number];

/** What is done to the router's kernel, to a port, or by hosts. */
const PORT_FAULTS = [
  'tap-delete',
  'tap-rename',
  'tap-down',
  'port-down',
  'port-rename',
  'carrier-flaps',
  'mac-flaps',
  'two-hosts',
  'many-neighbors',
] as const;
type PortKind = (typeof PORT_FAULTS)[number];

export type FaultKind =
  | `afi-${ProxyKind}`
  | `fpm-${ProxyKind}`
  | `drop-${LinkName}`
  | `kill-${ProgramName}`
  | `stop-${ProgramName}`
  | PortKind
  | 'netlink-overflow'
  | 'route-storm';

export type Fault = { readonly kind: FaultKind; readonly holdMs: number } & (
  | { readonly at: 'afi' | 'fpm'; readonly fault: ProxyFault | { readonly kind: 'cut'; readonly times: number } }
  | { readonly at: 'link'; readonly link: LinkName }
  /** Killed (and started again after `holdMs`), or stopped for `holdMs`. */
  | { readonly at: 'program'; readonly program: ProgramName; readonly how: 'kill' | 'stop' }
  | {
      readonly at: 'port';
      readonly what: PortKind;
      readonly port: number;
      readonly address: string;
      readonly generation: number;
    }
  | { readonly at: 'router'; readonly what: 'netlink-overflow' | 'route-storm'; readonly port: number }
);

export const FAULT_KINDS: readonly FaultKind[] = [
  ...PROXY_FAULTS.flatMap((kind) => [`afi-${kind}` as const, `fpm-${kind}` as const]),
  ...LINKS.map((link) => `drop-${link}` as const),
  ...PROGRAMS.flatMap((program) => [`kill-${program}` as const, `stop-${program}` as const]),
  ...PORT_FAULTS,
  'netlink-overflow',
  'route-storm',
];

/**
 * Faults after which the stream of the ports that are left alone may miss packets. softvasic's end takes its tables along; the TAPs go with the punt process, and with
 * them zebra's routes. All else touches no packet.
 */
const MAY_LOSE: readonly FaultKind[] = ['kill-vasic', 'kill-punt'];

export const mayLose = (kind: FaultKind): boolean => MAY_LOSE.includes(kind);

function proxyFault(kind: ProxyKind, random: Random): (Fault & { readonly at: 'afi' | 'fpm' })['fault'] {
  switch (kind) {
    case 'delay':
      return { kind, ms: random.pick([20, 100, 400]) };
    case 'trickle':
      return { kind, bytes: random.pick([3, 40, 500]), ms: random.pick([1, 10]) };
    case 'cut':
      return { kind, times: random.below(5) + 1 };
    case 'stall':
    case 'mute':
    case 'late':
    case 'refuse':
      return { kind };
  }
}

/** A fault of that kind; the world is then as after it. */
export function makeFault(kind: FaultKind, random: Random, world: World): Fault {
  const [area, what] = split(kind);
  // Longer than what finds a dead peer, as often as shorter.
  const holdMs = random.pick([500, 1500, 3000, 5000, 8000]);
  switch (area) {
    case 'afi':
    case 'fpm':
      return { kind, holdMs, at: area, fault: proxyFault(what as ProxyKind, random) };
    case 'drop':
      return { kind, holdMs: Math.max(holdMs, 3000), at: 'link', link: what as LinkName };
    case 'kill':
    case 'stop':
      return {
        kind,
        holdMs: area === 'kill' ? holdMs / 4 : holdMs,
        at: 'program',
        program: what as ProgramName,
        how: area,
      };
    case 'router':
      return { kind, holdMs, at: 'router', what: kind as 'netlink-overflow', port: random.pick(PORTS) };
    case 'port': {
      const port = random.pick(PORTS);
      const address = hostOf(port, random.pick([2, 3]), random.below(3) === 0);
      const before = world.hosts.get(address) ?? 0;
      // A host that moves stays where it moved to; of two that claim an address the first one stays.
      const generation = kind === 'mac-flaps' ? before + 1 : before;
      if (kind === 'mac-flaps' || kind === 'two-hosts') world.hosts.set(address, generation);
      return { kind, holdMs: Math.min(holdMs, 4000), at: 'port', what: kind as PortKind, port, address, generation };
    }
  }
}

type Area = 'afi' | 'fpm' | 'drop' | 'kill' | 'stop' | 'port' | 'router';

function split(kind: FaultKind): readonly [area: Area, what: string] {
  if ((PORT_FAULTS as readonly string[]).includes(kind)) return ['port', kind];
  if (kind === 'netlink-overflow' || kind === 'route-storm') return ['router', kind];
  const [area, what] = kind.split('-') as [Area, string];
  return [area, what];
}
