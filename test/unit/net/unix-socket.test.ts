/** Listening where others listen, listened, or begin to at the same moment. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenUnix } from '../../../src/net/unix-socket';

let dir: string;
let path: string;
const servers: Server[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fpm2afi-unix-'));
  path = join(dir, 'a.sock');
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(dir, { recursive: true });
});

/** A server that says its name to whoever comes. */
function named(name: string): Server {
  const server = createServer((socket) => socket.on('error', () => undefined).end(name));
  servers.push(server);
  return server;
}

/** The file of a process that was killed. */
function leaveFile(): void {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', program]);
  expect(readdirSync(dir)).toEqual(['a.sock']);
}

function whoIsThere(): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(path).on('error', reject);
    socket.on('data', (bytes) => (said += String(bytes))).on('end', () => resolve(said));
  });
}

test('the file of a dead process is replaced, that of a live one is not', async () => {
  leaveFile();
  await listenUnix(named('first'), path, 'somebody is there');
  await expect(listenUnix(named('second'), path, 'somebody is there')).rejects.toThrow('somebody is there');
  expect(await whoIsThere()).toBe('first');
});

test('what is no socket is left alone', async () => {
  writeFileSync(path, 'mine');
  await expect(listenUnix(named('first'), path, 'somebody is there')).rejects.toThrow(/is no socket/);
  expect(readdirSync(dir)).toEqual(['a.sock']);
});

test('of several that find the file of a dead process at the same moment one gets its place, and is reached', async () => {
  leaveFile();
  const names = ['first', 'second', 'third'];
  const tries = names.map((name) => listenUnix(named(name), path, 'somebody is there').then(() => name));
  const ended = await Promise.allSettled(tries);
  const winners = ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const reasons = ended.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  expect(winners).toHaveLength(1);
  expect(reasons).toEqual(Array(2).fill('Error: somebody is there'));
  expect(await whoIsThere()).toBe(winners[0]);
  expect(readdirSync(dir)).toEqual(['a.sock']);
});
