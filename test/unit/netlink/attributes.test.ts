import { AttributeTable, copyBytes, readU16, readU32, readU32BE } from '../../../src/netlink/attributes';
import { NetlinkFormatError, NetlinkWriter } from '../../../src/netlink/codec';

const table = new AttributeTable();

test('finds values by type, without the flag bits of the type', () => {
  const bytes = new NetlinkWriter()
    .attribute(1, Uint8Array.of(1, 2, 3))
    .attributeU32(0x8000 | 5, 0xfffffffe)
    .attribute(9, new Uint8Array(0))
    .toBuffer();
  table.parse(bytes, 0, bytes.length);
  expect(table.copy(1)).toEqual(Uint8Array.of(1, 2, 3));
  expect(table.u32(5, 0)).toBe(0xfffffffe);
  expect([table.has(9), table.size(9)]).toEqual([true, 0]);
  expect([table.has(2), table.size(2), table.u32(2, 77), table.u16(2, 78)]).toEqual([false, -1, 77, 78]);
});

test('of two of one type the last counts, and nothing is left of the message before', () => {
  const first = new NetlinkWriter().attributeU32(3, 1).attributeU32(4, 2).attributeU32(4, 3).toBuffer();
  table.parse(first, 0, first.length);
  expect(table.u32(4, 0)).toBe(3);
  const second = new NetlinkWriter().attributeU32(4, 9).toBuffer();
  table.parse(second, 0, second.length);
  expect(table.has(3)).toBe(false);
});

test('types beyond the table are passed over', () => {
  const bytes = new NetlinkWriter().attributeU32(64, 1).attributeU32(0x3fff, 1).attributeU32(7, 2).toBuffer();
  expect(table.parse(bytes, 0, bytes.length).u32(7, 0)).toBe(2);
});

test.each([
  ['runs over its container', Buffer.from([9, 0, 1, 0, 0, 0, 0, 0]), 0],
  ['is less than its header', Buffer.from([8, 0, 1, 0, 0, 0, 0, 0, 3, 0, 1, 0]), 8],
])('a length that %s is an error with its place', (_what, bytes, offset) => {
  let error: unknown;
  try {
    table.parse(bytes, 0, bytes.length);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(NetlinkFormatError);
  expect((error as NetlinkFormatError).offset).toBe(offset);
});

test('bounds are those given, not the buffer', () => {
  const bytes = new NetlinkWriter().attributeU32(1, 1).attributeU32(2, 2).toBuffer();
  table.parse(bytes, 8, 16);
  expect([table.has(1), table.has(2)]).toEqual([false, true]);
  expect(() => table.parse(bytes, 0, 7)).toThrow(NetlinkFormatError);
});

test('numbers of another size than theirs are refused', () => {
  const bytes = new NetlinkWriter().attribute(1, new Uint8Array(2)).attribute(2, new Uint8Array(8)).toBuffer();
  table.parse(bytes, 0, bytes.length);
  expect(() => table.u32(1, 0)).toThrow(/attribute 1 of 2 bytes, not 4/);
  expect(() => table.u16(2, 0)).toThrow(NetlinkFormatError);
});

test('integers', () => {
  const bytes = Buffer.from('80fffefdfc', 'hex');
  expect(readU16(bytes, 0)).toBe(0xff80);
  expect(readU32(bytes, 1)).toBe(0xfcfdfeff);
  expect(readU32BE(bytes, 0)).toBe(0x80fffefd);
  const copy = copyBytes(bytes, 1, 3);
  bytes.fill(0);
  expect(copy).toEqual(Uint8Array.of(0xff, 0xfe));
});
