/**
 * AftEncap: puts a header in front of the packet.
 *
 * `ethernet`: a new Ethernet header (keys packet.ether.saddr and packet.ether.daddr) on the L3 packet, in place of any it
 * has. Parameters encap.ether.ovlan and encap.ether.ivlan: outer and inner VLAN id, each in a tag of type 0x8100.
 * `label`: an MPLS label in front of the packet, or in place of its top one: push-label.ts.
 * Parameter meta.nhid: the number to know the next hop by; nh.mtu: the MTU towards it, where it is below the port's. Counts the
 * packets that got the header, as they were received.
 */
import { ETHERTYPE_VLAN } from '../../../net/ethertypes';
import { AftField, PARAM } from '../../../aft/model';
import type { AftKey } from '../../../aft/model';
import { formatMac } from '../../../net/address';
import { write16 } from '../../../net/checksum';
import { fieldName } from '../fields';
import { ETHERTYPE_MIN } from '../headers';
import { newCounters, type Counters } from '../ports';
import type { Compiled, LinkContext, NodeKind, NodeOf } from '../node-kind';
import { intParam } from './params';
import { checkLabel, describeLabel, imageOfLabel, linkLabel } from './push-label';

/** Above the size of any packet. */
const MAX_MTU = 0xffff_ffff;
const MAX_VLAN = 4094;
const VLANS = [PARAM.etherOuterVlan, PARAM.etherInnerVlan] as const;

function addressKey(node: NodeOf<'encap'>, field: AftField): Uint8Array | undefined {
  const data = node.keys.find((key) => key.field === field)?.data;
  return data?.kind === 'ether' && data.bytes.length === 6 ? data.bytes : undefined;
}

function isEtherKey(key: AftKey): boolean {
  return key.field === AftField.EtherSaddr || key.field === AftField.EtherDaddr;
}

function checkEthernet(node: NodeOf<'encap'>): string | undefined {
  const other = node.keys.find((key) => !isEtherKey(key));
  if (other !== undefined) return `an ethernet encapsulation doesn't set ${fieldName(other.field)}`;
  for (const field of [AftField.EtherSaddr, AftField.EtherDaddr]) {
    if (addressKey(node, field) === undefined) {
      return `an ethernet encapsulation needs ${fieldName(field)}, a hardware address of 6 bytes`;
    }
  }
  for (const name of VLANS) {
    const id = intParam(node, name);
    if (id !== undefined && !(Number.isInteger(id) && id >= 1 && id <= MAX_VLAN)) {
      return `${name} has to be an int from 1 to ${MAX_VLAN}`;
    }
  }
  return undefined;
}

/** Ids of the tags, outermost first. */
function vlansOf(node: NodeOf<'encap'>): number[] {
  return VLANS.map((name) => intParam(node, name)).filter((id) => id !== undefined);
}

function linkEthernet(node: NodeOf<'encap'>, next: number, nhId: number, counters: Counters): Compiled {
  const mtu = intParam(node, PARAM.nhMtu) ?? Infinity;
  const [vlan1 = -1, vlan2 = -1] = vlansOf(node);
  // All but the ethertype.
  const header = Uint8Array.of(
    ...addressKey(node, AftField.EtherDaddr)!,
    ...addressKey(node, AftField.EtherSaddr)!,
    ...vlansOf(node).flatMap((id) => [ETHERTYPE_VLAN >> 8, ETHERTYPE_VLAN & 0xff, id >> 8, id & 0xff]),
  );
  return {
    counters,
    execute(walk) {
      if (walk.proto < ETHERTYPE_MIN) return walk.drop('noEtherType');
      const start = walk.open(walk.l3, header.length + 2);
      if (start < 0) return walk.drop('noHeadroom');
      const buffer = walk.buffer;
      for (let i = 0; i < header.length; i++) buffer[start + i] = header[i]!;
      write16(buffer, start + header.length, walk.proto);
      walk.setEthernet(start, vlan1, vlan2);
      walk.mtu = mtu;
      walk.count(counters);
      if (nhId >= 0) walk.nhId = nhId;
      return next;
    },
  };
}

export const encap: NodeKind<'encap'> = {
  noneAllowed: false,
  targets: () => [],
  check(node) {
    const nhId = intParam(node, PARAM.metaNhId);
    if (nhId !== undefined && !(Number.isSafeInteger(nhId) && nhId >= 0))
      return `${PARAM.metaNhId} has to be an int from 0`;
    if (node.params?.[PARAM.nhMtu] !== undefined && !((intParam(node, PARAM.nhMtu) ?? 0) > 0))
      return `${PARAM.nhMtu} has to be an int from 1`;
    switch (node.template) {
      case 'ethernet':
        return checkEthernet(node);
      case 'label':
        return checkLabel(node);
      default:
        return `there is no encapsulation '${node.template}': ethernet and label are known`;
    }
  },
  link(node, context: LinkContext, previous) {
    const next = context.slotOf(node.next);
    const nhId = intParam(node, PARAM.metaNhId) ?? -1;
    const counters = previous?.counters ?? newCounters();
    return (node.template === 'ethernet' ? linkEthernet : linkLabel)(node, next, nhId, counters);
  },
  image(node, context, { counters }) {
    if (node.template === 'label') return imageOfLabel(node, context.slotOf(node.next), counters!);
    if (vlansOf(node).length > 0) return { kind: 'slow', reason: 'node' };
    const macs = Uint8Array.of(...addressKey(node, AftField.EtherDaddr)!, ...addressKey(node, AftField.EtherSaddr)!);
    const own = intParam(node, PARAM.nhMtu);
    const mtu = own === undefined ? 0 : Math.max(1, Math.min(MAX_MTU, Math.floor(own)));
    return { kind: 'encap', next: context.slotOf(node.next), mtu, macs, counters: counters! };
  },
  describe(node, walk) {
    if (node.template !== 'ethernet') return describeLabel(node, walk);
    const from = formatMac(addressKey(node, AftField.EtherSaddr)!);
    const to = formatMac(addressKey(node, AftField.EtherDaddr)!);
    const tags = vlansOf(node).map((id) => `, VLAN ${id}`);
    return () => `from ${from} to ${to}${tags.join('')}`;
  },
};
