/**
 * What a vMX did with packets, as captured in the expected results of Juniper's public AFI tests (github.com/Juniper/AFI,
 * example-clients/afi-client/test): the same graphs, the same frames in, the same frames out.
 */
import { AftField } from '../../../src/aft/model';
import type { AftNode } from '../../../src/aft/model';
import { parseMac } from '../../../src/net/address';
import { entry, ethernet, label, out, PUNT, route, testbed, tree } from './testbed';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** What all the captured pings end with. */
const PATTERN = '101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637';
const PING = `45000054a03840004001cc31671e0002671e00010800bf463271000106f8855800000000bb23000000000000${PATTERN}`;
const PUNT_IN = hex(`33220a2eaaf132260a2ebbf00800 ${PING}`);
const ROUTED = `45000054dacc400040015f9c671e1401671e1e0308005cba492b3942ee7c5658000000000a300b0000000000${PATTERN}`;
const VLAN_PING = `45000054 40b340004001b3b6671e3c02671e3c010800fbe63edd82810b214158000000002d6e020000000000${PATTERN}`;
const VLAN_FRAME = `8100000b0800 ${VLAN_PING}`;

describe('behavior captured from vMX', () => {
  test('counter, then port: the frame leaves without its Ethernet header', () => {
    const bed = testbed();
    bed.run(
      [
        { type: 'counter', token: 2001, name: 'Counter1', bytes: 0, packets: 0 },
        { type: 'list', token: 2000, tokens: [2001, out(1)] },
      ],
      2000,
    );
    bed.receive(PUNT_IN);
    expect(bed.ports[1]!.sent.map((sent) => sent.frame)).toEqual([PUNT_IN.subarray(14)]);
    expect(bed.sandbox.nodeInfo([2001])[0]).toMatchObject({ packets: 1, bytes: 98 });
  });

  test('discard: nothing leaves', () => {
    const bed = testbed();
    bed.run([{ type: 'discard', token: 2000, name: 'Discard' }]);
    bed.receive(PUNT_IN);
    expect(bed.ports.flatMap((port) => port.sent)).toEqual([]);
    expect(bed.punted).toEqual([]);
    expect(bed.sandbox.drops()).toEqual({ discard: 1 });
  });

  test('punt port: the frame whole, Ethernet header included', () => {
    const bed = testbed();
    bed.insert({ binds: [{ port: 0, next: PUNT }] });
    bed.receive(PUNT_IN);
    expect(bed.punted).toEqual([{ port: 0, reason: 0, frame: PUNT_IN }]);
  });

  test('IPv4 routing: new Ethernet header, the TTL as it was', () => {
    const bed = testbed();
    const encap = ethernet(2001, out(1), parseMac('32:26:0a:2e:aa:f3')!, parseMac('32:26:0a:2e:cc:f3')!);
    bed.run([tree(2000), encap], 2000, [route(2000, '103.30.30.0/24', 2001)]);
    bed.receive(hex(`32260a2eaaf232260a2ebbf20800 ${ROUTED}`));
    const expected = hex(`32260a2eccf332260a2eaaf30800 ${ROUTED}`);
    expect(bed.ports[1]!.sent.map((sent) => sent.frame)).toEqual([expected]);
  });

  test('L2VPN encapsulation: two labels and an Ethernet header around the tagged frame', () => {
    const bed = testbed();
    const nodes: AftNode[] = [
      { type: 'table', token: 2000, fields: [AftField.EtherVlan1], size: 25, defaultNext: 0 },
      ethernet(2001, out(1), parseMac('32:26:0a:2e:aa:f5')!, parseMac('32:26:0a:2e:cc:f5')!),
      label(2002, 1000002),
      label(2003, 16),
      {
        type: 'list',
        token: 2004,
        tokens: [2003, 2002, 2001],
        params: { 'list.allocDesc': { kind: 'int', value: 1 } },
      },
    ];
    bed.run(nodes, 2000, [entry(2000, 11, 2004)]);
    bed.receive(hex(`33220a2efff132260a2ebbf4 ${VLAN_FRAME}`));
    const expected = hex(`32260a2eccf532260a2eaaf58847 f42420ff 000101ff 33220a2efff132260a2ebbf4 ${VLAN_FRAME}`);
    expect(bed.ports[1]!.sent.map((sent) => sent.frame)).toEqual([expected]);
  });

  test('L2VPN decapsulation: the inner frame is looked up by its VLAN and leaves as it is', () => {
    const bed = testbed();
    const nodes: AftNode[] = [
      { type: 'table', token: 2000, fields: [AftField.EtherVlan1], size: 25, defaultNext: 0 },
      { type: 'decap', token: 2001, template: 'label' },
      { type: 'list', token: 2002, tokens: [2001, 2000] },
    ];
    bed.run(nodes, 2002, [entry(2000, 11, out(1))]);
    const inner = `33220a2efff15ed8f932bd85 ${VLAN_FRAME}`;
    bed.receive(hex(`33220a2efff132260a2ebbf58847 000c8847 000c81ff ${inner}`));
    expect(bed.ports[1]!.sent.map((sent) => sent.frame)).toEqual([hex(inner)]);
  });
});
