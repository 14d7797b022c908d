import fc from 'fast-check';
import type { RouteStatus, StatusReport } from '../../../src/fib/updates';
import { FrameReader } from '../../../src/fpm/framing';
import { MAX_STATUS_FRAME, writeStatus } from '../../../src/fpm/status';
import { parsePrefix } from '../../../src/net/address';
import { eachAttribute, readMessages } from '../../../src/netlink/codec';

function report(prefix: string, status: RouteStatus, table = 254, protocol = 188): StatusReport {
  return { ...parsePrefix(prefix)!, table, protocol, status };
}

function frameOf(one: StatusReport, mode: 'auto' | 'table' | 'vrf' = 'auto'): Buffer {
  const buffer = Buffer.alloc(MAX_STATUS_FRAME, 0xee);
  return buffer.subarray(0, writeStatus(buffer, 0, one, mode));
}

test('the frame that a live zebra 10.7.1 took (docs/fpm-feedback.md), byte by byte', () => {
  expect(frameOf(report('198.18.1.0/24', 'offloaded', 254, 196)).toString('hex')).toBe(
    '01010028' + // version, type, length
      '24000000180001000000000000000000' + // length, RTM_NEWROUTE, NLM_F_REQUEST
      '02180000fec4000100400000' + // AF_INET, /24, table, protocol, unicast, RTM_F_OFFLOAD
      '08000100c6120100', // RTA_DST
  );
});

test.each([
  ['offloaded', 0x4000],
  ['trapped', 0x4000 | 0x8000],
  ['unresolved', 0x8000],
  ['failed', 0x20000000],
] as const)('%s', (status, flags) => {
  expect(frameOf(report('2001:db8::/32', status)).readUInt32LE(4 + 16 + 8)).toBe(flags);
});

test.each([
  ['auto', 254, 254, undefined],
  ['table', 254, 254, undefined],
  ['vrf', 254, 0, undefined],
  ['vrf', 10, 10, undefined],
  ['auto', 255, 255, undefined],
  ['auto', 256, 0, 256],
  ['table', 4000000000, 0, 4000000000],
] as const)('mode %s, table %i', (mode, table, rtmTable, attribute) => {
  const [message] = Array.from(readMessages(frameOf(report('10.0.0.0/8', 'offloaded', table), mode).subarray(4)));
  expect(message!.body[4]).toBe(rtmTable);
  let found: number | undefined;
  eachAttribute(message!.body, 12, (type, start) => {
    if (type === 15) found = message!.body.readUInt32LE(start);
  });
  expect(found).toBe(attribute);
});

test('every report is a frame of its own with one message that names the route', () => {
  const prefixes = fc.oneof(
    fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => parsePrefix(`${address}/${length}`)!),
    fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(128)).map(([bytes, length]) => ({
      family: 6 as const,
      bytes,
      length,
    })),
  );
  const reports = fc.array(
    fc.record({ prefix: prefixes, table: fc.integer({ min: 1, max: 0xffffffff }), protocol: fc.nat(255) }),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(reports, (list) => {
      const buffer = Buffer.alloc(MAX_STATUS_FRAME * list.length);
      let end = 0;
      for (const { prefix, ...rest } of list) {
        end = writeStatus(buffer, end, { ...prefix, ...rest, status: 'offloaded' }, 'auto');
        expect(end % 4).toBe(0);
      }
      const seen: object[] = [];
      const reader = new FrameReader((type, bytes, start, stop) => {
        const messages = Array.from(readMessages(bytes.subarray(start, stop)));
        expect([type, messages.length]).toEqual([1, 1]);
        const { body, flags } = messages[0]!;
        let dst: Uint8Array | undefined;
        let table = body[4]!;
        eachAttribute(body, 12, (attribute, from, to) => {
          if (attribute === 1) dst = Uint8Array.from(body.subarray(from, to));
          if (attribute === 15) table = body.readUInt32LE(from);
        });
        expect(flags & 1).toBe(1);
        seen.push({ family: body[0] === 2 ? 4 : 6, length: body[1], bytes: dst, table, protocol: body[5] });
      });
      reader.push(buffer.subarray(0, end));
      expect(reader.pending).toBe(0);
      expect(seen).toEqual(list.map(({ prefix, table, protocol }) => ({ ...prefix, table, protocol })));
    }),
  );
});
