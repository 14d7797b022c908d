/**
 * The package as npm makes it of a fresh clone: complete, without leftovers, and a consumer finds every export by name, with its
 * types, and can run the examples of docs/library.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const HOUSE = join(__dirname, '../../..');
const MODULES = join(HOUSE, 'node_modules');

jest.setTimeout(180_000);

/** Uses each export by a type and by a value, so that neither may be missing. */
const CONSUMER = `
import { FpmServer, FrameReader, type FpmUpdate, type FpmServerSettings } from 'fpm2afi/fpm';
import { decodeNetlink, constants, type DecoderSink } from 'fpm2afi/netlink';
import { AfiClient, AfiRefused, FIELD_NAMES, type AftOperation } from 'fpm2afi/afi';
import { createSandbox, startVasic, type Vasic, type Sandbox } from 'fpm2afi/vasic';
import about from 'fpm2afi/package.json';

const skipped: string[] = [];
const sink: DecoderSink = {
  update: (update: FpmUpdate) => void skipped.push(update.kind),
  message: () => undefined,
  skipped: (reason) => skipped.push(reason),
  malformed: (reason, offset) => skipped.push(\`\${reason} at \${offset}\`),
};
const noop = Buffer.from([16, 0, 0, 0, constants.NLMSG_NOOP, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
new FrameReader((type, buffer, start, end) => decodeNetlink(buffer, start, end, sink)).push(Buffer.concat([Buffer.from([1, 1, 0, 20]), noop]));
export const server = (settings: FpmServerSettings): FpmServer => new FpmServer(settings);
export const client = (ports: number): AfiClient => new AfiClient({ ports });
export const isInsert = (operation: AftOperation): boolean => operation.kind === 'insert';
export const vasic: (...args: Parameters<typeof startVasic>) => Promise<Vasic> = startVasic;
export const sandbox: (...args: Parameters<typeof createSandbox>) => Sandbox = createSandbox;
console.log(JSON.stringify([about.name, typeof FpmServer, typeof AfiRefused, typeof FIELD_NAMES, skipped]));
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

/** What a clone has: the files that git knows, as they are now, and the modules that `npm ci` would bring. */
function freshClone(): string {
  const clone = join(folder, 'clone');
  for (const file of run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], HOUSE).split('\0')) {
    if (file === '' || !existsSync(join(HOUSE, file))) continue;
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(HOUSE, file), join(clone, file));
  }
  symlinkSync(MODULES, join(clone, 'node_modules'));
  return clone;
}

beforeAll(() => {
  mkdirSync(installed, { recursive: true });
  const clone = freshClone();
  const packed = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], clone)) as {
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
    ...['fpm2afi', 'function', 'function', 'object'],
    ['netlink control message'],
  ]);
});

test('nothing else can be imported', () => {
  const code = "import('fpm2afi/dist/src/fpm/server.js').catch((error) => console.log(error.code))";
  expect(run(process.execPath, ['-e', code])).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
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

test('what is shipped is complete, and no more than that', () => {
  for (const file of [
    'dist/src/vasic/kernel/forward.bpf.o',
    ...['dist/man/fpm2afi.8', 'dist/man/softvasic.8', 'fpm2afi.example.yaml', 'LICENSE'],
    ...['proto/fpm.proto', 'proto/qpb/qpb.proto', 'proto/afi/afi.proto'],
    ...['packaging/fpm2afi.service', 'packaging/softvasic.service', 'packaging/completion/fpm2afi.bash'],
  ]) {
    expect([file, existsSync(join(installed, file))]).toEqual([file, true]);
  }
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  expect(files.filter((file) => file.endsWith('.map') || /^(src|test|demo|lab)\//.test(file))).toEqual([]);
  const led = files.filter(
    (file) => file.endsWith('.js') && /sourceMappingURL/.test(readFileSync(join(installed, file), 'utf8')),
  );
  expect(led).toEqual([]);
});

describe('the examples of docs/library.md', () => {
  /** Copied out of the package, as its reader would. */
  const example = (name: string): string => {
    const file = join(folder, `${name}.mjs`);
    cpSync(join(installed, 'examples/library', `${name}.mjs`), file);
    return file;
  };

  test.each(['fpm', 'netlink', 'afi', 'vasic'])('%s is there word by word', (name) => {
    const text = readFileSync(join(installed, 'examples/library', `${name}.mjs`), 'utf8');
    expect(readFileSync(join(installed, 'docs/library.md'), 'utf8')).toContain(`\`\`\`js\n${text}\`\`\``);
  });

  test('netlink', () => {
    expect(run(process.execPath, [example('netlink')])).toBe(
      'message of type 24\nrouteAdd 198.51.100.0/24 via 192.0.2.1 dev 7\n',
    );
  });

  test('vasic', () => {
    const frame = '02000000090902000000000108004500001400000000' + '4011acd4c00002010a010203';
    expect(run(process.execPath, [example('vasic')])).toBe(`ge1 sends ${frame}\n`);
  });

  test('afi', () => {
    expect(run(process.execPath, [example('afi')])).toBe(
      [
        'sandbox trio:green has ge0, ge1',
        'a packet on ge0: {"kind":"discard","reason":"discard"}',
        'refused: inUse\n',
      ].join('\n'),
    );
  });

  test('fpm, with what a zebra of FRR 10.7 sent', async () => {
    const child = spawn(process.execPath, [example('fpm'), '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => ((await lines.next()) as { value: string }).value;
    try {
      const port = Number(/^listening on 127\.0\.0\.1:(\d+)$/.exec(await next())?.[1]);
      const zebra = connect(port, '127.0.0.1');
      // No zebra's vty is here, and statuses are sent as the current FRR wants them.
      const status = new Promise<Buffer>((resolve) => zebra.once('data', resolve));
      zebra.write(readFileSync(join(HOUSE, 'test/fixtures/fpm/frr10.7-dplane.bin')));
      expect(await next()).toBe('zebra connected from 127.0.0.1');
      expect(await next()).toMatch(/^routeAdd \S+\/\d+ table \d+$/);
      // An FPM frame with an RTM_NEWROUTE.
      const answer = await status;
      expect([...answer.subarray(0, 2), answer.readUInt16LE(8)]).toEqual([1, 1, 24]);
      zebra.destroy();
    } finally {
      child.kill();
    }
  });
});
