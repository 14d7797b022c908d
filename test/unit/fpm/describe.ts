/**
 * Updates as text, one line each, for expectations that a person can check:
 * `routeAdd 198.18.1.0/24 table 254 proto 196 metric 20 → nexthop 12`.
 */
import { type DecoderSink, decodeNetlink } from '../../../src/fpm/netlink/decoder';
import { FrameReader } from '../../../src/fpm/framing';
import type {
  Encap,
  FpmUpdate,
  MacName,
  NexthopContent,
  NexthopPath,
  RouteTarget,
  SegmentEndpoint,
} from '../../../src/fib/updates';
import { formatAddress, formatMac, formatPrefix } from '../../../src/net/address';

export function describeEncap(encap: Encap): string {
  switch (encap.kind) {
    case 'mpls':
      return `mpls ${encap.labels.join('/')}`;
    case 'seg6':
      return `seg6 mode ${encap.mode} ${encap.segments.map(formatAddress).join(',')}`;
    case 'seg6local':
      return `seg6local action ${encap.action} ${Buffer.from(encap.attributes).toString('hex')}${describeEndpoint(encap.endpoint)}`;
    case 'vxlan':
      return `vni ${encap.vni}`;
    case 'unknown':
      return `encap ${encap.type} ${Buffer.from(encap.bytes).toString('hex')}`;
  }
}

function describeEndpoint(endpoint: SegmentEndpoint): string {
  const { table, vrfTable, nexthop, ifindex, segments, flavors } = endpoint;
  return Object.entries({ table, vrfTable, nexthop: nexthop && formatAddress(nexthop), ifindex, flavors })
    .concat(segments === undefined ? [] : [['segments', segments.map(formatAddress).join(',')]])
    .map(([name, value]) => (value === undefined ? '' : ` ${name} ${value}`))
    .join('');
}

/** `10.0.0.2@3*1`; `direct@3*1` without gateway. */
export function describePath(path: NexthopPath): string {
  const via = path.gateway === undefined ? 'direct' : formatAddress(path.gateway);
  const encap = path.encap === undefined ? '' : ` (${describeEncap(path.encap)})`;
  return `${via}@${path.ifindex}*${path.weight}${path.onlink ? ' onlink' : ''}${encap}`;
}

function describeTarget(target: RouteTarget | NexthopContent): string {
  switch (target.kind) {
    case 'nexthopId':
      return `nexthop ${target.id}`;
    case 'paths':
      return target.paths.map(describePath).join(' | ');
    case 'path':
      return describePath(target.path);
    case 'group':
      return `group ${target.members.map((member) => `${member.id}*${member.weight}`).join(' ')}`;
    case 'drop':
      return target.drop;
    case 'host':
      return 'host';
    case 'unsupported':
      return `unsupported: ${target.reason}`;
  }
}

function describeMac({ mac, ifindex, vlan, vni }: MacName): string {
  return `${formatMac(mac)}@${ifindex} vlan ${vlan} vni ${vni}`;
}

export function describeUpdate(update: FpmUpdate): string {
  switch (update.kind) {
    case 'routeAdd': {
      const { prefix, table, protocol, metric, target, prefsrc, metrics } = update;
      const name = `${formatPrefix(prefix)} table ${table} proto ${protocol} metric ${metric}`;
      const source = prefsrc === undefined ? '' : ` src ${formatAddress(prefsrc)}`;
      const more = metrics === undefined ? '' : ` metrics ${metrics.map((pair) => pair.join('=')).join(' ')}`;
      return `routeAdd ${name}${source}${more} → ${describeTarget(target)}`;
    }
    case 'routeDelete':
      return `routeDelete ${formatPrefix(update.prefix)} table ${update.table}`;
    case 'nexthopAdd':
      return `nexthopAdd ${update.id} family ${update.family} proto ${update.protocol} → ${describeTarget(update.content)}`;
    case 'nexthopDelete':
      return `nexthopDelete ${update.id}`;
    case 'neighborAdd': {
      const mac = update.mac === undefined ? 'no mac' : formatMac(update.mac);
      return `neighborAdd ${formatAddress(update.address)}@${update.ifindex} ${mac} ${update.state}`;
    }
    case 'neighborDelete':
      return `neighborDelete ${formatAddress(update.address)}@${update.ifindex}`;
    case 'lspAdd': {
      const paths = update.paths.map((path) => `${describePath(path)} swap ${path.outLabels.join('/') || 'none'}`);
      return `lspAdd ${update.label} proto ${update.protocol} → ${paths.join(' | ')}`;
    }
    case 'lspDelete':
      return `lspDelete ${update.label}`;
    case 'macAdd': {
      const vtep = update.vtep === undefined ? `nexthop ${update.nexthopId ?? 'none'}` : formatAddress(update.vtep);
      return `macAdd ${describeMac(update)} bridge ${update.bridge}${update.sticky ? ' sticky' : ''} → ${vtep}`;
    }
    case 'macDelete':
      return `macDelete ${describeMac(update)}`;
    case 'sidAdd': {
      const { sid, behavior, format, nexthop, vrf } = update;
      const to = nexthop && ` → ${nexthop.gateway ? formatAddress(nexthop.gateway) : 'direct'}@${nexthop.ifindex}`;
      const bits = format && ` ${format.block}/${format.node}/${format.function}/${format.argument}`;
      return `sidAdd ${formatAddress(sid)}${bits ?? ''} ${behavior}${vrf === undefined ? '' : ` vrf ${vrf}`}${to ?? ''}`;
    }
    case 'sidDelete':
      return `sidDelete ${formatAddress(update.sid)}`;
  }
}

/** What came out of a decoder, as text. */
export interface Recorded {
  readonly lines: string[];
  readonly skipped: string[];
  readonly malformed: string[];
}

export const emptyRecord = (): Recorded => ({ lines: [], skipped: [], malformed: [] });

/** A sink that writes into `recorded`. */
export function recordInto(recorded: Recorded): DecoderSink {
  return {
    update: (update) => void recorded.lines.push(describeUpdate(update)),
    message: () => undefined,
    skipped: (reason) => void recorded.skipped.push(reason),
    malformed: (reason, offset) => void recorded.malformed.push(`${reason} @${offset}`),
  };
}

/** Decodes one netlink payload. */
export function record(payload: Buffer): Recorded {
  const recorded = emptyRecord();
  decodeNetlink(payload, 0, payload.length, recordInto(recorded));
  return recorded;
}

/** Decodes a whole recorded stream of netlink frames; several updates of one frame are joined by ` + `. */
export function recordStream(stream: Buffer): Recorded {
  const all = emptyRecord();
  const reader = new FrameReader((_type, buffer, start, end) => {
    const frame: Recorded = { ...all, lines: [] };
    decodeNetlink(buffer, start, end, recordInto(frame));
    if (frame.lines.length > 0) all.lines.push(frame.lines.join(' + '));
  });
  reader.push(stream);
  if (reader.pending > 0) all.malformed.push(`${reader.pending} bytes of a frame at the end`);
  return all;
}

/** The one update that a message gives. */
export function one(bytes: Buffer): string {
  const { lines, skipped, malformed } = record(bytes);
  expect([skipped, malformed]).toEqual([[], []]);
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

/** What a message that must give a route or nexthop leads to. */
export const target = (bytes: Buffer): string => one(bytes).split('→ ')[1]!;

/** The reasons for which nothing but skips came of the messages. */
export function skipOf(bytes: Buffer): string[] {
  const { lines, skipped, malformed } = record(bytes);
  expect([lines, malformed]).toEqual([[], []]);
  return skipped;
}

/** The faults, where nothing but faults came of the messages. */
export function faultOf(bytes: Buffer): string[] {
  const { lines, skipped, malformed } = record(bytes);
  expect([lines, skipped]).toEqual([[], []]);
  return malformed;
}
