/** Which hostpath datagrams softvasic sends from its ports: a stranger's, cut, or wrong ones never. */
import { encodeHostpathHeader, type HostpathHeader } from '../../../src/hostpath/header';
import { sockaddr } from '../../../src/net/sockaddr';
import { injection } from '../../../src/vasic/server/injection';

const HOST = sockaddr('127.0.0.1', 8001);
const INJECTOR = { host: HOST, sandbox: 1, ports: 4 };

/** A datagram of a whole frame of 60 bytes, and what is different in its header. */
function datagram(different: Partial<HostpathHeader> = {}): Buffer {
  const buffer = Buffer.alloc(8 + 60, 0xee);
  const header = { direction: 'inject', reason: 0, length: buffer.length, sandbox: 1, port: 3 } as const;
  encodeHostpathHeader(buffer, { ...header, ...different });
  return buffer;
}

const look = (buffer: Buffer, from = HOST, size = buffer.length): HostpathHeader | string =>
  injection(buffer, size, from, INJECTOR);

test('a frame of the host is sent', () => {
  expect(look(datagram())).toMatchObject({ port: 3, length: 68 });
  // What lies behind its length is no part of it.
  expect(look(datagram({ length: 22 }))).toMatchObject({ length: 22 });
});

test.each([
  ['another port of the same machine', sockaddr('127.0.0.1', 8002)],
  ['another machine', sockaddr('127.0.0.2', 8001)],
  ['another family', sockaddr('::1', 8001)],
])("a stranger's is not: %s", (_what, from) => {
  expect(look(datagram(), from)).toBe('only 127.0.0.1:8001 (--punt-to) may inject');
});

test.each([
  ['no bytes', Buffer.alloc(0), 'bad hostpath header (short)'],
  ['a header that is cut', datagram().subarray(0, 7), 'bad hostpath header (short)'],
  ['another version', Buffer.concat([Buffer.of(0x18), datagram().subarray(1)]), 'bad hostpath header (version)'],
  ['length 0', datagram({ length: 0 }), 'bad hostpath header (length)'],
  ['a length less than the header', datagram({ length: 7 }), 'bad hostpath header (length)'],
  ['a length beyond its end', datagram({ length: 69 }), 'bad hostpath header (length)'],
  ['the longest length', datagram({ length: 0xffff }), 'bad hostpath header (length)'],
  ['no frame', datagram({ length: 8 }), 'a frame of 0 bytes'],
  ['a frame without a whole Ethernet header', datagram({ length: 21 }), 'a frame of 13 bytes'],
  ['a punted packet', datagram({ direction: 'punt' }), 'direction is not inject'],
  ['another sandbox', datagram({ sandbox: 2 }), 'sandbox id is 2, not 1'],
  ['the first port that there is not', datagram({ port: 4 }), 'no port 4'],
  ['the last port number', datagram({ port: 0xffff }), 'no port 65535'],
])('one that is no frame to send is not: %s', (_what, bytes, why) => {
  expect(look(bytes)).toBe(why);
});

test('bytes of an earlier datagram in the same buffer do not count', () => {
  expect(look(datagram(), HOST, 30)).toBe('bad hostpath header (length)');
});
