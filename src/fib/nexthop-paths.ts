/** Single nexthops as zebra names them: compared by their text, and copied out of a decoder's buffers. */
import { formatAddress } from '../net/address';
import type { Encap, NexthopPath, SegmentEndpoint } from './updates';

function encapText(encap: Encap | undefined): string {
  if (encap === undefined) return '';
  switch (encap.kind) {
    case 'mpls':
      return ` label ${encap.labels.join('/')}`;
    case 'seg6':
      return ` seg6 ${encap.mode} ${encap.segments.map((segment) => formatAddress(segment)).join(',')}`;
    case 'seg6local':
      return ` seg6local ${encap.action} ${Buffer.from(encap.attributes).toString('hex')}`;
    case 'vxlan':
      return ` vni ${encap.vni}`;
    case 'unknown':
      return ` encap ${encap.type} ${Buffer.from(encap.bytes).toString('hex')}`;
  }
}

/** One text for one meaning: used as the key of inline groups and to compare contents. */
export function pathKey(path: NexthopPath): string {
  const via = path.gateway === undefined ? '' : `via ${formatAddress(path.gateway)} `;
  const labels = path.outLabels === undefined ? '' : ` out ${path.outLabels.join('/')}`;
  return `${via}dev ${path.ifindex} weight ${path.weight}${path.onlink === true ? ' onlink' : ''}${encapText(path.encap)}${labels}`;
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

/** A copy that shares no bytes with a decoder's buffers. */
export function copyPath(path: NexthopPath): NexthopPath {
  return {
    ...(path.gateway === undefined ? {} : { gateway: Uint8Array.from(path.gateway) }),
    ifindex: path.ifindex,
    weight: path.weight,
    ...(path.onlink === undefined ? {} : { onlink: path.onlink }),
    ...(path.encap === undefined ? {} : { encap: copyEncap(path.encap) }),
    ...(path.outLabels === undefined ? {} : { outLabels: [...path.outLabels] }),
  };
}
