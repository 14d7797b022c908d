/** The web view over real HTTP, before a control API with fixed answers: what it serves, refuses, and asks the daemon. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startControlServer, type ControlServer } from '../../../src/control/server';
import { nullLogger } from '../../../src/observe/log';
import { traceText, whyText } from '../../../src/control/explain';
import { graphSvg } from '../../../src/control/graph-text';
import { chainGraph } from '../../../src/control/path-graph';
import { parseAddress } from '../../../src/net/address';
import type { RoutesAnswer, StoryAnswer } from '../../../src/web/answers';
import type { PageView } from '../../../src/web/page-view';
import { startWeb, type WebOptions, type WebServer } from '../../../src/web/server';
import { fakeBackend, ROUTES, rowOf, STATUS } from '../control/backend';
import { STORY, TRACE, WHY } from '../control/explained';
import { until } from '../../bed/until';

const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-web-'));
const SOCKET = join(directory, 'control.sock');
const OPTIONS: WebOptions = {
  ...{ socket: SOCKET, listen: { host: '127.0.0.1', port: 0 }, remote: false, intervalMs: 20 },
};
const WEB = join(__dirname, '../../../../web');
let control: ControlServer;
let web: WebServer;
/** How often the daemon was asked for its status. */
let looks = 0;

const asked = fakeBackend();
let refusesWhy = false;
const backend = (): Parameters<typeof startControlServer>[1] => ({
  ...asked,
  why: (query) => (refusesWhy ? Promise.reject(new Error('no')) : asked.why(query)),
  status: () => {
    looks++;
    return Promise.resolve(STATUS);
  },
  routes: async function* (filter) {
    if (filter.protocol !== 'many') return yield* fakeBackend().routes(filter);
    for (let i = 0; i < 10; i++)
      yield await Promise.resolve(Array<ReturnType<typeof rowOf>>(100).fill(rowOf(ROUTES[0]!)));
  },
});

beforeAll(async () => {
  control = await startControlServer(SOCKET, backend(), nullLogger);
  web = await startWeb(OPTIONS);
});
afterAll(async () => {
  await web.close();
  await control.close();
  rmSync(directory, { recursive: true });
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks for a path just as it is written; `fetch` would tidy it up and set its own Host. */
function get(path: string, { method = 'GET', headers = {}, to = web.url } = {}): Promise<Reply> {
  const { hostname, port } = new URL(to);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, method, headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode!, headers: response.headers, body }), reject);
    })
      .on('error', reject)
      .end();
  });
}

const base = (): string => new URL(web.url).pathname;

test('the page and its files, each with its type and the headers that keep others out', async () => {
  const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
  const names = readdirSync(WEB).filter((name) => name !== 'tsconfig.json');
  for (const name of names) {
    const { status, headers, body } = await get(`${base()}${name === 'index.html' ? '' : name}`);
    expect([name, status]).toEqual([name, 200]);
    expect(body).toBe(readFileSync(join(WEB, name), 'utf8'));
    expect(headers['content-type']).toContain(types[name.split('.')[1] as keyof typeof types]);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
    );
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  }
});

test('the page asks for nothing from elsewhere, and has nothing that its own policy refuses', () => {
  const html = readFileSync(join(WEB, 'index.html'), 'utf8');
  const asked = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path!);
  expect(asked.sort()).toEqual(['icon.svg', 'page.js', 'style.css']);
  expect(html).not.toMatch(/<style|style=|<script>|\son\w+=/);
  for (const name of readdirSync(WEB)) {
    const content = readFileSync(join(WEB, name), 'utf8').replaceAll('http://www.w3.org/2000/svg', '');
    expect([name, /https?:|\/\/[a-z]+\.|innerHTML|eval\(/.exec(content)?.[0]]).toEqual([name, undefined]);
  }
});

test('nothing without the key, and nothing beside what there is', async () => {
  const key = base().slice(1, -1);
  expect(key).toMatch(/^[\w-]{22}$/);
  for (const path of ['/', '', '/page.js', `/${key.slice(1)}/`, `/${key}x/`, `/${'x'.repeat(22)}/`, `/${key}`]) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
  for (const name of [
    '../package.json',
    '%2e%2e/package.json',
    'tsconfig.json',
    'sub/page.js',
    'audit',
    'status',
    'monitor',
  ]) {
    expect([name, (await get(`${base()}${name}`)).status]).toEqual([name, 404]);
  }
  const other = await startWeb(OPTIONS);
  expect(other.url.endsWith(base())).toBe(false);
  await other.close();
});

test('GET only, without a body, by an address of this machine, and for no page of another site', async () => {
  for (const method of ['POST', 'HEAD', 'PUT', 'DELETE']) {
    const { status, headers } = await get(base(), { method, headers: { 'content-length': '0' } });
    expect([status, headers.allow]).toEqual([405, 'GET']);
  }
  expect((await get(base(), { method: 'POST', headers: { 'content-length': '5' } })).status).toBe(413);
  expect((await get(base(), { headers: { host: 'evil.example' } })).status).toBe(403);
  expect((await get(base(), { headers: { host: 'localhost:1' } })).status).toBe(200);
  expect((await get(base(), { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  const remote = await startWeb({ ...OPTIONS, remote: true });
  const from = { to: remote.url, headers: { host: '192.0.2.1:80' } };
  expect((await get(new URL(remote.url).pathname, from)).status).toBe(200);
  await remote.close();
});

describe('routes', () => {
  const routes = async (query: string): Promise<RoutesAnswer> =>
    JSON.parse((await get(`${base()}routes?${query}`)).body) as RoutesAnswer;

  test('by state, as show routes has them', async () => {
    const { columns, rows, more } = await routes('state=failed');
    expect(columns.map(({ title }) => title).slice(0, 4)).toEqual(['Prefix', 'Table', 'Proto', 'State']);
    expect(rows.map(({ lines }) => lines.map((cells) => cells[0]))).toEqual([['10.0.255.1/32', '']]);
    expect(rows[0]!.why).toEqual({ where: '10.0.255.1/32', table: '254' });
    expect(more).toBe(false);
  });

  test('no more than can be looked at, whatever is asked for', async () => {
    for (const query of ['protocol=many', 'protocol=many&limit=4000000']) {
      const { rows, more } = await routes(query);
      expect([rows.length, more]).toEqual([200, true]);
    }
  });

  test('what the daemon refuses is refused, in its words', async () => {
    const { status, body } = await get(`${base()}routes?state=up`);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toEqual({ error: expect.stringContaining('state: got "up"') as string });
  });
});

describe('stories', () => {
  const story = async (path: string): Promise<StoryAnswer> =>
    JSON.parse((await get(`${base()}${path}`)).body) as StoryAnswer;

  test('why: the text of the command line, and the nodes of the entry that decides', async () => {
    const { text: told, picture } = await story('why?where=10.40.0.0/16');
    expect(told).toBe(whyText(WHY));
    expect(picture).toBe(graphSvg(chainGraph(STORY.chain).graph, { down: true }));
    expect(picture).toContain('receive 1028');
  });

  test('trace: the text, and the way of the packet among those of its route', async () => {
    asked.queries.length = 0;
    const { text: told, picture } = await story('trace?src=10.1.0.2&dst=10.9.1.1&ttl=3');
    expect(told).toBe(traceText(TRACE));
    expect(asked.queries).toEqual([
      expect.objectContaining({ ttl: 3, destinationPort: 33_434 }),
      { table: 254, address: parseAddress('10.9.1.1') },
    ]);
    expect(picture).toContain('outputPort 513');
    expect(picture).toContain('receive 1028');
  });

  test('what can be traced but has no story is drawn by itself', async () => {
    refusesWhy = true;
    const { picture } = await story('trace?src=10.1.0.2&dst=10.9.1.1');
    refusesWhy = false;
    expect(picture).toContain('outputPort 513');
    expect(picture).not.toContain('receive 1028');
  });

  test('a packet with labels: the story of the outermost', async () => {
    asked.queries.length = 0;
    await story('trace?src=10.1.0.2&dst=10.9.1.1&port=0&labels=100/200');
    expect(asked.queries[1]).toEqual({ label: 100 });
  });

  test.each([
    ['why', 400, 'where: missing'],
    ['why?where=x', 400, 'where: x is not'],
    ['trace?src=10.1.0.2', 400, 'dst: missing'],
    ['trace?src=10.1.0.2&dst=10.9.1.1&ttl=77', 503, 'the AFI server at vasic:1 cannot trace packets'],
  ])('%s is refused', async (path, status, error) => {
    const answer = await get(`${base()}${path}`);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      status,
      { error: expect.stringContaining(error) as string },
    ]);
  });
});

/** The events of `live`, until `enough`. */
async function events(enough: (all: readonly string[]) => boolean): Promise<string[]> {
  const response = await fetch(`${web.url}live`);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const found: string[] = [];
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split('\n\n');
    rest = parts.pop()!;
    found.push(...parts);
    if (enough(found)) break;
  }
  return found;
}

describe('live', () => {
  test('samples: what top shows', async () => {
    const [first, second] = await events((all) => all.length >= 2);
    const view = (event: string): PageView => {
      const [name, data] = event.split('\n');
      expect(name).toBe('event: sample');
      return JSON.parse(data!.replace(/^data: /, '')) as PageView;
    };
    expect(view(first!).when).toBe('2026-01-02T12:00:00Z');
    expect(view(second!).when).toMatch(/^2026-01-02T12:00:00Z, \d+\.\d s$/);
    expect(view(second!)).toMatchObject({
      daemon: 'fpm2afi 0.1.0, pid 4711, up 1d02h03m',
      problems: STATUS.problems,
      states: [
        { state: 'offloaded', count: 3 },
        { state: 'trapped', count: 2 },
        { state: 'failed', count: 1 },
        { state: 'unresolved', count: 1 },
        { state: 'pending', count: 1 },
      ],
      traffic: [0, null],
    });
    expect(view(second!).ports.rows.map(({ cells }) => cells.slice(0, 4))).toEqual([
      ['0', 'tap0', 'up', '0'],
      ['1', 'tap1', 'no TAP', '-'],
    ]);
  });

  test('several pages share one reading, and nothing is read while nobody looks', async () => {
    looks = 0;
    const many = await Promise.all(Array.from({ length: 5 }, () => events((all) => all.length >= 3)));
    expect(looks).toBeLessThan(many.flat().length / 2);
    let before = -1;
    // The last ones may be on their way.
    while (before !== looks) {
      before = looks;
      await new Promise((resolve) => setTimeout(resolve, 5 * OPTIONS.intervalMs));
    }
  });

  test('a daemon that goes is told of, and comes back by itself', async () => {
    const seen = events(
      (all) => all.at(-1)!.startsWith('event: sample') && all.some((one) => one.startsWith('event: absent')),
    );
    await until(() => looks > 0);
    await control.close();
    const [absent] = await events((all) => all.some((one) => one.startsWith('event: absent')));
    expect((await get(`${base()}routes`)).status).toBe(503);
    control = await startControlServer(SOCKET, backend(), nullLogger);
    const all = await seen;
    expect([absent, ...all].join('\n')).toContain("isn't running: nothing answers on");
  });
});
