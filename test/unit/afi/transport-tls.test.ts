/** The AFI connection over TLS and over a Unix socket, client and server real: who gets in, and what both sides say to the operator. */
import { chmodSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { failureText } from '../../../src/afi/failure';
import { createGrpcTransport, type AfiTransport } from '../../../src/afi/transport';
import type { AfiTls } from '../../../src/config/types';
import type { Endpoint } from '../../../src/net/endpoint';
import { nullLogger } from '../../../src/observe/log';
import type { ServerTls } from '../../../src/vasic/server/listener';
import { startAfiServer, type AfiServer } from '../../../src/vasic/server/server';
import { createInProcessDataplane } from '../vasic/inprocess-dataplane';
import { Certificates, type Identity } from './certificates';
import { Log } from './log';

const pki = new Certificates();
const ca = pki.authority('ca');
const otherCa = pki.authority('other-ca');
const LOCAL = 'DNS:vasic1,IP:127.0.0.1';
const good = pki.signed(ca, LOCAL);
const client = pki.signed(ca, 'DNS:router');

afterAll(() => pki.close());

let server: AfiServer | undefined;
let transport: AfiTransport | undefined;
let serverLog: Log;
let clientLog: Log;

beforeEach(() => {
  serverLog = new Log();
  clientLog = new Log();
});

afterEach(async () => {
  await transport?.close();
  server?.close();
  server = transport = undefined;
});

const serverTls = ({ cert, key }: Identity, clientCa?: string): ServerTls => ({
  identity: { cert: { setting: '--tls-cert', path: cert }, key: { setting: '--tls-key', path: key } },
  ...(clientCa !== undefined && { ca: { setting: '--tls-client-ca', path: clientCa } }),
});

async function serve(tls: ServerTls | undefined, at: Endpoint = { host: '127.0.0.1', port: 0 }): Promise<void> {
  server = await startAfiServer(at, createInProcessDataplane(2, 5000), serverLog, tls);
}

/** The first outcome of connecting: `up`, or why not and what to do. */
async function outcome(tls: AfiTls | undefined, at?: Endpoint): Promise<string | undefined> {
  await transport?.close();
  transport = createGrpcTransport(
    {
      ...{
        server: at ?? { host: '127.0.0.1', port: server!.port },
        engine: 'trio',
        sandbox: 'green',
        takeOver: 'always',
      },
      ...{ owner: { id: 'router', name: 'bridge' }, timeoutMs: 5000, batch: 1000, inFlight: 16, ports: 2 },
      ...{ reconnectMs: { min: 60_000, max: 60_000 }, ...(tls && { tls }) },
    },
    clientLog,
  );
  const failed = clientLog.until(/^warn: cannot open sandbox/);
  const up = await new Promise<boolean>((resolve) => {
    void failed.then(() => resolve(false));
    transport!.start({ up: () => resolve(true), down: () => undefined, ack: () => undefined, port: () => undefined });
  });
  clientLog.lines.length = 0;
  return up ? 'up' : failureText(transport.failure());
}

describe('TLS', () => {
  test('with the CA, for the name or address that the certificate has', async () => {
    await serve(serverTls(good));
    expect(await outcome({ ca: ca.cert })).toBe('up');
    expect(await outcome({ ca: ca.cert, serverName: 'vasic1' })).toBe('up');
  });

  test('with another CA', async () => {
    await serve(serverTls(good));
    expect(await outcome({ ca: otherCa.cert })).toMatch(
      /isn't signed by the CA in afi\.tls\.ca \(.*other-ca\.crt\).*: put the certificate of the CA that signed it there/,
    );
  });

  test('for another name', async () => {
    await serve(serverTls(pki.signed(ca, 'DNS:vasic2')));
    expect(await outcome({ ca: ca.cert })).toMatch(
      /its certificate is for another name: .*127\.0\.0\.1.*: set afi\.tls\.serverName to a name in it/,
    );
    expect(await outcome({ ca: ca.cert, serverName: 'vasic3' })).toMatch(/DNS:vasic2.*it is vasic3 now/);
    expect(await outcome({ ca: ca.cert, serverName: 'vasic2' })).toBe('up');
  });

  test('with a certificate that has expired: both sides say so', async () => {
    await serve(serverTls(pki.signed(ca, LOCAL, -1)));
    expect(serverLog.lines).toContainEqual(
      expect.stringMatching(/^warn: clients will refuse this server: --tls-cert .* has expired on .*: renew it/),
    );
    expect(await outcome({ ca: ca.cert })).toMatch(/its certificate has expired .*: renew it there/);
  });

  test('a client without TLS, and a server without', async () => {
    await serve(serverTls(good));
    expect(await outcome(undefined)).toMatch(
      /ended the connection before it answered.*: does it want TLS\? Then set afi\.tls\.ca/,
    );
    await serverLog.until(
      /^warn: a client was refused: it speaks no TLS, and this server does: set afi\.tls\.ca there$/,
    );
    server!.close();
    await serve(undefined);
    expect(await outcome({ ca: ca.cert })).toMatch(/doesn't speak TLS|ended the connection/);
    await serverLog.until(
      /^warn: a client was refused: it speaks TLS, and this server does not: leave out afi\.tls there/,
    );
  });

  test('a plain server of another make', async () => {
    const plain = createServer((socket) => {
      // Read to its end, so that it is closed when the other side is.
      socket.on('error', () => undefined).resume();
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port } = plain.address() as { port: number };
    expect(await outcome({ ca: ca.cert }, { host: '127.0.0.1', port })).toMatch(
      /doesn't speak TLS .*: give it --tls-cert and --tls-key, or leave out afi\.tls/,
    );
    await transport!.close();
    plain.close();
  });
});

describe('mutual TLS', () => {
  test('a client that the CA signed, and nobody else', async () => {
    await serve(serverTls(good, ca.cert));
    expect(await outcome({ ca: ca.cert, ...client })).toBe('up');

    expect(await outcome({ ca: ca.cert })).toMatch(
      /it wants a certificate of this client .*: set afi\.tls\.cert and afi\.tls\.key/,
    );
    await serverLog.until(/^warn: a client was refused: it sent no certificate, and --tls-client-ca asks for one/);

    expect(await outcome({ ca: ca.cert, ...pki.signed(otherCa, 'DNS:router') })).toMatch(
      /after TLS stood.*afi\.tls\.cert must be signed by its --tls-client-ca/,
    );
    await serverLog.until(/^warn: a client was refused: its certificate isn't signed by the CA of --tls-client-ca/);
  });

  test('a certificate of the client that has expired: the client says so itself, and the server refuses it', async () => {
    await serve(serverTls(good, ca.cert));
    const old = pki.signed(ca, 'DNS:router', -1);
    expect(await outcome({ ca: ca.cert, ...old })).toMatch(
      /afi\.tls\.cert .* has expired on .*: renew it, or set the clock/,
    );
    // One that doesn't look at its own: Node's, with HTTP/2's name.
    const { readFileSync } = await import('node:fs');
    const stranger = connectTls({
      ...{ port: server!.port, host: '127.0.0.1', ca: readFileSync(ca.cert), ALPNProtocols: ['h2'] },
      ...{ cert: readFileSync(old.cert), key: readFileSync(old.key) },
    });
    stranger.on('error', () => undefined);
    await serverLog.until(/^warn: a client was refused: its certificate has expired: renew afi\.tls\.cert there/);
    stranger.destroy();
  });
});

describe('files', () => {
  test('that are renewed: the next connection has them, on both sides, and open ones stay', async () => {
    const inPlace = { cert: pki.path('server.crt'), key: pki.path('server.key') };
    pki.replace(inPlace, good);
    const trusted = pki.path('trusted.crt');
    copyFileSync(ca.cert, trusted);
    await serve(serverTls(inPlace));
    expect(await outcome({ ca: trusted })).toBe('up');
    const first = transport!;
    transport = undefined;

    pki.replace(inPlace, pki.signed(otherCa, LOCAL));
    expect(await outcome({ ca: trusted })).toMatch(/isn't signed by the CA/);
    expect(serverLog.lines).toContainEqual(expect.stringMatching(/^info: the TLS certificates have changed/));
    expect((await first.sandboxInfo()).name).toBe('green');
    await first.close();
    copyFileSync(otherCa.cert, trusted);
    expect(await outcome({ ca: trusted })).toBe('up');
  });

  test('that can no longer be used: the old ones stay in force', async () => {
    const inPlace = { cert: pki.path('s2.crt'), key: pki.path('s2.key') };
    pki.replace(inPlace, good);
    await serve(serverTls(inPlace));
    writeFileSync(inPlace.cert, 'half a file');
    expect(await outcome({ ca: ca.cert })).toBe('up');
    expect(serverLog.lines).toContainEqual(
      expect.stringMatching(/^error: .* can't be used, the old ones stay in force: --tls-cert .* holds no certificate/),
    );
  });

  test.each([
    ['the CA is missing', { ca: '/nowhere/ca.pem' }, /afi\.tls\.ca \/nowhere\/ca\.pem does not exist: put it there/],
    ['the CA is none', { ca: client.key }, /afi\.tls\.ca .* holds no certificate: give a file in PEM/],
    [
      'the key is missing',
      { ca: ca.cert, cert: client.cert, key: '/nowhere/key' },
      /afi\.tls\.key \/nowhere\/key does not exist/,
    ],
    [
      'the key is none',
      { ca: ca.cert, cert: client.cert, key: client.cert },
      /afi\.tls\.key .* holds no private key that can be used/,
    ],
    [
      'the key is another one',
      { ca: ca.cert, cert: client.cert, key: good.key },
      /afi\.tls\.key .* is not the key of the certificate in afi\.tls\.cert/,
    ],
    ['the key is a folder', { ca: ca.cert, cert: client.cert, key: '/' }, /afi\.tls\.key \/ can't be read/],
  ])('%s: said, and tried again', async (_, tls, message) => {
    await serve(serverTls(good));
    expect(await outcome(tls)).toMatch(message);
    expect(transport!.failure()!.remedy).toContain('tried again');
  });

  test('the server does not start without a key of its own', async () => {
    await expect(serve(serverTls({ cert: good.cert, key: client.key }))).rejects.toThrow(
      /--tls-key .* is not the key of the certificate in --tls-cert/,
    );
    await expect(serve(serverTls({ cert: good.cert, key: '/nowhere' }))).rejects.toThrow(
      /--tls-key \/nowhere does not exist/,
    );
  });

  test('a key that this user may not read', async () => {
    const hidden = pki.path('hidden.key');
    copyFileSync(client.key, hidden);
    // Root may read all: as somebody else, in so far as files go.
    const isRoot = process.geteuid!() === 0;
    chmodSync(hidden, isRoot ? 0o600 : 0);
    chmodSync(pki.folder, 0o755);
    if (isRoot) process.seteuid!(65534);
    try {
      await expect(serve(serverTls({ cert: good.cert, key: hidden }))).rejects.toThrow(
        /--tls-key .*hidden\.key may not be read by uid \d+: give it to that user or to a group of it/,
      );
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  });
});

describe('a Unix socket', () => {
  const path = pki.path('afi.sock');
  const at = { path };

  test('is for its user and group, and names who connects', async () => {
    await serve(undefined, at);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(await outcome(undefined, at)).toBe('up');
    await serverLog.until(/^info: a client opened an operation stream$/);
    const who = new RegExp(`^.* \\(pid ${process.pid}\\) of uid ${process.geteuid!()}, connection 1$`);
    expect(serverLog.clients).toContainEqual(expect.stringMatching(who));
  });

  test('a second server is told who has it; a file that was left behind is replaced', async () => {
    await serve(undefined, at);
    const second = startAfiServer(at, createInProcessDataplane(2, 5000), nullLogger);
    await expect(second).rejects.toThrow(
      new RegExp(
        `cannot listen on unix:${path} \\(--listen\\): .* \\(pid ${process.pid}\\) listens there: stop that one`,
      ),
    );
    expect(await outcome(undefined, at)).toBe('up');
  });

  test('that this user may not connect to', async () => {
    await serve(undefined, at);
    // Root may connect to all: as somebody else, in so far as files go.
    const isRoot = process.geteuid!() === 0;
    chmodSync(pki.folder, 0o755);
    // The group stays.
    chmodSync(path, isRoot ? 0o600 : 0);
    if (isRoot) process.seteuid!(65534);
    try {
      expect(await outcome(undefined, at)).toMatch(
        /this process \(uid \d+\) may not connect there .*in the group of the socket/,
      );
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  });

  test('that is not there, and that nobody listens at', async () => {
    expect(await outcome(undefined, { path: pki.path('none.sock') })).toMatch(
      /there is no such socket: is softvasic running\?.*: start it with --listen/,
    );
    const left = pki.path('left.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(left)}, () => process.exit(0))`;
    const { execFileSync } = await import('node:child_process');
    execFileSync(process.execPath, ['-e', script]);
    expect(await outcome(undefined, { path: left })).toMatch(/nobody listens there/);
    await serve(undefined, { path: left });
    expect(await outcome(undefined, { path: left })).toBe('up');
  });
});

test('a TCP port that is taken: by whom', async () => {
  await serve(undefined);
  const { port } = server!;
  await expect(startAfiServer({ host: '127.0.0.1', port }, createInProcessDataplane(), nullLogger)).rejects.toThrow(
    new RegExp(`cannot listen on 127.0.0.1:${port} \\(--listen\\): .* \\(pid ${process.pid}\\) has that port`),
  );
  const stranger = connectTcp(port, '127.0.0.1');
  stranger.on('error', () => undefined);
  stranger.destroy();
});
