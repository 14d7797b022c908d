/** What the kinds of frames choose with: the world as it is, and chance. */
import type { Random } from '../fuzz/random';
import type { Body, FrameSpec, IpPacket, Packet4, Packet6 } from './frame';
import { farNet4, farNet6, PORTS, subnet4, subnet6 } from './plan';
import { isFamily, type World } from './world';

export type Family = 4 | 6;

export class Choice {
  constructor(
    readonly random: Random,
    readonly world: World,
    readonly port: number,
  ) {}

  pick<T>(...list: readonly T[]): T {
    return this.random.pick(list);
  }

  get mtu(): number {
    return this.world.ports[this.port]!.mtu;
  }

  /** Where a packet may be from. */
  source(family: Family): { readonly src: string; readonly spread?: boolean } {
    const { port } = this;
    if (this.random.below(5) === 0) return { src: family === 4 ? `${subnet4(port)}.2` : `${subnet6(port)}::2` };
    return { src: family === 4 ? `${farNet4(port)}.0.0` : `${farNet6(port)}::1:0`, spread: true };
  }

  length(): number {
    return this.pick(8, 16, 24, 32, 33, 64, 128, 300, 700);
  }

  body(): Body {
    const length = this.length();
    switch (this.random.below(6)) {
      case 0:
        return { proto: 'tcp', port: this.pick(9, 80, 443), flags: this.pick(0x02, 0x10, 0x11), length };
      case 1:
        return { proto: 'icmp', type: 0, code: 0, length };
      case 2:
        return { proto: this.pick(47, 50, 89, 132, 253), length };
      default:
        return { proto: 'udp', port: this.pick(9, 33434, 4789), length };
    }
  }

  echo(family: Family, length = this.length()): Body {
    return { proto: 'icmp', type: family === 4 ? 8 : 128, code: 0, length };
  }

  /** An address of the routers', of any port or of the loopback. */
  own(family: Family): string {
    const own = this.world.addresses
      .filter(({ cidr }) => isFamily(cidr, family))
      .map(({ cidr }) => cidr.split('/')[0]!);
    return own.length === 0 ? (family === 4 ? '10.0.255.1' : '2001:db8:255::1') : this.random.pick(own);
  }

  net(): number {
    return this.pick(0, 1, 2, 3);
  }

  host(family: Family, host: number): string {
    const net = this.net();
    return family === 4 ? `${subnet4(net)}.${host}` : `${subnet6(net)}::${host}`;
  }

  /** Inside what routes lead to. */
  routed(family: Family): string {
    const low = this.random.below(200) + 10;
    return family === 4
      ? this.pick(
          `10.50.1.${low}`,
          `10.51.1.${low}`,
          '10.60.1.1',
          `10.60.7.${low}`,
          '10.60.7.9',
          `10.77.3.${low}`,
          `10.1.1.2${low % 50}`,
        )
      : this.pick(
          `2001:db8:50::${low}`,
          `2001:db8:51::${low}`,
          '2001:db8:60::1',
          '2001:db8:60:7::7',
          '2001:db8:60:7::9',
          '2001:db8:54::1',
          '2001:db8:1::8000:77',
          `2001:db8:77::${low}`,
        );
  }

  /** A destination of an ordinary packet. */
  anywhere(family: Family): string {
    switch (this.random.below(4)) {
      case 0:
        return this.host(family, this.pick(2, 3));
      case 1:
        return family === 4 ? `${farNet4(this.pick(...PORTS))}.9.9` : `${farNet6(this.pick(...PORTS))}::9`;
      default:
        return this.routed(family);
    }
  }

  v4(packet: Partial<Packet4>): Packet4 {
    return {
      family: 4,
      ttl: this.pick(64, 64, 255, 3),
      dst: this.anywhere(4),
      body: this.body(),
      ...this.source(4),
      ...packet,
    };
  }

  v6(packet: Partial<Packet6>): Packet6 {
    return {
      family: 6,
      ttl: this.pick(64, 64, 255, 3),
      dst: this.anywhere(6),
      body: this.body(),
      ...this.source(6),
      ...packet,
    };
  }

  either(packet: Partial<Omit<IpPacket, 'src' | 'dst'>>, dst: (family: Family) => string): Packet4 | Packet6 {
    return this.random.below(2) === 0 ? this.v4({ ...packet, dst: dst(4) }) : this.v6({ ...packet, dst: dst(6) });
  }
}

/** What a kind decides of a frame. */
export type Made = Pick<FrameSpec, 'packet'> & Partial<FrameSpec>;
export type Maker = (choice: Choice) => Made;
/** Kinds by name, with their weight. */
export type Kinds = Readonly<Record<string, readonly [weight: number, make: Maker]>>;
