/** The bridge's configuration, as every module gets it: validated, complete, frozen. docs/configuration.md explains each key. */

export type FeedbackMode = 'auto' | 'table' | 'vrf' | 'off';
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** One port of the vASIC and the TAP that stands for it in Linux. */
export interface PortConfig {
  /** Index in the sandbox's port tables, from 0. */
  readonly index: number;
  /** Name of the TAP device; zebra's routes leave by it. */
  readonly tap: string;
  /** Six bytes; absent: what the AFI server says the port has. */
  readonly mac?: Uint8Array;
  /** Bytes without the Ethernet header; absent: the vASIC port's. */
  readonly mtu?: number;
}

/** A limit for each reason for which packets come to the host, of each port by itself. */
export interface PuntPolicers {
  readonly noRoute: number;
  readonly glean: number;
  readonly local: number;
  readonly unresolved: number;
  readonly multicast: number;
  readonly broadcast: number;
  readonly linkLocal: number;
  readonly ttlExpired: number;
  readonly nonIp: number;
  readonly notAPort: number;
  readonly unsupported: number;
  readonly mtu: number;
  readonly ipOptions: number;
  readonly arp: number;
  readonly neighborDiscovery: number;
  readonly ospf: number;
  readonly isis: number;
  readonly bgp: number;
  readonly bfd: number;
  readonly control: number;
  readonly tagged: number;
  readonly otherAddress: number;
  readonly hostPort: number;
}

export interface Config {
  readonly fpm: {
    readonly listen: HostPort;
    readonly feedback: FeedbackMode;
    /** zebra's vty socket, where `feedback: auto` asks for its version. */
    readonly zebraVty: string;
    /**
     * After a reconnect: sweep what the replay didn't confirm once the stream was silent for `idleMs`, not before `minimumMs`, and
     * as long as bgpd, asked at `bgpdVty`, waits for its peers, not before `maximumMs`.
     */
    readonly sweep: {
      readonly idleMs: number;
      readonly minimumMs: number;
      readonly maximumMs: number;
      readonly bgpdVty: string;
    };
  };
  readonly afi: {
    readonly server: HostPort;
    readonly engine: string;
    readonly sandbox: string;
    readonly timeoutMs: number;
    /** Entries in one operation, and operations in flight, at most. */
    readonly batch: number;
    readonly inFlight: number;
    readonly reconnectMs: { readonly min: number; readonly max: number };
  };
  readonly ports: readonly PortConfig[];
  /** The kernel table (zebra's) that the route tree holds. */
  readonly table: number;
  readonly punt: {
    /** `worker`: a thread of `fpm2afi run`; `external`: `fpm2afi punt` runs as a process of its own; `off`: none. */
    readonly mode: 'worker' | 'external' | 'off';
    /** Where punted packets are received, and where injected ones are sent. */
    readonly listen: HostPort;
    readonly vasic: HostPort;
    /** Packets a second that the vASIC hands to the host at most, by reason; 0: all. */
    readonly policers: PuntPolicers;
  };
  readonly neighbors: {
    readonly kernel: boolean;
    readonly static: readonly { readonly tap: string; readonly address: Uint8Array; readonly mac: Uint8Array }[];
  };
  /** Unix socket of the control API. */
  readonly control: { readonly socket: string };
  /** Where Prometheus scrapes; absent: nowhere. */
  readonly metrics: { readonly listen?: HostPort };
  readonly log: { readonly level: LogLevel; readonly format: 'text' | 'json' };
}
