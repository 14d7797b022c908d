/** softvasic's command line. */
import { UsageError } from '../../../src/net/error-text';
import { parseOptions } from '../../../src/vasic/options';

test('defaults', () => {
  expect(parseOptions(['--port', 'ge0'])).toEqual({
    listen: { path: '/run/softvasic/afi.sock' },
    hostpathListen: { host: '127.0.0.1', port: 9002 },
    puntTo: { host: '127.0.0.1', port: 8001 },
    ports: ['ge0'],
    sandbox: { engine: 'trio', name: 'green' },
    refuse: [],
    isolation: 'auto',
    engine: 'auto',
    keepForwarding: 0,
    bpfFs: '/sys/fs/bpf',
    release: false,
    portModes: {},
    kernelMemory: 1024 * 2 ** 20,
    statsIntervalMs: 0,
    log: { level: 'info', format: 'text' },
  });
});

test('everything given', () => {
  const text =
    '-p ge1 -p ge0 --listen [::1]:1 --hostpath-listen vasic.example:2 --punt-to 10.0.0.1:3 --sandbox a:b --max-entries 5 ' +
    '--refuse 10.0.255.3/32 --refuse 2001:db8::1/32 --isolation require --stats-interval 10 --log-level debug --log-format json --syslog /dev/log ' +
    '--engine kernel --kernel-memory 64 --port-mode ge0=xdp-generic --port-mode ge1=tc';
  const options = parseOptions(text.split(' '))!;
  expect(options).toMatchObject({
    listen: { host: '::1', port: 1 },
    hostpathListen: { host: 'vasic.example', port: 2 },
    puntTo: { host: '10.0.0.1', port: 3 },
    ports: ['ge1', 'ge0'],
    sandbox: { engine: 'a', name: 'b' },
    maxEntries: 5,
    isolation: 'require',
    engine: 'kernel',
    portModes: { ge0: 'xdp-generic', ge1: 'tc' },
    kernelMemory: 64 * 2 ** 20,
    statsIntervalMs: 10_000,
    log: { level: 'debug', format: 'json', syslog: '/dev/log' },
  });
  expect(options.refuse.map(({ family, length }) => [family, length])).toEqual([
    [4, 32],
    [6, 32],
  ]);
  expect(options.refuse[1]!.bytes[15]).toBe(0);
});

test('a Unix socket, and TLS', () => {
  expect(parseOptions(['-p', 'a', '--listen', 'unix:/run/x.sock'])).toMatchObject({ listen: { path: '/run/x.sock' } });
  const tls = '-p a --listen h:1 --tls-cert /c --tls-key /k --tls-client-ca /ca';
  expect(parseOptions(tls.split(' '))!.tls).toEqual({
    identity: { cert: { setting: '--tls-cert', path: '/c' }, key: { setting: '--tls-key', path: '/k' } },
    ca: { setting: '--tls-client-ca', path: '/ca' },
  });
});

test.each([
  ['', /no ports.*--port/],
  ['-p a -p a', /--port a is given twice/],
  ['-p ../x', /"\.\.\/x" is not an interface name/],
  [`-p a --syslog /${'x'.repeat(107)}`, /--syslog .*: a socket's path has at most 107 bytes/],
  ['-p a b', /unexpected argument b|Unknown argument: b/],
  ['-p a --listen 50051', /--listen 50051: must be unix:\/PATH or HOST:PORT/],
  ['-p a --listen h:70000', /--listen h:70000: must be unix:\/PATH or HOST:PORT/],
  ['-p a --listen unix:afi.sock', /--listen unix:afi.sock: must be unix:\/PATH/],
  ['-p a --listen h:1 --tls-cert c', /both --tls-cert and --tls-key/],
  ['-p a --listen h:1 --tls-client-ca c', /both --tls-cert and --tls-key/],
  ['-p a --tls-cert c --tls-key k', /no TLS on a Unix socket/],
  ['-p a --punt-to ::1:80', /--punt-to ::1:80: must be HOST:PORT/],
  ['-p a --hostpath-listen [::1]:9002', /--punt-to 127.0.0.1:8001: must be both IPv4 or both IPv6/],
  ['-p a --refuse 10.0.0.0/33', /--refuse 10\.0\.0\.0\/33: must be a prefix/],
  ['-p a --max-entries -1', /--max-entries/],
  ['-p a --max-entries many', /--max-entries many: must be a whole number/],
  ['-p a --sandbox green', /--sandbox green: must be ENGINE:NAME/],
  ['-p a --isolation maybe', /maybe/],
  ['-p a --engine fast', /fast/],
  ['-p a --kernel-memory 0', /--kernel-memory 0: must be a whole number from 1 to 8192/],
  ['-p a --port-mode tc', /--port-mode tc: must be INTERFACE=MODE/],
  ['-p a --port-mode a=generic', /--port-mode a=generic: must be .*xdp-generic/],
  ['-p a --port-mode b=tc', /--port-mode b=tc: b is no --port/],
  ['-p a --port-mode a=xdp --port-mode a=tc', /--port-mode a=tc: a is given twice/],
  ['-p a --listen h:1 --listen h:2', /--listen is given twice/],
  ['-p a --engine engine --engine engine', /--engine is given twice/],
  ['-p a --bpf-fs=', /--bpf-fs: the value is missing/],
  ['-p a --nonsense', /nonsense/],
])('%j is a usage error', (text, message) => {
  const parse = (): unknown => parseOptions(text === '' ? [] : text.split(' '));
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(message);
});
