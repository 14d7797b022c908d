/** `why` and `trace`: their text, their queries, the control API and the compiled command. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requestObject } from '../../../src/control/client';
import { traceText, whyText } from '../../../src/control/explain';
import { parseTrace, parseWhy } from '../../../src/control/explain-query';
import { RequestError } from '../../../src/control/filter';
import { startControlServer, type ControlServer } from '../../../src/control/server';
import { parseAddress } from '../../../src/net/address';
import { nullLogger } from '../../../src/observe/log';
import { fakeBackend } from './backend';
import { STORY, TRACE, WHY } from './explained';

/** A copy without some of its properties. */
function without<T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Omit<T, K> {
  const copy = { ...value };
  for (const key of keys) Reflect.deleteProperty(copy, key);
  return copy;
}

const WHY_TEXT = `\
10.40.0.0/16: unresolved

zebra       static, table 254, metric 0, unicast, nexthop id 17
            received 2026-01-02T11:59:00.000Z (00:01:00 ago)
nexthop     id 17, received 2026-01-02T11:59:00.000Z (00:01:00 ago), acknowledged 2026-01-02T11:59:59.900Z (just now)
              via 10.1.1.99, tap1 (port 1): unresolved
                neighbor failed (kernel), kernel asked 4 times, asks again in 8 s
vASIC       entry acknowledged 2026-01-02T11:59:00.012Z (00:00:59 ago)
            1152 match: frames for port 0 (and the same for other ports: 1153 1154)
              1088 tree: the route tree
                8200 indirect: nexthop id 17
                  1028 receive: to the host: Unresolved
zebra told  trapped, 2026-01-02T11:59:04.000Z (00:00:56 ago)
covered by  0.0.0.0/0 static, offloaded, entry for 8201
packets     the vASIC hands them to the host by the entry 10.40.0.0/16: no usable neighbor yet
stops at    neighbor: no ARP answer from 10.1.1.99 on tap1, asked 4 times
remedy      is 10.1.1.99 up?
`;

const TRACE_TEXT = `\
10.1.0.2 > 10.9.1.1, udp 50000 > 33434, TTL 64, 28 bytes, in by port 0 (tap0)

     1  inputPort                   p0
  1088  tree        the route tree  10.9.1.1/32
   513  outputPort                  p1

leaves by port 1 (tap1), from 32:26:0a:2e:aa:f1 to 32:26:0a:2e:cc:f1, with TTL 63
`;

describe('text', () => {
  test('the story of a route', () => {
    expect(whyText(WHY)).toBe(WHY_TEXT);
  });

  test('an address, a refused route and the one that decides instead', () => {
    const [, byDefault] = WHY.routes;
    const refused = { ...STORY, programmed: false, chain: [], route: { ...STORY.route, state: 'failed' as const } };
    const lines = whyText({ ...WHY, query: '10.40.1.2', routes: [refused, byDefault!], decides: '0.0.0.0/0' }).split(
      '\n',
    );
    expect(lines[0]).toBe('10.40.1.2 matches 10.40.0.0/16: failed');
    expect(lines).toContain('vASIC       no entry');
    expect(lines).toContain('covered by  0.0.0.0/0 static, offloaded, entry for 8201 ← decides in the vASIC');
  });

  test('no such route: only what covers it; nothing at all', () => {
    const text = whyText({ ...WHY, query: '10.40.7.0/24' });
    expect(text).toMatch(/^10\.40\.7\.0\/24: no route\n\ncovered by {2}10\.40\.0\.0\/16 static/);
    const nothing = { ...WHY, query: '192.0.2.1', routes: [] };
    expect(whyText(without(nothing, 'decides'))).toMatch(/^192\.0\.2\.1: no route\n\npackets /);
  });

  test('legs that are not used, inline nexthops, routes not from zebra', () => {
    expect(whyText({ ...WHY, notes: ['the leg via 10.1.1.9, tap1 is not used'] })).toContain(
      '\nnote        the leg via 10.1.1.9, tap1 is not used\n',
    );
    const inline = without(STORY.route, 'nexthopId', 'reported');
    expect(whyText({ ...WHY, routes: [{ ...STORY, route: inline }] })).toMatch(
      /inline nexthops\n[^]*\nzebra told {2}nothing yet\n/,
    );
    const local = { ...STORY, route: { ...inline, origin: 'local' as const } };
    expect(whyText({ ...WHY, routes: [local] })).toContain('\norigin      address of the router itself\n');
  });

  test('the way of a packet, and its other ends', () => {
    expect(traceText(TRACE)).toBe(TRACE_TEXT);
    const punt = { kind: 'punt', reason: 2, reasonName: 'Glean', frame: '' } as const;
    expect(traceText({ ...TRACE, outcome: punt })).toMatch(/\ngoes to the host: Glean\n$/);
    expect(traceText({ ...TRACE, outcome: { kind: 'discard', reason: 'policed' } })).toMatch(
      /\nis dropped: policed\n$/,
    );
    expect(traceText({ ...TRACE, engine: { name: 'kernel' } })).toMatch(/\nthe kernel forwards it\n$/);
    expect(traceText({ ...TRACE, engine: { name: 'kernel', reason: 'earlierTables' } })).toMatch(
      /\nthe kernel decides on it by the tables of the softvasic before, until these are complete \(earlierTables\)\n$/,
    );
    expect(traceText({ ...TRACE, engine: { name: 'engine', reason: 'ttl' } })).toMatch(
      /\nthe TypeScript engine takes it: the kernel leaves it \(ttl\)\n$/,
    );
  });
});

const query = (text: string): URLSearchParams => new URLSearchParams(text);

describe('queries', () => {
  test('prefixes, addresses, packets', () => {
    expect(parseWhy(query('where=10.0.0.0/8'))).toMatchObject({ prefix: { length: 8 } });
    expect(parseWhy(query('where=2001:db8::1'))).toEqual({ address: parseAddress('2001:db8::1') });
    expect(parseWhy(query('where=1048575'))).toEqual({ label: 0xfffff });
    expect(() => parseWhy(query('where=1048576'))).toThrow('where: 1048576 is not a whole number from 0 to 1048575');
    expect(() => parseWhy(query('where=16&vrf=red'))).toThrow('where: labels are the same for all tables');
    const [source, destination] = [parseAddress('10.0.0.1')!, parseAddress('10.0.0.2')!];
    const packet = { source, destination, protocol: 'udp', sourcePort: 50_000, destinationPort: 33_434 };
    expect(parseTrace(query('src=10.0.0.1&dst=10.0.0.2'))).toEqual({ ...packet, ttl: 64, flowLabel: 0, size: 0 });
    const all =
      'src=10.0.0.1&dst=10.0.0.2&port=0&proto=tcp&sport=1&dport=2&ttl=3&flowlabel=4&size=5&labels=100/1048575';
    expect(parseTrace(query('src=10.0.0.1&dst=10.0.0.2&port=tap0')).port).toBe('tap0');
    expect(parseTrace(query(all))).toEqual({
      ...{ source, destination, port: 0, protocol: 'tcp', sourcePort: 1, destinationPort: 2 },
      ...{ ttl: 3, flowLabel: 4, size: 5, labels: [100, 0xfffff] },
    });
  });

  test.each([
    ['', 'where: missing'],
    ['where=10.0.0.0', undefined],
    ['where=10.0.0.0/33', 'where: 10.0.0.0/33 is not a prefix'],
    ['where=x', 'where: x is not a prefix'],
    ['where=10.0.0.0&table=7', undefined],
    ['where=10.0.0.0/8&vrf=red', undefined],
    ['where=10.0.0.0&table=red', 'table: red is not a whole number from 0 to 4294967295'],
    ['where=10.0.0.0&color=7', 'color: unknown parameter, known: where, table, vrf'],
  ])('why?%s', (text, message) => {
    if (message === undefined) expect(() => parseWhy(query(text))).not.toThrow();
    else expect(() => parseWhy(query(text))).toThrow(message);
  });

  test.each([
    ['src=10.0.0.1', 'dst: missing'],
    ['src=10.0.0.1&dst=::1', 'one is IPv4 and the other IPv6'],
    ['src=10.0.0.1&dst=10.0.0.2&proto=sctp', 'proto: sctp is not one of udp, tcp, icmp'],
    ['src=10.0.0.1&dst=10.0.0.2&sport=65536', 'sport: 65536 is not a whole number from 0 to 65535'],
    ['src=10.0.0.1&dst=10.0.0.2&ttl=-1', 'ttl: -1 is not'],
    ['src=10.0.0.1&dst=10.0.0.2&port=-1', 'port: -1 is not a whole number'],
    ['src=10.0.0.1&dst=10.0.0.2&labels=1048576', 'labels: 1048576 is not labels from 0 to 1048575'],
    ['src=10.0.0.1&dst=10.0.0.2&labels=100/', 'labels: 100/ is not labels'],
    ['src=10.0.0.1&dst=10.0.0.2&x=1', 'x: unknown parameter'],
  ])('trace?%s', (text, message) => {
    expect(() => parseTrace(query(text))).toThrow(RequestError);
    expect(() => parseTrace(query(text))).toThrow(message);
  });
});

describe('over the socket', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-explain-'));
  const socket = join(directory, 'control.sock');
  const backend = fakeBackend();
  let server: ControlServer;
  beforeAll(async () => {
    server = await startControlServer(socket, backend, nullLogger);
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });

  function run(...args: readonly string[]): Promise<readonly [code: number | null, out: string, err: string]> {
    return new Promise((resolve) => {
      const main = join(__dirname, '..', '..', '..', 'src', 'main.js');
      const child = spawn(process.execPath, [main, ...args, '--socket', socket], { stdio: ['ignore', 'pipe', 'pipe'] });
      let [out, err] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
      child.on('close', (code) => resolve([code, out, err]));
    });
  }

  test('why', async () => {
    expect(await run('why', '10.40.0.0/16')).toEqual([0, WHY_TEXT, '']);
    expect(backend.queries.at(-1)).toMatchObject({ prefix: { length: 16 } });
    const [code, json] = await run('why', '10.40.0.1', '--json');
    expect([code, JSON.parse(json)]).toEqual([0, WHY]);
    expect(backend.queries.at(-1)).toEqual({ address: parseAddress('10.40.0.1') });
  });

  test('trace', async () => {
    expect(await run('trace', '10.1.0.2', '10.9.1.1', '--port', '2', '--proto', 'tcp', '--dport', '179')).toEqual([
      0,
      TRACE_TEXT,
      '',
    ]);
    expect(backend.queries.at(-1)).toMatchObject({
      port: 2,
      protocol: 'tcp',
      sourcePort: 50_000,
      destinationPort: 179,
    });
    const [code, json] = await run('trace', '::1', '::2', '--json', '--flowlabel', '9');
    expect([code, JSON.parse(json)]).toEqual([0, TRACE]);
    expect(backend.queries.at(-1)).toMatchObject({ flowLabel: 9, protocol: 'udp' });
  });

  test('a server that cannot trace is said to be one; wrong usage has its own exit code', async () => {
    const refused = await run('trace', '10.1.0.2', '10.9.1.1', '--ttl', '77');
    expect(refused).toEqual([1, '', 'the AFI server at vasic:1 cannot trace packets\n']);
    expect(await run('why', 'nonsense')).toEqual([2, '', expect.stringContaining('where: nonsense is not a prefix')]);
    expect((await run('trace', '10.1.0.2'))[0]).toBe(2);
    await expect(requestObject(socket, '/v1/why')).rejects.toThrow('where: missing');
  });
});
