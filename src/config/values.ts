/** Checks for the kinds of value a configuration holds: durations, addresses, interface names, MACs, numbers, words. */
import { isIP } from 'node:net';
import { parseAddress, parseMac, parsePrefix, type Prefix } from '../net/address';
import { isHostName, isSocketPath, isUnix, parseEndpoint, parseHostPort } from '../net/endpoint';
import type { Endpoint, HostPort } from '../net/endpoint';
import { isInterfaceName } from '../net/interface-name';
import type { KeepOr } from './types';
import { scalar } from './validate';
import type { Check } from './validate';

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number, what = 'a whole number'): Check<number> {
  return scalar(
    `${what} from ${min} to ${max}`,
    (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined,
    { type: 'integer', minimum: min, maximum: max },
  );
}

/** true or false. */
export const flag: Check<boolean> = scalar(
  'true or false',
  (value) => (typeof value === 'boolean' ? value : undefined),
  { type: 'boolean' },
);

/** One of some words. */
export function oneOf<T extends string>(...words: readonly T[]): Check<T> {
  return scalar(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value), { enum: words });
}

const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds, from a number of them or text such as `5s`; `min` and `max` in milliseconds. */
export function duration(min: number, max: number): Check<number> {
  const expected = `a duration from ${durationText(min)} to ${durationText(max)} such as 200ms or 5s (a bare number is milliseconds)`;
  return scalar(
    expected,
    (value) => {
      const ms = typeof value === 'boolean' ? undefined : typeof value === 'number' ? value : parseDuration(value);
      return ms !== undefined && Number.isInteger(ms) && ms >= min && ms <= max ? ms : undefined;
    },
    {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: DURATION.source },
      ],
    },
  );
}

/** Milliseconds of `200ms`, `5s`, `1.5s`, `2m`, `1h`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  return match === null ? undefined : Math.round(Number(match[1]) * UNITS[match[2]!]!);
}

/** The shortest text that `parseDuration` reads as this many milliseconds. */
export function durationText(ms: number): string {
  const unit = ms === 0 ? 's' : (['h', 'm', 's'].find((name) => ms % UNITS[name]! === 0) ?? 'ms');
  return `${ms / UNITS[unit]!}${unit}`;
}

/** `keep`, or `VERB after DURATION`; `min` and `max` in milliseconds. */
export function keepOr(verb: string, min: number, max: number): Check<KeepOr> {
  const expected = `keep, or "${verb} after" a duration from ${durationText(min)} to ${durationText(max)} such as "${verb} after 10m"`;
  return scalar(
    expected,
    (value) => {
      if (value === 'keep') return { kind: 'keep' };
      const match = typeof value === 'string' ? /^(\S+) after (.+)$/.exec(value) : null;
      const ms = match?.[1] === verb ? parseDuration(match[2]!) : undefined;
      return ms !== undefined && ms >= min && ms <= max ? { kind: 'after', ms } : undefined;
    },
    { type: 'string', pattern: `^(keep|${verb} after .+)$` },
  );
}

/** An IP address and a port. IPv6 is in brackets (and so in quotes: YAML's lists). */
export const hostPort: Check<HostPort> = scalar(
  'an IP address with a port such as 127.0.0.1:2620 or "[::1]:2620"',
  (value) => {
    const found = typeof value === 'string' ? parseHostPort(value) : undefined;
    return found !== undefined && isIP(found.host) !== 0 && found.port > 0 ? found : undefined;
  },
);

/** A Unix socket, or a host name or IP address and a port. */
export const endpoint: Check<Endpoint> = scalar(
  'unix:/PATH, or a host name or IP address with a port such as vasic1:50051 or "[::1]:50051"',
  (value) => {
    const found = typeof value === 'string' ? parseEndpoint(value) : undefined;
    return found !== undefined && (isUnix(found) || found.port > 0) ? found : undefined;
  },
);

/** What a certificate may be for. */
export const hostName: Check<string> = scalar('a host name or IP address', (value) =>
  typeof value === 'string' && (isHostName(value) || isIP(value) !== 0) ? value : undefined,
);

function deviceName(value: unknown): string | undefined {
  const isTaken = value === 'lo' || value === 'all' || value === 'default';
  return typeof value === 'string' && isInterfaceName(value) && !isTaken ? value : undefined;
}

/** A name that an interface may have; lo is there, and all and default are none to sysctl. */
export const interfaceName: Check<string> = scalar(
  'an interface name (1 to 15 letters, digits, ".", "_" or "-", not lo, all or default)',
  deviceName,
);

/** A name that a VRF may have: as its device would. `default` is what Linux and FRR call the one without a device. */
export const vrfName: Check<string> = scalar(
  'a name of 1 to 15 letters, digits, ".", "_" or "-", not default, lo or all',
  deviceName,
);

/** A unicast hardware address, not all zero. */
export const unicastMac: Check<Uint8Array> = scalar('a unicast MAC address such as 32:26:0a:2e:aa:f0', (value) => {
  const mac = typeof value === 'string' ? parseMac(value) : undefined;
  return mac !== undefined && (mac[0]! & 1) === 0 && mac.some((byte) => byte !== 0) ? mac : undefined;
});

/** An IPv4 or IPv6 address that a neighbor can have. */
export const unicastAddress: Check<Uint8Array> = scalar(
  'a unicast IPv4 or IPv6 address such as 103.30.0.3',
  (value) => {
    const bytes = typeof value === 'string' ? parseAddress(value) : undefined;
    if (bytes === undefined || bytes.every((byte) => byte === 0)) return undefined;
    const first = bytes[0]!;
    if (bytes.length === 4) return first === 0 || first === 127 || first >= 224 ? undefined : bytes;
    const loopback = bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
    return first === 0xff || loopback ? undefined : bytes;
  },
);

/** An address, or a prefix; bits beyond its length are cleared. */
export const prefix: Check<Prefix> = scalar('an address or prefix such as 10.0.0.2 or "2001:db8::/64"', (value) =>
  typeof value === 'string' ? parsePrefix(value) : undefined,
);

/** A user of this machine, by name or number. */
export const user: Check<string | number> = scalar(
  'the name or the number of a user',
  (value) => {
    if (typeof value === 'number')
      return Number.isInteger(value) && value >= 0 && value < 0xffff_ffff ? value : undefined;
    return typeof value === 'string' && /^[A-Za-z_][\w.-]{0,31}\$?$/.test(value) ? value : undefined;
  },
  { type: ['string', 'integer'] },
);

/** A name of an engine or sandbox. */
export const word: Check<string> = scalar('a name of 1 to 64 letters, digits, ".", "_" or "-"', (value) =>
  typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : undefined,
);

/** Where a Unix socket may be. */
export const socketPath: Check<string> = scalar('an absolute path of at most 107 bytes', (value) =>
  typeof value === 'string' && isSocketPath(value) ? value : undefined,
);

/** A file; whether it is there is found out when it is read. */
export const filePath: Check<string> = scalar('an absolute path', (value) =>
  typeof value === 'string' && value.startsWith('/') && !value.includes('\0') ? value : undefined,
);
