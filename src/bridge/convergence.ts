/**
 * Whether bgpd has its table together: after a restart it sends zebra what it learns peer by peer, and each peer marks the end
 * of its table (End-of-RIB, RFC 4724). A sweep before that removes routes that are about to come again. bgpd is asked over its
 * vty socket; where there is none, or it can't be asked, time alone decides.
 */
import { existsSync } from 'node:fs';
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';

/** A peer that isn't up is waited for so long: the restart time of RFC 4724 that FRR announces by default. */
export const PEER_WAIT_MS = 120_000;
const ASK_MS = 2000;
export const NEIGHBORS_COMMAND = 'show bgp vrf all neighbors json';

/** What bgpd waits for. */
export interface Expected {
  /** Peers that are up and haven't sent all of their table, as `10.0.0.2 (ipv4Unicast)`. */
  readonly endOfRib: readonly string[];
  /** Peers that are not up and not shut down. */
  readonly peers: readonly string[];
}

export interface ConvergenceOptions {
  /** bgpd's vty socket. */
  readonly vty: string;
  /** Sends a command there; rejects when it isn't answered. */
  readonly ask: (command: string) => Promise<string>;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly log: Logger;
}

/** bgpd as far as a sweep waits for it. */
export class Convergence {
  private asking = false;
  private askedAt = -Infinity;
  private generation = 0;
  private answer: Expected | undefined;
  private reported = '';

  constructor(private readonly options: ConvergenceOptions) {}

  /** A replay begins: what was answered before says nothing about it. */
  begin(): void {
    this.generation++;
    this.answer = undefined;
    this.askedAt = -Infinity;
    this.reported = '';
  }

  /**
   * What a sweep has to wait for, in words; undefined: nothing. Asks bgpd in the background, so call it again.
   * @param elapsedMs since the replay began
   */
  waitingFor(elapsedMs: number): string | undefined {
    const { vty, now, log } = this.options;
    if (!existsSync(vty)) return undefined;
    if (!this.asking && now() - this.askedAt >= ASK_MS) void this.ask();
    if (this.answer === undefined) return 'an answer of bgpd';
    const { endOfRib, peers } = this.answer;
    const missing = [...endOfRib.map((name) => `End-of-RIB of ${name}`), ...(elapsedMs < PEER_WAIT_MS ? peers : [])];
    if (missing.length === 0) return undefined;
    const text =
      missing.length > 5 ? `${missing.slice(0, 5).join(', ')} and ${missing.length - 5} more` : missing.join(', ');
    if (text !== this.reported) log.info('the sweep waits for BGP', { for: text });
    this.reported = text;
    return text;
  }

  private async ask(): Promise<void> {
    const { ask, log, now } = this.options;
    const { generation } = this;
    this.asking = true;
    this.askedAt = now();
    let answer: Expected = { endOfRib: [], peers: [] };
    try {
      answer = expectedOf(JSON.parse(await ask(NEIGHBORS_COMMAND)));
    } catch (error) {
      log.warn('bgpd can not be asked whether it has converged: the sweep goes by time alone', {
        code: 'bgpd-unreachable',
        reason: errorText(error),
      });
    }
    this.asking = false;
    if (generation === this.generation) this.answer = answer;
  }
}

type Json = { readonly [key: string]: unknown };

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const members = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);
const member = (value: unknown, key: string): unknown => (isObject(value) ? value[key] : undefined);

/** Families whose routes come to zebra. */
const FAMILIES: readonly string[] = ['ipv4Unicast', 'ipv6Unicast'];

/** Reads the answer to `show bgp vrf all neighbors json` (bgpd/bgp_vty.c). What isn't understood is not waited for. */
export function expectedOf(answer: unknown): Expected {
  const endOfRib: string[] = [];
  const peers: string[] = [];
  for (const [, vrf] of members(answer)) {
    for (const [name, peer] of members(vrf)) {
      const state = member(peer, 'bgpState');
      if (typeof state !== 'string' || member(peer, 'adminShutDown') === true) continue;
      if (state !== 'Established') {
        peers.push(`peer ${name}`);
        continue;
      }
      const restart = member(peer, 'gracefulRestartInfo');
      const mode = member(restart, 'remoteGrMode');
      // A peer that doesn't know of End-of-RIB sends none.
      if (mode !== 'Helper' && mode !== 'Restart') continue;
      for (const family of FAMILIES) {
        if (member(member(peer, 'addressFamilyInfo'), family) === undefined) continue;
        if (member(member(restart, 'endOfRibRecv'), family) !== true) endOfRib.push(`${name} (${family})`);
      }
    }
  }
  return { endOfRib, peers };
}
