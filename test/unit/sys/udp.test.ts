/** UDP by file descriptor, over the loopback interface. */
import { formatSockaddr, sockaddr } from '../../../src/net/sockaddr';
import { UdpSocket } from '../../../src/sys/udp';
import { PollSet } from '../../../src/sys/libc';

let a: UdpSocket;
let b: UdpSocket;

beforeEach(() => {
  a = UdpSocket.open({ host: '127.0.0.1', port: 0 });
  b = UdpSocket.open({ host: '127.0.0.1', port: 0 });
});

afterEach(() => {
  a.close();
  b.close();
});

/** Everything that arrives until `count` datagrams are there. */
function collect(socket: UdpSocket, count: number): { text: string; from: string }[] {
  const got: { text: string; from: string }[] = [];
  const poll = new PollSet([socket.fd]);
  while (got.length < count) {
    if (poll.wait(2000) === 0) throw new Error(`${got.length} of ${count} datagrams arrived`);
    socket.receive((slot, length, from) => {
      got.push({ text: slot.toString('latin1', 0, length), from: formatSockaddr(from) });
    });
  }
  return got;
}

test('more datagrams than a batch arrive in order, with their sender', () => {
  const to = sockaddr('localhost', b.port);
  for (let i = 0; i < 50; i++) a.commit(a.reserve().write(`datagram ${i}`), to);
  a.flush();
  expect(collect(b, 50)).toEqual(
    Array.from({ length: 50 }, (_, i) => ({ text: `datagram ${i}`, from: `127.0.0.1:${a.port}` })),
  );
  expect(b.receive(() => undefined)).toBe(0);
});

test('what the kernel refuses is counted and does not take the rest with it', () => {
  const to = sockaddr('127.0.0.1', b.port);
  a.commit(a.reserve().write('one'), to);
  a.reserve();
  a.commit(65536, to);
  a.commit(a.reserve().write('three'), to);
  a.flush();
  expect(collect(b, 2).map(({ text }) => text)).toEqual(['one', 'three']);
  expect(a.stats).toEqual({ sendDrops: 1, lastSendError: 'EMSGSIZE' });
});

test('addresses: both families, nothing but numbers', () => {
  expect(formatSockaddr(sockaddr('192.0.2.1', 8001))).toBe('192.0.2.1:8001');
  expect(formatSockaddr(sockaddr('2001:db8::1', 65535))).toBe('[2001:db8::1]:65535');
  expect(() => sockaddr('vasic.example', 1)).toThrow(/vasic\.example is not an IP address/);
});

test('an address in use is named', () => {
  expect(() => UdpSocket.open({ host: '127.0.0.1', port: a.port })).toThrow(`bind 127.0.0.1:${a.port}: EADDRINUSE`);
});
