/** The package as npm would publish it: a consumer finds every export by name, with its types, and can run it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HOUSE = join(__dirname, '../../..');
const MODULES = join(HOUSE, 'node_modules');

/** Uses each export by a type and by a value, so that neither may be missing. */
const CONSUMER = `
import { createFpmServer, type FpmSource } from 'fpm2afi/fpm';
import { decodeNetlink, type DecoderSink } from 'fpm2afi/fpm/netlink';
import { FIELD_NAMES, type AftOperation } from 'fpm2afi/aft';
import { createGrpcTransport, type AfiTransport } from 'fpm2afi/afi';
import about from 'fpm2afi/package.json';

const skipped: string[] = [];
const sink: DecoderSink = {
  update: () => undefined,
  message: () => undefined,
  skipped: (reason) => skipped.push(reason),
  malformed: (reason, offset) => skipped.push(\`\${reason} at \${offset}\`),
};
decodeNetlink(Buffer.from([16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 0, 16, sink);
export const server: (...args: Parameters<typeof createFpmServer>) => FpmSource = createFpmServer;
export const transport: (...args: Parameters<typeof createGrpcTransport>) => AfiTransport = createGrpcTransport;
export const isInsert = (operation: AftOperation): boolean => operation.kind === 'insert';
console.log(JSON.stringify([about.name, typeof createFpmServer, typeof FIELD_NAMES, typeof createGrpcTransport, skipped]));
`;

const OPTIONS = {
  compilerOptions: {
    ...{ module: 'node16', moduleResolution: 'node16', target: 'es2022', strict: true, esModuleInterop: true },
    ...{ resolveJsonModule: true, types: ['node'], noEmitOnError: true },
  },
  files: ['consumer.ts'],
};

const folder = mkdtempSync(join(tmpdir(), 'fpm2afi-consumer-'));
const installed = join(folder, 'node_modules/fpm2afi');
const run = (program: string, args: readonly string[], cwd = folder): string => {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', env: { ...process.env, HOME: folder } });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
};

beforeAll(() => {
  mkdirSync(installed, { recursive: true });
  const packed = JSON.parse(
    run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], HOUSE),
  ) as {
    readonly filename: string;
  }[];
  run('tar', ['-xzf', packed[0]!.filename, '--strip-components=1', '-C', installed]);
  // What npm would install beside it.
  const beside = readdirSync(MODULES).filter((name) => !name.startsWith('.') && name !== 'fpm2afi');
  for (const name of beside) symlinkSync(join(MODULES, name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(OPTIONS));
  writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
});

afterAll(() => rmSync(folder, { recursive: true }));

test('the consumer knows every export', () => {
  const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { readonly exports: object };
  for (const name of Object.keys(exports)) expect(CONSUMER).toContain(`'fpm2afi${name.slice(1)}'`);
});

test('a consumer with moduleResolution node16 compiles and runs against the exports', () => {
  run(process.execPath, [join(MODULES, 'typescript/bin/tsc'), '-p', folder]);
  expect(JSON.parse(run(process.execPath, ['consumer.js']))).toEqual([
    ...['fpm2afi', 'function', 'object', 'function'],
    ['netlink control message'],
  ]);
});

test('each program of the package starts', () => {
  const { bin, version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly version: string;
  };
  expect(Object.keys(bin)).toHaveLength(2);
  for (const file of Object.values(bin)) {
    expect(run(process.execPath, [join(installed, file), '--version'])).toContain(version);
  }
});
