/** `fpm2afi stop`: whom it ends, and what it says of whom it can't. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { stopAll } from '../../../src/bridge/stop';
import { parseConfig } from '../../../src/config/load';
import { startControlServer, type ControlServer } from '../../../src/control/server';
import { nullLogger } from '../../../src/observe/log';
import { fakeBackend, STATUS } from '../control/backend';

const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-stop-'));
const CONTROL = join(directory, 'control.sock');
let server: ControlServer;

beforeAll(async () => {
  server = await startControlServer(
    CONTROL,
    { ...fakeBackend(), status: () => Promise.resolve({ ...STATUS, pid: process.pid }) },
    nullLogger,
  );
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function stop(control: string, kill?: Parameters<typeof stopAll>[2]): { done: Promise<void>; out: PassThrough } {
  const text = `ports: [{ index: 0, tap: tap0 }]\ncontrol: { socket: ${control} }\npunt: { socket: ${directory}/punt.sock }\n`;
  const out = new PassThrough();
  return { done: stopAll(parseConfig(text, 'f.yaml'), out, kill), out };
}

const failing = (code: string): never => {
  throw Object.assign(new Error(`kill ${code}`), { code });
};

test('the bridge is ended by a signal, and waited for', async () => {
  const signals: unknown[] = [];
  const { done, out } = stop(CONTROL, (pid, signal) => {
    if (signal === 0) failing('ESRCH');
    signals.push([pid, signal]);
  });
  await done;
  expect(signals).toEqual([[process.pid, 'SIGTERM']]);
  expect(String(out.read())).toBe(`stopped the bridge (pid ${process.pid})\n`);
});

test("a bridge that is another user's: whose, and what to do", async () => {
  const { done } = stop(CONTROL, () => failing('EPERM'));
  await expect(done).rejects.toThrow(
    new RegExp(
      `^the bridge \\(pid ${process.pid}\\) is of user .*${process.getuid!()}.*: run this as root or that user$`,
    ),
  );
});

test('nobody there, and one that can not be asked, which may run', async () => {
  const { done, out } = stop(join(directory, 'none.sock'));
  await done;
  expect(String(out.read())).toBe('nothing runs\n');
  writeFileSync(join(directory, 'file'), '');
  await expect(stop(join(directory, 'file', 'control.sock')).done).rejects.toThrow(/^cannot ask the daemon on/);
});
