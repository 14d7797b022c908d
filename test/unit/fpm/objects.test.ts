/** The netlink decoder over encapsulations, nexthop objects, neighbors and MPLS routes: all that no fixture holds. */
import { decodeMalformedRoute } from '../../../src/fpm/netlink/route';
import * as c from '../../../src/netlink/constants';
import { attributes, hop, labels, message, neighbor, nexthop, route, u16, via } from './messages';
import { faultOf, one, skipOf, target } from './describe';

const DST = [c.RTA_DST, '192.0.2.0'] as const;

describe('encapsulations', () => {
  const path = (type: number, body: Uint8Array): string =>
    target(route({}, [DST, [c.RTA_OIF, 3], [c.RTA_ENCAP_TYPE, u16(type)], [0x8000 | c.RTA_ENCAP, body]]));
  const srh = Buffer.concat([
    Buffer.from([1, 0, 0, 0, 0, 4, 4, 1, 1, 0, 0, 0]),
    Buffer.from('20010db8000f00000000000000000002', 'hex'),
    Buffer.from('20010db8000f00000000000000000001', 'hex'),
  ]);

  test('labels end at the bottom of the stack', () => {
    const stack = Buffer.concat([labels(16, 1048575), labels(77)]);
    expect(path(c.LWTUNNEL_ENCAP_MPLS, attributes([[c.MPLS_IPTUNNEL_DST, stack]]))).toBe(
      'direct@3*1 (mpls 16/1048575)',
    );
  });
  test('segments in the order of travel', () => {
    expect(path(c.LWTUNNEL_ENCAP_SEG6, attributes([[c.SEG6_IPTUNNEL_SRH, srh]]))).toBe(
      'direct@3*1 (seg6 mode 1 2001:db8:f::1,2001:db8:f::2)',
    );
  });
  test('local segment', () => {
    const body = attributes([[c.SEG6_LOCAL_ACTION, 3]]);
    expect(path(c.LWTUNNEL_ENCAP_SEG6_LOCAL, body)).toBe('direct@3*1 (seg6local action 3 0800010003000000)');
  });
  test('what local segments do besides', () => {
    const local = (list: Parameters<typeof attributes>[0]): string =>
      path(c.LWTUNNEL_ENCAP_SEG6_LOCAL, attributes(list)).replace(/^.*action (\d+) [0-9a-f]+(.*)\)$/, '$1$2');
    expect(
      local([
        [c.SEG6_LOCAL_ACTION, 16],
        [c.SEG6_LOCAL_VRFTABLE, 100],
      ]),
    ).toBe('16 vrfTable 100');
    expect(
      local([
        [c.SEG6_LOCAL_ACTION, 7],
        [c.SEG6_LOCAL_TABLE, 254],
      ]),
    ).toBe('7 table 254');
    expect(
      local([
        [c.SEG6_LOCAL_ACTION, 6],
        [c.SEG6_LOCAL_NH4, '10.0.0.2'],
      ]),
    ).toBe('6 nexthop 10.0.0.2');
    const flavors = attributes([
      [c.SEG6_LOCAL_FLV_OPERATION, 0x12],
      [2, Uint8Array.of(32)],
      [3, Uint8Array.of(16)],
    ]);
    expect(
      local([
        [c.SEG6_LOCAL_ACTION, 2],
        [c.SEG6_LOCAL_NH6, 'fe80::2'],
        [c.SEG6_LOCAL_OIF, 4],
        [0x8000 | c.SEG6_LOCAL_FLAVORS, flavors],
      ]),
    ).toBe('2 nexthop fe80::2 ifindex 4 flavors 18');
    expect(
      local([
        [c.SEG6_LOCAL_ACTION, 10],
        [c.SEG6_LOCAL_SRH, srh.subarray(4)],
      ]),
    ).toBe('10 segments 2001:db8:f::1,2001:db8:f::2');
    for (const broken of [
      [c.SEG6_LOCAL_NH6, '10.0.0.2'],
      [c.SEG6_LOCAL_SRH, srh.subarray(4, 30)],
      [c.SEG6_LOCAL_SRH, new Uint8Array(7)],
      [c.SEG6_LOCAL_FLAVORS, Uint8Array.of(9, 0, 1, 0)],
      [c.SEG6_LOCAL_TABLE, u16(1)],
    ] as const) {
      const body = attributes([[c.SEG6_LOCAL_ACTION, 2], broken]);
      const list = [DST, [c.RTA_OIF, 3], [c.RTA_ENCAP_TYPE, u16(7)], [c.RTA_ENCAP, body]] as const;
      expect(faultOf(route({}, list))).toHaveLength(1);
    }
  });
  test('a segment without a nexthop is a path for those who know', () => {
    const list = [DST, [c.RTA_ENCAP_TYPE, u16(7)], [c.RTA_ENCAP, attributes([[c.SEG6_LOCAL_ACTION, 1]])]] as const;
    expect(target(route({}, list))).toBe('direct@0*1 (seg6local action 1 0800010001000000)');
  });
  test('one a hop', () => {
    const push = (...stack: number[]): Uint8Array => attributes([[c.MPLS_IPTUNNEL_DST, labels(...stack)]]);
    const path = Buffer.concat([
      hop(3, 1, [
        [c.RTA_GATEWAY, '10.0.0.2'],
        [c.RTA_ENCAP_TYPE, u16(1)],
        [0x8000 | c.RTA_ENCAP, push(16, 17)],
      ]),
      hop(
        4,
        0,
        [
          [c.RTA_VIA, via('fe80::2')],
          [c.RTA_ENCAP_TYPE, u16(100)],
          [c.RTA_ENCAP, attributes([[0, 5000]])],
        ],
        4,
      ),
      hop(5, 4, []),
    ]);
    expect(target(route({}, [DST, [0x8000 | c.RTA_MULTIPATH, path]]))).toBe(
      '10.0.0.2@3*2 (mpls 16/17) | fe80::2@4*1 onlink (vni 5000) | direct@5*5',
    );
  });
  test("VXLAN, as FRR's own type and as a tunnel key", () => {
    expect(path(c.FRR_ENCAP_VXLAN, attributes([[c.FRR_VXLAN_VNI, 5000]]))).toBe('direct@3*1 (vni 5000)');
    const key = attributes([[c.LWTUNNEL_IP_ID, Buffer.from('0000000000001388', 'hex')]]);
    expect(path(c.LWTUNNEL_ENCAP_IP, key)).toBe('direct@3*1 (vni 5000)');
    expect(path(c.LWTUNNEL_ENCAP_IP6, key)).toBe('direct@3*1 (vni 5000)');
  });
  test.each([c.LWTUNNEL_ENCAP_IP, c.LWTUNNEL_ENCAP_IP6])(
    'a tunnel key %i without an id, which the kernel takes',
    (type) => {
      expect(path(type, attributes([[2, '10.0.0.9']]))).toBe(`direct@3*1 (encap ${type} 080002000a000009)`);
      expect(path(type, new Uint8Array(0))).toBe(`direct@3*1 (encap ${type} )`);
    },
  );
  test('a type without a body, which the kernel takes', () => {
    expect(target(route({}, [DST, [c.RTA_OIF, 3], [c.RTA_ENCAP_TYPE, u16(1)]]))).toBe('direct@3*1 (encap 1 )');
  });
  test('an unknown one is kept as it is', () => {
    expect(path(3, Uint8Array.of(1, 2))).toBe('direct@3*1 (encap 3 0102)');
  });

  test.each([
    ['without its type', [[c.RTA_ENCAP, new Uint8Array(4)]]],
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

describe('what concerns the host only', () => {
  const WAY = [
    [c.RTA_GATEWAY, '10.0.0.2'],
    [c.RTA_OIF, 3],
  ] as const;
  test('source address and metrics', () => {
    const list = [
      [2, 1400],
      [16, Buffer.from('cubic')],
      [8, 1360],
    ] as const;
    expect(one(route({}, [DST, ...WAY, [c.RTA_PREFSRC, '10.0.0.1'], [0x8000 | c.RTA_METRICS, attributes(list)]]))).toBe(
      'routeAdd 192.0.2.0/24 table 254 proto 186 metric 0 src 10.0.0.1 metrics 2=1400 8=1360 → 10.0.0.2@3*1',
    );
    expect(one(route({}, [DST, [c.RTA_NH_ID, 5], [c.RTA_PREFSRC, '10.0.0.1']]))).toMatch(/ src 10.0.0.1 → nexthop 5$/);
    // The update is one object filled anew: nothing of the route before may show.
    expect(one(route({}, [DST, ...WAY]))).toBe('routeAdd 192.0.2.0/24 table 254 proto 186 metric 0 → 10.0.0.2@3*1');
  });
  test('malformed', () => {
    expect(faultOf(route({}, [DST, ...WAY, [c.RTA_PREFSRC, 'fe80::1']]))).toHaveLength(1);
    expect(faultOf(route({}, [DST, ...WAY, [c.RTA_METRICS, Uint8Array.of(9, 0, 2, 0)]]))).toHaveLength(1);
  });
});

describe('weights of hops', () => {
  const paths = (...hops: number[]): Buffer =>
    Buffer.concat(hops.map((value, i) => hop(3 + i, value, [[c.RTA_GATEWAY, i === 0 ? 'fe80::2' : 'fe80::3']])));
  const weights = (flags: number, priority: number, ...hops: number[]): string =>
    target(
      route({ family: 10, length: 32, flags }, [
        [c.RTA_DST, '2001:db8::'],
        [c.RTA_PRIORITY, priority],
        [c.RTA_MULTIPATH, paths(...hops)],
      ]),
    ).replace(/fe80::.@.\*/g, '');
  test('one less, where the kernel could read them', () => expect(weights(0x501, 20, 1, 2)).toBe('2 | 3'));
  test('as they are, from the module fpm', () => expect(weights(0x401, 110, 1, 2)).toBe('1 | 2'));
  test('IPv6 from dplane_fpm_nl of FRR 8.4, which lacks NLM_F_REPLACE', () => {
    expect(weights(0x401, 20, 1, 2)).toBe('2 | 3');
    expect(weights(0x401, 20, 1, 1)).toBe('1 | 1');
    expect(weights(0x401, 20, 0, 0)).toBe('1 | 1');
  });
});

describe('nexthop objects', () => {
  test('a path', () => {
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
      target(
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
    expect(target(nexthop(list))).toBe('direct@3*1 (mpls 100)');
    expect(target(nexthop([[c.NHA_ID, 9]]))).toBe('unsupported: neither gateway nor interface');
    expect(
      target(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_BLACKHOLE, new Uint8Array(0)],
        ]),
      ),
    ).toBe('blackhole');
    expect(
      target(
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
      target(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GROUP, members],
        ]),
      ),
    ).toBe('group 1*1 2*256 3*768');
    expect(
      target(
        nexthop([
          [c.NHA_ID, 9],
          [c.NHA_GROUP, members],
          [c.NHA_GROUP_TYPE, u16(1)],
        ]),
      ),
    ).toMatch(/^group/);
    expect(
      target(
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

describe('neighbors', () => {
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
    expect(skipOf(neighbor([MAC], 2, 99))).toEqual(['neighbor of address family 99']);
    expect(skipOf(neighbor([[c.NDA_DST, '10.0.0.2']], 2, 2, 7, c.RTM_NEWNEIGH, c.NTF_PROXY))).toEqual([
      'proxy neighbor',
    ]);
  });
  test('malformed', () => {
    expect(faultOf(neighbor([MAC]))).toEqual(['neighbor address of -1 bytes @16']);
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

describe('MAC addresses of an EVPN', () => {
  const LLADDR = [c.NDA_LLADDR, Buffer.from('32260a2eaaf0', 'hex')] as const;
  const mac = (list: Parameters<typeof message>[2], state = 2, flags = 0x16, type = c.RTM_NEWNEIGH): Buffer =>
    neighbor([LLADDR, ...list], state, c.AF_BRIDGE, 9, type, flags);

  test("as zebra's module fpm writes them", () => {
    const list = [
      [c.NDA_DST, '198.51.100.2'],
      [c.NDA_MASTER, 12],
      [c.NDA_VNI, 5000],
    ] as const;
    const name = '32:26:0a:2e:aa:f0@9 vlan 0 vni 5000';
    expect(one(mac(list))).toBe(`macAdd ${name} bridge 12 → 198.51.100.2`);
    expect(one(mac(list, 0x42, 6))).toBe(`macAdd ${name} bridge 12 sticky → 198.51.100.2`);
    expect(one(mac(list, 2, 0x16, c.RTM_DELNEIGH))).toBe(`macDelete ${name}`);
  });
  test('as dplane_fpm_nl does: a VLAN, the VNI elsewhere or not at all, an IPv6 VTEP, a nexthop id', () => {
    const vlan = [c.NDA_VLAN, u16(10)] as const;
    const list = [
      [12, Uint8Array.of(11)],
      [c.NDA_DST, '2001:db8::2'],
      vlan,
      [c.NDA_SRC_VNI, 5000],
      [c.NDA_MASTER, 8],
    ] as const;
    expect(one(mac(list))).toBe('macAdd 32:26:0a:2e:aa:f0@9 vlan 10 vni 5000 bridge 8 → 2001:db8::2');
    expect(one(mac([vlan, [c.NDA_DST, '198.51.100.2']], 2, 0x52))).toBe(
      'macAdd 32:26:0a:2e:aa:f0@9 vlan 10 vni 0 bridge 0 sticky → 198.51.100.2',
    );
    expect(one(mac([vlan, [c.NDA_NH_ID, 77]]))).toBe('macAdd 32:26:0a:2e:aa:f0@9 vlan 10 vni 0 bridge 0 → nexthop 77');
  });
  test('malformed', () => {
    expect(faultOf(neighbor([[c.NDA_DST, '198.51.100.2']], 2, c.AF_BRIDGE))).toEqual(['MAC address of -1 bytes @16']);
    expect(faultOf(mac([[c.NDA_DST, new Uint8Array(5)]]))).toHaveLength(1);
    expect(faultOf(mac([[c.NDA_VLAN, new Uint8Array(4)]]))).toHaveLength(1);
    expect(faultOf(mac([[c.NDA_VNI, u16(1)]]))).toHaveLength(1);
    expect(faultOf(neighbor([LLADDR], 2, c.AF_BRIDGE, -1))).toHaveLength(1);
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

  test('one hop without a gateway or an interface makes the LSP unusable, not shorter', () => {
    const path = Buffer.concat([hop(3, 0, [[c.RTA_VIA, via('10.0.0.2')]]), hop(0, 0, [])]);
    expect(
      one(
        lsp(24, [
          [c.RTA_DST, labels(100)],
          [c.RTA_MULTIPATH, path],
        ]),
      ),
    ).toMatch(/^lspAdd 100 proto 186 → *$/);
  });

  test("the egress of a VPN: onto a VRF's device, with neither gateway nor labels", () => {
    expect(
      one(
        lsp(24, [
          [c.RTA_DST, labels(80)],
          [c.RTA_OIF, 9],
        ]),
      ),
    ).toBe('lspAdd 80 proto 186 → direct@9*1 swap none');
  });

  test('what zebra 10.7 sends: swap 100 for 200, a delete without RTA_VIA, a nexthop that pushes 16/17', () => {
    const bytes = (type: number, hex: string): Buffer => {
      const body = Buffer.from(hex.replaceAll(' ', ''), 'hex');
      const header = Buffer.alloc(16);
      header.writeUInt32LE(16 + body.length, 0);
      header.writeUInt16LE(type, 4);
      header.writeUInt16LE(type === 25 ? 0x401 : 0x501, 6);
      return Buffer.concat([header, body]);
    };
    const head = '1c140000fec4000100000000 08000100 00064100 08001300 000c8100';
    const added = `${head} 0a001200 0200 0a000002 0000 08000400 03000000`;
    expect(one(bytes(24, added))).toBe('lspAdd 100 proto 196 → 10.0.0.2@3*1 swap 200');
    expect(one(bytes(25, `${head} 08000400 03000000`))).toBe('lspDelete 100');
    // The two bytes behind NHA_ENCAP_TYPE are padding, and hold whatever was there.
    const push = '02000300 00000000 08000100 07000000 08000500 03000000 08000600 0a000002 06000700 0100dead';
    expect(one(bytes(104, `${push} 10000880 0c000100 00010000 00011100`))).toMatch(/10\.0\.0\.2@3\*1 \(mpls 16\/17\)$/);
  });

  test('a stack without a bottom, or of more than 16 labels, is refused whole; the LSP is known, its paths are not', () => {
    const bottomless = Buffer.from([0, 0x0c, 0x80, 0, 0, 0x0c, 0x90, 0]);
    const deep = (count: number): Uint8Array => labels(...Array.from({ length: count }, (_, i) => 100 + i));
    const swap = (stack: Uint8Array): Buffer =>
      lsp(24, [
        [c.RTA_DST, labels(100)],
        [c.RTA_NEWDST, stack],
        [c.RTA_VIA, via('10.0.0.2')],
        [c.RTA_OIF, 3],
      ]);
    expect(faultOf(swap(bottomless))).toEqual([expect.stringMatching(/^label stack 200\/201 without a bottom @/)]);
    expect(faultOf(swap(deep(17)))).toEqual([expect.stringMatching(/^more than 16 labels in a stack @/)]);
    expect(one(swap(deep(16)))).toMatch(/swap 100\/.*\/115$/);
    const stopgap = decodeMalformedRoute(24, swap(bottomless), 16, swap(bottomless).length);
    expect(stopgap).toEqual({ kind: 'lspAdd', label: 100, protocol: 186, paths: [], unreadable: true });
  });
});
