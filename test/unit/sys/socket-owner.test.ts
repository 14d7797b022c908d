/** Whose a TCP connection is, by the kernel: real connections on loopback, and what /proc would say. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ownerByProc, socketOwner, type Endpoint } from '../../../src/sys/socket-owner';
import { fdOf, peerSilence, setKeepAlive } from '../../../src/sys/tcp';
import { getsockopt } from '../../../src/sys/libc';
import { readFileSync } from 'node:fs';

const read = (file: string): string => readFileSync(file, 'latin1');
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  sockets.splice(0).forEach((socket) => socket.destroy());
  servers.splice(0).forEach((server) => server.close());
});

async function pair(host: string): Promise<{ client: Socket; ours: Socket; own: Endpoint; peer: Endpoint }> {
  const server = createServer().listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect(port, host);
  const [[ours]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown];
  client.on('error', () => undefined);
  sockets.push(client, ours);
  return { client, ours, own: { address: host, port: client.localPort! }, peer: { address: host, port } };
}

test.each(['127.0.0.1', '::1'])('of a connection of this process on %s: this user', async (host) => {
  const { own, peer } = await pair(host);
  const uid = process.getuid!();
  expect(socketOwner(own, peer)).toEqual({ uid });
  expect(ownerByProc(own, peer, read)).toEqual({ uid });
});

test('a listener on the port is not taken for the connection', async () => {
  const { peer } = await pair('127.0.0.1');
  const stranger = { address: '127.0.0.1', port: 1 };
  expect(socketOwner(peer, stranger)).toBe('gone');
});

test("one that its process has closed is nobody's, not root's", async () => {
  const { client, own, peer } = await pair('127.0.0.1');
  const closed = once(client, 'close');
  client.destroy();
  await closed;
  expect(socketOwner(own, peer)).toBe('gone');
  expect(ownerByProc(own, peer, read)).toBe('gone');
});

test("/proc's lists: IPv4 connections of IPv6 sockets, orphans, a kernel without IPv6", () => {
  const own = { address: '127.0.0.1', port: 40_000 };
  const peer = { address: '127.0.0.1', port: 2620 };
  const head = '  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n';
  const line = (local: string, remote: string, inode: number): string =>
    `   0: ${local}:9C40 ${remote}:0A3C 01 00000000:00000000 00:00000000 00000000  994        0 ${inode} 1 0 20 4 30 10 -1\n`;
  const v4 = '0100007F';
  const mapped = '0000000000000000FFFF00000100007F';
  const none = (): string => {
    throw new Error('ENOENT');
  };
  const files = (tcp: string, tcp6?: string) => (file: string) => head + (file.endsWith('6') ? (tcp6 ?? none()) : tcp);
  expect(ownerByProc(own, peer, files(line(v4, v4, 77)))).toEqual({ uid: 994 });
  expect(ownerByProc(own, peer, files('', line(mapped, mapped, 77)))).toEqual({ uid: 994 });
  expect(ownerByProc(own, peer, files(line(v4, v4, 0)))).toBe('gone');
  expect(ownerByProc(own, peer, files(''))).toBe('gone');
});

test('keep-alives are set, and the peer was heard of', async () => {
  const { ours } = await pair('127.0.0.1');
  const fd = fdOf(ours)!;
  setKeepAlive(fd, { idle: 7, interval: 3, count: 4 });
  const [TCP, IDLE, INTERVAL, COUNT] = [6, 4, 5, 6];
  expect([IDLE, INTERVAL, COUNT].map((name) => getsockopt(fd, TCP, name, 4).readInt32LE())).toEqual([7, 3, 4]);
  expect(peerSilence(fd)).toMatchObject({ unacknowledged: 0 });
  ours.destroy();
  await once(ours, 'close');
  expect(fdOf(ours)).toBeUndefined();
});
