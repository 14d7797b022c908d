/** Log lines as they leave the process: one line per event, readable, not forgeable by what is logged. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { LogLevel } from '../../../src/config/types';
import { createLogger, nullLogger } from '../../../src/observe/log';
import { packageVersion } from '../../../src/observe/version';

function capture(): { lines: () => string[]; stream: Writable } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, lines: () => text.split('\n').slice(0, -1) };
}

function textLines(level: LogLevel, use: (log: ReturnType<typeof createLogger>) => void): string[] {
  const { stream, lines } = capture();
  use(createLogger({ level, format: 'text' }, 'bridge', stream));
  return lines();
}

/** A line without its time. */
const untimed = (line: string): string => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, '');

test('text: time, level, component, message, key=value', () => {
  const lines = textLines('info', (log) => {
    log.info('zebra connected', { peer: '127.0.0.1:4711', frames: 3, note: 'a b', gone: undefined });
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(untimed(lines[0]!)).toBe('info bridge: zebra connected peer=127.0.0.1:4711 frames=3 note="a b"');
});

test('bytes are shown as addresses, errors as their message, nested values as JSON', () => {
  const lines = textLines('info', (log) => {
    log.warn('values', {
      code: 'fpm-malformed',
      mac: Uint8Array.of(0x32, 0x26, 0x0a, 0x2e, 0xaa, 0xf0),
      v4: Uint8Array.of(103, 30, 0, 3),
      v6: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
      raw: Uint8Array.of(1, 2, 255),
      error: new Error('no route to host'),
      big: 12n,
      inner: { list: [Uint8Array.of(10, 0, 0, 1)] },
      nothing: null,
    });
  });
  expect(untimed(lines[0]!)).toBe(
    'warn bridge: values mac=32:26:0a:2e:aa:f0 v4=103.30.0.3 v6=fe80::1 raw=0102ff error="no route to host" big=12 ' +
      'inner={"list":["10.0.0.1"]} nothing=null code=fpm-malformed',
  );
});

test('what comes from the network cannot forge a line or a value', () => {
  const lines = textLines('info', (log) => {
    log.info('name\nerror bridge: forged', { name: 'x\n2026 error y', quote: 'a="b"', escape: '\u001b[31m' });
  });
  expect(lines.map(untimed)).toEqual([
    'info bridge: name\\u000aerror bridge: forged name="x\\n2026 error y" quote="a=\\"b\\"" escape="\\u001b[31m"',
  ]);
});

test.each([
  ['error', ['e']],
  ['warn', ['e', 'w']],
  ['info', ['e', 'w', 'i']],
  ['debug', ['e', 'w', 'i', 'd']],
] as const)('level %s writes %j', (level, expected) => {
  const lines = textLines(level, (log) => {
    log.error('e', { code: 'stopped' });
    log.warn('w', { code: 'stopped' });
    log.info('i');
    log.debug('d');
  });
  expect(lines.map((line) => /bridge: (\w)/.exec(line)?.[1])).toEqual(expected);
});

test('a child names its own component', () => {
  const lines = textLines('info', (log) => {
    log.child('fpm').info('a');
    log.child('fpm').child('session').info('b');
    log.info('c');
  });
  expect(lines.map(untimed)).toEqual(['info fpm: a', 'info session: b', 'info bridge: c']);
});

test("a component's debug lines can be had at any level, and asked for before they are made", () => {
  const { stream, lines } = capture();
  const log = createLogger({ level: 'warn', format: 'text' }, 'bridge', stream);
  const fpm = log.child('fpm');
  expect([fpm.verbose, log.setDebug('fpm', true), fpm.verbose, log.verbose]).toEqual([false, true, true, false]);
  fpm.debug('a');
  fpm.info('not at this level');
  log.debug('not this one');
  log.child('fpm').debug('b');
  expect(log.components()).toEqual([
    { component: 'bridge', debug: false },
    { component: 'fpm', debug: true },
  ]);
  log.configure({ level: 'error', format: 'text' });
  fpm.debug('c');
  expect(log.setDebug('fpm', false)).toBe(true);
  fpm.debug('d');
  expect(log.setDebug('fmp', true)).toBe(false);
  expect(lines().map(untimed)).toEqual(['debug fpm: a', 'debug fpm: b', 'debug fpm: c']);
});

test('the journal gets priorities, and nobody else', () => {
  const script = `require(${JSON.stringify(join(__dirname, '../../../src/observe/log.js'))})
    .createLogger({ level: 'debug', format: 'text' }, 'x').error('e', { code: 'stopped' })`;
  // A shell that names its own standard error as the journal's stream, as systemd does.
  const shell = 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" -e "$1"';
  const run = (...argv: string[]): string => spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' }).stderr;
  expect(run('sh', '-c', shell, process.execPath, script)).toMatch(/^<3>\d{4}-.* error x: e code=stopped\n$/);
  expect(run(process.execPath, '-e', script)).toMatch(/^\d{4}-/);
});

test('json: one object a line, whose fixed keys no meta can replace', () => {
  const { stream, lines } = capture();
  createLogger({ level: 'info', format: 'json' }, 'afi', stream).error('refused\n', {
    code: 'afi-unreadable',
    level: 'x',
    entry: 7,
    message: 1,
  });
  expect(lines()).toHaveLength(1);
  const { time, ...rest } = JSON.parse(lines()[0]!) as { time: string };
  expect(new Date(time).toISOString()).toBe(time);
  expect(rest).toEqual({ level: 'error', component: 'afi', message: 'refused\n', entry: 7, code: 'afi-unreadable' });
});

test('a stream that fails does not throw', () => {
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }));
    },
  });
  const log = createLogger({ level: 'info', format: 'text' }, 'bridge', stream);
  log.info('a');
  log.info('b');
  expect(stream.listenerCount('error')).toBeGreaterThan(0);
});

test('the null logger is silent and its own child', () => {
  nullLogger.error('x', { code: 'stopped' });
  expect(nullLogger.child('y')).toBe(nullLogger);
});

test('the version is the package.json one', () => {
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
});
