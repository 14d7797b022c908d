/** `fpm2afi web` as a process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlServer, type ControlServer } from '../../../src/control/server';
import { nullLogger } from '../../../src/observe/log';
import { fakeBackend } from '../control/backend';
import { MAIN, run } from '../control/run-cli';

const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-webcli-'));
const SOCKET = join(directory, 'control.sock');
let control: ControlServer;

beforeAll(async () => {
  control = await startControlServer(SOCKET, fakeBackend(), nullLogger);
});
afterAll(async () => {
  await control.close();
  rmSync(directory, { recursive: true });
});

/** Starts it; resolves with what it has printed by its second line. */
async function serve(
  ...args: readonly string[]
): Promise<{ url: string; out(): string; err(): string; end(): Promise<number | null> }> {
  const child = spawn(process.execPath, [MAIN, 'web', '--socket', SOCKET, ...args]);
  let [out, err] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.split('\n').length > 2) resolve();
    });
    child.on('close', () => reject(new Error(err)));
  });
  const end = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  return { url: out.split('\n')[0]!, out: () => out, err: () => err, end };
}

test('serves at the address that it prints, until it is ended: exit code 0', async () => {
  const { url, err, end } = await serve('--listen', 'localhost:0');
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/$/);
  expect(await (await fetch(url)).text()).toContain('<title>fpm2afi</title>');
  // Ends also while a page is open.
  await fetch(`${url}live`);
  expect([await end(), err()]).toEqual([0, '']);
});

test('where others can reach it: refused, unless that is said; then told what it means', async () => {
  for (const listen of ['0.0.0.0:8642', '192.0.2.1:8642', '[::]:8642', 'router.example:8642']) {
    const { code, err } = await run('web', '--socket', SOCKET, '--listen', listen);
    expect(code).toBe(2);
    expect(err).toMatch(
      /--listen: other machines can reach .*take a loopback address, with "ssh -t -L .*or say --remote\n/,
    );
  }
  const { url, out, err, end } = await serve('--listen', '0.0.0.0:0', '--remote');
  expect(out()).toContain('with an address of this machine in place of 0.0.0.0');
  expect((await fetch(url.replace('0.0.0.0', '127.0.0.1'))).status).toBe(200);
  expect(err()).toContain('Whoever can listen on the way can read all of this');
  await end();
});

test.each(['8642', '127.0.0.1', '127.0.0.1:70000'])('--listen %j is no address: exit code 2', async (listen) => {
  const { code, err } = await run('web', '--listen', listen);
  expect(code).toBe(2);
  expect(err).toContain('expected an address and a port such as 127.0.0.1:8642');
});

test('a port that is taken: exit code 1, and who has it', async () => {
  const { url, end } = await serve('--listen', '127.0.0.1:0');
  const { host } = new URL(url);
  const { code, err } = await run('web', '--socket', SOCKET, '--listen', host);
  expect(code).toBe(1);
  expect(err).toContain(`cannot listen on ${host} (--listen): `);
  expect(err).toMatch(/pid \d+/);
  await end();
});

test('no daemon: exit code 1, and what to do', async () => {
  const { code, err } = await run('web', '--socket', join(directory, 'none.sock'), '--listen', '127.0.0.1:0');
  expect(code).toBe(1);
  expect(err).toContain("isn't running");
});
