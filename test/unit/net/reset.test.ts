import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../../src/net/reset';
import { until } from '../../bed/until';

let server: Server;
let accepted: Socket[];

beforeEach(async () => {
  accepted = [];
  // The server reads nothing, so that what is written waits.
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => accepted.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
});

async function connected(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  await until(() => accepted.length > 0);
  return socket;
}

/** How the other end hears of the end: only when the kernel has no descriptor of the socket any more. */
async function peerHears(): Promise<string> {
  const [peer] = accepted as [Socket];
  return new Promise((resolve) => {
    peer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    peer.on('end', () => resolve('end'));
    peer.resume();
  });
}

test('a connection is reset', async () => {
  const socket = await connected();
  resetSocket(socket);
  await once(socket, 'close');
  expect(await peerHears()).toBe('ECONNRESET');
});

test('a connection whose FIN is under way is closed all the same', async () => {
  const socket = await connected();
  socket.end();
  expect(socket.writableFinished).toBe(false);
  resetSocket(socket);
  await once(socket, 'close');
  expect(await peerHears()).toMatch(/^(end|ECONNRESET)$/);
});

test('what is no connection yet, or no more', async () => {
  const early = connect((server.address() as AddressInfo).port, '127.0.0.1');
  resetSocket(early);
  await once(early, 'close');
  resetSocket(early);
  expect(early.destroyed).toBe(true);
});
