/** Which of two connections is zebra's. Sockets are real, on loopback; time and what the kernel says of them are the test's. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Admission, DEAD_AFTER_S, GRACE_MS, type Newcomer } from '../../../src/fpm/admission';
import { nullLogger } from '../../../src/observe/log';
import { until } from '../../bed/until';

let server: Server;
const sockets: Socket[] = [];
const accepted: Socket[] = [];

beforeAll(async () => {
  server = createServer({ pauseOnConnect: true }, (socket) => void accepted.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of [...sockets.splice(0), ...accepted.splice(0)]) socket.destroy();
});
afterAll(() => server.close());

/** The server's end of a new connection. */
async function incoming(): Promise<Socket> {
  const { port } = server.address() as { port: number };
  const before = accepted.length;
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  await until(() => accepted.length > before);
  return accepted[before]!;
}

function bed(local: boolean) {
  const world = { now: 0, held: true, hasSent: true };
  let session: Newcomer | undefined;
  const log: string[] = [];
  const admission = new Admission({
    access: { check: () => ({ allowed: true, local }), isHeld: () => world.held },
    log: nullLogger,
    incumbent: () => session && { newcomer: session, hasSent: world.hasSent },
    admit: (newcomer, instead) => {
      log.push(instead === undefined ? 'admitted' : `replaced: ${instead}`);
      session = newcomer;
    },
    refused: () => log.push('refused'),
    now: () => world.now,
  });
  const at = (ms: number): void => {
    world.now = ms;
    admission.settle();
  };
  return { admission, world, log, at, end: () => (session = undefined), session: () => session };
}

test('on this machine it is decided at once: a live one keeps its place, a dead one is replaced', async () => {
  const { admission, world, log } = bed(true);
  admission.take(await incoming());
  const second = await incoming();
  admission.take(second);
  expect(log).toEqual(['admitted', 'refused']);
  expect(second.destroyed).toBe(true);
  world.held = false;
  admission.take(await incoming());
  expect(log).toEqual(['admitted', 'refused', 'replaced: its process is gone']);
  admission.close();
});

test('one that has sent nothing is replaced when it has had time to', async () => {
  const { admission, world, log, at } = bed(true);
  admission.take(await incoming());
  world.hasSent = false;
  admission.take(await incoming());
  at(GRACE_MS - 1);
  expect(log).toEqual(['admitted']);
  at(GRACE_MS);
  expect(log).toEqual(['admitted', 'replaced: it has sent nothing']);
  admission.close();
});

test('from elsewhere a newcomer waits until the old one must be dead, is let in when it is, and else refused', async () => {
  const { admission, log, at, end } = bed(false);
  admission.take(await incoming());
  at(1000);
  admission.take(await incoming());
  at(1000 + DEAD_AFTER_S * 1000 - 1);
  expect(log).toEqual(['admitted']);
  at(1000 + DEAD_AFTER_S * 1000);
  expect(log).toEqual(['admitted', 'refused']);
  expect(admission.lastRefusal?.why).toMatch(/^zebra is connected from 127.0.0.1:\d+, and lives$/);

  admission.take(await incoming());
  end();
  admission.settle();
  expect(log).toEqual(['admitted', 'refused', 'admitted']);
  admission.close();
});

test('one waits at most, the latest', async () => {
  const { admission, log, end, session } = bed(false);
  admission.take(await incoming());
  const [second, third] = [await incoming(), await incoming()];
  admission.take(second);
  admission.take(third);
  expect([second.destroyed, third.destroyed]).toEqual([true, false]);
  end();
  admission.settle();
  expect(session()?.socket).toBe(third);
  expect(log).toEqual(['admitted', 'refused', 'admitted']);
  admission.close();
});

test('a wish to displace ends by itself', async () => {
  const { admission, world, log } = bed(true);
  admission.take(await incoming());
  admission.displaceNext();
  world.now = 10_000;
  admission.take(await incoming());
  expect(log).toEqual(['admitted', 'refused']);
  admission.displaceNext();
  world.now = 19_999;
  admission.take(await incoming());
  expect(log).toEqual(['admitted', 'refused', 'replaced: displaced, as was asked for']);
  admission.close();
});
