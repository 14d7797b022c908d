/** The filter of the routes' socket, run as the kernel would. */
import { foreignFilter, isZebras } from '../../../src/kernel/foreign';
import {
  NLM_F_MULTI,
  NLM_F_REPLACE,
  RTM_DELROUTE,
  RTM_NEWLINK,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
} from '../../../src/netlink/constants';

/** Whether the filter lets the message in. Knows the instructions of classic BPF that the filter has (linux/filter.h). */
function passes(message: Buffer): boolean {
  const program = foreignFilter();
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt16LE(8 * at);
    const value = program.readUInt32LE(8 * at + 4);
    const jump = (holds: boolean): number => program[8 * at + (holds ? 2 : 3)]!;
    switch (code) {
      case 0x30:
        accumulator = message.readUInt8(value);
        break;
      case 0x28:
        accumulator = message.readUInt16BE(value);
        break;
      case 0x15:
        at += jump(accumulator === value);
        break;
      case 0x25:
        at += jump(accumulator > value);
        break;
      case 0x35:
        at += jump(accumulator >= value);
        break;
      case 0x45:
        at += jump((accumulator & value) !== 0);
        break;
      case 0x06:
        return value !== 0;
      default:
        throw new Error(`instruction ${code}`);
    }
  }
  throw new Error('no result');
}

function message(type: number, protocol = 0, flags = 0): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt8(protocol, 16 + 5);
  return bytes;
}

test('lost routes come through unless they are zebra’s own, for every protocol', () => {
  for (let protocol = 0; protocol < 256; protocol++) {
    expect([protocol, passes(message(RTM_DELROUTE, protocol))]).toEqual([protocol, !isZebras(protocol)]);
  }
  expect([2, 3, 4, 9, 16, 185, 199].filter(isZebras)).toEqual([]);
  expect([11, 42, 186, 188, 196, 198].every(isZebras)).toBe(true);
});

test('so do those that replace another', () => {
  for (let protocol = 0; protocol < 256; protocol++) {
    const replaced = message(RTM_NEWROUTE, protocol, NLM_F_REPLACE);
    expect([protocol, passes(replaced)]).toEqual([protocol, !isZebras(protocol)]);
  }
});

test('so do those that were asked for', () => {
  for (let protocol = 0; protocol < 256; protocol++) {
    expect([protocol, passes(message(RTM_NEWROUTE, protocol))]).toEqual([protocol, !isZebras(protocol)]);
  }
});

test('new routes do not, but parts of a dump and news of other kinds do', () => {
  const [EXCLUSIVE, CREATE, APPEND] = [0x200, 0x400, 0x800];
  for (const flags of [EXCLUSIVE | CREATE, CREATE, APPEND]) expect(passes(message(RTM_NEWROUTE, 3, flags))).toBe(false);
  expect(passes(message(RTM_NEWROUTE, 186, NLM_F_MULTI))).toBe(true);
  expect(passes(message(RTM_NEWLINK))).toBe(true);
  expect(passes(message(RTM_NEWNEXTHOP, 11))).toBe(true);
});
