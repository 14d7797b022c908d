/**
 * `fpm2afi/fpm`: what a program that isn't fpm2afi may use of this room, kept by the rules of semantic versioning
 * (docs/library.md). An FPM server that zebra connects to, with nothing to configure but what one wants otherwise; and the
 * stream itself, cut into frames and decoded, for those who have bytes from elsewhere.
 *
 * Everything else in the room may change from one release to the next.
 *
 * @module fpm2afi/fpm
 */
import type { FeedbackMode } from '../config/types';
import type { HostPort } from '../net/endpoint';
import type { StatusReport } from '../fib/updates';
import { parsePrefix } from '../net/address';
import { nullLogger, type Logger } from '../observe/log';
import { createFpmServer, type FpmCounters, type FpmHandlers, type FpmSource } from './server';

export { FPM_TYPE_NETLINK, FPM_TYPE_PROTOBUF, FpmFramingError, FrameReader, type FrameHandler } from './framing';
export { decodeProtobuf } from './protobuf/decoder';
export { formatAddress, formatPrefix, parseAddress, parsePrefix, type Family, type Prefix } from '../net/address';
export type { FpmCounters, FpmHandlers } from './server';
export type { FeedbackMode } from '../config/types';
export type { HostPort } from '../net/endpoint';
export type { Logger } from '../observe/log';
export type * from '../fib/updates';

/** How the server is to be; every one has a default. */
export interface FpmServerSettings {
  /** Address to listen on; 127.0.0.1. */
  readonly host?: string;
  /** TCP port; 2620, zebra's own default. 0: any, which `start` gives. */
  readonly port?: number;
  /** How route statuses are written to zebra; `auto`: as the version asks for that `zebraVty` tells. `off`: not at all. */
  readonly feedback?: FeedbackMode;
  /** zebra's vty socket; /var/run/frr/zebra.vty. */
  readonly zebraVty?: string;
  /** Users of this machine that may connect, besides root, `frr` and the own one: names or numbers. */
  readonly users?: readonly (string | number)[];
  /** Addresses and prefixes of other machines that may; none. */
  readonly addresses?: readonly string[];
  /** Who is told what goes on; nobody. */
  readonly log?: Logger;
}

/**
 * An FPM server: zebra (`-M dplane_fpm_nl`, or `-M fpm`) connects to it and sends all its routes, nexthops and LSPs, then each
 * change. One zebra at a time. When it goes, nothing is said of its routes: it connects again by itself, and sends all of
 * them again.
 */
export class FpmServer {
  private readonly source: FpmSource;

  /** Throws RangeError when one of `addresses` is neither an address nor a prefix. */
  constructor(settings: FpmServerSettings = {}) {
    const addresses = (settings.addresses ?? []).map((text) => {
      const prefix = parsePrefix(text);
      if (prefix === undefined) throw new RangeError(`addresses: ${text} is neither an address nor a prefix`);
      return prefix;
    });
    this.source = createFpmServer(
      {
        listen: { host: settings.host ?? '127.0.0.1', port: settings.port ?? 2620 },
        allow: { users: settings.users ?? [], addresses },
        feedback: settings.feedback ?? 'auto',
        zebraVty: settings.zebraVty ?? '/var/run/frr/zebra.vty',
      },
      settings.log ?? nullLogger,
    );
  }

  /**
   * Listens. An update, and all that it refers to, is good during the call of `update` only: copy what you keep. Handlers that
   * aren't given are not missed.
   *
   * @returns the address listened on; rejects with a sentence for the operator when that can't be
   */
  async start(handlers: Partial<FpmHandlers>): Promise<HostPort> {
    const nothing = (): void => undefined;
    await this.source.start({
      connected: handlers.connected?.bind(handlers) ?? nothing,
      disconnected: handlers.disconnected?.bind(handlers) ?? nothing,
      update: handlers.update?.bind(handlers) ?? nothing,
      frameEnd: handlers.frameEnd?.bind(handlers) ?? nothing,
      writable: handlers.writable?.bind(handlers) ?? nothing,
    });
    return this.source.address()!;
  }

  /**
   * Tells zebra what became of its routes. Takes from `reports` what the socket has room for and returns how many that were;
   * when not all, `writable` is called once it takes more. zebra forgets a status when it sends the route again.
   */
  report(reports: Iterable<StatusReport>): number {
    return this.source.report(reports);
  }

  /** Stops reading; zebra waits, and loses nothing. What was read already is still delivered. */
  pause(): void {
    this.source.pause();
  }

  /** Reads on. */
  resume(): void {
    this.source.resume();
  }

  /** The zebra that is connected, as address and port; undefined: none is. */
  get peer(): string | undefined {
    return this.source.peer();
  }

  /** What was received so far, and what of it could not be read. */
  counters(): FpmCounters {
    return this.source.counters();
  }

  /** Ends zebra's session and stops listening. */
  close(): Promise<void> {
    return this.source.close();
  }
}
