/**
 * What zebra sends over FPM, as bytes, without a zebra: nexthop objects, groups of them, and routes by them, laid out as FRR
 * 10.7's `dplane_fpm_nl` does (a frame each, 56 bytes an IPv4 route). For what
 * zebra would add noise to, or never does. The family is told by the size of the address.
 */
import { FPM_HEADER, FPM_TYPE_NETLINK, FPM_VERSION } from '../src/fpm/framing';
import { NetlinkWriter } from '../src/netlink/codec';
import * as nl from '../src/netlink/constants';

const RTPROT_KERNEL = 2;
const RTPROT_BGP = 186;
const RTPROT_LDP = 193;
const RTPROT_ZEBRA = 11;
const NEW_REPLACE = 0x501;
const DELETE = 0x1;

function familyOf({ length }: Uint8Array): number {
  return length === 4 ? nl.AF_INET : nl.AF_INET6;
}

/** Labels as netlink has them, outermost first: the last one has the bottom-of-stack bit. */
function stackOf(labels: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * labels.length);
  labels.forEach((label, i) => bytes.writeUInt32BE(label * 4096 + (i === labels.length - 1 ? 0x100 : 0), 4 * i));
  return bytes;
}

export class ZebraFrames {
  private readonly writer = new NetlinkWriter(1 << 12);
  private parts: Buffer[] = [];

  /** A nexthop object, with labels to push, outermost first. */
  nexthop(id: number, gateway: Uint8Array, ifindex: number, labels: readonly number[] = []): this {
    this.beginNexthop(familyOf(gateway), id);
    this.writer.attribute(nl.NHA_GATEWAY, gateway).attributeU32(nl.NHA_OIF, ifindex);
    if (labels.length > 0) {
      const nested = Buffer.alloc(4 + 4 * labels.length);
      nested.writeUInt16LE(nested.length, 0);
      nested.writeUInt16LE(nl.MPLS_IPTUNNEL_DST, 2);
      stackOf(labels).copy(nested, 4);
      this.writer
        .attribute(nl.NHA_ENCAP_TYPE, Uint8Array.of(nl.LWTUNNEL_ENCAP_MPLS, 0))
        .attribute(nl.NHA_ENCAP, nested);
    }
    return this.finish();
  }

  /** An LSP of LDP's to an IPv4 neighbor; without outgoing labels it takes the label off. */
  lsp(label: number, outgoing: readonly number[], gateway: Uint8Array, ifindex: number): this {
    this.beginLsp(label, RTPROT_LDP);
    if (outgoing.length > 0) this.writer.attribute(nl.RTA_NEWDST, stackOf(outgoing));
    this.writer.attribute(nl.RTA_VIA, Buffer.concat([Uint8Array.of(nl.AF_INET, 0), gateway]));
    this.writer.attributeU32(nl.RTA_OIF, ifindex);
    return this.finish();
  }

  /** An LSP of BGP's whose packets lose the label and are looked up where those go that are sent to this device: a VRF's, or the loopback. */
  lspLookUp(label: number, ifindex: number): this {
    this.beginLsp(label, RTPROT_BGP).attributeU32(nl.RTA_OIF, ifindex);
    return this.finish();
  }

  /** A nexthop object or group deleted. */
  nexthopGone(id: number): this {
    this.writer.begin(nl.RTM_DELNEXTHOP, DELETE).u8(nl.AF_UNSPEC).u8(0).u8(0).u8(0).u32(0);
    this.writer.attributeU32(nl.NHA_ID, id);
    return this.finish();
  }

  /** A group of nexthop objects of equal weight. */
  group(id: number, members: readonly number[]): this {
    const bytes = Buffer.alloc(members.length * 8);
    members.forEach((member, i) => bytes.writeUInt32LE(member, i * 8));
    this.beginNexthop(nl.AF_UNSPEC, id);
    this.writer.attribute(nl.NHA_GROUP, bytes);
    return this.finish();
  }

  /** A BGP route by a nexthop object or group, of the main table or of another. */
  route(prefix: Uint8Array, length: number, nexthop: number, table = nl.RT_TABLE_MAIN): this {
    this.beginRoute(nl.RTM_NEWROUTE, prefix, length, RTPROT_BGP).attributeU32(nl.RTA_NH_ID, nexthop);
    if (table !== nl.RT_TABLE_MAIN) this.writer.attributeU32(nl.RTA_TABLE, table);
    return this.finish();
  }

  /** That route withdrawn. */
  routeGone(prefix: Uint8Array, length: number): this {
    this.beginRoute(nl.RTM_DELROUTE, prefix, length, RTPROT_BGP);
    return this.finish();
  }

  /** A connected subnet of the main table. */
  connected(prefix: Uint8Array, length: number, ifindex: number): this {
    this.beginRoute(nl.RTM_NEWROUTE, prefix, length, RTPROT_KERNEL).attributeU32(nl.RTA_OIF, ifindex);
    return this.finish();
  }

  /** That subnet gone. */
  connectedGone(prefix: Uint8Array, length: number): this {
    this.beginRoute(nl.RTM_DELROUTE, prefix, length, RTPROT_KERNEL);
    return this.finish();
  }

  /** Everything so far, which is forgotten then. */
  take(): Buffer {
    return Buffer.concat(this.parts.splice(0));
  }

  private beginLsp(label: number, protocol: number): NetlinkWriter {
    this.writer.begin(nl.RTM_NEWROUTE, NEW_REPLACE).u8(nl.AF_MPLS).u8(20).u8(0).u8(0);
    this.writer.u8(nl.RT_TABLE_MAIN).u8(protocol).u8(0).u8(nl.RTN_UNICAST).u32(0);
    return this.writer.attribute(nl.RTA_DST, stackOf([label]));
  }

  private beginRoute(type: number, prefix: Uint8Array, length: number, protocol: number): NetlinkWriter {
    this.writer
      .begin(type, type === nl.RTM_NEWROUTE ? NEW_REPLACE : DELETE)
      .u8(familyOf(prefix))
      .u8(length)
      .u8(0)
      .u8(0)
      .u8(nl.RT_TABLE_MAIN)
      .u8(protocol)
      .u8(0)
      .u8(nl.RTN_UNICAST)
      .u32(0);
    return this.writer.attribute(nl.RTA_DST, prefix).attributeU32(nl.RTA_PRIORITY, 20);
  }

  private beginNexthop(family: number, id: number): void {
    this.writer.begin(nl.RTM_NEWNEXTHOP, NEW_REPLACE).u8(family).u8(0).u8(RTPROT_ZEBRA).u8(0).u32(0);
    this.writer.attributeU32(nl.NHA_ID, id);
  }

  private finish(): this {
    const message = this.writer.end().view();
    const frame = Buffer.allocUnsafe(FPM_HEADER + message.length);
    frame[0] = FPM_VERSION;
    frame[1] = FPM_TYPE_NETLINK;
    frame.writeUInt16BE(frame.length, 2);
    message.copy(frame, FPM_HEADER);
    this.parts.push(frame);
    this.writer.reset();
    return this;
  }
}
