/** What systemd hears, on a socket as it makes it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bind, close, recv, socket, SOCK_DGRAM, SOCK_NONBLOCK } from '../../../src/sys/libc';
import { AF_UNIX, createSupervisor, unixSockaddr } from '../../../src/sys/supervisor';

let dir: string;
let fd: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fpm2afi-notify-'));
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
});

afterEach(() => {
  close(fd);
  rmSync(dir, { recursive: true });
});

function heard(): string | undefined {
  const buffer = Buffer.alloc(4096);
  const length = recv(fd, buffer);
  return length < 0 ? undefined : buffer.toString('utf8', 0, length);
}

test.each(['path', 'abstract'])('tells of its life, %s', (kind) => {
  const path = kind === 'path' ? join(dir, 'notify') : `@fpm2afi-test-${process.pid}`;
  bind(fd, unixSockaddr(path));
  const supervisor = createSupervisor({ NOTIFY_SOCKET: path });
  supervisor.ready('4 ports');
  expect(heard()).toBe('READY=1\nSTATUS=4 ports');
  supervisor.reloading();
  expect(heard()).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  supervisor.stopping();
  expect(heard()).toBe('STOPPING=1\nSTATUS=stopping');
});

test('feeds the watchdog from the event loop, once it is ready', async () => {
  const path = join(dir, 'notify');
  bind(fd, unixSockaddr(path));
  const supervisor = createSupervisor({
    NOTIFY_SOCKET: path,
    WATCHDOG_USEC: '20000',
    WATCHDOG_PID: String(process.pid),
  });
  supervisor.ready('');
  heard();
  for (let message = heard(); message !== 'WATCHDOG=1'; message = heard()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test('nobody to tell, or nobody who listens', () => {
  createSupervisor({}).ready('x');
  createSupervisor({ NOTIFY_SOCKET: join(dir, 'nobody') }).ready('x');
});
