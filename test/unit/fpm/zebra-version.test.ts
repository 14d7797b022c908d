/** The choice of the feedback encoding, and the dialogue with zebra's vty socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askZebra, choiceFor, parseFacts, whyNotAsked } from '../../../src/fpm/zebra-version';

test.each([
  ['8.4.4', 'off'],
  ['8.5', 'table'],
  ['10.2.1', 'table'],
  ['10.3', 'off'],
  ['10.3.4', 'off'],
  ['10.4.0', 'table'],
  ['10.7.1', 'table'],
  ['11.0', 'table'],
] as const)('zebra %s: %s', (version, mode) => {
  expect(choiceFor({ version, oldModule: false }).mode).toBe(mode);
  expect(choiceFor({ version, oldModule: true }).mode).toBe('off');
  expect(choiceFor({ version, oldModule: false }).reason).toContain(version);
});

const MODULES = (name: string): string =>
  `Module information for zebra:\nModule Name  Version  Description\n\nlibfrr        10.7.1\nzebra         10.7.1\n${name.padEnd(14)}0.0.1    x\n\tfrom: /usr/lib/x.so\n`;

test('the facts in the answers', () => {
  const version = 'FRRouting 10.7.1 (router) on Linux(6.18).\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n';
  expect(parseFacts(version, MODULES('dplane_fpm_nl'))).toEqual({ version: '10.7.1', oldModule: false });
  expect(parseFacts('FRRouting 8.4 (r)\n', MODULES('zebra_fpm'))).toEqual({ version: '8.4', oldModule: true });
  expect(parseFacts('% Unknown command.\n', '')).toBeUndefined();
});

test('a zebra elsewhere, or without a socket, is not asked', () => {
  expect(whyNotAsked('/var/run', '10.0.0.1', '10.0.0.2')).toBe('it runs on another machine');
  expect(whyNotAsked('/var/run', undefined, undefined)).toBe('it runs on another machine');
  expect(whyNotAsked('/nonexistent/zebra.vty', '127.0.0.1', '127.0.0.1')).toBe('there is no /nonexistent/zebra.vty');
  for (const [peer, local] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
  ]) {
    expect(whyNotAsked('/var/zebra.vty', peer, local)).toBeUndefined();
  }
});

describe('the dialogue', () => {
  let folder: string;
  let server: Server | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vty-'));
  });
  afterEach(async () => {
    await new Promise((done) => (server === undefined ? done(undefined) : server.close(done)));
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  /** A vty that treats each command as `answer` says. */
  function vty(answer: (command: string, socket: Socket) => void): Promise<string> {
    const path = join(folder, 'zebra.vty');
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => answer(data.toString('utf8').replace('\0', ''), socket));
    });
    return new Promise((done) => server!.listen(path, () => done(path)));
  }

  test('two commands, their answers in pieces', async () => {
    const asked: string[] = [];
    const path = await vty((command, socket) => {
      asked.push(command);
      const text = command === 'show version' ? 'FRRouting 10.3.1 (r)\n' : MODULES('dplane_fpm_nl');
      const bytes = Buffer.from(`${text}\0\0\0\0`);
      socket.write(bytes.subarray(0, 9));
      setImmediate(() => socket.write(bytes.subarray(9, bytes.length - 1)));
      setTimeout(() => socket.write(bytes.subarray(bytes.length - 1)), 20);
    });
    expect(await askZebra(path)).toEqual({ mode: 'off', reason: 'zebra 10.3.1 finds no route for a status' });
    expect(asked).toEqual(['show version', 'show modules']);
  });

  test.each([
    ['a refused command', '% Unknown command\0\0\0\x02', /failed with status 2/],
    ['nonsense', 'hello\0\0\0\0', /answered something else/],
    ['an endless answer', 'x'.repeat(70_000), /an endless answer/],
    ['silence', '', /no answer/],
  ])('%s: table', async (_name, bytes, reason) => {
    const path = await vty((_command, socket) => void socket.write(bytes));
    const choice = await askZebra(path, 300);
    expect(choice.mode).toBe('table');
    expect(choice.reason).toMatch(reason);
  });

  test('an end without an answer: table', async () => {
    const path = await vty((_command, socket) => socket.destroy());
    expect((await askZebra(path, 300)).mode).toBe('table');
  });

  test('a socket that is not there yet is tried again', async () => {
    const choice = askZebra(join(folder, 'zebra.vty'));
    await new Promise((done) => setTimeout(done, 50));
    await vty((command, socket) => {
      socket.write(`${command === 'show version' ? 'FRRouting 8.4.4 (r)\n' : ''}\0\0\0\0`);
    });
    expect((await choice).reason).toBe('zebra 8.4.4 reads no status');
  });
});
