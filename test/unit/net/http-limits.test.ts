/** The limits of our HTTP servers, against one on a port of its own. */
import { Agent, createServer, get, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { HTTP_LIMITS, refuse } from '../../../src/net/http-limits';

let server: Server;
let begun = 0;

beforeEach(async () => {
  begun = 0;
  server = createServer(HTTP_LIMITS, (request, response) => {
    if (refuse(request, response)) return;
    begun++;
    if (request.url !== '/slow') response.end('fine\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

/** What comes back for this until the server ends the connection. */
function answer(text: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let came = '';
  socket.on('data', (bytes) => (came += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(text);
  return new Promise((resolve) => socket.on('close', () => resolve(came)));
}

test.each([
  ['a length', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000000\r\n\r\nsome'],
  ['chunks', 'GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'],
])('a body announced by %s is refused, and the connection ended', async (_what, text) => {
  expect(await answer(text)).toMatch(/^HTTP\/1\.1 413 [^]*no request here has a body/);
});

test('without a body, or an empty one, requests are answered', async () => {
  const close = 'connection: close\r\n\r\n';
  expect(await answer(`GET / HTTP/1.1\r\nhost: x\r\n${close}`)).toMatch(/^HTTP\/1\.1 200 [^]*fine/);
  expect(await answer(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n${close}`)).toMatch(/^HTTP\/1\.1 200 /);
});

test('who does not wait for an answer gets none, and makes no work', async () => {
  expect(await answer('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1000))).toBe('');
  expect(begun).toBe(1);
});

test('a connection that waits for each answer may ask as often as it likes', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { port } = server.address() as AddressInfo;
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      get({ port, host: '127.0.0.1', agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode!));
      }).on('error', reject);
    });
  for (let asked = 0; asked < 200; asked++) expect(await ask()).toBe(200);
  expect(begun).toBe(200);
  agent.destroy();
});

test('headers that are too long are refused', async () => {
  expect(await answer(`GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
});

test('who says nothing is sent away', async () => {
  expect(await answer('')).toMatch(/^(HTTP\/1\.1 408 [^]*)?$/);
}, 30_000);
