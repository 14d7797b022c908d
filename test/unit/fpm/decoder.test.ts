/** The netlink decoder over messages made here: all that zebra can send and a fixture doesn't hold. */
import * as c from '../../../src/netlink/constants';
import { attributes, hop, labels, message, neighbor, nexthop, route, u16, via } from './messages';
import { record } from './describe';

/** The one update that a message gives. */
function one(bytes: Buffer): string {
  const { lines, skipped, malformed } = record(bytes);
  expect([skipped, malformed]).toEqual([[], []]);
  expect(lines).toHaveLength(1);
  return lines[0]!;
}
const skipOf = (bytes: Buffer): string[] => {
  const { lines, skipped, malformed } = record(bytes);
  expect([lines, malformed]).toEqual([[], []]);
  return skipped;
};
const faultOf = (bytes: Buffer): string[] => {
  const { lines, skipped, malformed } = record(bytes);
  expect([lines, skipped]).toEqual([[], []]);
  return malformed;
};
const DST = [c.RTA_DST, '192.0.2.0'] as const;
const target = (bytes: Buffer): string => one(bytes).split('→ ')[1]!;

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
    expect(one(route({ table: 0, message: c.RTM_DELROUTE }, [DST]))).toBe('routeDelete 192.0.2.0/24 table 254');
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

  test('one hop without a way out makes the route unusable, not shorter', () => {
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

describe('encapsulations', () => {
  const leg = (type: number, body: Uint8Array): string =>
    target(route({}, [DST, [c.RTA_OIF, 3], [c.RTA_ENCAP_TYPE, u16(type)], [0x8000 | c.RTA_ENCAP, body]]));
  const srh = Buffer.concat([
    Buffer.from([1, 0, 0, 0, 0, 4, 4, 1, 1, 0, 0, 0]),
    Buffer.from('20010db8000f00000000000000000002', 'hex'),
    Buffer.from('20010db8000f00000000000000000001', 'hex'),
  ]);

  test('labels end at the bottom of the stack', () => {
    const stack = Buffer.concat([labels(16, 1048575), labels(77)]);
    expect(leg(c.LWTUNNEL_ENCAP_MPLS, attributes([[c.MPLS_IPTUNNEL_DST, stack]]))).toBe('direct@3*1 (mpls 16/1048575)');
  });
  test('segments in the order of travel', () => {
    expect(leg(c.LWTUNNEL_ENCAP_SEG6, attributes([[c.SEG6_IPTUNNEL_SRH, srh]]))).toBe(
      'direct@3*1 (seg6 mode 1 2001:db8:f::1,2001:db8:f::2)',
    );
  });
  test('local segment', () => {
    const body = attributes([[c.SEG6_LOCAL_ACTION, 3]]);
    expect(leg(c.LWTUNNEL_ENCAP_SEG6_LOCAL, body)).toBe('direct@3*1 (seg6local action 3 0800010003000000)');
  });
  test("VXLAN, as FRR's own type and as a tunnel key", () => {
    expect(leg(c.FRR_ENCAP_VXLAN, attributes([[c.FRR_VXLAN_VNI, 5000]]))).toBe('direct@3*1 (vni 5000)');
    const key = attributes([[c.LWTUNNEL_IP_ID, Buffer.from('0000000000001388', 'hex')]]);
    expect(leg(c.LWTUNNEL_ENCAP_IP, key)).toBe('direct@3*1 (vni 5000)');
    expect(leg(c.LWTUNNEL_ENCAP_IP6, key)).toBe('direct@3*1 (vni 5000)');
  });
  test('an unknown one is kept as it is', () => {
    expect(leg(3, Uint8Array.of(1, 2))).toBe('direct@3*1 (encap 3 0102)');
  });

  test.each([
    ['without its type', [[c.RTA_ENCAP, new Uint8Array(4)]]],
    ['without its body', [[c.RTA_ENCAP_TYPE, u16(1)]]],
    [
      'without labels',
      [
        [c.RTA_ENCAP_TYPE, u16(1)],
        [c.RTA_ENCAP, new Uint8Array(0)],
      ],
    ],
    [
      'with half a label',
      [
        [c.RTA_ENCAP_TYPE, u16(1)],
        [c.RTA_ENCAP, attributes([[1, new Uint8Array(6)]])],
      ],
    ],
    [
      'with fewer segments than it says',
      [
        [c.RTA_ENCAP_TYPE, u16(5)],
        [c.RTA_ENCAP, attributes([[1, srh.subarray(0, 40)]])],
      ],
    ],
  ] as const)('%s: no route, rather than one without encapsulation', (_what, list) => {
    expect(faultOf(route({}, [DST, [c.RTA_OIF, 3], ...list]))).toHaveLength(1);
  });
});

describe('nexthop objects', () => {
  const content = (bytes: Buffer): string => target(bytes);
  test('a way out', () => {
    expect(
      one(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GATEWAY, '10.0.0.2'],
          [c.NHA_OIF, 3],
        ]),
      ),
    ).toBe('nexthopAdd 9 family 2 proto 11 → 10.0.0.2@3*1');
    expect(
      content(
        nexthop(
          [
            [c.NHA_ID, 9],
            [c.NHA_GATEWAY, '::ffff:10.0.0.2'],
            [c.NHA_OIF, 3],
          ],
          104,
          10,
          4,
        ),
      ),
    ).toBe('10.0.0.2@3*1 onlink');
    const mpls = attributes([[c.MPLS_IPTUNNEL_DST, labels(100)]]);
    const list = [
      [c.NHA_ID, 9],
      [c.NHA_OIF, 3],
      [c.NHA_ENCAP_TYPE, u16(1)],
      [0x8000 | c.NHA_ENCAP, mpls],
    ] as const;
    expect(content(nexthop(list))).toBe('direct@3*1 (mpls 100)');
    expect(content(nexthop([[c.NHA_ID, 9]]))).toBe('unsupported: neither gateway nor interface');
    expect(
      content(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_BLACKHOLE, new Uint8Array(0)],
        ]),
      ),
    ).toBe('blackhole');
    expect(
      content(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_FDB, new Uint8Array(0)],
        ]),
      ),
    ).toBe('unsupported: nexthop of a bridge (FDB)');
  });

  test('a group: weights of 8 and of 16 bits', () => {
    const members = Buffer.from('0100000000000000' + '02000000ff000000' + '03000000ff020000', 'hex');
    expect(
      content(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GROUP, members],
        ]),
      ),
    ).toBe('group 1*1 2*256 3*768');
    expect(
      content(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GROUP, members],
          [c.NHA_GROUP_TYPE, u16(1)],
        ]),
      ),
    ).toMatch(/^group/);
    expect(
      content(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GROUP, members],
          [c.NHA_GROUP_TYPE, u16(2)],
        ]),
      ),
    ).toBe('unsupported: nexthop group type 2');
  });

  test('delete, and what is malformed', () => {
    expect(one(nexthop([[c.NHA_ID, 9]], c.RTM_DELNEXTHOP))).toBe('nexthopDelete 9');
    expect(faultOf(nexthop([[c.NHA_OIF, 3]]))).toEqual(['nexthop without id @16']);
    expect(
      faultOf(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GROUP, new Uint8Array(12)],
        ]),
      ),
    ).toEqual(['nexthop group of 12 bytes @36']);
    expect(
      faultOf(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GROUP, new Uint8Array(0)],
        ]),
      ),
    ).toHaveLength(1);
    expect(faultOf(message(c.RTM_NEWNEXTHOP, new Uint8Array(4), []))).toEqual(['nexthop message of 4 bytes @16']);
  });
});

describe('neighbours', () => {
  const MAC = [c.NDA_LLADDR, Buffer.from('32260a2eaaf0', 'hex')] as const;
  test.each([
    [c.NUD_REACHABLE, 'reachable'],
    [c.NUD_STALE, 'stale'],
    [c.NUD_DELAY, 'delay'],
    [c.NUD_PROBE, 'probe'],
    [c.NUD_PERMANENT, 'permanent'],
    [c.NUD_NOARP | c.NUD_PERMANENT, 'permanent'],
    [c.NUD_NOARP, 'noarp'],
    [c.NUD_FAILED, 'failed'],
    [c.NUD_INCOMPLETE, 'incomplete'],
    [0, 'none'],
  ])('state %i', (state, name) => {
    expect(one(neighbor([[c.NDA_DST, '10.0.0.2'], MAC], state))).toBe(
      `neighborAdd 10.0.0.2@7 32:26:0a:2e:aa:f0 ${name}`,
    );
  });
  test('IPv6, without MAC, delete', () => {
    expect(one(neighbor([[c.NDA_DST, 'fe80::2'], MAC], 2, 10))).toMatch(/^neighborAdd fe80::2@7 /);
    expect(one(neighbor([[c.NDA_DST, '10.0.0.2']], 1))).toBe('neighborAdd 10.0.0.2@7 no mac incomplete');
    expect(one(neighbor([[c.NDA_DST, '10.0.0.2']], 0, 2, 7, c.RTM_DELNEIGH))).toBe('neighborDelete 10.0.0.2@7');
  });
  test('what is none of our business', () => {
    expect(skipOf(neighbor([MAC], 2, c.AF_BRIDGE))).toEqual(['EVPN MAC address']);
    expect(skipOf(neighbor([MAC], 2, 99))).toEqual(['neighbour of address family 99']);
    expect(skipOf(neighbor([[c.NDA_DST, '10.0.0.2']], 2, 2, 7, c.RTM_NEWNEIGH, c.NTF_PROXY))).toEqual([
      'proxy neighbour',
    ]);
  });
  test('malformed', () => {
    expect(faultOf(neighbor([MAC]))).toEqual(['neighbour address of -1 bytes @16']);
    expect(faultOf(neighbor([[c.NDA_DST, 'fe80::2'], MAC]))).toHaveLength(1);
    expect(
      faultOf(
        neighbor([
          [c.NDA_DST, '10.0.0.2'],
          [c.NDA_LLADDR, new Uint8Array(8)],
        ]),
      ),
    ).toHaveLength(1);
    expect(faultOf(neighbor([[c.NDA_DST, '10.0.0.2'], MAC], 2, 2, -1))).toHaveLength(1);
  });
});

describe('MPLS', () => {
  const lsp = (type: number, list: Parameters<typeof route>[1]): Buffer =>
    route({ message: type, family: 28, length: 20 }, list);
  test('swap, pop, several ways, delete', () => {
    const label = [c.RTA_DST, labels(100)] as const;
    expect(one(lsp(24, [label, [c.RTA_NEWDST, labels(200, 300)], [c.RTA_VIA, via('10.0.0.2')], [c.RTA_OIF, 3]]))).toBe(
      'lspAdd 100 proto 186 → 10.0.0.2@3*1 swap 200/300',
    );
    const path = Buffer.concat([
      hop(3, 0, [[c.RTA_VIA, via('10.0.0.2')]]),
      hop(4, 0, [
        [c.RTA_NEWDST, labels(7)],
        [c.RTA_VIA, via('fe80::2')],
      ]),
    ]);
    expect(one(lsp(24, [label, [c.RTA_MULTIPATH, path]]))).toBe(
      'lspAdd 100 proto 186 → 10.0.0.2@3*1 swap none | fe80::2@4*1 swap 7',
    );
    expect(one(lsp(25, [label]))).toBe('lspDelete 100');
    expect(faultOf(lsp(24, [[c.RTA_OIF, 3]]))).toEqual(['MPLS route without a label @16']);
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
