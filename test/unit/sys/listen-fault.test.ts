/** Why an address can't be listened on, with the process that has it, and what the kernel refuses for want of a right. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { listenFault } from '../../../src/sys/listen-fault';
import { processText } from '../../../src/sys/peer-credentials';
import { portHolder } from '../../../src/sys/port-holder';
import { lacks, tunRemedy } from '../../../src/sys/rights';

const dir = mkdtempSync(join(tmpdir(), 'fpm2afi-holder-'));
const children: ChildProcess[] = [];
afterEach(() => {
  jest.restoreAllMocks();
  children.splice(0).forEach((child) => child.kill('SIGKILL'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const LISTENS = {
  tcp: `const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))`,
  udp: `const s = require('dgram').createSocket('udp4'); s.bind(0, '127.0.0.1', () => console.log(s.address().port))`,
};

/** A process of a program of this name that listens; its pid and port. */
async function holder(program: string, transport: 'tcp' | 'udp'): Promise<{ pid: number; port: number }> {
  const file = join(dir, program);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, LISTENS[transport]);
  const child = spawn(process.execPath, ['--no-warnings', file, 'run'], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { pid: child.pid!, port: Number(port) };
}

const fault = (code: string, message = code): NodeJS.ErrnoException => Object.assign(new Error(message), { code });
const HOST = '127.0.0.1';

test.each([
  ['usr/bin/fpm2afi', 'tcp', 'fpm2afi'],
  ['usr/bin/fpm2afi.js', 'udp', 'fpm2afi'],
  ['dist/src/main.js', 'tcp', 'fpm2afi'],
  ['dist/src/vasic/main.js', 'udp', 'softvasic'],
] as const)(
  '%s has the port (%s): it runs already, and another port is no remedy by itself',
  async (program, transport, name) => {
    const { pid, port } = await holder(program, transport);
    expect(portHolder(port, transport)).toBe(pid);
    expect(listenFault(fault('EADDRINUSE'), { host: HOST, port, transport })).toBe(
      `${name} (pid ${pid}) has that port, so it runs already: stop that one, which may be all there is to do, or choose another port`,
    );
  },
);

test('something else has it: named, too', async () => {
  const { pid, port } = await holder('usr/sbin/fpmsyncd.cjs', 'tcp');
  expect(listenFault(fault('EADDRINUSE'), { host: HOST, port })).toBe(
    `fpmsyncd (pid ${pid}) has that port: stop that one, or choose another port`,
  );
});

test('who has it is not known: how to find out', () => {
  expect(listenFault(fault('EADDRINUSE'), { host: HOST, port: 0, transport: 'udp' })).toBe(
    "another process has that port (as root, ss -lunp 'sport = :0' shows which): stop that one, or choose another port",
  );
});

test('the other transport of the same number is another port', async () => {
  const udp = createSocket('udp4');
  await new Promise<void>((resolve) => udp.bind(0, HOST, resolve));
  const { port } = udp.address();
  expect(portHolder(port, 'udp')).toBe(process.pid);
  expect(portHolder(port, 'tcp')).not.toBe(process.pid);
  udp.close();
  const tcp = createServer();
  await new Promise<void>((resolve) => tcp.listen(0, HOST, resolve));
  expect(portHolder((tcp.address() as { port: number }).port)).toBe(process.pid);
  tcp.close();
});

test.each([
  ['EACCES', 80, /uid \d+ may not use ports below 1024: .*CAP_NET_BIND_SERVICE/],
  ['EACCES', 2620, /^EACCES: as it came$/],
  ['EADDRNOTAVAIL', 2620, /no interface of this machine has that address/],
  ['ENOTFOUND', 2620, /the name 127\.0\.0\.1 has no address here/],
  ['EAFNOSUPPORT', 2620, /no addresses of that family/],
  ['EMFILE', 2620, /^EMFILE: as it came$/],
])('%s at port %d', (code, port, text) => {
  expect(listenFault(fault(code, `${code}: as it came`), { host: HOST, port })).toMatch(text);
});

test('a process that has ended has its number alone', () => {
  expect(processText(0x7fffffff)).toBe(`pid ${0x7fffffff}`);
});

test('rights: root in a container is told another thing than a user', () => {
  const geteuid = jest.spyOn(process, 'geteuid' as never) as unknown as jest.SpyInstance<number>;
  geteuid.mockReturnValue(0);
  expect(lacks('CAP_NET_RAW')).toBe('uid 0 has no CAP_NET_RAW here: a container needs --cap-add NET_RAW');
  geteuid.mockReturnValue(1000);
  expect(lacks('CAP_NET_ADMIN')).toMatch(/^uid 1000 has no CAP_NET_ADMIN here: run as root, or /);
  expect(tunRemedy('EPERM')).toBe(lacks('CAP_NET_ADMIN'));
  expect(tunRemedy('EACCES')).toMatch(/uid 1000 may not open \/dev\/net\/tun: chmod 666/);
  expect(tunRemedy('ENOENT')).toMatch(/modprobe tun; a container needs --device \/dev\/net\/tun/);
  expect(tunRemedy('EBUSY')).toBeUndefined();
});
