/** Encapsulations in the words that an operator is shown: `label 16/17`. */
import { formatAddress } from '../net/address';
import { stackText } from '../net/labels';
import type { Encap, SegmentEndpoint } from './updates';

/** SEG6_IPTUN_MODE_* of linux/seg6_iptunnel.h, as RFC 8986 and ip-route(8) name the behaviors. */
const SEG6_MODES: readonly string[] = ['inline', 'encap', 'l2encap', 'encap.red', 'l2encap.red'];

/** SEG6_LOCAL_ACTION_* of linux/seg6_local.h. */
const SEG6_ACTIONS: readonly string[] = (
  'unspecified End End.X End.T End.DX2 End.DX6 End.DX4 End.DT6 End.DT4 End.B6 End.B6.Encaps End.BM End.S End.AS ' +
  'End.AM End.BPF End.DT46'
).split(' ');

/** Bits of SEG6_LOCAL_FLV_OPERATION. */
const FLAVORS: readonly string[] = ['', 'PSP', 'USP', 'USD', 'NEXT-CSID'];

/** What an encapsulation does to a packet, in plain words. */
export function describeEncap(encap: Encap): string {
  switch (encap.kind) {
    case 'mpls':
      return `label ${stackText(encap.labels)}`;
    case 'seg6': {
      const mode = SEG6_MODES[encap.mode] ?? `mode ${encap.mode}`;
      return `SRv6 ${mode} ${encap.segments.map(formatAddress).join(', ')}`;
    }
    case 'seg6local':
      return `SRv6 local ${SEG6_ACTIONS[encap.action] ?? `action ${encap.action}`}${describeEndpoint(encap.endpoint)}`;
    case 'vxlan':
      return `VXLAN VNI ${encap.vni}`;
    case 'unknown':
      return `encapsulation type ${encap.type}`;
  }
}

function describeEndpoint(endpoint: SegmentEndpoint): string {
  const { table, vrfTable, nexthop, ifindex, segments, flavors } = endpoint;
  const names = FLAVORS.filter((name, bit) => name !== '' && ((flavors ?? 0) & (1 << bit)) !== 0);
  return [
    table === undefined ? '' : ` table ${table}`,
    vrfTable === undefined ? '' : ` VRF table ${vrfTable}`,
    nexthop === undefined ? '' : ` via ${formatAddress(nexthop)}`,
    ifindex === undefined ? '' : ` interface ${ifindex}`,
    segments === undefined ? '' : ` to ${segments.map(formatAddress).join(', ')}`,
    names.length === 0 ? '' : ` (${names.join(', ')})`,
  ].join('');
}
