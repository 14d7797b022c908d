/** The hostpath header: bytes as the AFI reference gives them, round trips, and what is refused. */
import * as fc from 'fast-check';
import { HOSTPATH_MAX_FRAME, decodeHostpathHeader, encodeHostpathHeader } from '../../../src/hostpath/header';
import type { HostpathHeader } from '../../../src/hostpath/header';

describe('hostpath header', () => {
  it('is laid out as the AFI headers say, big endian', () => {
    const buffer = Buffer.alloc(10, 0xff);
    encodeHostpathHeader(
      buffer,
      { direction: 'inject', reason: 0x11, length: 0x2233, sandbox: 0x4455, port: 0x6677 },
      1,
    );
    expect(buffer.toString('hex')).toBe('ff' + '0811223344556677' + 'ff');
    encodeHostpathHeader(buffer, { direction: 'punt', reason: 8, length: 68, sandbox: 1, port: 3 });
    expect(buffer.subarray(0, 8).toString('hex')).toBe('0008004400010003');
  });

  it('reads back what it wrote', () => {
    const header = fc.record<HostpathHeader>({
      direction: fc.constantFrom('punt', 'inject'),
      reason: fc.nat(255),
      length: fc.integer({ min: 8, max: HOSTPATH_MAX_FRAME + 8 }),
      sandbox: fc.nat(65535),
      port: fc.nat(65535),
    });
    fc.assert(
      fc.property(header, (value) => {
        const buffer = Buffer.alloc(8);
        encodeHostpathHeader(buffer, value);
        expect(decodeHostpathHeader(buffer, value.length)).toEqual(value);
      }),
    );
  });

  it('ignores reserved bits and bytes behind the total length', () => {
    const datagram = Buffer.from('0708000c00010003' + 'aabbccdd' + 'eeee', 'hex');
    expect(decodeHostpathHeader(datagram)).toEqual({ direction: 'punt', reason: 8, length: 12, sandbox: 1, port: 3 });
  });

  it.each([
    ['', 'short'],
    ['00000008000000', 'short'],
    ['1000000800000000', 'version'],
    ['f800000800000000', 'version'],
    ['0000000700000000', 'length'],
    ['0000000900000000', 'length'],
    ['0000ffff00000000', 'length'],
  ])('refuses %s: %s', (hex, fault) => {
    expect(decodeHostpathHeader(Buffer.from(hex, 'hex'))).toBe(fault);
  });

  it('goes by the datagram size, not by the buffer it lies in', () => {
    const slot = Buffer.alloc(2048);
    encodeHostpathHeader(slot, { direction: 'punt', reason: 1, length: 100, sandbox: 0, port: 0 });
    expect(decodeHostpathHeader(slot, 99)).toBe('length');
    expect(decodeHostpathHeader(slot, 7)).toBe('short');
  });

  it('refuses to write a number that does not fit its field', () => {
    const header: HostpathHeader = { direction: 'inject', reason: 0, length: 65536, sandbox: 0, port: 0 };
    expect(() => encodeHostpathHeader(Buffer.alloc(8), header)).toThrow(/out of range/);
    expect(() => encodeHostpathHeader(Buffer.alloc(8), { ...header, length: 60, port: -1 })).toThrow(/out of range/);
  });
});
