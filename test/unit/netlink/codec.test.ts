import fc from 'fast-check';
import { eachAttribute, NetlinkFormatError, NetlinkWriter, readMessages } from '../../../src/netlink/codec';

interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

function write(messages: readonly (readonly Attribute[])[]): Buffer {
  const writer = new NetlinkWriter(16);
  messages.forEach((attributes, i) => {
    writer.begin(24 + i, 5, i, 99);
    for (const { type, value } of attributes) writer.attribute(type, value);
    writer.end();
  });
  return writer.toBuffer();
}

test('what is written is read back', () => {
  const attribute = fc.record({ type: fc.integer({ min: 0, max: 60 }), value: fc.uint8Array({ maxLength: 40 }) });
  fc.assert(
    fc.property(fc.array(fc.array(attribute, { maxLength: 6 }), { maxLength: 6 }), (messages) => {
      const back = Array.from(readMessages(write(messages)), (message) => {
        const found: Attribute[] = [];
        eachAttribute(message.body, 0, (type, start, end) => {
          found.push({ type, value: Uint8Array.from(message.body.subarray(start, end)) });
        });
        return { type: message.type, flags: message.flags, seq: message.seq, pid: message.pid, found };
      });
      expect(back).toEqual(messages.map((found, i) => ({ type: 24 + i, flags: 5, seq: i, pid: 99, found })));
    }),
  );
});

test('a message longer than what is there is an error with its place', () => {
  const bytes = write([[{ type: 1, value: new Uint8Array(4) }], []]);
  bytes.writeUInt32LE(17, 24);
  let error: unknown;
  try {
    Array.from(readMessages(bytes));
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(NetlinkFormatError);
  expect(error).toMatchObject({ offset: 24, reason: 'netlink message length 17 of 16 bytes' });
});

test('a writer that was reset leaves nothing of before', () => {
  const writer = new NetlinkWriter(8);
  writer.begin(1, 0).bytes(Buffer.alloc(64, 0xff)).end();
  const again = writer.reset().begin(2, 0).u32(0).end().toBuffer();
  expect(again).toEqual(Buffer.from('1400000002000000000000000000000000000000', 'hex'));
});
