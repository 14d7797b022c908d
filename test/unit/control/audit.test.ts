/** `fpm2afi audit`: its text, its failure, and that only --repair asks to change something. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import yargs from 'yargs';
import { withAudit } from '../../../src/control/audit-cli';
import { auditText } from '../../../src/control/audit-text';
import type { AuditView } from '../../../src/control/audit-types';
import { startControlServer, type ControlServer } from '../../../src/control/server';
import { nullLogger } from '../../../src/observe/log';
import { AUDIT, fakeBackend } from './backend';

const CLEAN: AuditView = { ...AUDIT, layers: AUDIT.layers.slice(1, 2) };
const folder = mkdtempSync(join(tmpdir(), 'f2a-audit-'));
const socket = join(folder, 'control.sock');
const asked: boolean[] = [];
let view = AUDIT;
let server: ControlServer;

beforeAll(async () => {
  const audit = ({ repair }: { repair: boolean }): Promise<AuditView> => {
    asked.push(repair);
    return Promise.resolve(view);
  };
  server = await startControlServer(socket, { ...fakeBackend(), audit }, nullLogger);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]): Promise<{ out: string; failure: string | undefined }> {
  const out = new PassThrough();
  const cli = withAudit(yargs(), out)
    .exitProcess(false)
    .strict()
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? new Error(message ?? '');
    });
  const failure = await cli.parseAsync(['audit', '--socket', socket, ...args]).then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
  out.end();
  return { out: await text(out), failure };
}

test('differences, and a layer that was not compared, are told and are a failure', async () => {
  view = AUDIT;
  const { out, failure } = await run();
  expect(out.split('\n')).toEqual([
    'zebra and FIB: not compared: /var/run/frr/zebra.vty: no such file',
    'kernel and FIB: 12 compared, no differences',
    'vASIC and FIB: 40 compared, 1 missing, 1 surplus, 0 different',
    '  missing  10.9.0.0/16: acknowledged, and the vASIC has no such entry',
    '  and 1 more',
    'took 1.2 s',
    '',
  ]);
  expect(failure).toBe('audit: 2 differences, 1 of 3 layers not compared');
  const json = await run('--json');
  expect([JSON.parse(json.out), json.failure]).toEqual([AUDIT, failure]);
});

test('no differences are no failure', async () => {
  view = CLEAN;
  expect(await run()).toEqual({ out: 'kernel and FIB: 12 compared, no differences\ntook 1.2 s\n', failure: undefined });
});

test('only --repair may change something', async () => {
  view = CLEAN;
  asked.length = 0;
  await run();
  await run('--repair');
  expect(asked).toEqual([false, true]);
});

test('a repair: before, what was done, after', () => {
  const repaired = { ...CLEAN, repair: { actions: ['zebra connects again'], before: AUDIT.layers.slice(1) } };
  expect(auditText(repaired).split('\n')).toEqual([
    'Before:',
    'kernel and FIB: 12 compared, no differences',
    'vASIC and FIB: 40 compared, 1 missing, 1 surplus, 0 different',
    '  missing  10.9.0.0/16: acknowledged, and the vASIC has no such entry',
    '  and 1 more',
    'Repaired:',
    '  zebra connects again',
    'After:',
    'kernel and FIB: 12 compared, no differences',
    'took 1.2 s',
    '',
  ]);
});
