/** The control API over a real Unix socket: answers, refusals, streaming, and the socket file's life. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { join } from 'node:path';
import { requestList, requestStatus, requestText } from '../../../src/control/client';
import type { ControlServer } from '../../../src/control/server';
import { startControlServer } from '../../../src/control/server';
import type { ControlBackend } from '../../../src/control/backend';
import type { RouteRow, RouteView } from '../../../src/control/types';
import { nullLogger } from '../../../src/observe/log';
import {
  fakeBackend,
  rowOf,
  NEIGHBORS,
  NEXTHOPS,
  PORTS,
  PUNT,
  ROUTES,
  STATUS,
  TOKENS,
  LSPS,
  EVPN,
  SIDS,
} from './backend';
import { until } from '../../bed/until';

const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-control-'));
const servers: ControlServer[] = [];
let count = 0;

function freshPath(): string {
  return join(directory, `${++count}.sock`);
}

async function start(backend: ControlBackend = fakeBackend(), path = freshPath()): Promise<string> {
  servers.push(await startControlServer(path, backend, nullLogger));
  return path;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Status code, content type and body of a request. */
function ask(socket: string, path: string, method = 'GET'): Promise<{ status?: number; type?: string; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, path, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        const { statusCode: status, headers } = response;
        resolve({ body, ...(status === undefined ? {} : { status }), type: String(headers['content-type']) });
      });
      response.on('error', reject);
    });
    call.on('error', reject).end();
  });
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("zebra's place is given away by a POST only", async () => {
  const backend = fakeBackend();
  const socket = await start(backend);
  expect((await ask(socket, '/v1/displace')).status).toBe(404);
  expect(backend.displaced()).toBe(0);
  expect(await ask(socket, '/v1/displace', 'POST')).toMatchObject({ status: 200, body: '{"displaces":true}\n' });
  expect(backend.displaced()).toBe(1);
});

test('status is one object', async () => {
  const socket = await start();
  const { status, type, body } = await ask(socket, '/v1/status');
  expect([status, type]).toEqual([200, 'application/json']);
  expect(JSON.parse(body)).toEqual(STATUS);
  expect(await requestStatus(socket)).toEqual(STATUS);
});

test.each([
  ['routes', ROUTES],
  ['nexthops', NEXTHOPS],
  ['neighbors', NEIGHBORS],
  ['ports', PORTS],
  ['tokens', TOKENS],
  ['lsps', LSPS],
  ['evpn', EVPN],
  ['sids', SIDS],
  ['punt', PUNT],
] as const)('%s: as an array and as lines', async (list, expected) => {
  const socket = await start();
  const array = await ask(socket, `/v1/${list}`);
  expect([array.status, array.type]).toEqual([200, 'application/json']);
  expect(JSON.parse(array.body)).toEqual(expected);
  const lines = await ask(socket, `/v1/${list}?stream=1`);
  expect(lines.type).toBe('application/x-ndjson');
  expect(
    lines.body
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(expected);
  expect(await gather(requestList(socket, list))).toEqual(expected);
});

test('filters reach the backend, and those that it ignores are applied', async () => {
  const backend = fakeBackend();
  const socket = await start(backend);
  const prefixes = async (query: string): Promise<string[]> =>
    (JSON.parse((await ask(socket, `/v1/routes?${query}`)).body) as RouteView[]).map((route) => route.prefix);
  expect(await prefixes('state=trapped')).toEqual(['103.30.0.0/24', '2001:db8::/32']);
  expect(await prefixes('table=1000')).toEqual(['203.0.113.0/24']);
  expect(await prefixes('protocol=bgp')).toEqual(['10.0.255.1/32']);
  expect(await prefixes('state=offloaded&limit=2')).toEqual(['10.0.255.0/32', '10.9.0.0/16']);
  expect(await prefixes('limit=0')).toEqual([]);
  expect(await prefixes('prefix=10.0.255.1/32')).toEqual(['10.0.255.1/32']);
  expect(await prefixes('longest=10.9.1.1')).toEqual(['10.9.0.0/16']);
  expect(backend.asked.map(({ prefix, longest }) => prefix ?? longest).filter((asked) => asked !== undefined)).toEqual([
    { family: 4, bytes: Uint8Array.of(10, 0, 255, 1), length: 32 },
    Uint8Array.of(10, 9, 1, 1),
  ]);
});

test.each([
  ['/v1/routes?state=up', 400, 'state: got "up", expected one of offloaded, trapped, failed, unresolved, pending'],
  ['/v1/routes?table=main', 400, 'table: got "main", expected a whole number from 0 to 4294967295'],
  ['/v1/routes?table=4294967296', 400, 'table: got "4294967296", expected a whole number from 0 to 4294967295'],
  [
    '/v1/routes?prefix=10.0.0.1',
    400,
    'prefix: got "10.0.0.1", expected a prefix such as 10.0.255.0/24 or 2001:db8::/32',
  ],
  [
    '/v1/routes?within=10.0.0.1',
    400,
    'within: got "10.0.0.1", expected a prefix such as 10.0.255.0/24 or 2001:db8::/32',
  ],
  ['/v1/routes?nexthop=tap0', 400, `nexthop: got "tap0", expected an IPv4 or IPv6 address, or zebra's id of a nexthop`],
  [
    '/v1/routes?neighbor=32:26',
    400,
    'neighbor: got "32:26", expected an IPv4 or IPv6 address, or a hardware address such as 32:26:0a:2e:cc:f0',
  ],
  [
    '/v1/monitor?kinds=routes,prots',
    400,
    'kinds: got "prots", expected some of routes, nexthops, neighbors, ports, sessions, problems',
  ],
  ['/v1/monitor?limit=3', 400, 'limit: unknown parameter of monitor'],
  ['/v1/routes?all=yes', 400, 'all: got "yes", expected 0 or 1'],
  ['/v1/routes?longest=10.0.0.0/8', 400, 'longest: got "10.0.0.0/8", expected an IPv4 or IPv6 address'],
  [
    '/v1/routes?color=1',
    400,
    'color: unknown parameter of routes, known: prefix, longest, covering, within, table, vrf, state, protocol, port, nexthop, neighbor, all, limit, stream',
  ],
  ['/v1/ports?state=failed', 400, 'state: unknown parameter of ports, known: limit, stream'],
  ['/v1/ports?stream=yes', 400, 'stream: got "yes", expected 0 or 1'],
  ['//', 400, '"//" is no path'],
  [
    '/v1/nothing',
    404,
    'no /v1/nothing here, but /v1/status, /v1/summary, /v1/why, /v1/trace, /v1/graph, /v1/audit, /v1/debug, /v1/monitor, /v1/routes, /v1/vrfs, /v1/nexthops, /v1/neighbors, /v1/ports, /v1/tokens, /v1/lsps, /v1/evpn, /v1/sids, /v1/punt',
  ],
  [
    '/',
    404,
    'no / here, but /v1/status, /v1/summary, /v1/why, /v1/trace, /v1/graph, /v1/audit, /v1/debug, /v1/monitor, /v1/routes, /v1/vrfs, /v1/nexthops, /v1/neighbors, /v1/ports, /v1/tokens, /v1/lsps, /v1/evpn, /v1/sids, /v1/punt',
  ],
])('%s is answered with %d', async (path, status, error) => {
  const socket = await start();
  const answer = await ask(socket, path);
  expect([answer.status, JSON.parse(answer.body)]).toEqual([status, { error }]);
});

test('nothing but GET', async () => {
  const answer = await ask(await start(), '/v1/routes', 'DELETE');
  expect([answer.status, JSON.parse(answer.body)]).toEqual([
    405,
    { error: 'DELETE: only GET is served, and POST of /v1/audit, /v1/debug, /v1/displace, /v1/reload' },
  ]);
});

test('debug: asked with GET, changed with POST', async () => {
  const socket = await start();
  expect(JSON.parse((await ask(socket, '/v1/debug')).body)).toContainEqual({ component: 'fpm', debug: false });
  const on = await ask(socket, '/v1/debug?component=fpm&on=true', 'POST');
  expect(JSON.parse(on.body)).toContainEqual({ component: 'fpm', debug: true });
  expect(await ask(socket, '/v1/debug?component=fmp&on=true', 'POST')).toMatchObject({
    status: 404,
    body: '{"error":"no component fmp has a log, but afi, fpm"}\n',
  });
  expect(await ask(socket, '/v1/debug?component=fpm&on=yes', 'POST')).toMatchObject({
    status: 400,
    body: '{"error":"on: yes is neither true nor false"}\n',
  });
});

test('a backend that throws gives 500, and the server goes on', async () => {
  const backend: ControlBackend = {
    ...fakeBackend(),
    status: () => {
      throw new Error('no status');
    },
  };
  const socket = await start(backend);
  expect(await ask(socket, '/v1/status')).toMatchObject({ status: 500, body: '{"error":"no status"}\n' });
  await expect(requestStatus(socket)).rejects.toThrow('no status');
  expect((await ask(socket, '/v1/ports')).status).toBe(200);
});

test('an answer that breaks off is an error, not a shorter list', async () => {
  const backend: ControlBackend = {
    ...fakeBackend(),
    routes: async function* () {
      for (let i = 0; i < 1000; i++) yield await Promise.resolve([rowOf(ROUTES[0]!)]);
      throw new Error('lost');
    },
  };
  const socket = await start(backend);
  await expect(gather(requestList(socket, 'routes'))).rejects.toThrow(
    `the daemon behind ${socket} went away in the middle of its answer`,
  );
});

describe('a long list', () => {
  const TOTAL = 50_000;
  const PORTION = 100;

  function longBackend(): ControlBackend & { made: number; ended: boolean } {
    const backend = {
      ...fakeBackend(),
      made: 0,
      ended: false,
      routes: async function* (): AsyncGenerator<readonly RouteRow[]> {
        try {
          while (backend.made < TOTAL) {
            backend.made += PORTION;
            yield Array<RouteRow>(PORTION).fill(rowOf(ROUTES[1]!));
            await nextTurn();
          }
        } finally {
          backend.ended = true;
        }
      },
    };
    return backend;
  }

  test('arrives whole, and other requests are answered meanwhile', async () => {
    const backend = longBackend();
    const socket = await start(backend);
    let seen = 0;
    let madeAtStatus = -1;
    const routes = requestList(socket, 'routes');
    while ((await routes.next()).done !== true) {
      if (++seen === 1) {
        await requestStatus(socket);
        madeAtStatus = backend.made;
      }
    }
    expect(seen).toBe(TOTAL);
    expect(madeAtStatus).toBeLessThan(TOTAL);
  });

  test('a reader that stops ends the iteration', async () => {
    const backend = longBackend();
    const socket = await start(backend);
    const routes = requestList(socket, 'routes');
    await routes.next();
    await routes.return(undefined);
    await until(() => backend.ended);
    expect(backend.made).toBeLessThan(TOTAL);
  });
});

describe('the socket file', () => {
  test('is for owner and group, in a directory made for it, and goes with the server', async () => {
    const path = join(directory, 'made', 'for', 'it.sock');
    await start(fakeBackend(), path);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await servers.pop()!.close();
    expect(existsSync(path)).toBe(false);
  });

  test('of a dead process is replaced', async () => {
    const path = freshPath();
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(lstatSync(path).isSocket()).toBe(true);
    await start(fakeBackend(), path);
    expect(await requestStatus(path)).toEqual(STATUS);
  });

  test('of a live process is left alone', async () => {
    const path = await start();
    const [error] = await Promise.all([start(fakeBackend(), path).catch(String)]);
    expect(error).toContain(`control.socket ${path}: `);
    expect(error).toContain(`(pid ${process.pid}) is running and answers there: stop it; for a second vASIC,`);
    expect(await requestStatus(path)).toEqual(STATUS);
  });

  test('that is a plain file is left alone', async () => {
    const path = freshPath();
    writeFileSync(path, 'precious');
    await expect(start(fakeBackend(), path)).rejects.toThrow(
      `control.socket ${path}: this file exists and is no socket; remove it or choose another path`,
    );
    expect(lstatSync(path).isFile()).toBe(true);
  });

  test('cannot be made below a file', async () => {
    const file = freshPath();
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    await expect(start(fakeBackend(), join(file, 'x.sock'))).rejects.toThrow(/^control\.socket .*: E(NOTDIR|EXIST)/);
  });
});

describe('the client explains', () => {
  test('a daemon that does not run', async () => {
    const socket = freshPath();
    await expect(requestStatus(socket)).rejects.toThrow(
      `fpm2afi isn't running: nothing answers on ${socket}.\n` +
        'Start it with "systemctl start fpm2afi" or "fpm2afi run --config FILE"; ' +
        'if it runs with another control.socket, name that with --socket or --config.',
    );
  });

  test('what the server refused', async () => {
    const socket = await start();
    await expect(gather(requestText(socket, '/v1/routes?table=x'))).rejects.toThrow('table: got "x", expected');
  });

  test('a server that speaks otherwise', async () => {
    const socket = await start({ ...fakeBackend(), status: () => undefined as never });
    await expect(requestStatus(socket)).rejects.toThrow('the answer is not what this version of fpm2afi expects');
  });
});
