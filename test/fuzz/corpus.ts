/**
 * What is mutated: all frames recorded from real zebras (test/fixtures/fpm), and frames of the kinds that those lack,
 * built here: labels, tunnels, groups with large weights, neighbors, protobuf.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameReader } from '../../src/fpm/framing';
import { fpmMessageType } from '../../src/fpm/protobuf/decoder';
import { NetlinkWriter } from '../../src/netlink/codec';
import { parseAddress } from '../../src/net/address';

const FIXTURES = join(__dirname, '../../../test/fixtures/fpm');

/** A frame around a payload. */
export function frameOf(payload: Uint8Array, type = 1): Buffer {
  const frame = Buffer.alloc(4 + payload.length);
  frame.set([1, type]);
  frame.writeUInt16BE(frame.length, 2);
  frame.set(payload, 4);
  return frame;
}

/** Whole recorded streams of valid frames. */
export function recordedStreams(): Buffer[] {
  return readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.bin'))
    .sort()
    .map((name) => readFileSync(join(FIXTURES, name)));
}

/** The frames of a stream, headers included. */
export function framesOf(stream: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  new FrameReader((_type, buffer, start, end) => frames.push(Buffer.from(buffer.subarray(start - 4, end)))).push(
    stream,
  );
  return frames;
}

type Attribute = readonly [type: number, value: Uint8Array];

const le = (value: number, size: 2 | 4): Buffer => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, size);
  return bytes;
};
const address = (text: string): Uint8Array => parseAddress(text)!;
const nest = (...list: readonly Attribute[]): Buffer => {
  const writer = new NetlinkWriter();
  for (const [type, value] of list) writer.attribute(type, value);
  return writer.toBuffer();
};
const message = (type: number, body: readonly number[], ...list: readonly Attribute[]): Buffer =>
  new NetlinkWriter()
    .begin(type, 0x501)
    .bytes(Buffer.from(body))
    .bytes(nest(...list))
    .end()
    .toBuffer();

const LABELS = Buffer.from('00064000000c8100', 'hex');
const SRH = Buffer.concat([
  Buffer.from('010000003b04040101000000', 'hex'),
  address('2001:db8:f::2'),
  address('2001:db8:f::1'),
]);
const hop = (ifindex: number, ...list: readonly Attribute[]): Buffer => {
  const inside = nest(...list);
  return Buffer.concat([le(8 + inside.length, 2), Buffer.from([0, 3]), le(ifindex, 4), inside]);
};
const VIA6: Attribute = [18, Buffer.concat([le(10, 2), address('2001:db8::1')])];
const MPLS: readonly Attribute[] = [
  [21, le(1, 2)],
  [0x8000 + 22, nest([1, LABELS])],
];
const SEG6: readonly Attribute[] = [
  [21, le(5, 2)],
  [22, nest([1, SRH])],
];
const SEG6_LOCAL: readonly Attribute[] = [
  [21, le(7, 2)],
  [22, nest([1, le(8, 4)], [4, address('10.0.0.9')], [11, nest([1, le(4, 4)])])],
];
const VXLAN: readonly Attribute[] = [
  [21, le(100, 2)],
  [22, nest([0, le(5010, 4)])],
];
const V4 = [2, 24, 0, 0, 254, 186, 0, 1, 0, 0, 0, 0];
const V6 = [10, 48, 0, 0, 0, 196, 0, 1, 4, 0, 0, 0];
const MPLS_FAMILY = [28, 20, 0, 0, 254, 193, 0, 1, 0, 0, 0, 0];
const NEXTHOP = [2, 0, 11, 0, 4, 0, 0, 0];
const neighbor = (family: number): number[] => [family, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0x12, 0];
const MAC: Attribute = [2, Buffer.from('32260a2eccf1', 'hex')];

function builtMessages(): Buffer[] {
  const dst4: Attribute = [1, address('10.9.0.0')];
  const dst6: Attribute = [1, address('2001:db8:9::')];
  return [
    message(24, V4, dst4, VIA6, [4, le(3, 4)]),
    message(24, V4, dst4, [8, nest([2, le(1400, 4)])], [7, address('10.0.0.1')], [5, address('10.0.0.2')], ...MPLS),
    message(24, V4, dst4, [0x8009, Buffer.concat([hop(3, [5, address('10.0.0.2')], ...MPLS), hop(5, VIA6, ...VXLAN)])]),
    message(24, V6, dst6, [15, le(1000, 4)], [5, address('2001:db8::2')], [4, le(3, 4)], ...SEG6),
    message(24, V6, dst6, [4, le(2, 4)], ...SEG6_LOCAL),
    message(24, MPLS_FAMILY, [1, LABELS.subarray(4)], [19, LABELS], [18, VIA6[1]], [4, le(3, 4)]),
    message(24, MPLS_FAMILY, [1, LABELS.subarray(4)], [9, Buffer.concat([hop(3, [19, LABELS], VIA6), hop(5, VIA6)])]),
    message(25, MPLS_FAMILY, [1, LABELS.subarray(4)]),
    message(104, NEXTHOP, [1, le(7, 4)], [2, Buffer.from('05000000000000000600000001010000', 'hex')], [3, le(1, 2)]),
    message(104, NEXTHOP, [1, le(8, 4)], [6, address('10.0.0.2')], [5, le(3, 4)], [7, le(5, 2)], [8, nest([1, SRH])]),
    message(104, NEXTHOP, [1, le(9, 4)], [4, Buffer.alloc(0)]),
    message(105, NEXTHOP, [1, le(9, 4)]),
    message(28, neighbor(2), [1, address('10.0.0.2')], MAC),
    message(28, neighbor(10), [1, address('2001:db8::2')], MAC),
    message(28, neighbor(7), [1, address('10.0.0.2')], MAC, [5, le(10, 2)], [7, le(5010, 4)]),
    message(29, neighbor(2), [1, address('10.0.0.2')]),
  ];
}

function protobufPayloads(): Buffer[] {
  const type = fpmMessageType();
  const v4 = { addressFamily: 1, key: { prefix: { length: 20, bytes: Buffer.from([10, 1, 0xf0]) } } };
  const v6 = { addressFamily: 2, key: { prefix: { length: 32, bytes: Buffer.from('20010db8', 'hex') } } };
  const nexthops = [
    { ifId: { index: 3 }, address: { v4: { value: 0x0a000002 } } },
    { ifId: { index: 5, name: 'tap1' }, address: { v6: { bytes: address('2001:db8::2') } } },
  ];
  const base = { vrfId: 0, subAddressFamily: 1 };
  return [
    { type: 1, addRoute: { ...base, ...v4, routeType: 1, protocol: 9, metric: 50, nexthops } },
    { type: 1, addRoute: { ...base, ...v6, routeType: 1, protocol: 7, metric: 1, nexthops: nexthops.slice(1) } },
    { type: 1, addRoute: { ...base, ...v4, routeType: 3, protocol: 4, metric: 0 } },
    { type: 2, deleteRoute: { ...base, ...v6 } },
  ].map((message) => Buffer.from(type.encode(type.fromObject(message)).finish()));
}

/** Valid frames of every kind; those built as many times as there are recorded ones, so that both are picked alike. */
export function corpus(): Buffer[] {
  const hex = new Set(recordedStreams().flatMap((stream) => framesOf(stream).map((frame) => frame.toString('hex'))));
  const recorded = Array.from(hex, (text) => Buffer.from(text, 'hex'));
  const messages = builtMessages();
  const built = [
    ...messages.map((payload) => frameOf(payload)),
    frameOf(Buffer.concat(messages)),
    ...protobufPayloads().map((payload) => frameOf(payload, 2)),
  ];
  const times = Math.max(1, Math.round(recorded.length / built.length));
  return [...recorded, ...Array.from({ length: times }, () => built).flat()];
}
