/** The netlink decoder over route messages made here, and over frames of several. Other messages: objects.test.ts. */
import * as c from '../../../src/netlink/constants';
import { attributes, hop, labels, message, route, u16, via } from './messages';
import { faultOf, one, record, skipOf, target } from './describe';

const DST = [c.RTA_DST, '192.0.2.0'] as const;

describe('routes', () => {
  test('by nexthop id', () => {
    expect(one(route({}, [DST, [c.RTA_PRIORITY, 20], [c.RTA_NH_ID, 4000000000]]))).toBe(
      'routeAdd 192.0.2.0/24 table 254 proto 186 metric 20 → nexthop 4000000000',
    );
  });

  test('no destination is the default route', () => {
    expect(one(route({ length: 0 }, [[c.RTA_NH_ID, 1]]))).toMatch(/^routeAdd 0\.0\.0\.0\/0 /);
    expect(one(route({ length: 0, family: 10 }, [[c.RTA_NH_ID, 1]]))).toMatch(/^routeAdd ::\/0 /);
  });

  test.each([
    [2, 20, '192.0.2.255', '192.0.0.0/20'],
    [2, 32, '192.0.2.255', '192.0.2.255/32'],
    [2, 1, '255.255.255.255', '128.0.0.0/1'],
    [10, 33, '2001:db8:ffff::1', '2001:db8:8000::/33'],
    [10, 128, '2001:db8::1', '2001:db8::1/128'],
    [10, 0, '2001:db8::1', '::/0'],
  ])('host bits are cleared: family %i, /%i of %s', (family, length, address, prefix) => {
    expect(
      one(
        route({ family, length }, [
          [c.RTA_DST, address],
          [c.RTA_NH_ID, 1],
        ]),
      ),
    ).toContain(` ${prefix} `);
  });

  test('tables: rtm_table, RTA_TABLE above it, and none at all is main', () => {
    expect(one(route({ table: 10 }, [DST, [c.RTA_NH_ID, 1]]))).toContain('table 10 ');
    expect(one(route({ table: 0 }, [DST, [c.RTA_TABLE, 100000], [c.RTA_NH_ID, 1]]))).toContain('table 100000 ');
    expect(one(route({ table: 0 }, [DST, [c.RTA_NH_ID, 1]]))).toContain('table 254 ');
    expect(one(route({ table: 0, message: c.RTM_DELROUTE }, [DST, [c.RTA_TABLE, 0]]))).toContain(' table 254');
  });

  test('a withdrawal that names no table at all, as those of the module fpm, names none', () => {
    const gone = (table: number, ...more: [number, number][]): string =>
      one(route({ table, message: c.RTM_DELROUTE }, [DST, ...more]));
    expect(gone(0)).toBe('routeDelete 192.0.2.0/24 table 0');
    expect(gone(254)).toBe('routeDelete 192.0.2.0/24 table 254');
    expect(gone(0, [c.RTA_TABLE, 1001])).toBe('routeDelete 192.0.2.0/24 table 1001');
  });

  test.each([
    [
      [
        [c.RTA_GATEWAY, '10.0.0.2'],
        [c.RTA_OIF, 3],
      ],
      {},
      '10.0.0.2@3*1',
    ],
    [[[c.RTA_OIF, 3]], {}, 'direct@3*1'],
    [[[c.RTA_GATEWAY, '10.0.0.2']], {}, '10.0.0.2@0*1'],
    [
      [
        [c.RTA_GATEWAY, '10.0.0.2'],
        [c.RTA_OIF, 3],
      ],
      { rtmFlags: 4 },
      '10.0.0.2@3*1 onlink',
    ],
    [
      [
        [c.RTA_VIA, via('fe80::1')],
        [c.RTA_OIF, 3],
      ],
      {},
      'fe80::1@3*1',
    ],
    [
      [
        [c.RTA_VIA, via('10.0.0.2')],
        [c.RTA_OIF, 3],
      ],
      {},
      '10.0.0.2@3*1',
    ],
    [
      [
        [c.RTA_GATEWAY, '::ffff:10.0.0.2'],
        [c.RTA_OIF, 3],
      ],
      {},
      '10.0.0.2@3*1',
    ],
    [
      [
        [c.RTA_GATEWAY, '::fffe:10.0.0.2'],
        [c.RTA_OIF, 3],
      ],
      {},
      '::fffe:a00:2@3*1',
    ],
    [
      [
        [c.RTA_GATEWAY, '0.0.0.0'],
        [c.RTA_OIF, 3],
      ],
      {},
      'direct@3*1',
    ],
    [
      [
        [c.RTA_GATEWAY, '10.0.0.2'],
        [c.RTA_NH_ID, 0],
      ],
      {},
      '10.0.0.2@0*1',
    ],
    [[], {}, 'unsupported: no usable nexthop'],
    [[[c.RTA_MULTIPATH, new Uint8Array(0)]], {}, 'unsupported: no usable nexthop'],
  ] as const)('nexthop %#', (list, header, expected) => {
    expect(target(route(header, [DST, ...list]))).toBe(expected);
  });

  test.each([
    [c.RTN_BLACKHOLE, 'blackhole'],
    [c.RTN_UNREACHABLE, 'unreachable'],
    [c.RTN_PROHIBIT, 'prohibit'],
    [c.RTN_LOCAL, 'host'],
    [c.RTN_BROADCAST, 'host'],
    [c.RTN_ANYCAST, 'host'],
    [c.RTN_MULTICAST, 'host'],
    [c.RTN_THROW, 'unsupported: route type 9'],
    [0, 'unsupported: route type 0'],
  ])('type %i', (type, expected) => {
    expect(target(route({ type }, [DST, [c.RTA_OIF, 3], [c.RTA_NH_ID, 5]]))).toBe(expected);
  });

  test('multipath: weight is hops plus one, each hop with its own gateway, flags and encapsulation', () => {
    const mpls = attributes([[c.MPLS_IPTUNNEL_DST, labels(100, 200)]]);
    const path = Buffer.concat([
      hop(3, 0, [[c.RTA_GATEWAY, '10.0.0.2']]),
      hop(4, 255, [[c.RTA_VIA, via('fe80::2')]], c.RTNH_F_ONLINK),
      hop(5, 9, [
        [c.RTA_GATEWAY, '10.0.2.2'],
        [c.RTA_ENCAP_TYPE, u16(c.LWTUNNEL_ENCAP_MPLS)],
        [c.RTA_ENCAP, mpls],
      ]),
      hop(6, 0, []),
    ]);
    expect(target(route({}, [DST, [c.RTA_MULTIPATH, path]]))).toBe(
      '10.0.0.2@3*1 | fe80::2@4*256 onlink | 10.0.2.2@5*10 (mpls 100/200) | direct@6*1',
    );
  });

  test("the module fpm's hops are the weights themselves, and it sets no NLM_F_REPLACE", () => {
    const path = (first: number): Buffer =>
      Buffer.concat([hop(3, first, [[c.RTA_GATEWAY, '10.0.0.2']]), hop(4, 3, [[c.RTA_GATEWAY, '10.0.1.2']])]);
    expect(target(route({ flags: 0x401 }, [DST, [c.RTA_MULTIPATH, path(1)]]))).toBe('10.0.0.2@3*1 | 10.0.1.2@4*3');
    expect(target(route({ flags: 0x501 }, [DST, [c.RTA_MULTIPATH, path(1)]]))).toBe('10.0.0.2@3*2 | 10.0.1.2@4*4');
    expect(target(route({ flags: 0x401 }, [DST, [c.RTA_MULTIPATH, path(0)]]))).toBe('10.0.0.2@3*1 | 10.0.1.2@4*4');
  });

  test('one hop without a gateway or an interface makes the route unusable, not shorter', () => {
    const path = Buffer.concat([hop(3, 0, [[c.RTA_GATEWAY, '10.0.0.2']]), hop(0, 0, [])]);
    expect(target(route({}, [DST, [c.RTA_MULTIPATH, path]]))).toBe('unsupported: no usable nexthop');
  });

  test('routes that are not for all packets to the prefix are left alone, added or deleted', () => {
    for (const type of [c.RTM_NEWROUTE, c.RTM_DELROUTE]) {
      expect(skipOf(route({ message: type, sourceLength: 8 }, [DST]))).toEqual(['route for one source prefix']);
      expect(skipOf(route({ message: type, tos: 4 }, [DST]))).toEqual(['route for one type of service']);
      expect(skipOf(route({ message: type, rtmFlags: 0x200 }, [DST]))).toEqual(['cached route']);
      expect(skipOf(route({ message: type, family: 128 }, [DST]))).toEqual(['route of address family 128']);
    }
  });
});

describe('frames', () => {
  const good = route({}, [DST, [c.RTA_NH_ID, 1]]);
  test('several messages, in their order', () => {
    const gone = route({ message: c.RTM_DELROUTE }, [DST]);
    expect(record(Buffer.concat([gone, good])).lines).toEqual([
      'routeDelete 192.0.2.0/24 table 254',
      'routeAdd 192.0.2.0/24 table 254 proto 186 metric 0 → nexthop 1',
    ]);
  });
  test('a malformed or unknown message costs itself only', () => {
    const bad = route({ length: 33 }, [DST]);
    const unknown = message(999, new Uint8Array(4), []);
    const recorded = record(Buffer.concat([bad, unknown, good, message(c.NLMSG_NOOP, new Uint8Array(0), [])]));
    expect(recorded.lines).toHaveLength(1);
    expect(recorded.malformed).toEqual(['prefix length 33 of IPv4 @17']);
    expect(recorded.skipped).toEqual(['message type 999', 'netlink control message']);
  });
  test.each([0, 15, 1000, 0xffffffff])('a message length of %i costs the rest of the frame', (length) => {
    const bad = Buffer.from(good);
    bad.writeUInt32LE(length, 0);
    const recorded = record(Buffer.concat([good, bad, good]));
    expect(recorded.lines).toHaveLength(1);
    expect(recorded.malformed).toEqual([
      `netlink message length ${length} of ${2 * good.length} bytes @${good.length}`,
    ]);
  });
  test('bytes behind the last message are reported', () => {
    expect(record(Buffer.concat([good, Buffer.alloc(5)])).malformed).toEqual([
      `5 bytes behind the last message @${good.length}`,
    ]);
  });
  test.each([
    ['IPv6 prefix length', route({ family: 10, length: 129 }, [[c.RTA_DST, '::1']])],
    ['destination missing', route({}, [[c.RTA_NH_ID, 1]])],
    ['destination of the other family', route({}, [[c.RTA_DST, '::1']])],
    ['destination too short', route({ length: 8 }, [[c.RTA_DST, Uint8Array.of(10)]])],
    ['table of two bytes', route({}, [DST, [c.RTA_TABLE, u16(7)]])],
    ['nexthop id of two bytes', route({}, [DST, [c.RTA_NH_ID, u16(7)]])],
    ['gateway of five bytes', route({}, [DST, [c.RTA_GATEWAY, new Uint8Array(5)]])],
    ['via of another family', route({}, [DST, [c.RTA_VIA, Uint8Array.of(1, 0, 1, 2, 3, 4)]])],
    ['hop shorter than its header', route({}, [DST, [c.RTA_MULTIPATH, Uint8Array.of(7, 0, 0, 0, 1, 0, 0, 0)]])],
    ['hop longer than the attribute', route({}, [DST, [c.RTA_MULTIPATH, Uint8Array.of(9, 0, 0, 0, 1, 0, 0, 0)]])],
    ['message shorter than struct rtmsg', message(c.RTM_NEWROUTE, new Uint8Array(11), [])],
  ])('%s is malformed', (_what, bytes) => {
    expect(faultOf(bytes)).toHaveLength(1);
  });
});
