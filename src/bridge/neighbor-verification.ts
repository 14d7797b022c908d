/**
 * Neighbors that the vASIC sends to are verified (RFC 1122, 2.3.2.1; RFC 4861, 7.3), also those that no route needs: hosts on a
 * connected subnet. Linux doesn't see their packets, so it would leave them stale, and the vASIC send to one that is gone
 * for ever. What is in use is told by the packet counters of the neighbors' AftEncaps, read every few seconds for the stale
 * ones. Whoever is sent to is verified by Linux; one that fails loses its host entry, and Linux answers with ICMP errors.
 * Whoever isn't stays stale, until Linux itself forgets it.
 *
 * A server that doesn't count at these nodes leaves open what is in use: every stale neighbor is then taken to be.
 */
import type { NodeInfo, Token } from '../aft/model';
import type { Neighbor } from '../fib/neighbors';

/** How often `poll` is to be called. */
export const VERIFICATION_POLL_MS = 5000;
/** Counters asked for at once: a server that is to answer for ten thousand must not stop forwarding for that. */
export const PORTION = 500;

/** A stale neighbor that packets may be sent to. */
export interface StaleNeighbor {
  readonly id: number;
  readonly ifindex: number;
  readonly address: Uint8Array;
  /** The node that its packets pass. */
  readonly token: Token;
}

/** The neighbors with a host entry that only Linux speaks of, and holds for stale; `tokenOf` gives the node by a neighbor's id. */
export function* staleHosts(
  neighbors: Iterable<Neighbor>,
  tokenOf: (id: number) => Token | undefined,
): Generator<StaleNeighbor> {
  for (const { id, ifindex, address, source, state, mac, hostRows } of neighbors) {
    if (source !== 'kernel' || state !== 'stale' || mac === undefined || hostRows.size === 0) continue;
    const token = tokenOf(id);
    if (token !== undefined) yield { id, ifindex, address, token };
  }
}

export interface VerificationOptions {
  readonly stale: () => Iterable<StaleNeighbor>;
  readonly counters: (tokens: readonly Token[]) => Promise<readonly NodeInfo[]>;
  readonly verify: (ifindex: number, address: Uint8Array) => void;
}

interface Watched {
  readonly token: Token;
  readonly packets: number;
  /** Linux takes up to ten seconds to come to a result, and calls the neighbor stale for half of that. */
  readonly verified: boolean;
}

export class NeighborVerification {
  /** What was read last, by neighbor. */
  private watched = new Map<number, Watched>();
  private polling = false;

  constructor(private readonly options: VerificationOptions) {}

  /** Reads the counters of stale neighbors, and has those verified that were sent to since the last time. */
  async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    try {
      await this.pollAll();
    } catch {
      // No connection, or one that broke: what was read last holds until there is one.
    } finally {
      this.polling = false;
    }
  }

  private async pollAll(): Promise<void> {
    const stale = [...this.options.stale()];
    const seen = new Map<number, Watched>();
    for (let at = 0; at < stale.length; at += PORTION) {
      const portion = stale.slice(at, at + PORTION);
      const infos = await this.options.counters(portion.map(({ token }) => token));
      const byToken = new Map(infos.map((info) => [info.token, info]));
      for (const neighbor of portion) {
        const info = byToken.get(neighbor.token);
        if (info?.found === true) seen.set(neighbor.id, this.review(neighbor, info));
      }
    }
    this.watched = seen;
  }

  private review({ id, ifindex, address, token }: StaleNeighbor, { counted, packets }: NodeInfo): Watched {
    const before = this.watched.get(id);
    const isSame = before?.token === token;
    // A counter that went back is that of a server's new life.
    const used = !counted || (isSame && packets > before.packets);
    const verified = used && !(isSame && before.verified);
    if (verified) this.options.verify(ifindex, address);
    return { token, packets, verified };
  }
}
