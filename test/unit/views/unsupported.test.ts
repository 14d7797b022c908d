/**
 * From zebra's bytes to what an operator is shown, for all that has no AFT mapping: such routes are trapped, say why in plain
 * words, and send packets to the host; label entries, EVPN MAC addresses and SRv6 segments are kept and listed.
 */
import { decodeNetlink } from '../../../src/fpm/netlink/decoder';
import { decodeProtobuf } from '../../../src/fpm/protobuf/decoder';
import { FrameReader } from '../../../src/fpm/framing';
import type { RouteView } from '../../../src/control/types';
import { LAYOUTS } from '../../../src/control/show';
import { describeEncap } from '../../../src/fib/describe-encap';
import * as c from '../../../src/netlink/constants';
import { parseAddress, parsePrefix } from '../../../src/net/address';
import { RouteViews } from '../../../src/views/routes';
import { evpnViews, sidViews } from '../../../src/views/unsupported';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PuntReason } from '../../../src/aft/model';
import { Bed, ifindexOf } from '../../bed/bed';
import { faultsOf } from '../../schemas';
import { attributes, neighbor, nexthop, route, u16 } from '../fpm/messages';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' };
type Attributes = Parameters<typeof attributes>[0];

/** A FIB with two ports and a neighbor on each, and a way to give it bytes. */
async function bed(): Promise<{ b: Bed; give: (...messages: Buffer[]) => void; show: (prefix: string) => RouteView }> {
  const b = await new Bed().up();
  b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b).settle();
  const views = new RouteViews(b.fib, b.programmer);
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  return {
    b,
    give: (...messages) => {
      const frame = Buffer.concat(messages);
      decodeNetlink(frame, 0, frame.length, {
        update: (update) => void b.apply(update),
        message: () => undefined,
        skipped: fail,
        malformed: fail,
      });
      b.settle();
    },
    show: (prefix) => {
      const [view] = views.lookup({ prefix: parsePrefix(prefix)! });
      expect(faultsOf('routes', view, { stream: true })).toEqual([]);
      return view!;
    },
  };
}

const via1 = [
  [c.RTA_GATEWAY, '10.0.1.2'],
  [c.RTA_OIF, ifindexOf(1)],
] as const;
const encap = (type: number, list: Attributes): Attributes => [
  [c.RTA_ENCAP_TYPE, u16(type)],
  [0x8000 | c.RTA_ENCAP, attributes(list)],
];
const srh = Buffer.concat([
  Buffer.from([1, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0, 0]),
  Buffer.from(parseAddress('2001:db8:f::1')!),
]);

describe('a route with an encapsulation is trapped and says why', () => {
  test.each([
    ['SRv6 encap 2001:db8:f::1', encap(c.LWTUNNEL_ENCAP_SEG6, [[c.SEG6_IPTUNNEL_SRH, srh]])],
    [
      'SRv6 local End.DT46 VRF table 100',
      encap(c.LWTUNNEL_ENCAP_SEG6_LOCAL, [
        [c.SEG6_LOCAL_ACTION, 16],
        [c.SEG6_LOCAL_VRFTABLE, 100],
      ]),
    ],
    ['VXLAN VNI 5000', encap(c.FRR_ENCAP_VXLAN, [[c.FRR_VXLAN_VNI, 5000]])],
    ['encapsulation type 6', encap(6, [])],
  ])('%s', async (words, list) => {
    const { b, give, show } = await bed();
    give(route({}, [[c.RTA_DST, '192.0.2.0'], ...via1, ...list]));
    expect(b.packet('192.0.2.1')).toBe(`punt ${PuntReason.Unsupported}`);
    expect(b.told.get('192.0.2.0/24')).toBe('trapped');
    const view = show('192.0.2.0/24');
    expect(view).toMatchObject({ state: 'trapped', reason: `${words}: no AFT mapping, Linux forwards it` });
    expect(LAYOUTS.routes.row(view)[0]).toContain(`via 10.0.1.2, tap1, ${words}`);
    // The same without the encapsulation is forwarded: nothing of the old route is left.
    give(route({}, [[c.RTA_DST, '192.0.2.0'], ...via1]));
    expect([show('192.0.2.0/24').state, show('192.0.2.0/24').reason]).toEqual(['offloaded', undefined]);
  });

  test('by nexthop object and group: each reason once', async () => {
    const { b, give, show } = await bed();
    const tunnel = (id: number, port: number, vni: number): Buffer =>
      nexthop([
        [c.NHA_ID, id],
        [c.NHA_GATEWAY, `10.0.${port}.2`],
        [c.NHA_OIF, ifindexOf(port)],
        [c.NHA_ENCAP_TYPE, u16(c.FRR_ENCAP_VXLAN)],
        [c.NHA_ENCAP, attributes([[c.FRR_VXLAN_VNI, vni]])],
      ]);
    const members = Buffer.alloc(24);
    [1, 2, 3].forEach((id, i) => members.writeUInt32LE(id, 8 * i));
    give(tunnel(1, 1, 16), tunnel(2, 2, 17), tunnel(3, 2, 16));
    give(nexthop([[c.NHA_ID, 9], [c.NHA_GROUP, members]], 104, 0)); // prettier-ignore
    give(route({}, [[c.RTA_DST, '192.0.2.0'], [c.RTA_NH_ID, 9]])); // prettier-ignore
    expect(show('192.0.2.0/24').reason).toBe('VXLAN VNI 16; VXLAN VNI 17: no AFT mapping, Linux forwards it');
    expect(b.told.get('192.0.2.0/24')).toBe('trapped');
    // One member in place without labels: the group forwards over that one.
    give(nexthop([[c.NHA_ID, 2], [c.NHA_GATEWAY, '10.0.2.2'], [c.NHA_OIF, ifindexOf(2)]])); // prettier-ignore
    expect(show('192.0.2.0/24')).toMatchObject({ state: 'offloaded' });
    expect(show('192.0.2.0/24').nexthops.map((path) => path.encap)).toEqual([
      'VXLAN VNI 16',
      undefined,
      'VXLAN VNI 16',
    ]);
  });

  test('an unknown type of route, and one without a path', async () => {
    const { b, give, show } = await bed();
    give(route({ type: 9 }, [[c.RTA_DST, '192.0.2.0']]), route({}, [[c.RTA_DST, '198.51.100.0']]));
    expect(show('192.0.2.0/24')).toMatchObject({ state: 'trapped', type: 'unsupported' });
    expect(show('192.0.2.0/24').reason).toBe('route type 9: no AFT mapping, Linux forwards it');
    expect(show('198.51.100.0/24').reason).toBe('no usable nexthop: no AFT mapping, Linux forwards it');
    expect(b.packet('192.0.2.1')).toBe(`punt ${PuntReason.Unsupported}`);
    expect([b.told.get('192.0.2.0/24'), b.told.get('198.51.100.0/24')]).toEqual(['trapped', 'trapped']);
  });
});

test('EVPN MAC addresses are kept by interface, VLAN and VNI', async () => {
  const { b, give } = await bed();
  const mac = (vni: number, vtep: string, type = c.RTM_NEWNEIGH): Buffer =>
    neighbor([[c.NDA_LLADDR, Buffer.from('32260a2eaaf0', 'hex')], [c.NDA_DST, vtep], [c.NDA_VNI, vni]], 2, c.AF_BRIDGE, 99, type); // prettier-ignore
  give(mac(5000, '198.51.100.2'), mac(5001, '198.51.100.2'), mac(5000, '198.51.100.3'));
  expect([...evpnViews(b.fib)].map((view) => LAYOUTS.evpn.row(view)[0])).toEqual([
    ['32:26:0a:2e:aa:f0', '198.51.100.3', '-', '5000', 'interface 99', ''],
    ['32:26:0a:2e:aa:f0', '198.51.100.2', '-', '5001', 'interface 99', ''],
  ]);
  expect(faultsOf('evpn', [...evpnViews(b.fib)])).toEqual([]);
  give(mac(5000, '198.51.100.3', c.RTM_DELNEIGH));
  expect([...evpnViews(b.fib)].map(({ vni }) => vni)).toEqual([5001]);
});

test('frames of the protobuf encoding: VRFs apart from the main table, segments kept', async () => {
  const { b, show } = await bed();
  const reader = new FrameReader((_type, buffer, start, end) => {
    decodeProtobuf(buffer, start, end, {
      update: (update) => void b.apply(update),
      message: () => undefined,
      skipped: () => undefined,
      malformed: (reason) => {
        throw new Error(reason);
      },
    });
  });
  const stream = readFileSync(join(__dirname, '../../../../test/fixtures/protobuf/frames.bin'));
  // Up to the deletes, which are the last of the routes.
  const frames: Buffer[] = [];
  for (let at = 0; at < stream.length; at += stream.readUInt16BE(at + 2)) {
    frames.push(stream.subarray(at, at + stream.readUInt16BE(at + 2)));
  }
  frames.slice(0, 27).forEach((frame) => reader.push(frame));
  b.settle();
  const views = new RouteViews(b.fib, b.programmer);
  const both = [...views.lookup({ prefix: parsePrefix('10.1.240.0/20')! })];
  expect(both.map(({ vrfId, state, nexthops }) => [vrfId, state, nexthops[0]?.gateway])).toEqual([
    [undefined, 'trapped', '10.0.0.2'],
    [5, 'trapped', '10.9.0.2'],
  ]);
  expect(both[1]!.reason).toBe('VRF 5: no port is bound to its table');
  expect(LAYOUTS.routes.row(both[1]!)[0]!.slice(0, 2)).toEqual(['10.1.240.0/20', 'VRF 5']);
  expect(show('10.3.0.0/16').reason).toBe('SRv6 encap 2001:db8:f::1: no AFT mapping, Linux forwards it');
  frames.slice(27).forEach((frame) => reader.push(frame));
  b.settle();
  expect([...views.lookup({ prefix: parsePrefix('10.1.240.0/20')! })]).toEqual([]);
  expect([...sidViews(b.fib)].map((view) => LAYOUTS.sids.row(view)[0])).toEqual([
    ['2001:db8:f::11', 'uA', '-', '-', `interface 4`, ''],
    ['2001:db8:f::12', 'uDT46', '-', '5', '-', ''],
    ['2001:db8:f::13', 'unknown', '-', '-', '-', ''],
  ]);
  expect(faultsOf('sids', [...sidViews(b.fib)])).toEqual([]);
  // A replay over protobuf brings all VRFs: what it lacks is gone.
  reader.push(frames[13]!);
  b.fib.beginReplay();
  expect([...views.lookup({ prefix: parsePrefix('10.1.240.0/20')! })].map(({ stale }) => stale)).toEqual([true]);
  expect(b.fib.endReplay()).toMatchObject({ kept: 3 });
  expect([...views.lookup({ prefix: parsePrefix('10.1.240.0/20')! })]).toEqual([]);
});

test('encapsulations in words', () => {
  const segment = parseAddress('2001:db8:f::1')!;
  expect(describeEncap({ kind: 'seg6', mode: 9, segments: [segment, segment] })).toBe(
    'SRv6 mode 9 2001:db8:f::1, 2001:db8:f::1',
  );
  const endpoint = { nexthop: segment, ifindex: 4, flavors: 0x12, segments: [segment], table: 5 };
  expect(describeEncap({ kind: 'seg6local', action: 99, attributes: new Uint8Array(0), endpoint })).toBe(
    'SRv6 local action 99 table 5 via 2001:db8:f::1 interface 4 to 2001:db8:f::1 (PSP, NEXT-CSID)',
  );
});
