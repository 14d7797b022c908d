/** The configuration file: what is accepted and what it becomes, and the exact text of what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../../src/config/types';
import { ConfigError } from '../../../src/config/document';
import { loadConfig, parseConfig } from '../../../src/config/load';
import { parsePrefix } from '../../../src/net/address';
import type { Override } from '../../../src/config/validate';

const PORTS = 'ports: [{ index: 0, tap: tap0 }]\n';

/** The error's lines for this text. */
function problems(text: string, overrides: readonly Override[] = []): string[] {
  try {
    parseConfig(text, 'f.yaml', overrides);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

test('ports alone are enough: everything else has its default', () => {
  expect(parseConfig(PORTS, 'f.yaml')).toEqual<Config>({
    fpm: {
      listen: { host: '127.0.0.1', port: 2620 },
      feedback: 'auto',
      zebraVty: '/var/run/frr/zebra.vty',
      allow: { users: [], addresses: [] },
      sweep: { idleMs: 5000, minimumMs: 30_000, maximumMs: 300_000, lossPercent: 50, bgpdVty: '/var/run/frr/bgpd.vty' },
      away: { kind: 'keep' },
    },
    afi: {
      server: { path: '/run/softvasic/afi.sock' },
      tls: {},
      engine: 'trio',
      sandbox: 'green',
      takeOver: 'restart',
      timeoutMs: 2000,
      batch: 1000,
      inFlight: 16,
      lost: { kind: 'keep' },
      reconnectMs: { min: 200, max: 5000 },
    },
    ports: [{ index: 0, tap: 'tap0' }],
    table: 254,
    vrfs: [],
    punt: {
      mode: 'process',
      socket: '/run/fpm2afi/punt.sock',
      listen: { host: '127.0.0.1', port: 8001 },
      vasic: { host: '127.0.0.1', port: 9002 },
      policers: {
        noRoute: 5000,
        glean: 1000,
        local: 20000,
        unresolved: 5000,
        multicast: 20000,
        broadcast: 1000,
        linkLocal: 20000,
        ttlExpired: 100,
        nonIp: 20000,
        notAPort: 20000,
        unsupported: 20000,
        mtu: 1000,
        ipOptions: 100,
        arp: 5000,
        neighborDiscovery: 5000,
        ospf: 10000,
        isis: 10000,
        bgp: 20000,
        bfd: 20000,
        control: 5000,
        tagged: 20000,
        otherAddress: 1000,
        hostPort: 20000,
        labelTtl: 100,
        routerAlert: 1000,
      },
    },
    neighbors: { kernel: true, static: [] },
    mpls: { input: 'auto', ttlPropagate: true, defaultTtl: 255 },
    control: { socket: '/run/fpm2afi/control.sock' },
    metrics: {},
    log: { level: 'info', format: 'text' },
  });
});

test('every key is read', () => {
  const config = parseConfig(
    `fpm:
  listen: "[::1]:2621"
  feedback: off
  zebraVty: /x/zebra.vty
  allow: { users: [quagga, 92], addresses: [10.0.0.2, 2001:db8::/32] }
  sweep: { idle: 1500, minimum: 1.5m, maximum: 2m, loss: 20, bgpdVty: /run/b.vty }
  away: flush after 10m
afi:
  lost: withdraw after 30s
  server: vasic-1.example:50052
  engine: xl
  sandbox: blue
  timeout: 500ms
  batch: 10
  inFlight: 2
  reconnect: { min: 1s, max: 1h }
ports:
  - { index: 0, tap: tap0, mac: 32:26:0A:2E:AA:F0, mtu: 9000, mpls: false }
  - { index: 7, tap: ge-0_0.7 }
table: 1000
vrfs: [{ name: red, table: 1001 }]
punt:
  mode: external
  socket: /run/x/punt.sock
  listen: 128.0.0.1:8001
  vasic: 128.0.0.16:8001
  policers: { noRoute: 1, glean: 2, local: 0, unresolved: 4, multicast: 5, broadcast: 6, linkLocal: 7, ttlExpired: 8,
    nonIp: 9, notAPort: 10, unsupported: 11, mtu: 10000000, ipOptions: 13,
    arp: 14, neighborDiscovery: 15, ospf: 16, isis: 17, bgp: 18, bfd: 19, control: 20, tagged: 21, otherAddress: 22, hostPort: 23,
    labelTtl: 24, routerAlert: 25 }
neighbors:
  kernel: false
  static:
    - { tap: tap0, address: 103.30.0.3, mac: 32-26-0a-2e-cc-f0 }
    - { tap: ge-0_0.7, address: "fe80::1", mac: 32:26:0a:2e:cc:f1 }
mpls: { input: all, ttlPropagate: false, defaultTtl: 64 }
control: { socket: /tmp/x.sock }
metrics: { listen: "[::]:12620" }
log: { level: debug, format: json }
`,
    'f.yaml',
  );
  expect(config).toEqual<Config>({
    fpm: {
      listen: { host: '::1', port: 2621 },
      feedback: 'off',
      zebraVty: '/x/zebra.vty',
      allow: { users: ['quagga', 92], addresses: [parsePrefix('10.0.0.2')!, parsePrefix('2001:db8::/32')!] },
      sweep: { idleMs: 1500, minimumMs: 90_000, maximumMs: 120_000, lossPercent: 20, bgpdVty: '/run/b.vty' },
      away: { kind: 'after', ms: 600_000 },
    },
    afi: {
      server: { host: 'vasic-1.example', port: 50052 },
      tls: {},
      engine: 'xl',
      sandbox: 'blue',
      takeOver: 'restart',
      timeoutMs: 500,
      batch: 10,
      inFlight: 2,
      lost: { kind: 'after', ms: 30_000 },
      reconnectMs: { min: 1000, max: 3_600_000 },
    },
    ports: [
      { index: 0, tap: 'tap0', mac: Uint8Array.of(0x32, 0x26, 0x0a, 0x2e, 0xaa, 0xf0), mtu: 9000, mpls: false },
      { index: 7, tap: 'ge-0_0.7' },
    ],
    table: 1000,
    vrfs: [{ name: 'red', table: 1001 }],
    punt: {
      mode: 'external',
      socket: '/run/x/punt.sock',
      listen: { host: '128.0.0.1', port: 8001 },
      vasic: { host: '128.0.0.16', port: 8001 },
      policers: {
        noRoute: 1,
        glean: 2,
        local: 0,
        unresolved: 4,
        multicast: 5,
        broadcast: 6,
        linkLocal: 7,
        ttlExpired: 8,
        nonIp: 9,
        notAPort: 10,
        unsupported: 11,
        mtu: 10000000,
        ipOptions: 13,
        arp: 14,
        neighborDiscovery: 15,
        ospf: 16,
        isis: 17,
        bgp: 18,
        bfd: 19,
        control: 20,
        tagged: 21,
        otherAddress: 22,
        hostPort: 23,
        labelTtl: 24,
        routerAlert: 25,
      },
    },
    neighbors: {
      kernel: false,
      static: [
        {
          tap: 'tap0',
          address: Uint8Array.of(103, 30, 0, 3),
          mac: Uint8Array.of(0x32, 0x26, 0x0a, 0x2e, 0xcc, 0xf0),
        },
        {
          tap: 'ge-0_0.7',
          address: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
          mac: Uint8Array.of(0x32, 0x26, 0x0a, 0x2e, 0xcc, 0xf1),
        },
      ],
    },
    mpls: { input: 'all', ttlPropagate: false, defaultTtl: 64 },
    control: { socket: '/tmp/x.sock' },
    metrics: { listen: { host: '::', port: 12620 } },
    log: { level: 'debug', format: 'json' },
  });
});

test('the result is frozen all the way down', () => {
  const config = parseConfig(PORTS, 'f.yaml');
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.isFrozen(config.fpm.sweep)).toBe(true);
  expect(Object.isFrozen(config.ports)).toBe(true);
  expect(Object.isFrozen(config.ports[0])).toBe(true);
});

test('sections with nothing in them, anchors and aliases are fine', () => {
  const text = `fpm:\nafi:\n  reconnect:\nneighbors:\n  static:\nports:\n  - &p { index: 0, tap: tap0, mtu: &m 1400 }\n  - { index: 1, tap: tap1, mtu: *m }\n`;
  expect(parseConfig(text, 'f.yaml').ports.map((port) => port.mtu)).toEqual([1400, 1400]);
});

test('all errors at once, in the order of the file, with place, key, value and what was expected', () => {
  const text = `fpm:
  lisen: 127.0.0.1:2620
  feedback: sometimes
  sweep: { idle: 2 hours }
afi:
  server: not a server
  reconnect: { min: 10s }
ports:
  - { index: 0, tap: tap0, mac: 33:26:0a:2e:aa:f0 }
  - { index: 0, tap: tap0 }
  - index: 1
  - { index: 3, tap: a-very-long-interface }
table: main
neighbors:
  static:
    - { tap: tap9, address: 224.0.0.5, mac: nonsense }
log: loud
`;
  const name = 'an interface name (1 to 15 letters, digits, ".", "_" or "-", not lo, all or default)';
  expect(problems(text)).toEqual([
    'f.yaml:2:3: fpm.lisen: unknown key, did you mean listen?',
    'f.yaml:3:13: fpm.feedback: got "sometimes", expected one of auto, table, vrf, off',
    'f.yaml:4:18: fpm.sweep.idle: got "2 hours", expected a duration from 100ms to 1h such as 200ms or 5s (a bare number is milliseconds)',
    'f.yaml:6:11: afi.server: got "not a server", expected unix:/PATH, or a host name or IP address with a port such as vasic1:50051 or "[::1]:50051"',
    'f.yaml:7:21: afi.reconnect.min: got "10s", expected afi.reconnect.min to be no more than afi.reconnect.max',
    'f.yaml:9:33: ports[0].mac: got "33:26:0a:2e:aa:f0", expected a unicast MAC address such as 32:26:0a:2e:aa:f0',
    'f.yaml:10:14: ports[1].index: got 0, expected an index of its own (ports[0] has it)',
    'f.yaml:10:22: ports[1].tap: got "tap0", expected a TAP of its own (ports[0] has it)',
    `f.yaml:11:5: ports[2].tap: missing, expected ${name}`,
    `f.yaml:12:22: ports[3].tap: got "a-very-long-interface", expected ${name}`,
    'f.yaml:13:8: table: got "main", expected a kernel table id from 1 to 2147483647',
    'f.yaml:16:14: neighbors.static[0].tap: got "tap9", expected the tap of a configured port (tap0)',
    'f.yaml:16:29: neighbors.static[0].address: got "224.0.0.5", expected a unicast IPv4 or IPv6 address such as 103.30.0.3',
    'f.yaml:16:45: neighbors.static[0].mac: got "nonsense", expected a unicast MAC address such as 32:26:0a:2e:aa:f0',
    'f.yaml:17:6: log: got "loud", expected a map with the keys level, format, syslog',
  ]);
});

test.each([
  ['', ['f.yaml: ports: missing, expected a list of ports, at least one']],
  ['ports: []\n', ['f.yaml:1:8: ports: got an empty list, expected a list of ports, at least one']],
  ['ports:\n', ['f.yaml:1:7: ports: got nothing, expected a list of ports, at least one']],
  ['ports: tap0\n', ['f.yaml:1:8: ports: got "tap0", expected a list of ports, at least one']],
  [
    '- 1\n',
    [
      'f.yaml:1:1: got a list, expected a map with the keys fpm, afi, ports, table, vrfs, punt, neighbors, mpls, control, metrics, log',
    ],
  ],
  [
    `${PORTS}vrfs: [{ name: red, table: 7 }, { name: red, table: 7 }, { name: default, table: 254 }, { name: b, table: 254 }]\n`,
    [
      'f.yaml:2:41: vrfs[1].name: got "red", expected a name of its own (vrfs[0] has it)',
      'f.yaml:2:53: vrfs[1].table: got 7, expected a table of its own (vrfs[0] has it)',
      'f.yaml:2:66: vrfs[2].name: got "default", expected a name of 1 to 15 letters, digits, ".", "_" or "-", not default, lo or all',
      "f.yaml:2:82: vrfs[2].table: got 254, expected a table that isn't the default VRF's, which is forwarded by without being named",
      'f.yaml:2:107: vrfs[3].table: got 254, expected a table of its own (vrfs[2] has it)',
      "f.yaml:2:107: vrfs[3].table: got 254, expected a table that isn't the default VRF's, which is forwarded by without being named",
    ],
  ],
  [
    'ports: [{ index: 0, tap: tap0, table: red }]\n',
    ['f.yaml:1:39: ports[0].table: got "red", expected a kernel table id from 1 to 2147483647'],
  ],
  [`${PORTS}porst: 1\n`, ['f.yaml:2:1: porst: unknown key, did you mean ports?']],
  [`${PORTS}log: { color: red }\n`, ['f.yaml:2:8: log.color: unknown key, known here: level, format, syslog']],
  [
    `${PORTS}punt: { mode: [worker] }\n`,
    ['f.yaml:2:15: punt.mode: got a list, expected one of process, external, worker, off'],
  ],
  [
    `${PORTS}punt: { listen: 127.0.0.1:9002 }\n`,
    ['f.yaml:2:17: punt.listen: got "127.0.0.1:9002", expected punt.listen and punt.vasic to differ'],
  ],
  [
    `${PORTS}metrics: { listen: 127.0.0.1:2620 }\n`,
    ['f.yaml:2:20: metrics.listen: got "127.0.0.1:2620", expected metrics.listen and fpm.listen to differ'],
  ],
  [
    `${PORTS}metrics: { listen: 12620 }\n`,
    [
      'f.yaml:2:20: metrics.listen: got 12620, expected an IP address with a port such as 127.0.0.1:2620 or "[::1]:2620"',
    ],
  ],
  [
    `${PORTS}fpm: { sweep: { minimum: 1m, maximum: 20s } }\n`,
    ['f.yaml:2:39: fpm.sweep.maximum: got "20s", expected fpm.sweep.minimum to be no more than fpm.sweep.maximum'],
  ],
  [
    `${PORTS}fpm: { sweep: { idle: 10m } }\n`,
    ['f.yaml:2:23: fpm.sweep.idle: got "10m", expected fpm.sweep.idle to be no more than fpm.sweep.maximum'],
  ],
  [
    `${PORTS}punt: { listen: "[::1]:9002" }\n`,
    [
      'f.yaml:2:17: punt.listen: got "[::1]:9002", expected punt.listen and punt.vasic to be both IPv4 or both IPv6, as one socket has both',
    ],
  ],
  [
    `${PORTS}control: { socket: /run/fpm2afi/punt.sock }\n`,
    ['f.yaml:2:20: control.socket: got "/run/fpm2afi/punt.sock", expected punt.socket and control.socket to differ'],
  ],
  [
    `${PORTS}afi: { reconnect: { max: 100ms } }\n`,
    ['f.yaml:2:26: afi.reconnect.max: got "100ms", expected afi.reconnect.min to be no more than afi.reconnect.max'],
  ],
  [
    `${PORTS}neighbors: { static: [{ tap: tap0, address: 10.0.0.1, mac: 02:00:00:00:00:01 }, { tap: tap0, address: 10.0.0.1, mac: 02:00:00:00:00:02 }] }\n`,
    [
      'f.yaml:2:103: neighbors.static[1].address: got "10.0.0.1", expected one entry per address and tap (neighbors.static[0] has 10.0.0.1 too)',
    ],
  ],
  [
    'ports: [\n',
    ['f.yaml:2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [`${PORTS}table: 1\ntable: 2\n`, ['f.yaml:3:1: not valid YAML: Map keys must be unique']],
  [`${PORTS}table: !!python/none 1\n`, ['f.yaml:2:8: not valid YAML: Unresolved tag: tag:yaml.org,2002:python/none']],
])('%j is refused', (text, expected) => {
  expect(problems(text)).toEqual(expected);
});

test.each([
  [
    'fpm.listen',
    [
      'localhost:2620',
      '127.0.0.1',
      '127.0.0.1:0',
      '127.0.0.1:65536',
      '::1:2620',
      '[::1]',
      '[127.0.0.1]:1',
      '1.2.3.256:1',
      2620,
    ],
  ],
  [
    'afi.server',
    ['a_b:1', '-a:1', '1.2.3.256:50051', 'a..b:1', ':50051', 'vasic1:0', 'unix:afi.sock', `unix:/${'x'.repeat(107)}`],
  ],
  ['afi.tls.ca', ['ca.pem', '', 5]],
  ['afi.tls.serverName', ['a b', '', 5]],
  ['afi.timeout', [0, 9, -5, 10.5, '5 minutes', '9ms', '2h', 'true', true]],
  ['afi.batch', [0, 1.5, '10', 100_001]],
  ['afi.sandbox', ['', 'a b', 5, 'x'.repeat(65)]],
  ['neighbors.kernel', ['yes', 1, 'no']],
  ['control.socket', ['control.sock', `/${'x'.repeat(107)}`, 5]],
  ['log.level', ['INFO', 'trace', 1]],
] as const)('%s refuses wrong values', (path, values) => {
  for (const value of values) {
    const found = problems(PORTS, [{ path, value, flag: '--set' }]);
    expect(found).toHaveLength(1);
    expect(found[0]!.startsWith(`--set: ${path}: got ${JSON.stringify(value).slice(0, 57)}`)).toBe(true);
  }
});

test.each([
  ['tap', ['""', 'lo', 'all', 'a/b', 'a:b', '"a b"', '..', 'tap%d', 'abcdefghijklmnop', '5']],
  ['mac', ['01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00', '"02:00:00:00:00"', '"3226.0a2e.aaf0"']],
  ['mtu', ['67', '65486', '1500.5', '"1500"']],
  ['index', ['-1', '65535', '0.5', '"0"', 'true']],
])('ports[].%s refuses wrong values', (key, values) => {
  const good: Record<string, string> = { index: '0', tap: 'tap0' };
  for (const value of values) {
    const fields = Object.entries({ ...good, [key]: value }).map(([name, text]) => `${name}: ${text}`);
    const found = problems(`ports: [{ ${fields.join(', ')} }]\n`);
    expect([value, found.length, found[0]?.includes(`ports[0].${key}: got `)]).toEqual([value, 1, true]);
  }
});

test.each([
  '0.0.0.0',
  '127.0.0.1',
  '255.255.255.255',
  '0.1.2.3',
  '"::"',
  '"::1"',
  '"ff02::1"',
  '10.0.0',
  'fe80::1%eth0',
])('a static neighbor cannot be %s', (address) => {
  const text = `${PORTS}neighbors: { static: [{ tap: tap0, address: ${address}, mac: 02:00:00:00:00:01 }] }\n`;
  expect(problems(text)).toHaveLength(1);
  expect(problems(text)[0]).toContain('neighbors.static[0].address: got ');
});

test('TLS to the AFI server: what belongs together', () => {
  const afi = (text: string): string => `${PORTS}afi: { ${text} }\n`;
  const tls = (text: string): string => afi(`server: vasic1:50051, tls: { ${text} }`);
  expect(parseConfig(tls('ca: /ca, cert: /c, key: /k, serverName: 10.0.0.1'), 'f.yaml').afi.tls).toEqual({
    ...{ ca: '/ca', cert: '/c', key: '/k', serverName: '10.0.0.1' },
  });
  expect(
    parseConfig(PORTS, 'f.yaml', [
      { path: 'afi.server', value: '[::1]:1', flag: '--set' },
      { path: 'afi.tls.ca', value: '/ca', flag: '--set' },
    ]).afi,
  ).toMatchObject({ server: { host: '::1', port: 1 }, tls: { ca: '/ca' } });
  expect(problems(tls('ca: /ca, key: /k'))).toEqual([
    expect.stringMatching(/afi\.tls\.key: .*afi\.tls\.cert and afi\.tls\.key together/),
  ]);
  expect(problems(tls('serverName: x'))).toEqual([expect.stringMatching(/afi\.tls\.serverName: .*afi\.tls\.ca too/)]);
  expect(problems(afi('tls: { ca: /ca }'))).toEqual([
    expect.stringMatching(/afi\.tls\.ca: .*a Unix socket.*leave out afi\.tls/),
  ]);
});

test('metrics.listen by a flag', () => {
  const override = { path: 'metrics.listen', value: '0.0.0.0:12620', flag: '--set' };
  expect(parseConfig(PORTS, 'f.yaml', [override]).metrics.listen).toEqual({ host: '0.0.0.0', port: 12620 });
});

test('flags go before the file and are named in errors', () => {
  const text = `${PORTS}log: { level: warn }\n`;
  const flag = '--log-level';
  expect(parseConfig(text, 'f.yaml', [{ path: 'log.level', value: 'debug', flag }]).log.level).toBe('debug');
  expect(problems(text, [{ path: 'log.level', value: 'loud', flag }])).toEqual([
    '--log-level: log.level: got "loud", expected one of error, warn, info, debug',
  ]);
  expect(problems(text, [{ path: 'afi.sever', value: 'x', flag: '--set' }])).toEqual([
    '--set: afi.sever: unknown key, did you mean afi.server?',
  ]);
  expect(problems(text, [{ path: 'ports', value: 'x', flag: '--set' }])).toEqual([
    '--set: ports: not a key that a flag can set',
  ]);
});

test('a long value is cut in the message', () => {
  const [line] = problems(`${PORTS}afi: { engine: "${'x y'.repeat(40)}" }\n`);
  expect(line!.length).toBeLessThan(160);
  expect(line).toContain('…');
});

describe('files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-config-'));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test('a file is read', () => {
    const file = join(directory, 'good.yaml');
    writeFileSync(file, PORTS);
    expect(loadConfig(file).ports).toHaveLength(1);
  });

  test('a missing file and a directory are named', () => {
    const file = join(directory, 'none.yaml');
    expect(() => loadConfig(file)).toThrow(new Error(`${file}: cannot read the configuration: no such file`));
    expect(() => loadConfig(directory)).toThrow(`${directory}: cannot read the configuration: EISDIR`);
  });
});
