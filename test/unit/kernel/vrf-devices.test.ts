/**
 * VRF devices as rtnetlink tells of them, in the kernel's message format (struct ifinfomsg, IFLA_MASTER, IFLA_LINKINFO): from the bytes by
 * way of monitor and mirror to the table that each port is bound to, as they are made, deleted, enslaved to and released.
 */
import { NetlinkWriter } from '../../../src/netlink/codec';
import { stage } from './vrf-stage';

const NEWLINK = 16;
const DELLINK = 17;
const UP = 0x10041;
const IFNAME = 3;
const MASTER = 10;
const LINKINFO = 18;
const INFO_KIND = 1;
const INFO_DATA = 2;
const VRF_TABLE = 1;

const u32 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Attributes as the kernel nests them. */
function nested(...attributes: (readonly [number, Uint8Array])[]): Uint8Array {
  const writer = new NetlinkWriter().begin(0, 0);
  for (const [type, value] of attributes) writer.attribute(type, value);
  return writer.end().toBuffer().subarray(16);
}

function link(type: number, ifindex: number, name: string, ...attributes: (readonly [number, Uint8Array])[]): Buffer {
  const writer = new NetlinkWriter().begin(type, 0).u8(0).u8(0).u16(1).u32(ifindex).u32(UP).u32(0);
  writer.attribute(IFNAME, Buffer.from(`${name}\0`));
  for (const [kind, value] of attributes) writer.attribute(kind, value);
  return writer.end().toBuffer();
}

const vrf = (ifindex: number, name: string, table: number): Buffer =>
  link(NEWLINK, ifindex, name, [
    LINKINFO,
    nested([INFO_KIND, Buffer.from('vrf\0')], [INFO_DATA, nested([VRF_TABLE, u32(table)])]),
  ]);
const bridge = (ifindex: number, name: string): Buffer =>
  link(NEWLINK, ifindex, name, [LINKINFO, nested([INFO_KIND, Buffer.from('bridge\0')])]);
const tap = (port: number, master = 0): Buffer =>
  link(NEWLINK, 10 + port, `tap${port}`, ...(master === 0 ? [] : [[MASTER, u32(master)] as const]));

test('a TAP is enslaved, moved and released; a VRF device changes its table and its name, and goes', () => {
  const { receive, ports, tables } = stage();
  receive(tap(0), tap(1), vrf(50, 'red', 1001), vrf(51, 'blue', 0x10002));
  expect([ports(), tables()]).toEqual(['254 254', '254 default']);
  receive(tap(0, 50));
  expect([ports(), tables()]).toEqual(['1001 254', '254 default, 1001 red']);
  receive(tap(1, 51));
  expect([ports(), tables()]).toEqual(['1001 65538', '254 default, 1001 red, 65538 blue']);
  receive(tap(0, 51));
  expect([ports(), tables()]).toEqual(['65538 65538', '254 default, 65538 blue']);
  receive(vrf(51, 'green', 7));
  expect([ports(), tables()]).toEqual(['7 7', '254 default, 7 green']);
  receive(tap(1));
  expect([ports(), tables()]).toEqual(['7 254', '254 default, 7 green']);
  // The kernel releases before it deletes.
  receive(tap(0), link(DELLINK, 51, 'green'));
  expect([ports(), tables()]).toEqual(['254 254', '254 default']);
});

test('the device comes after the TAP that is in it; a bridge is no VRF; an index is given to another device', () => {
  const { receive, ports, tables } = stage();
  receive(tap(0, 50), tap(1));
  expect(ports()).toBe('host 254');
  receive(vrf(50, 'red', 1001));
  expect([ports(), tables()]).toEqual(['1001 254', '254 default, 1001 red']);
  receive(bridge(60, 'br0'), tap(1, 60));
  expect(ports()).toBe('1001 host');
  receive(link(DELLINK, 50, 'red'), bridge(50, 'red'));
  expect([ports(), tables()]).toEqual(['host host', '254 default']);
});
