/**
 * The configuration of the 2017 original, afi-client-linux (its config.yml): what each of its keys became here, for
 * `fpm2afi import-config` and the table in docs/configuration.md, and its values read by the checks of the keys that they become.
 */
import { isScalar, Scalar } from 'yaml';
import type { Endpoint, HostPort } from '../net/endpoint';
import { list, object, optional, required, resolved } from './validate';
import type { Check } from './validate';
import { endpoint, flag, hostPort, integer, interfaceName } from './values';

/** One key of the original. */
export interface OriginalKey {
  /** As in its file; what is in items of a list is written `interfaces[].tap`. */
  readonly key: string;
  /** The keys of fpm2afi that say the same; none: nothing does. */
  readonly becomes: readonly string[];
  /** What there is to know of it. */
  readonly remark: string;
}

/** Every key that the original reads, each of its list items by itself. */
export const ORIGINAL_KEYS = [
  {
    key: 'afi-server-address',
    becomes: ['afi.server'],
    remark: 'Its sandbox was always `green` of the engine `trio`, as here by default.',
  },
  {
    key: 'afi-hostpath-address',
    becomes: ['punt.vasic', 'punt.listen'],
    remark:
      'It took punted packets at UDP port 8001 of every address: so does the imported file, unless the vASIC is on this machine. Better name the address that the vASIC sends to.',
  },
  {
    key: 'use-fpm-interface',
    becomes: ['fpm.listen'],
    remark:
      "Routes always come from zebra over FPM, at the address where the original listened too. Where this was false they were Linux' tables: start zebra with `-M dplane_fpm_nl`, and give it `fpm address 127.0.0.1 port 2620`.",
  },
  {
    key: 'netlink-buffer-size',
    becomes: [],
    remark:
      'Not needed: no routes come over netlink, the buffer has 4 MiB, and what was lost there nevertheless is noticed and read again.',
  },
  { key: 'interfaces[].port', becomes: ['ports[].index'], remark: 'The same number.' },
  {
    key: 'interfaces[].tap',
    becomes: ['ports[].tap'],
    remark:
      'The same name. The MAC address and MTU are those that the vASIC tells, and need not be set on the TAP before.',
  },
  {
    key: 'interfaces[].name',
    becomes: [],
    remark:
      "Not needed: packets of Linux leave through the vASIC's port (`punt.vasic`), not by an interface beside it. With softvasic it is the interface of that port, to be named in its own options.",
  },
] as const satisfies readonly OriginalKey[];

/** What a file of the original says. */
export interface Original {
  readonly server: Endpoint;
  readonly hostpath: HostPort;
  readonly fpm?: boolean;
  readonly netlinkBuffer?: number;
  readonly interfaces: readonly OriginalInterface[];
}

/** One of its interfaces: a port of the vASIC, its TAP, and the interface where the original sent what came out of the TAP. */
export interface OriginalInterface {
  readonly port: number;
  readonly tap: string;
  readonly name?: string;
}

/** Reads a whole file of the original. */
export const original: Check<Original> = object<Original>({
  server: { ...required(endpoint), name: 'afi-server-address' },
  hostpath: { ...required(hostPort), name: 'afi-hostpath-address' },
  fpm: { ...optional(plainly(flag)), name: 'use-fpm-interface' },
  netlinkBuffer: { ...optional(plainly(integer(0, 0xffff_ffff))), name: 'netlink-buffer-size' },
  interfaces: required(
    list(
      object<OriginalInterface>({
        port: required(plainly(integer(0, 65534))),
        tap: required(interfaceName),
        name: optional(interfaceName),
      }),
      'interfaces',
      1,
    ),
  ),
});

/** A number or truth value as the original's YAML reader takes it: also in quotes, and yes, on and y for true. */
function plainly<T>(check: Check<T>): Check<T> {
  return {
    ...check,
    read(at, context) {
      const node = resolved(at, context);
      const meant = isScalar(node) && typeof node.value === 'string' ? meaning(node.value) : undefined;
      if (meant === undefined) return check.read(at, context);
      const plain = new Scalar(meant);
      plain.range = node?.range;
      return check.read({ ...at, node: plain }, context);
    },
  };
}

function meaning(text: string): boolean | number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  if (/^(y|yes|true|on)$/i.test(text)) return true;
  return /^(n|no|false|off)$/i.test(text) ? false : undefined;
}
