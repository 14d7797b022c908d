/**
 * Why a packet was dropped inside a sandbox, and how often each happened. Every packet that is neither sent nor punted
 * is counted under exactly one of these.
 */

export const DROP_REASONS = [
  /** The input port is bound to no node. */
  'unbound',
  /** Too short for its Ethernet header, or for the header that a node looked for. */
  'malformed',
  'badIpHeader',
  'badIpLength',
  'badIpChecksum',
  /** A discard node: on purpose. */
  'discard',
  'policed',
  /** The walk took too many steps. */
  'loop',
  /** The walk ended at a node with nothing after it. */
  'unfinished',
  /** More headers pushed than there is room for in front of the frame. */
  'noHeadroom',
  /** Label decapsulation, or a swap of labels, of something that isn't MPLS. */
  'notMpls',
  /** Ethernet encapsulation of a frame whose payload has no ethertype (802.3 length). */
  'noEtherType',
  /** A load balancer with no paths. */
  'noLegs',
  'sandboxLink',
  /** A TTL that would expire behind a label, and the table of labels names no node for that. */
  'ttlExpired',
  /** Addresses that aren't forwarded (martians.ts), or an IPv6 source of the link alone with no node for that. */
  'martianSource',
  'martianDestination',
  'linkLocalSource',
  /** Larger than the output port carries, and the route tree names no node for that. */
  'mtu',
  'portDown',
  /** The port's send() refused the frame. */
  'sendFailed',
  /** Offload metadata that don't fit the frame, or ask for something unknown. */
  'badOffload',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

const NUMBER_OF = new Map<DropReason, number>(DROP_REASONS.map((reason, i) => [reason, i]));

export class Drops {
  private readonly counts = new Float64Array(DROP_REASONS.length);

  count(reason: DropReason): void {
    this.counts[NUMBER_OF.get(reason)!]!++;
  }

  /** Reasons that occurred → packets. */
  all(): Record<string, number> {
    const result: Record<string, number> = {};
    DROP_REASONS.forEach((reason, i) => {
      if (this.counts[i] !== 0) result[reason] = this.counts[i]!;
    });
    return result;
  }
}
