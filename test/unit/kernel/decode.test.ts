/** The kernel's messages, decoded from bytes that a real kernel sent (capture.ts), and from damaged ones. */
import * as fc from 'fast-check';
import { formatAddress, formatMac, formatPrefix } from '../../../src/net/address';
import { decodeKernelMessage } from '../../../src/kernel/decode';
import { neighborState } from '../../../src/netlink/neighbor-state';
import { NetlinkFormatError, NetlinkWriter, readMessages } from '../../../src/netlink/codec';
import { allCaptures, captured } from './kernel-fixture';

/** Decoded and with addresses as text, to compare with what the command says. */
function decode(bytes: Buffer): object[] {
  return [...readMessages(bytes)].flatMap((message) => {
    const decoded = decodeKernelMessage(message);
    if (decoded === undefined) return [];
    const text = Object.entries(decoded).map(([key, value]: [string, unknown]) => [
      key,
      value instanceof Uint8Array ? (value.length === 6 ? formatMac(value) : formatAddress(value)) : value,
    ]);
    if ('subnet' in decoded && decoded.subnet !== undefined) text.push(['subnet', formatPrefix(decoded.subnet)]);
    return [Object.fromEntries(text) as object];
  });
}

describe('messages of a real kernel', () => {
  it('links', () => {
    const port = { kind: 'link', present: true, name: 'v0', mac: '02:00:00:00:00:01', master: 0 };
    const messages = decode(captured('ip link set v0 address 02:00:00:00:00:01 mtu 1400 up'));
    expect(messages.at(0)).toMatchObject({ ...port, mtu: 1500, up: false });
    expect(messages.at(-1)).toMatchObject({ ...port, mtu: 1400, up: true });
    expect(decode(captured('dump links')).map((link) => ('name' in link ? link.name : ''))).toEqual(['lo', 'v0']);
    expect(decode(captured('ip link set v0 name port0')).at(0)).toMatchObject({ ...port, name: 'port0' });
    expect(decode(captured('ip link set port0 down')).at(0)).toMatchObject({ ...port, name: 'port0', up: false });
  });

  it('addresses: the own one of a point-to-point pair, the broadcast where there is one', () => {
    expect(decode(captured('ip address add 10.9.0.1/24 broadcast + dev v0')).at(-1)).toEqual({
      kind: 'address',
      present: true,
      ifindex: expect.any(Number) as number,
      address: '10.9.0.1',
      length: 24,
      broadcast: '10.9.0.255',
      subnet: '10.9.0.0/24',
    });
    const pair = decode(captured('ip address add 10.9.1.1 peer 10.9.1.2/32 dev v0'));
    expect(pair).toEqual([
      expect.objectContaining({ address: '10.9.1.1', length: 32, peer: '10.9.1.2', subnet: '10.9.1.2/32' }),
    ]);
    expect(pair[0]).not.toHaveProperty('broadcast');
    expect(decode(captured('ip address add 2001:db8::1/64 dev v0 nodad'))).toContainEqual(
      expect.objectContaining({ kind: 'address', address: '2001:db8::1', length: 64, subnet: '2001:db8::/64' }),
    );
    expect(decode(captured('ip address del 10.9.0.1/24 dev port0'))).toEqual([
      expect.objectContaining({ kind: 'address', present: false, address: '10.9.0.1', length: 24 }),
    ]);
  });

  it('neighbors: MAC, state, change, deletion', () => {
    const two = { kind: 'neighbor', present: true, address: '10.9.0.2' };
    expect(decode(captured('ip neighbor add 10.9.0.2 dev v0 lladdr 02:00:00:00:00:02 nud reachable'))).toEqual([
      expect.objectContaining({ ...two, mac: '02:00:00:00:00:02', state: 'reachable' }),
    ]);
    expect(decode(captured('ip neighbor change 10.9.0.2 dev v0 lladdr 02:00:00:00:00:03 nud stale'))).toEqual([
      expect.objectContaining({ ...two, mac: '02:00:00:00:00:03', state: 'stale' }),
    ]);
    const gone = decode(captured('ip neighbor del 10.9.0.2 dev v0'));
    expect(gone.at(0)).toMatchObject({ ...two, state: 'failed' });
    expect(gone.at(0)).not.toHaveProperty('mac');
    expect(gone.at(-1)).toMatchObject({ ...two, present: false });
  });

  it('leaves out the pseudo neighbors of multicast groups and proxy entries', () => {
    const dump = captured('dump neighbors');
    // The dump has multicast NOARP entries, or this test shows nothing.
    expect(dump.includes(Buffer.from('3333', 'hex'))).toBe(true);
    expect(decode(dump).map((neighbor) => ('address' in neighbor ? neighbor.address : ''))).toEqual(
      expect.arrayContaining(['10.9.0.2', '2001:db8::2']),
    );
    expect(decode(dump)).toHaveLength(2);
  });
});

describe('damaged and odd messages', () => {
  const neighbor = (address: number[], options: { type?: number; flags?: number; mac?: number[] } = {}): Buffer =>
    new NetlinkWriter()
      .begin(28, 0)
      .u8(address.length === 4 ? 2 : 10)
      .u8(0)
      .u16(0)
      .u32(7)
      .u16(0x40)
      .u8(options.flags ?? 0)
      .u8(options.type ?? 1)
      .attribute(1, Uint8Array.from(address))
      .attribute(2, Uint8Array.from(options.mac ?? [2, 0, 0, 0, 0, 9]))
      .end()
      .toBuffer();

  it('multicast, broadcast and proxy neighbors say nothing; a group MAC is told', () => {
    expect(decode(neighbor([10, 0, 0, 1]))).toEqual([
      { kind: 'neighbor', present: true, ifindex: 7, address: '10.0.0.1', mac: '02:00:00:00:00:09', state: 'noarp' },
    ]);
    expect(decode(neighbor([224, 0, 0, 5]))).toEqual([]);
    expect(decode(neighbor([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]))).toEqual([]);
    expect(decode(neighbor([10, 0, 0, 255], { type: 3 }))).toEqual([]);
    expect(decode(neighbor([10, 0, 0, 1], { type: 5 }))).toEqual([]);
    expect(decode(neighbor([10, 0, 0, 1], { flags: 8 }))).toEqual([]);
    expect(decode(neighbor([10, 0, 0, 1], { mac: [1, 0, 0x5e, 0, 0, 5] }))[0]).toMatchObject({
      mac: '01:00:5e:00:00:05',
    });
  });

  it('addresses: the subnet that the kernel makes a route for', () => {
    const address = (
      local: number[],
      length: number,
      attributes: { peer?: number[]; flags?: number } = {},
    ): unknown => {
      const writer = new NetlinkWriter()
        .begin(20, 0)
        .u8(local.length === 4 ? 2 : 10)
        .u8(length)
        .u8(0x80)
        .u8(0)
        .u32(7);
      writer.attribute(1, Uint8Array.from(attributes.peer ?? local)).attribute(2, Uint8Array.from(local));
      const { flags } = attributes;
      if (flags !== undefined) writer.attribute(8, Uint8Array.of(flags & 255, flags >> 8, 0, 0));
      return (decode(writer.end().toBuffer())[0] as { subnet?: string }).subnet;
    };
    expect(address([10, 1, 2, 3], 23)).toBe('10.1.2.0/23');
    expect(address([10, 1, 2, 3], 23, { flags: 0x80 })).toBe('10.1.2.0/23');
    expect(address([10, 1, 2, 3], 23, { flags: 0x280 })).toBeUndefined();
    expect(address([10, 1, 2, 3], 32)).toBeUndefined();
    expect(address([10, 1, 2, 3], 31)).toBe('10.1.2.2/31');
    expect(address([10, 1, 2, 3], 24, { peer: [192, 0, 2, 9] })).toBe('192.0.2.0/24');
    expect(address([0, 1, 2, 3], 24)).toBeUndefined();
    expect(address([10, 1, 2, 3], 0)).toBeUndefined();
    const six = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    expect(address(six, 64)).toBe('2001:db8::/64');
    expect(address(six, 128)).toBeUndefined();
    expect(address(six, 64, { peer: six.with(15, 8) })).toBe('2001:db8::/64');
  });

  it('addresses: the peer is a part of the name in IPv4 alone', () => {
    const peerOf = (family: number, peer: Uint8Array, local: Uint8Array): unknown => {
      const writer = new NetlinkWriter().begin(20, 0).u8(family).u8(24).u8(0).u8(0).u32(7);
      writer.attribute(1, peer).attribute(2, local);
      return (decode(writer.end().toBuffer())[0] as { peer?: string }).peer;
    };
    const [own, other] = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)];
    expect([peerOf(2, other, own), peerOf(2, own, own)]).toEqual(['10.0.0.2', undefined]);
    expect(peerOf(10, new Uint8Array(16).fill(2), new Uint8Array(16).fill(3))).toBeUndefined();
  });

  it('links: set down, promiscuous, all groups, and the roles of VLAN and VRF devices', () => {
    const nested = (...attributes: [number, Uint8Array][]): Uint8Array => {
      const writer = new NetlinkWriter().begin(0, 0);
      for (const [type, value] of attributes) writer.attribute(type, value);
      return writer.end().toBuffer().subarray(16);
    };
    const u32 = (value: number): Uint8Array => Uint8Array.of(value & 255, value >> 8, 0, 0);
    const link = (flags: number, ...attributes: [number, Uint8Array][]): object => {
      const writer = new NetlinkWriter().begin(16, 0).u8(0).u8(0).u16(1).u32(7).u32(flags).u32(0);
      writer.attribute(3, Buffer.from('tap0\0'));
      for (const [type, value] of attributes) writer.attribute(type, value);
      return decode(writer.end().toBuffer())[0]!;
    };
    const plain = { kind: 'link', present: true, ifindex: 7, name: 'tap0', up: true, master: 0 };
    expect(link(0x10041)).toEqual(plain);
    expect(link(0x10000)).toEqual({ ...plain, up: false, adminDown: true });
    expect(link(0x10041, [30, u32(2)], [61, u32(0)])).toEqual({ ...plain, promiscuous: true });
    expect(link(0x10041, [30, u32(0)], [61, u32(1)])).toEqual({ ...plain, allMulticast: true });
    expect(link(0x10241)).toEqual({ ...plain, allMulticast: true });
    const role = (kind: string, data: [number, Uint8Array]): [number, Uint8Array] => [
      18,
      nested([1, Buffer.from(`${kind}\0`)], [2, nested(data)]),
    ];
    expect(link(0x10041, [5, u32(3)], role('vlan', [1, Uint8Array.of(100, 0)]))).toEqual({
      ...plain,
      vlan: { parent: 3, id: 100 },
    });
    expect(link(0x10041, role('vrf', [1, u32(1000)]))).toEqual({ ...plain, vrfTable: 1000 });
    expect(link(0x10041, role('bridge', [1, u32(1000)]))).toEqual(plain);
    expect(link(0x10041, [18, nested([1, Buffer.from('tun\0')])])).toEqual(plain);
  });

  it('NUD_ bits become states', () => {
    const states = [0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80].map(neighborState);
    expect(states).toEqual([
      'none',
      'incomplete',
      'reachable',
      'stale',
      'delay',
      'probe',
      'failed',
      'noarp',
      'permanent',
    ]);
  });

  it('never does anything but decode or refuse, whatever the bytes', () => {
    const bytes = Buffer.concat(allCaptures);
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) }), { maxLength: 8 }),
        fc.nat(bytes.length),
        (changes, length) => {
          const damaged = Buffer.from(bytes);
          changes.forEach(({ at, value }) => (damaged[at] = value));
          try {
            decode(damaged.subarray(0, length));
          } catch (error) {
            expect(error).toBeInstanceOf(NetlinkFormatError);
          }
        },
      ),
    );
  });

  it('refuses messages without what makes them', () => {
    const message = (type: number, body: number[]): Buffer =>
      new NetlinkWriter().begin(type, 0).bytes(Uint8Array.from(body)).end().toBuffer();
    expect(() => decode(message(28, [2, 0, 0]))).toThrow(NetlinkFormatError);
    expect(() => decode(message(28, [2, ...Array<number>(11).fill(0)]))).toThrow('without an address');
    expect(() => decode(message(20, [2, 24, 0, 0, 1, 0, 0, 0]))).toThrow('without a valid address');
    expect(() => decode(message(16, [0, 0, 0, 0]))).toThrow(NetlinkFormatError);
  });
});
