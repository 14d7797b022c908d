/** fpm2afi import-config: what a config.yml of the 2017 original becomes, what is said of the rest, and that the documentation says the same. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../../src/config/document';
import { importOriginal } from '../../../src/config/import-original';
import { documentedKeys, parseConfig } from '../../../src/config/load';
import { ORIGINAL_KEYS } from '../../../src/config/original';
import type { Config } from '../../../src/config/types';

const WHOLE = `---
# A comment
netlink-buffer-size: 1048576
use-fpm-interface: true
afi-server-address: "128.0.0.16:50051"
afi-hostpath-address: "128.0.0.16:9002"
interfaces:
  - name: veth0
    port: 0
    tap: tap0
  - { name: veth1, port: 1, tap: tap1 }
`;
const remarkOf = (key: string): string => ORIGINAL_KEYS.find((known) => known.key === key)!.remark;

/** What fpm2afi would run with. */
function imported(text: string): Config {
  return parseConfig(importOriginal(text, 'config.yml').yaml, 'imported.yaml');
}

function problems(text: string): string[] {
  try {
    importOriginal(text, 'config.yml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

test('a whole file: what it says is said, and all else has its default', () => {
  const own = parseConfig('ports: [{ index: 0, tap: tap0 }, { index: 1, tap: tap1 }]', 'f.yaml');
  expect(imported(WHOLE)).toEqual<Config>({
    ...own,
    afi: { ...own.afi, server: { host: '128.0.0.16', port: 50051 } },
    punt: {
      ...own.punt,
      listen: { host: '0.0.0.0', port: 8001 },
      vasic: { host: '128.0.0.16', port: 9002 },
    },
  });
});

test('comments say which key each value came from', () => {
  const { yaml } = importOriginal(WHOLE, 'config.yml');
  const lines = yaml.split('\n').map((line) => line.trim());
  const comment = (line: string): string | undefined => lines[lines.indexOf(line) - 1];
  expect(comment('server: 128.0.0.16:50051')).toBe('# afi-server-address');
  expect(comment('vasic: 128.0.0.16:9002')).toBe('# afi-hostpath-address');
  expect(comment('listen: 127.0.0.1:2620')).toBe('# use-fpm-interface: true');
  expect(comment('- index: 1')).toBe('# interfaces[1].port and tap (name: veth1)');
});

test('what has no equivalent is said with its place and the reason', () => {
  const of = (key: string): string => `${key}: ${remarkOf(key)}`;
  expect(importOriginal(WHOLE, 'config.yml').notes).toEqual([
    `config.yml:3:22: ${of('netlink-buffer-size')}`,
    `config.yml:8:11: ${of('interfaces[].name')} Here: --port veth0 --port veth1`,
  ]);
  const mirrored = WHOLE.replace('use-fpm-interface: true', 'use-fpm-interface: false');
  expect(importOriginal(mirrored, 'config.yml').notes[1]).toBe(`config.yml:4:20: ${of('use-fpm-interface')}`);
});

test("softvasic's options are only named where its numbers would be those of the file", () => {
  const notes = (text: string): string => importOriginal(text, 'config.yml').notes.at(-1)!;
  expect(notes(WHOLE.replace('port: 0', 'port: 2'))).toMatch(/in its own options\.$/);
  expect(
    notes(WHOLE.replace('port: 0', 'port: 9').replace('port: 1', 'port: 0').replace('port: 9', 'port: 1')),
  ).toMatch(/ Here: --port veth1 --port veth0$/);
});

test('what the original could do without may be missing', () => {
  const least = WHOLE.replace(/^(netlink|use-fpm).*\n/gm, '').replaceAll(/(?:name: veth1, |name: veth0\n {4})/g, '');
  expect(least).not.toMatch(/netlink|fpm|name/);
  expect(imported(least)).toEqual(imported(WHOLE));
  expect(importOriginal(least, 'config.yml').notes).toEqual([]);
});

test.each([
  ['127.0.0.1:9002', '127.0.0.1'],
  ['127.3.0.1:9002', '127.0.0.1'],
  ['10.0.0.1:9002', '0.0.0.0'],
  ['[::1]:9002', '::1'],
  ['[2001:db8::1]:9002', '::'],
])('a vASIC at %s sends punted packets to %s', (vasic, host) => {
  expect(imported(WHOLE.replace('128.0.0.16:9002', vasic)).punt.listen).toEqual({ host, port: 8001 });
});

test("numbers in quotes and YAML 1.1's yes and no are read as the original read them", () => {
  const text = WHOLE.replace('port: 0', 'port: "0"').replace('use-fpm-interface: true', 'use-fpm-interface: Off');
  expect(imported(text)).toEqual(imported(WHOLE));
  expect(importOriginal(text, 'config.yml').yaml).toContain('# use-fpm-interface: false');
});

test('an alias is what it stands for', () => {
  const text = WHOLE.replace('port: 0', 'port: &zero "0"').replace('port: 1', 'port: *zero');
  expect(problems(text)).toEqual([
    'config.yml:11:26: interfaces[1].port: got 0, expected an index of its own (interfaces[0] has it)',
  ]);
});

test.each([
  ['no file of the original', 'ports: []\n', 'config.yml:1:1: ports: unknown key, known here: afi-server-address, '],
  [
    'a typing slip',
    WHOLE.replace('netlink-buffer', 'netlnk-buffer'),
    'config.yml:3:1: netlnk-buffer-size: unknown key, did you mean netlink-buffer-size?',
  ],
  [
    'an unknown key of an interface',
    WHOLE.replace('    tap: tap0', '    tap: tap0\n    mtu: 9000'),
    'config.yml:11:5: interfaces[0].mtu: unknown key, known here: port, tap, name',
  ],
  [
    'a host name for the hostpath',
    WHOLE.replace('128.0.0.16:9002', 'vmx:9002'),
    'config.yml:6:23: afi-hostpath-address: got "vmx:9002", expected an IP address with a port such as ',
  ],
  [
    'the same TAP twice',
    WHOLE.replace('tap: tap1', 'tap: tap0'),
    'config.yml:11:34: interfaces[1].tap: got "tap0", expected a TAP of its own (interfaces[0] has it)',
  ],
  [
    'the own port as that of the vASIC',
    WHOLE.replace('128.0.0.16:9002', '127.0.0.1:8001'),
    'config.yml:6:23: afi-hostpath-address: got "127.0.0.1:8001", expected punt.listen and punt.vasic to differ',
  ],
  ['no YAML', 'a: [', 'config.yml:1:5: not valid YAML: '],
  ['an empty file', '', 'config.yml: afi-server-address: missing, expected '],
])('is refused: %s', (_what, text, expected) => {
  expect(problems(text)[0]!.slice(0, expected.length)).toBe(expected);
});

describe('the command', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-import-'));
  const main = join(__dirname, '../../../src/main.js');
  const fpm2afi = (...args: readonly string[]): (string | number | null)[] => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      cwd: directory,
      encoding: 'utf8',
    });
    return [status, stdout, stderr];
  };
  afterAll(() => rmSync(directory, { recursive: true }));

  test('prints the configuration, which check-config takes, and notes on stderr', () => {
    writeFileSync(join(directory, 'config.yml'), WHOLE);
    const { yaml, notes } = importOriginal(WHOLE, 'config.yml');
    expect(fpm2afi('import-config', 'config.yml')).toEqual([0, yaml, `${notes.join('\n')}\n`]);
    writeFileSync(join(directory, 'fpm2afi.yaml'), yaml);
    expect(fpm2afi('check-config', 'fpm2afi.yaml')[0]).toBe(0);
  });

  test('prints nothing where something is wrong', () => {
    writeFileSync(join(directory, 'wrong.yml'), `${WHOLE}extra: 1\n`);
    const [line] = problems(`${WHOLE}extra: 1\n`);
    expect(fpm2afi('import-config', 'wrong.yml')).toEqual([1, '', `${line!.replace('config.yml', 'wrong.yml')}\n`]);
    expect(fpm2afi('import-config', 'absent.yml')).toEqual([
      1,
      '',
      'absent.yml: cannot read the configuration: no such file\n',
    ]);
    expect(fpm2afi('import-config')[0]).toBe(2);
  });
});

describe('docs/configuration.md', () => {
  const document = readFileSync(join(__dirname, '../../../../docs/configuration.md'), 'utf8');
  const [, section = ''] = document.split('\n## From afi-client-linux\n');
  const cells = (line: string): string[] => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''));

  test('its table has each key of the original, with what became of it', () => {
    const code = (key: string): string => `\`${key}\``;
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.map(cells)).toEqual(
      ORIGINAL_KEYS.map(({ key, becomes, remark }) => [code(key), becomes.map(code).join(', ') || 'nothing', remark]),
    );
  });

  test('what keys became are keys', () => {
    const known = documentedKeys().map(({ path }) => path);
    for (const { becomes } of ORIGINAL_KEYS) for (const key of becomes) expect(known).toContain(key);
  });

  test('its example is what the command prints', () => {
    const [source, result, notes] = [...section.matchAll(/```\w*\n([\s\S]+?)```/g)].map(([, text]) => text!);
    const { yaml, notes: said } = importOriginal(source!, 'config.yml');
    expect(`$ fpm2afi import-config config.yml > fpm2afi.yaml\n${said.join('\n')}\n`).toBe(notes);
    expect(yaml).toBe(result);
  });
});
