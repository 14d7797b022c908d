/** The example file and docs/configuration.md say what the code does: every key, every default, examples that work. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { documentedKeys, loadConfig, parseConfig } from '../../../src/config/load';

/** The package's folder, wherever the compiled tests are below it. */
function packageFolder(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    try {
      readFileSync(join(folder, 'fpm2afi.example.yaml'));
      return folder;
    } catch (error) {
      if (folder === dirname(folder)) throw error;
    }
  }
}

const EXAMPLE = join(packageFolder(), 'fpm2afi.example.yaml');
const DOCUMENT = join(packageFolder(), 'docs', 'configuration.md');

describe('fpm2afi.example.yaml', () => {
  const uncommented = readFileSync(EXAMPLE, 'utf8').replace(/^( *)#(?=\S)/gm, '$1');

  test('loads as it is, and means the defaults', () => {
    const { ports, ...rest } = loadConfig(EXAMPLE);
    const defaults = parseConfig('ports: [{ index: 0, tap: tap0 }]', 'f.yaml');
    expect(ports).toEqual([0, 1, 2, 3].map((index) => ({ index, tap: `tap${index}` })));
    expect({ ...rest, ports: defaults.ports }).toEqual(defaults);
  });

  test('loads with every setting uncommented', () => {
    // TLS is for a vASIC on another machine.
    const elsewhere = { path: 'afi.server', value: 'vasic1:50051', flag: '--set' };
    const config = parseConfig(uncommented, 'example', [elsewhere]);
    expect(config.neighbors.static).toHaveLength(1);
    expect(config.ports[0]?.mac).toBeDefined();
  });

  test.each(documentedKeys().map((key) => [key.path, key.default]))('has %s with its default', (path, expected) => {
    const steps = path.replaceAll('[]', '.0').split('.');
    const found = steps.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], parse(uncommented));
    expect(found).toBeDefined();
    const text = Array.isArray(found) ? JSON.stringify(found) : String(found);
    if (expected !== undefined) expect(text).toBe(expected);
  });
});

describe('docs/configuration.md', () => {
  /** Key, default and example of each table row that describes a key. */
  const rows = readFileSync(DOCUMENT, 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 6 && /^`[a-zA-Z.[\]]+`$/.test(cells[1]!))
    .map((cells) => ({
      path: bare(cells[1]!),
      default: cells[3] === '' ? undefined : bare(cells[3]!),
      example: bare(cells[4]!),
    }));

  function bare(cell: string): string {
    return cell.replace(/^`(.*)`$/, '$1');
  }

  test('describes every key once, and no other', () => {
    expect(rows.map((row) => row.path).sort()).toEqual(
      documentedKeys()
        .map((key) => key.path)
        .sort(),
    );
  });

  test.each(documentedKeys().map((key) => [key.path, key.default]))('%s has its default', (path, expected) => {
    expect(rows.find((row) => row.path === path)?.default).toBe(expected);
  });

  test.each(rows.map((row) => [row.path, row.example]))('the example of %s works: %s', (path, example) => {
    const list = /^(.*)\[\]\.(\w+)$/.exec(path);
    if (list === null) {
      const value = parse(example) as string | unknown[];
      const ports = 'ports: [{ index: 0, tap: tap0 }]';
      // TLS is for a vASIC on another machine, and has keys that go together.
      const around = path.startsWith('afi.tls.')
        ? '\nafi: { server: "vasic1:1", tls: { ca: /a, cert: /b, key: /c } }'
        : '';
      if (!Array.isArray(value)) return void parseConfig(ports + around, 'f.yaml', [{ path, value, flag: 'docs' }]);
      // No flag can give a list.
      const file = path.split('.').reduceRight<unknown>((below, key) => ({ [key]: below }), value);
      parseConfig(`${ports}\n${stringify(file)}`, 'f.yaml');
    } else if (list[1] === 'ports') {
      const port = { index: 0, tap: 'tap0', [list[2]!]: parse(example) as unknown };
      parseConfig(JSON.stringify({ ports: [port] }), 'f.yaml');
    } else if (list[1] === 'vrfs') {
      const vrf = { name: 'blue', table: 7, [list[2]!]: parse(example) as unknown };
      parseConfig(JSON.stringify({ ports: [{ index: 0, tap: 'tap0' }], vrfs: [vrf] }), 'f.yaml');
    } else {
      const neighbor = {
        tap: 'tap0',
        address: '10.0.0.1',
        mac: '02:00:00:00:00:01',
        [list[2]!]: parse(example) as unknown,
      };
      parseConfig(JSON.stringify({ ports: [{ index: 0, tap: 'tap0' }], neighbors: { static: [neighbor] } }), 'f.yaml');
    }
  });

  test('the sample file in it works', () => {
    const sample = /```yaml\n([^`]+)```/.exec(readFileSync(DOCUMENT, 'utf8'))![1]!;
    expect(parseConfig(sample, 'sample').ports).toHaveLength(2);
  });
});
