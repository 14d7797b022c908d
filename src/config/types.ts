/** The bridge's configuration, as every module gets it: validated, complete, frozen. docs/configuration.md explains each key. */
import type { Prefix } from '../net/address';
import type { Endpoint, HostPort } from '../net/endpoint';

/** How zebra is told what became of routes: by kernel table ids, by VRF ids, not at all; `auto`: as zebra's version needs it. */
export type FeedbackMode = 'auto' | 'table' | 'vrf' | 'off';
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

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
  /** Whether it takes packets with MPLS labels; absent: as `mpls.input` says. */
  readonly mpls?: boolean;
  /** The kernel table that its packets are looked up in, while its TAP is in no VRF of Linux; absent: the default VRF's. */
  readonly table?: number;
}

/** A VRF that is forwarded by whether or not a port is bound to it, and its name where Linux has no device for it. */
export interface VrfConfig {
  readonly name: string;
  readonly table: number;
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
  readonly labelTtl: number;
  readonly routerAlert: number;
}

/** What was configured as `keep`, or as something that is done after a time. */
export type KeepOr = { readonly kind: 'keep' } | { readonly kind: 'after'; readonly ms: number };

/**
 * TLS to the AFI server, where `ca` is given: files in PEM with who signed the server's certificate, and this client's own certificate and
 * key. `serverName`: what the server's certificate is for, where that isn't the host of `afi.server`.
 */
export interface AfiTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

export interface Config {
  readonly fpm: {
    readonly listen: HostPort;
    /** Who may connect besides root, frr and the bridge's own user: users of this machine, and addresses elsewhere. */
    readonly allow: { readonly users: readonly (string | number)[]; readonly addresses: readonly Prefix[] };
    readonly feedback: FeedbackMode;
    /** zebra's vty socket, where `feedback: auto` asks for its version. */
    readonly zebraVty: string;
    /**
     * After a reconnect: sweep what the replay didn't confirm once the stream was silent for `idleMs`, not before `minimumMs`, and
     * as long as bgpd, asked at `bgpdVty`, waits for its peers, or more than `lossPercent` of the routes are missing, not before
     * `maximumMs`.
     */
    readonly sweep: {
      readonly idleMs: number;
      readonly minimumMs: number;
      readonly maximumMs: number;
      readonly lossPercent: number;
      readonly bgpdVty: string;
    };
    /** What becomes of the routes of a zebra that stays away. */
    readonly away: KeepOr;
  };
  readonly afi: {
    readonly server: Endpoint;
    readonly tls: AfiTls;
    readonly engine: string;
    readonly sandbox: string;
    /** From whom the sandbox is taken at the start: nobody who is there, an earlier life of this bridge, or whoever has it. */
    readonly takeOver: 'never' | 'restart' | 'always';
    readonly timeoutMs: number;
    /** Entries in one operation, and operations in flight, at most. */
    readonly batch: number;
    readonly inFlight: number;
    /** What zebra is told of routes while the vASIC can't be asked. */
    readonly lost: KeepOr;
    readonly reconnectMs: { readonly min: number; readonly max: number };
  };
  readonly ports: readonly PortConfig[];
  /** The default VRF's kernel table. */
  readonly table: number;
  readonly vrfs: readonly VrfConfig[];
  readonly punt: {
    /**
     * `process`: a process of its own, `fpm2afi punt`, that `run` starts where none answers; `external`: the same, started by
     * somebody else; `worker`: a thread of `run`, and the TAPs go with it; `off`: none.
     */
    readonly mode: 'process' | 'external' | 'worker' | 'off';
    /** Unix socket of the punt process. */
    readonly socket: string;
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
  readonly mpls: {
    /** Which ports take packets with labels: those whose TAP does in Linux (all, where that has no MPLS), all, or none. */
    readonly input: 'auto' | 'all' | 'off';
    /** RFC 3443's uniform model: labels get the TTL of the packets behind them, and these get it back; or the pipe model. */
    readonly ttlPropagate: boolean;
    /** TTL of labels in the pipe model. */
    readonly defaultTtl: number;
  };
  /** Unix socket of the control API. */
  readonly control: { readonly socket: string };
  /** Where Prometheus scrapes; absent: nowhere. */
  readonly metrics: { readonly listen?: HostPort };
  /** `syslog` is the socket of a syslog daemon that gets what stderr would; absent: stderr. */
  readonly log: { readonly level: LogLevel; readonly format: 'text' | 'json'; readonly syslog?: string };
}
