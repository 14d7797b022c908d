/**
 * From a YAML file and command line flags to the Config: the shape of the file with its defaults, the checks that span
 * several keys, and freezing. Everything that is wrong is reported at once (ConfigError).
 */
import { bytesEqual, formatAddress } from '../net/address';
import { familiesDiffer, isUnix } from '../net/endpoint';
import type { AfiTls, Config, PortConfig, PuntPolicers, VrfConfig } from './types';
import { readDocument, readText } from './document';
import { nearest } from './nearest';
import { defaulted, list, object, optional, required, section, wrongValue } from './validate';
import type { Context, DocumentedKey, JsonSchema, Override } from './validate';
import {
  duration,
  endpoint,
  filePath,
  flag,
  hostName,
  hostPort,
  integer,
  interfaceName,
  keepOr,
  oneOf,
  prefix,
  socketPath,
  unicastAddress,
  unicastMac,
  user,
  vrfName,
  word,
} from './values';

const HOUR = 3_600_000;

const packetRate = integer(0, 10_000_000, 'packets a second, 0 for all:');

/** One punted frame has to fit one UDP datagram: 65507 bytes less the hostpath header (8) and Ethernet's (14). */
const MAX_MTU = 65485;

const tableId = integer(1, 0x7fff_ffff, 'a kernel table id');

const port = object<PortConfig>({
  index: required(integer(0, 65534)),
  tap: required(interfaceName),
  mac: optional(unicastMac),
  mtu: optional(integer(68, MAX_MTU)),
  mpls: optional(flag),
  table: optional(tableId),
});

const shape = object<Config>({
  fpm: section(
    object<Config['fpm']>({
      listen: defaulted(hostPort, '127.0.0.1:2620'),
      allow: section(
        object<Config['fpm']['allow']>({
          users: section(list(user, 'users')),
          addresses: section(list(prefix, 'addresses or prefixes')),
        }),
      ),
      feedback: defaulted(oneOf('auto', 'table', 'vrf', 'off'), 'auto'),
      zebraVty: defaulted(socketPath, '/var/run/frr/zebra.vty'),
      sweep: section(
        object<Config['fpm']['sweep']>({
          idleMs: defaulted(duration(100, HOUR), '5s', 'idle'),
          minimumMs: defaulted(duration(0, 24 * HOUR), '30s', 'minimum'),
          maximumMs: defaulted(duration(0, 24 * HOUR), '5m', 'maximum'),
          lossPercent: defaulted(integer(0, 100, 'percent,'), 50, 'loss'),
          bgpdVty: defaulted(socketPath, '/var/run/frr/bgpd.vty'),
        }),
      ),
      away: defaulted(keepOr('flush', 1000, 24 * HOUR), 'keep'),
    }),
  ),
  afi: section(
    object<Config['afi']>({
      server: defaulted(endpoint, 'unix:/run/softvasic/afi.sock'),
      tls: section(
        object<AfiTls>({
          ca: optional(filePath),
          cert: optional(filePath),
          key: optional(filePath),
          serverName: optional(hostName),
        }),
      ),
      engine: defaulted(word, 'trio'),
      sandbox: defaulted(word, 'green'),
      takeOver: defaulted(oneOf('never', 'restart', 'always'), 'restart'),
      timeoutMs: defaulted(duration(10, HOUR), '2s', 'timeout'),
      batch: defaulted(integer(1, 100_000), 1000),
      inFlight: defaulted(integer(1, 1024), 16),
      lost: defaulted(keepOr('withdraw', 1000, 24 * HOUR), 'keep'),
      reconnectMs: section(
        object<Config['afi']['reconnectMs']>({
          min: defaulted(duration(1, HOUR), '200ms'),
          max: defaulted(duration(1, HOUR), '5s'),
        }),
        'reconnect',
      ),
    }),
  ),
  ports: required(list(port, 'ports', 1)),
  table: defaulted(tableId, 254),
  vrfs: section(list(object<VrfConfig>({ name: required(vrfName), table: required(tableId) }), 'VRFs')),
  punt: section(
    object<Config['punt']>({
      mode: defaulted(oneOf('process', 'external', 'worker', 'off'), 'process'),
      socket: defaulted(socketPath, '/run/fpm2afi/punt.sock'),
      listen: defaulted(hostPort, '127.0.0.1:8001'),
      vasic: defaulted(hostPort, '127.0.0.1:9002'),
      policers: section(
        object<PuntPolicers>({
          noRoute: defaulted(packetRate, 5000),
          glean: defaulted(packetRate, 1000),
          local: defaulted(packetRate, 20000),
          unresolved: defaulted(packetRate, 5000),
          multicast: defaulted(packetRate, 20000),
          broadcast: defaulted(packetRate, 1000),
          linkLocal: defaulted(packetRate, 20000),
          ttlExpired: defaulted(packetRate, 100),
          nonIp: defaulted(packetRate, 20000),
          notAPort: defaulted(packetRate, 20000),
          unsupported: defaulted(packetRate, 20000),
          mtu: defaulted(packetRate, 1000),
          ipOptions: defaulted(packetRate, 100),
          arp: defaulted(packetRate, 5000),
          neighborDiscovery: defaulted(packetRate, 5000),
          ospf: defaulted(packetRate, 10000),
          isis: defaulted(packetRate, 10000),
          bgp: defaulted(packetRate, 20000),
          bfd: defaulted(packetRate, 20000),
          control: defaulted(packetRate, 5000),
          tagged: defaulted(packetRate, 20000),
          otherAddress: defaulted(packetRate, 1000),
          hostPort: defaulted(packetRate, 20000),
          labelTtl: defaulted(packetRate, 100),
          routerAlert: defaulted(packetRate, 1000),
        }),
      ),
    }),
  ),
  neighbors: section(
    object<Config['neighbors']>({
      kernel: defaulted(flag, true),
      static: section(
        list(
          object<Config['neighbors']['static'][number]>({
            tap: required(interfaceName),
            address: required(unicastAddress),
            mac: required(unicastMac),
          }),
          'static neighbors',
        ),
      ),
    }),
  ),
  mpls: section(
    object<Config['mpls']>({
      input: defaulted(oneOf('auto', 'all', 'off'), 'auto'),
      ttlPropagate: defaulted(flag, true),
      defaultTtl: defaulted(integer(1, 255), 255),
    }),
  ),
  control: section(object<Config['control']>({ socket: defaulted(socketPath, '/run/fpm2afi/control.sock') })),
  metrics: section(object<Config['metrics']>({ listen: optional(hostPort) })),
  log: section(
    object<Config['log']>({
      level: defaulted(oneOf('error', 'warn', 'info', 'debug'), 'info'),
      format: defaulted(oneOf('text', 'json'), 'text'),
      syslog: optional(socketPath),
    }),
  ),
});

/** Every key of the file with its default, for the documentation's tests. */
export function documentedKeys(): DocumentedKey[] {
  return shape.keys('');
}

/** A JSON Schema (draft 2020-12) of the file, for editors: it knows keys, kinds and ranges; what spans several keys only the daemon checks. */
export function configSchema(): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'fpm2afi.yaml', ...shape.schema };
}

/** Reads and checks a configuration file. Throws ConfigError, also when the file can't be read. */
export function loadConfig(file: string, overrides: readonly Override[] = []): Config {
  return parseConfig(readText(file), file, overrides);
}

/** Checks a configuration given as text; `file` is what messages call it. Throws ConfigError. */
export function parseConfig(source: string, file: string, overrides: readonly Override[] = []): Config {
  const before = (context: Context): void => takeOverrides(overrides, context);
  return freeze(readDocument(source, file, shape, { before, across: acrossKeys }));
}

/** Only keys outside lists have a path that a flag can name. */
function takeOverrides(overrides: readonly Override[], context: Context): void {
  const known = documentedKeys().flatMap(({ path }) => (path.includes('[') ? [] : path));
  for (const override of overrides) {
    const { path, flag: place } = override;
    if (known.includes(path)) {
      context.overrides.set(path, override);
      continue;
    }
    const near = nearest(path, known);
    const text = near === undefined ? 'not a key that a flag can set' : `unknown key, did you mean ${near}?`;
    context.problems.push({ place, path, text });
  }
}

/** Checks between keys. Values that were refused by their own check are undefined here and left alone. */
function acrossKeys(config: Config, context: Context): void {
  /** Reports at the first of these keys that was given: of two that clash, one was. */
  const wrong = (paths: readonly string[], expected: string): void => {
    const at = paths.map((path) => context.given.get(path)).find((found) => found !== undefined);
    if (at !== undefined) wrongValue(at, context, expected);
  };
  const ports = config.ports ?? [];
  ports.forEach((entry, i) => {
    const earlier = (same: (other: PortConfig) => boolean): number =>
      ports.slice(0, i).findIndex((other) => other !== undefined && same(other));
    const index = earlier((other) => other.index !== undefined && other.index === entry?.index);
    if (index >= 0) wrong([`ports[${i}].index`], `an index of its own (ports[${index}] has it)`);
    const tap = earlier((other) => other.tap !== undefined && other.tap === entry?.tap);
    if (tap >= 0) wrong([`ports[${i}].tap`], `a TAP of its own (ports[${tap}] has it)`);
  });

  const vrfs = config.vrfs ?? [];
  vrfs.forEach((entry, i) => {
    if (entry === undefined) return;
    const { name, table } = entry;
    const earlier = (same: (other: VrfConfig) => boolean): number =>
      vrfs.slice(0, i).findIndex((other) => other !== undefined && same(other));
    const named = earlier((other) => other.name !== undefined && other.name === name);
    if (named >= 0) wrong([`vrfs[${i}].name`], `a name of its own (vrfs[${named}] has it)`);
    const taken = earlier((other) => other.table !== undefined && other.table === table);
    if (taken >= 0) wrong([`vrfs[${i}].table`], `a table of its own (vrfs[${taken}] has it)`);
    if (table !== undefined && table === config.table) {
      wrong(
        [`vrfs[${i}].table`, 'table'],
        "a table that isn't the default VRF's, which is forwarded by without being named",
      );
    }
  });

  const statics = config.neighbors?.static ?? [];
  const taps = [...new Set(ports.flatMap((entry) => entry?.tap ?? []))];
  statics.forEach((entry, i) => {
    if (entry?.tap === undefined) return;
    if (!taps.includes(entry.tap)) {
      wrong([`neighbors.static[${i}].tap`], `the tap of a configured port (${taps.join(', ') || 'none'})`);
    }
    const { address } = entry;
    const same = statics
      .slice(0, i)
      .findIndex((other) => address && other?.address && other.tap === entry.tap && bytesEqual(other.address, address));
    if (same >= 0) {
      const text = `one entry per address and tap (neighbors.static[${same}] has ${formatAddress(address)} too)`;
      wrong([`neighbors.static[${i}].address`], text);
    }
  });

  const { server, tls } = config.afi ?? {};
  const given = (['ca', 'cert', 'key', 'serverName'] as const).filter((key) => tls?.[key] !== undefined);
  const keys = given.map((key) => `afi.tls.${key}`);
  if (server !== undefined && isUnix(server)) {
    wrong(
      keys,
      'no TLS where afi.server is a Unix socket, which nobody can listen in on: leave out afi.tls, or give HOST:PORT',
    );
  } else if (!given.includes('ca')) {
    wrong(keys, 'afi.tls.ca too, the certificate of who signed the one of the server: without it there is no TLS');
  }
  if (given.includes('cert') !== given.includes('key')) {
    wrong(['afi.tls.cert', 'afi.tls.key'], 'afi.tls.cert and afi.tls.key together');
  }

  const ordered = (lesser: string, less: number | undefined, greater: string, more: number | undefined): void => {
    if (less !== undefined && more !== undefined && less > more) {
      wrong([greater, lesser], `${lesser} to be no more than ${greater}`);
    }
  };
  const [reconnect, sweep] = [config.afi?.reconnectMs, config.fpm?.sweep];
  ordered('afi.reconnect.min', reconnect?.min, 'afi.reconnect.max', reconnect?.max);
  ordered('fpm.sweep.minimum', sweep?.minimumMs, 'fpm.sweep.maximum', sweep?.maximumMs);
  ordered('fpm.sweep.idle', sweep?.idleMs, 'fpm.sweep.maximum', sweep?.maximumMs);
  const { listen, vasic, socket } = config.punt ?? {};
  if (listen !== undefined && vasic !== undefined) {
    const keys = ['punt.vasic', 'punt.listen'];
    if (listen.host === vasic.host && listen.port === vasic.port) wrong(keys, 'punt.listen and punt.vasic to differ');
    if (familiesDiffer(listen, vasic)) {
      wrong(keys, 'punt.listen and punt.vasic to be both IPv4 or both IPv6, as one socket has both');
    }
  }
  if (socket !== undefined && socket === config.control?.socket) {
    wrong(['punt.socket', 'control.socket'], 'punt.socket and control.socket to differ');
  }
  const [fpm, metrics] = [config.fpm?.listen, config.metrics?.listen];
  if (fpm !== undefined && metrics !== undefined && fpm.host === metrics.host && fpm.port === metrics.port) {
    wrong(['metrics.listen'], 'metrics.listen and fpm.listen to differ');
  }
}

/** Freezes all the way down; typed arrays can't be frozen and are never written to. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
