/** Single nexthops as zebra names them: compared by their text, and copied out of a decoder's buffers. */
import { formatAddress } from '../net/address';
import type { Encap, NexthopPath, SegmentEndpoint } from './updates';

function encapText(encap: Encap): string {
  switch (encap.kind) {
    case 'mpls':
      return `label ${encap.labels.join('/')}`;
    case 'seg6':
      return `seg6 ${encap.mode} ${encap.segments.map((segment) => formatAddress(segment)).join(',')}`;
    case 'seg6local':
      return `seg6local ${encap.action} ${Buffer.from(encap.attributes).toString('hex')}`;
    case 'vxlan':
      return `vni ${encap.vni}`;
    case 'unknown':
      return `encap ${encap.type} ${Buffer.from(encap.bytes).toString('hex')}`;
  }
}

/**
 * One text for one meaning: used as the key of inline groups and to compare contents. It is joined, as V8 keeps what is put together by `+` or in a
 * template as its pieces, which take three times as much memory.
 */
export function pathKey({ gateway, ifindex, weight, onlink, encap, outLabels }: NexthopPath): string {
  const parts = gateway === undefined ? [] : ['via', formatAddress(gateway)];
  parts.push('dev', String(ifindex), 'weight', String(weight));
  if (onlink === true) parts.push('onlink');
  if (encap !== undefined) parts.push(encapText(encap));
  if (outLabels !== undefined) parts.push('out', outLabels.join('/'));
  return parts.join(' ');
}

function copyEncap(encap: Encap): Encap {
  switch (encap.kind) {
    case 'mpls':
      return { kind: 'mpls', labels: [...encap.labels] };
    case 'seg6':
      return { kind: 'seg6', mode: encap.mode, segments: encap.segments.map((segment) => Uint8Array.from(segment)) };
    case 'seg6local':
      return { ...encap, attributes: Uint8Array.from(encap.attributes), endpoint: copyEndpoint(encap.endpoint) };
    case 'vxlan':
      return { kind: 'vxlan', vni: encap.vni };
    case 'unknown':
      return { kind: 'unknown', type: encap.type, bytes: Uint8Array.from(encap.bytes) };
  }
}

function copyEndpoint({ nexthop, segments, ...plain }: SegmentEndpoint): SegmentEndpoint {
  return {
    ...plain,
    ...(nexthop && { nexthop: Uint8Array.from(nexthop) }),
    ...(segments && { segments: segments.map((segment) => Uint8Array.from(segment)) }),
  };
}

/** So many gateways, and no more, are kept to be shared. */
const SHARED_GATEWAYS = 4096;

/**
 * Gateways' addresses, each once: thousands of paths have the same, and three objects of V8 take far more than four bytes. What it holds is
 * never changed.
 */
export class Gateways {
  private readonly known = new Map<string, Uint8Array>();

  /** The address as it is kept. */
  share(address: Uint8Array): Uint8Array {
    const text = formatAddress(address);
    const known = this.known.get(text);
    if (known !== undefined) return known;
    // Those that are in use have a path that holds them.
    if (this.known.size >= SHARED_GATEWAYS) this.known.clear();
    const copy = Uint8Array.from(address);
    this.known.set(text, copy);
    return copy;
  }
}

/**
 * A copy that shares no bytes with a decoder's buffers. It isn't made by spreading: each would be of a hidden class of its own, which takes
 * more memory than the path.
 */
export function copyPath(path: NexthopPath, gateways: Gateways): NexthopPath {
  const { gateway, ifindex, weight, onlink, encap, outLabels } = path;
  const copy: { -readonly [K in keyof NexthopPath]: NexthopPath[K] } = { ifindex, weight };
  if (gateway !== undefined) copy.gateway = gateways.share(gateway);
  if (onlink !== undefined) copy.onlink = onlink;
  if (encap !== undefined) copy.encap = copyEncap(encap);
  if (outLabels !== undefined) copy.outLabels = [...outLabels];
  return copy;
}
