/**
 * What the feeder has announced of one family, and the updates that change it. A peer's nexthop for a route is that of `hopOf`, moved on by
 * the peer's number: peers that announce the same table give each route as many different nexthops as there are peers,
 * and all routes together as many groups as there are nexthops.
 */
import { announceMessage, Nlri, withdrawMessage } from './bgp';
import { Random } from '../fuzz/random';
import { makePrefixes, makePrefixes6 } from './prefixes';
import { gateway6Of, gatewayOf, hopOf } from './stream';

export interface AnnouncementOptions {
  readonly family: 4 | 6;
  readonly routes: number;
  readonly nexthops: number;
  /** The peer's number, from 0. */
  readonly peer: number;
  readonly as: number;
  readonly ports: number;
}

const WITHDRAWN = 0xffff;
/** Of a hundred changes; the rest change a nexthop. */
const WITHDRAWALS = 10;
const RETURNS = 10;

export class Announcements {
  private readonly prefixes;
  private readonly nexthops: readonly Uint8Array[];
  /** The nexthop of each prefix now, or WITHDRAWN. */
  private readonly hops: Uint16Array;
  /** Withdrawn ones; the oldest return first. */
  private readonly gone: number[] = [];
  private goneHead = 0;
  private count = 0;

  constructor(private readonly options: AnnouncementOptions) {
    const { family, routes, nexthops, ports } = options;
    this.prefixes = family === 4 ? makePrefixes(routes) : makePrefixes6(routes);
    const gateway = family === 4 ? gatewayOf : gateway6Of;
    this.nexthops = Array.from({ length: nexthops }, (_, hop) => gateway(hop, ports).address);
    this.hops = new Uint16Array(routes).fill(WITHDRAWN);
  }

  /** Prefixes announced now. */
  get announced(): number {
    return this.count;
  }

  /** Everything, one nexthop after the other. */
  *announceAll(): Generator<Buffer> {
    const { routes, nexthops, peer, as } = this.options;
    const members: number[][] = Array.from({ length: nexthops }, () => []);
    for (let i = 0; i < routes; i++) members[(hopOf(i, nexthops) + peer) % nexthops]!.push(i);
    const nlri = new Nlri();
    for (let hop = 0; hop < nexthops; hop++) {
      for (const i of members[hop]!) {
        this.set(i, hop);
        nlri.add(this.prefixes, i);
        if (nlri.isFull) yield announceMessage(as, this.nexthops[hop]!, nlri.take());
      }
      if (!nlri.isEmpty) yield announceMessage(as, this.nexthops[hop]!, nlri.take());
    }
  }

  *withdrawAll(): Generator<Buffer> {
    const { family, routes } = this.options;
    const nlri = new Nlri();
    for (let i = 0; i < routes; i++) {
      if (this.hops[i] === WITHDRAWN) continue;
      this.set(i, WITHDRAWN);
      nlri.add(this.prefixes, i);
      if (nlri.isFull) yield withdrawMessage(family, nlri.take());
    }
    if (!nlri.isEmpty) yield withdrawMessage(family, nlri.take());
    this.gone.length = this.goneHead = 0;
  }

  /** Random changes without end, one update each: the same seed after the same history gives the same ones. */
  *changes(seed: number): Generator<Buffer, never> {
    const { family, routes, nexthops, as } = this.options;
    const random = new Random(seed);
    const nlri = new Nlri();
    for (;;) {
      const kind = random.below(100);
      let i = random.below(routes);
      if (kind >= WITHDRAWALS && kind < WITHDRAWALS + RETURNS) i = this.nextGone() ?? i;
      nlri.add(this.prefixes, i);
      const before = this.hops[i]!;
      if (kind < WITHDRAWALS && before !== WITHDRAWN) {
        this.set(i, WITHDRAWN);
        this.gone.push(i);
        yield withdrawMessage(family, nlri.take());
        continue;
      }
      // One of the others, where there are any.
      const hop = before === WITHDRAWN ? random.below(nexthops) : (before + 1 + random.below(nexthops - 1)) % nexthops;
      this.set(i, hop);
      yield announceMessage(as, this.nexthops[hop]!, nlri.take());
    }
  }

  /** The prefix that was withdrawn first of those that are still. */
  private nextGone(): number | undefined {
    for (let i = this.gone[this.goneHead]; i !== undefined; i = this.gone[this.goneHead]) {
      this.goneHead++;
      if (this.hops[i] === WITHDRAWN) return i;
    }
    this.gone.length = this.goneHead = 0;
    return undefined;
  }

  private set(i: number, hop: number): void {
    this.count += Number(hop !== WITHDRAWN) - Number(this.hops[i] !== WITHDRAWN);
    this.hops[i] = hop;
  }
}
