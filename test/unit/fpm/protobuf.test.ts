/** Frames of FPM's protobuf encoding, written with the schema's own names and read back as updates. */
import { decodeProtobuf, fpmMessageType } from '../../../src/fpm/protobuf/decoder';
import { emptyRecord, recordInto, type Recorded } from './describe';

function record(bytes: Buffer): Recorded {
  const recorded = emptyRecord();
  decodeProtobuf(bytes, 0, bytes.length, recordInto(recorded));
  return recorded;
}

const ADD = {
  vrfId: 0,
  addressFamily: 1,
  subAddressFamily: 1,
  key: { prefix: { length: 20, bytes: Buffer.from([10, 1, 0xff]) } },
  routeType: 1,
  protocol: 9,
  metric: 50,
  nexthops: [{ ifId: { index: 3 }, address: { v4: { value: 0x0a000002 } } }],
};

function add(changes: object): Recorded {
  const type = fpmMessageType();
  return record(Buffer.from(type.encode(type.fromObject({ type: 1, addRoute: { ...ADD, ...changes } })).finish()));
}
const v6 = { addressFamily: 2, key: { prefix: { length: 32, bytes: Buffer.from('20010db8', 'hex') } } };
const address6 = (text: string): object => ({ v6: { bytes: Buffer.from(text, 'hex') } });

test('AddRoute as zebra writes it, byte by byte', () => {
  const bytes = Buffer.from(
    '0801' +
      '1224' +
      '0800' +
      '1001' +
      '1801' +
      '2207' +
      '0a05' +
      '0808' +
      '12010a' +
      '2801' +
      '3007' +
      '4014' +
      '4a0d' +
      '12020803' +
      '1a07' +
      '0a05' +
      '0d0200000a',
    'hex',
  );
  expect(record(bytes)).toEqual({
    lines: ['routeAdd 10.0.0.0/8 table 254 proto 188 metric 20 → 10.0.0.2@3*1'],
    skipped: [],
    malformed: [],
  });
});

test.each([
  [{}, 'routeAdd 10.1.240.0/20 table 254 proto 186 metric 50 → 10.0.0.2@3*1'],
  [{ protocol: 2 }, 'routeAdd 10.1.240.0/20 table 254 proto 2 metric 50 → 10.0.0.2@3*1'],
  [{ routeType: 3 }, 'routeAdd 10.1.240.0/20 table 254 proto 186 metric 50 → blackhole'],
  [{ routeType: 2 }, 'routeAdd 10.1.240.0/20 table 254 proto 186 metric 50 → unreachable'],
  [{ routeType: 0 }, 'routeAdd 10.1.240.0/20 table 254 proto 186 metric 50 → 10.0.0.2@3*1'],
  [{ routeType: 9 }, 'routeAdd 10.1.240.0/20 table 254 proto 186 metric 50 → unsupported: unknown type of route'],
  [{ nexthops: [] }, 'routeAdd 10.1.240.0/20 table 254 proto 186 metric 50 → unsupported: no usable nexthop'],
  [
    { nexthops: [{ ifId: { index: 3 } }, ADD.nexthops[0]] },
    'routeAdd 10.1.240.0/20 table 254 proto 186 metric 50 → direct@3*1 | 10.0.0.2@3*1',
  ],
  [
    { ...v6, nexthops: [{ ifId: { index: 4 }, address: address6('fe800000000000000000000000000002') }] },
    'routeAdd 2001:db8::/32 table 254 proto 186 metric 50 → fe80::2@4*1',
  ],
  [
    {
      ...v6,
      nexthops: [{ ifId: { index: 4 } }],
      srv6VpnSid: { bytes: Buffer.from('20010db8000f00000000000000000001', 'hex') },
    },
    'routeAdd 2001:db8::/32 table 254 proto 186 metric 50 → direct@4*1 (seg6 mode 1 2001:db8:f::1)',
  ],
])('AddRoute %#', (changes, line) => {
  expect(add(changes)).toEqual({ lines: [line], skipped: [], malformed: [] });
});

test('DeleteRoute', () => {
  const type = fpmMessageType();
  const { vrfId, addressFamily, subAddressFamily, key } = ADD;
  const message = type.fromObject({ type: 2, deleteRoute: { vrfId, addressFamily, subAddressFamily, key } });
  expect(record(Buffer.from(type.encode(message).finish())).lines).toEqual(['routeDelete 10.1.240.0/20 table 254']);
});

test.each([[{ subAddressFamily: 2 }, 'protobuf route that is not unicast']])('skipped %#', (changes, reason) => {
  expect(add(changes)).toEqual({ lines: [], skipped: [reason], malformed: [] });
});

test('a route of a VRF is kept apart from all tables', () => {
  expect(add({ vrfId: 5 }).lines).toEqual([
    'routeAdd 10.1.240.0/20 table 2147483653 proto 186 metric 50 → 10.0.0.2@3*1',
  ]);
  expect(add({ vrfId: 0x7fffffff }).lines[0]).toContain('table 4294967295 ');
  expect(add({ vrfId: 0x80000000 }).malformed).toEqual(['protobuf: VRF 2147483648 @0']);
});

test('a message of no known type', () => {
  expect(record(Buffer.from('0805', 'hex')).skipped).toEqual(['protobuf message type 5']);
  expect(record(Buffer.alloc(0)).skipped).toEqual(['protobuf message type 0']);
});

describe('SRv6 local SID', () => {
  const type = fpmMessageType();
  const sid = { bytes: Buffer.from('20010db8000f00000000000000000001', 'hex') };
  const local = (changes: object, kind = 3): Recorded =>
    record(Buffer.from(type.encode(type.fromObject({ type: kind, srv6Localsid: { sid, ...changes } })).finish()));

  test('without a message, and with what cannot be', () => {
    expect(record(Buffer.from('0803', 'hex')).malformed).toEqual(['protobuf: message without its SID @0']);
    expect(local({ sid: { bytes: Buffer.alloc(15) } }).malformed).toEqual(['protobuf: SID of 15 bytes @0']);
    const nexthop = { address: address6('0102030405') };
    expect(local({ endX: { nexthop } }).malformed).toEqual(['protobuf: SID with a nexthop that cannot be @0']);
    const sidFormat = { locatorBlockLength: 64, locatorNodeLength: 32, functionLength: 32, argumentLength: 1 };
    expect(local({ sidFormat }).malformed).toEqual(['protobuf: SID format of more than 128 bits @0']);
  });
  test('the last behavior counts; none is unknown', () => {
    expect(local({}).lines).toEqual(['sidAdd 2001:db8:f::1 unknown']);
    expect(local({ endDt46: { vrfId: 7 } }).lines).toEqual(['sidAdd 2001:db8:f::1 End.DT46 vrf 7']);
    expect(local({}, 4).lines).toEqual(['sidDelete 2001:db8:f::1']);
  });
});

test.each([
  ['prefix too long', { key: { prefix: { length: 33, bytes: Buffer.alloc(5) } } }],
  ['prefix with fewer bytes than bits', { key: { prefix: { length: 24, bytes: Buffer.alloc(2) } } }],
  ['no prefix', { key: {} }],
  ['address family', { addressFamily: 0 }],
  ['interface index out of range', { nexthops: [{ ifId: { index: 0x80000000 } }] }],
  ['SID of four bytes', { srv6VpnSid: { bytes: Buffer.alloc(4) } }],
  ['IPv6 address of five bytes', { nexthops: [{ address: address6('0102030405') }] }],
])('%s is malformed', (_what, changes) => {
  const recorded = add(changes);
  expect([recorded.lines, recorded.skipped]).toEqual([[], []]);
  expect(recorded.malformed).toHaveLength(1);
});

test('a message without its route, without a required field, and cut short', () => {
  expect(record(Buffer.from('0801', 'hex')).malformed).toHaveLength(1);
  expect(record(Buffer.from('080112020800', 'hex')).malformed).toHaveLength(1);
  expect(record(Buffer.from('08011221080010', 'hex')).malformed).toHaveLength(1);
});
