/** Frames by kind: each kind is one question about forwarding, with the details chosen at random. */
import type { Random } from '../fuzz/random';
import { ADDRESS_KINDS } from './address-kinds';
import { Choice, type Family } from './choice';
import type { FrameSpec } from './frame';
import { HEADER_KINDS } from './header-kinds';
import { LINK_KINDS } from './link-kinds';
import { farNet4, farNet6, hostMac, PORTS, routerMac, subnet4, subnet6 } from './plan';
import type { World } from './world';

const KINDS = { ...ADDRESS_KINDS, ...HEADER_KINDS, ...LINK_KINDS };

export type FrameKind = keyof typeof KINDS;
export const FRAME_KINDS = Object.keys(KINDS) as readonly FrameKind[];
const WEIGHTED: readonly FrameKind[] = FRAME_KINDS.flatMap((kind) => new Array<FrameKind>(KINDS[kind][0]).fill(kind));

/** The next frame, on any port that has a link. */
export function nextFrame(random: Random, world: World): FrameSpec {
  const ports = PORTS.filter((port) => world.ports[port]!.carrier);
  const port = random.pick(ports.length === 0 ? PORTS : ports);
  const kind = random.pick(WEIGHTED);
  const made = KINDS[kind][1](new Choice(random, world, port));
  return {
    kind,
    port,
    dstMac: world.ports[port]!.mac,
    srcMac: hostMac(port, made.packet.family === 6 ? '::2' : '0.0.0.2'),
    ...made,
  };
}

/** A packet to each host that there may be. */
export function greetings(): readonly FrameSpec[] {
  const port = 0;
  const to = (family: Family, dst: string): FrameSpec => ({
    kind: 'greeting',
    port,
    dstMac: routerMac(port),
    srcMac: hostMac(port, family === 6 ? '::2' : '0.0.0.2'),
    packet: {
      ...{ family, dst, ttl: 64, spread: true, body: { proto: 'udp', port: 9, length: 16 } },
      src: family === 4 ? `${farNet4(port)}.0.0` : `${farNet6(port)}::1:0`,
    },
  });
  return [0, 1, 2, 3].flatMap((net) =>
    [2, 3].flatMap((host) => [to(4, `${subnet4(net)}.${host}`), to(6, `${subnet6(net)}::${host}`)]),
  );
}
