/** SIGHUP that comes before a daemon listens for it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BIN = join(__dirname, '../../../../bin');

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'fpm2afi-hangup-'))));
afterEach(() => rmSync(dir, { recursive: true }));

/** Starts a program that reads `file`, sends it SIGHUP while it waits for what is in there, and writes `text`: its exit status, or the signal that ended it. */
async function endOf(argv: readonly string[], file: string, text: string): Promise<unknown> {
  execFileSync('mkfifo', [file]);
  const child = spawn(process.execPath, argv, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  // Opened as soon as the program reads.
  const fifo = await open(file, 'w');
  child.kill('SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 100));
  await fifo.write(text).catch(() => undefined);
  await fifo.close();
  const [status, signal] = (await ended) as [number | null, string | null];
  return signal ?? status;
}

test.each(['run', 'punt'])('fpm2afi %s goes on to read its configuration', async (command) => {
  const file = join(dir, 'fpm2afi.yaml');
  expect(await endOf([join(BIN, 'fpm2afi.js'), command, '--config', file], file, 'ports: nonsense\n')).toBe(1);
});

test('a command is ended by it', async () => {
  const file = join(dir, 'fpm2afi.yaml');
  expect(await endOf([join(BIN, 'fpm2afi.js'), 'check-config', file], file, 'ports: []\n')).toBe('SIGHUP');
});

test.each([
  ['--port', 1],
  ['aft', 0],
])('softvasic %s listens for it before it loads anything: %i', (argument, listeners) => {
  const preload = join(dir, 'preload.js');
  // In the place of the program's first module.
  const text = `const Module = require('node:module');
    const load = Module._load;
    Module._load = (name, ...rest) => name.endsWith('main.js') ? process.exit(process.listenerCount('SIGHUP')) : load(name, ...rest);`;
  writeFileSync(preload, text);
  const argv = ['--require', preload, join(BIN, 'softvasic.js'), argument];
  expect(spawnSync(process.execPath, argv).status).toBe(listeners);
});
