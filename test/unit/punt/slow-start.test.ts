/** A punt process that takes long to answer, as on a busy or an emulated machine. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nullLogger } from '../../../src/observe/log';
import { connectPunt } from '../../../src/punt/client';

const folder = mkdtempSync(join(tmpdir(), 'punt-'));
const PLACE = { host: '127.0.0.1', port: 9 };
/** The event loop's own, which no test's clock stands still for. */
const turn = setImmediate;
const STEP_MS = 250;

afterAll(() => {
  jest.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

/** Processes started in so many milliseconds of a test's clock by a bridge that nobody answers. */
async function startedIn(ms: number, command: string): Promise<number> {
  const file = join(folder, 'started');
  rmSync(file, { force: true });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'Date'] });
  const start = ['sh', '-c', `echo "$$" >>${file}; ${command}`];
  const config = { punt: { listen: PLACE, vasic: PLACE }, ports: [] };
  const end = connectPunt(config, { socket: join(folder, 'nobody'), start }, nullLogger).catch(
    (error: unknown) => error,
  );
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    await jest.advanceTimersByTimeAsync(STEP_MS);
    // What is asked of the kernel is answered in real time.
    for (let i = 0; i < 200; i++) await new Promise((resolve) => turn(resolve));
  }
  jest.useRealTimers();
  const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  expect(String(await end)).toContain('ENOENT');
  return pids.length;
}

test('while the process that was started runs, no other is started beside it', async () => {
  expect(await startedIn(32_000, 'exec sleep 60')).toBe(1);
});
