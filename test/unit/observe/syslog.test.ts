/** Lines for a syslog daemon: as they are on the wire, and that a daemon which is gone or doesn't read holds up nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createLogger, type RootLogger } from '../../../src/observe/log';
import { syslogDatagram } from '../../../src/observe/syslog';
import { bind, close, recv, SOCK_DGRAM, SOCK_NONBLOCK, socket } from '../../../src/sys/libc';

const AF_UNIX = 1;
const folder = mkdtempSync(join(tmpdir(), 'fpm2afi-syslog-'));
const path = join(folder, 'log');
const fds = new Set<number>();

/** What a daemon at `path` reads. */
function listen(): { received(): string[]; end(): void } {
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  fds.add(fd);
  bind(fd, Buffer.concat([Uint8Array.of(AF_UNIX, 0), Buffer.from(`${path}\0`)]), path);
  const buffer = Buffer.alloc(65_536);
  return {
    received: () => {
      const found: string[] = [];
      for (let n = recv(fd, buffer); n >= 0; n = recv(fd, buffer)) found.push(buffer.toString('utf8', 0, n));
      return found;
    },
    end: () => {
      close(fd);
      fds.delete(fd);
      rmSync(path);
    },
  };
}

function logger(format: 'text' | 'json' = 'text'): { log: RootLogger; stderr: () => string[] } {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return {
    log: createLogger({ level: 'debug', format, syslog: path }, 'bridge', stream),
    stderr: () => text.split('\n').slice(0, -1),
  };
}

/** Without the time, and the process id. */
const untimed = (line: string): string =>
  line.replace(/>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d /, '>').replace(`[${process.pid}]`, '[PID]');

afterEach(() => {
  for (const fd of fds) close(fd);
  fds.clear();
  rmSync(path, { force: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a line on the wire: facility daemon with the severity, the time with a space before a short day, program and process', () => {
  const now = new Date(2026, 0, 2, 3, 4, 5);
  const datagram = syslogDatagram(4, 'softvasic', 'ports: é', { now, pid: 77 });
  expect(datagram.toString('utf8')).toBe('<28>Jan  2 03:04:05 softvasic[77]: ports: é');
});

test('each level has its severity; text is without time and level', () => {
  const daemon = listen();
  const { log, stderr } = logger();
  log.error('e', { code: 'stopped', peer: 'a b' });
  log.warn('w', { code: 'stopped' });
  log.child('fpm').info('two\nlines');
  log.debug('d');
  expect(daemon.received().map(untimed)).toEqual([
    '<27>fpm2afi[PID]: bridge: e peer="a b" code=stopped',
    '<28>fpm2afi[PID]: bridge: w code=stopped',
    '<30>fpm2afi[PID]: fpm: two\\u000alines',
    '<31>fpm2afi[PID]: bridge: d',
  ]);
  expect(stderr()).toEqual([]);
});

test('json: the message is the object', () => {
  const daemon = listen();
  logger('json').log.info('up', { port: 3 });
  const [line] = daemon.received();
  expect(JSON.parse(line!.slice(line!.indexOf('{')))).toMatchObject({ level: 'info', message: 'up', port: 3 });
});

test('while there is no daemon stderr has the lines; one that comes, or comes back, is found', () => {
  const { log, stderr } = logger();
  log.info('a');
  const first = listen();
  log.info('b');
  expect(first.received().map(untimed)).toEqual(['<30>fpm2afi[PID]: bridge: b']);
  first.end();
  log.info('c');
  const second = listen();
  log.info('d');
  expect(second.received().map(untimed)).toEqual(['<30>fpm2afi[PID]: bridge: d']);
  expect(stderr().map((line) => line.slice(25))).toEqual(['info bridge: a', 'info bridge: c']);
});

test('a daemon that does not read: what it has no room for goes to stderr, and nothing waits', () => {
  const daemon = listen();
  const { log, stderr } = logger();
  for (let i = 0; i < 5000; i++) log.info(`line ${i}`);
  const taken = daemon.received();
  expect(taken.length).toBeGreaterThan(0);
  expect(stderr().length).toBeGreaterThan(0);
  expect(taken.length + stderr().length).toBe(5000);
});

test('the configuration that is reloaded says where lines go', () => {
  const daemon = listen();
  const { log, stderr } = logger();
  log.configure({ level: 'info', format: 'text' });
  log.info('a');
  log.configure({ level: 'info', format: 'text', syslog: path });
  log.info('b');
  expect(stderr().map((line) => line.slice(25))).toEqual(['info bridge: a']);
  expect(daemon.received().map(untimed)).toEqual(['<30>fpm2afi[PID]: bridge: b']);
});
