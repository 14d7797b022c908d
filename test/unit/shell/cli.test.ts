/** `softvasic aft` as it is called, at a real AFI server in this process: what it prints, its exit codes, and who else has the sandbox. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { AfiVisitor } from '../../../src/afi/visitor';
import { nullLogger } from '../../../src/observe/log';
import { main } from '../../../src/shell/cli';
import { startAfiServer, type AfiServer } from '../../../src/vasic/server/server';
import { createInProcessDataplane, type InProcessDataplane } from '../vasic/inprocess-dataplane';

let dataplane: InProcessDataplane;
let server: AfiServer;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aft-'));
  dataplane = createInProcessDataplane(2);
  server = await startAfiServer({ host: '127.0.0.1', port: 0 }, dataplane, nullLogger);
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `softvasic aft …`; `typed`: at a terminal, the lines that somebody types; `piped`: what stdin is otherwise. */
async function aft(
  words: readonly string[],
  { typed, piped = '' }: { readonly typed?: string; readonly piped?: string } = {},
): Promise<Ran> {
  const texts = { out: '', err: '' };
  const into = (name: 'out' | 'err'): PassThrough => {
    const stream = new PassThrough();
    stream.on('data', (text: Buffer) => (texts[name] += text.toString()));
    return stream;
  };
  const stdin = Object.assign(Readable.from([typed ?? piped]), { isTTY: typed !== undefined });
  const argv = ['aft', '--server', `127.0.0.1:${server.port}`, ...words];
  const code = await main(argv, { stdin, stdout: into('out'), stderr: into('err') });
  // What was written last is still on its way through the streams.
  await new Promise((resolve) => setImmediate(resolve));
  return { code, ...texts };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Routes of port ge0: 10.0.0.0/8 leaves by ge1, everything else is dropped. */
const GRAPH = `
node 2000 discard name=drop
node 2001 encap name=peer template=ethernet packet.ether.saddr=02:00:00:00:00:01 \\
  packet.ether.daddr=02:00:00:00:00:99 next=out:ge1
node 2002 indirect name=uplink target=peer
insert node 1030 tree name=routes defaultNext=drop rt.ttlExpired=punt \\
  entry routes 10.0.0.0/8 -> uplink  bind ge0 -> routes
`;

test('a graph by a script, a packet tried, sent, and what came of it', async () => {
  const script = file('lab.aft', GRAPH);
  expect(await aft(['run', script])).toEqual({
    code: 0,
    err: '',
    out: 'inserted 1 node\ninserted 1 node\ninserted 1 node\ninserted 1 node, 1 entry, 1 binding\n',
  });
  const tried = await aft(['test', 'ge0', 'dst=10.1.2.3', 'ttl=9']);
  expect(tried.out).toBe(`192.0.2.1 > 10.1.2.3, udp 50000 > 33434, TTL 9, 28 bytes, in by port 0 (ge0)

     1  inputPort           ge0
  1030  tree        routes  10.0.0.0/8
  2002  indirect    uplink
  2001  encap       peer    from 02:00:00:00:00:01 to 02:00:00:00:00:99
   513  outputPort          ge1

leaves by port 1 (ge1), from 02:00:00:00:00:01 to 02:00:00:00:00:99, with TTL 8
`);
  expect(dataplane.ports[1]!.sent).toEqual([]);
  expect(await aft(['inject', 'in', '0', 'dst=10.1.2.3', 'ttl=9'])).toMatchObject({
    code: 0,
    out: '192.0.2.1 > 10.1.2.3, udp 50000 > 33434, TTL 9, 28 bytes: in by port 0 (ge0)\n',
  });
  const [sent] = dataplane.ports[1]!.sent;
  expect(sent!.frame.subarray(0, 14).toString('hex')).toBe('0200000000990200000000010800');
  expect(await aft(['inject', 'out', 'ge0', 'hex=02:00:00:00:00:01-020000000002.0800.45'])).toMatchObject({ code: 0 });
  expect(dataplane.ports[0]!.sent[0]!.frame.toString('hex')).toBe('020000000001020000000002080045');
  expect((await aft(['show'])).out).toBe(`# sandbox trio:green at 127.0.0.1:${server.port}: 4 nodes, 1 entry
# port 0 ge0: 02:00:00:00:00:00; 1 packet in, 1 out
# port 1 ge1: 02:00:00:00:00:01; 0 packets in, 1 out
node 2000 discard name=drop  # 0 packets, 0 bytes
node 1030 tree name=routes defaultNext=2000 rt.ttlExpired=punt  # 1 entry
node 2001 encap name=peer template=ethernet packet.ether.saddr=02:00:00:00:00:01 packet.ether.daddr=02:00:00:00:00:99 next=out:ge1  # 1 packet, 42 bytes
node 2002 indirect name=uplink target=2001
bind ge0 -> 1030
# bind ge1: to nothing
`);
});

test('what is shown can be run again: on an empty vASIC it makes the same graph', async () => {
  await aft(['run', file('lab.aft', GRAPH)]);
  await aft([
    'insert',
    'node 1500 list name="two words" tokens=2000,uplink',
    'node 1499 table fields=packet.mpls.label size=9 defaultNext=1500',
    'entry 1499 5 -> 1500',
  ]);
  const { out: first } = await aft(['show', '--entries']);
  expect(first).toContain('node 1500 list name="two words" tokens=2000,2002');
  server.close();
  dataplane = createInProcessDataplane(2);
  server = await startAfiServer({ host: '127.0.0.1', port: 0 }, dataplane, nullLogger);
  expect(await aft([], { piped: first })).toMatchObject({ code: 0, err: '' });
  const { out: second } = await aft(['show', '--entries']);
  const withoutPlace = (text: string): string => text.replace(/^# sandbox .*/, '');
  expect(withoutPlace(second)).toBe(withoutPlace(first));
});

test('ethertypes are shown as everybody writes them', async () => {
  await aft([], {
    piped:
      'insert node 2000 switch field=packet.ether.type entry 2000 2048 -> discard entry 2000 packet.ether.type=0x86dd -> punt\n',
  });
  const { out } = await aft(['show', '--token', '2000', '--entries']);
  expect(out).toBe(
    'node 2000 switch field=packet.ether.type  # 2 entries; nothing leads here\n' +
      'entry 2000 0x0800 -> discard\nentry 2000 packet.ether.type=0x86dd -> punt\n',
  );
});

test('show: by token, name and kind; as JSON', async () => {
  await aft(['run', file('lab.aft', GRAPH)]);
  expect((await aft(['show', '--type', 'indirect', '--type=indirect'])).code).toBe(2);
  expect((await aft(['show', '--type=indirect'])).out).toBe('node 2002 indirect name=uplink target=2001\n');
  expect((await aft(['show', '--type', 'inputPort'])).out).toBe('bind ge0 -> 1030\n# bind ge1: to nothing\n');
  expect((await aft(['show', '--type', 'policer'])).out).toBe('# no such nodes\n');
  expect((await aft(['show', '--token', 'routes', '--token', '2000', '--entries'])).out).toBe(
    'node 2000 discard name=drop  # 0 packets, 0 bytes\n' +
      'node 1030 tree name=routes defaultNext=2000 rt.ttlExpired=punt  # 1 entry\n' +
      'entry 1030 10.0.0.0/8 -> 2002\n',
  );
  expect(await aft(['show', '--token', '77'])).toMatchObject({ code: 1, err: 'softvasic aft: there is no node 77\n' });
  expect(JSON.parse((await aft(['show', '--json', '--entries', '--token', 'routes'])).out)).toMatchObject({
    sandbox: { engine: 'trio', name: 'green', nodes: 4, entries: 1 },
    ports: [
      { index: 0, name: 'ge0', mac: '02:00:00:00:00:00', in: { token: 1, packets: 0 }, out: { token: 512 } },
      { index: 1 },
    ],
    nodes: [
      {
        ...{ token: 1030, type: 'tree', name: 'routes', fields: ['packet.lookupkey'], entries: 1, references: 1 },
        params: { 'rt.ttlExpired': { kind: 'int', value: 514 } },
      },
    ],
    entries: [{ parent: 1030, key: { field: 'packet.ip4.daddr', kind: 'prefix', value: '10.0.0.0/8' }, next: 2002 }],
  });
  const all = JSON.parse((await aft(['show', '--json'])).out) as {
    ports: unknown[];
    nodes: unknown[];
    entries: unknown[];
  };
  expect([all.ports, all.nodes.length, all.entries]).toMatchObject([[{ boundTo: 1030 }, { boundTo: null }], 4, []]);
});

test('remove: nodes by token and name, and entries; all or nothing', async () => {
  await aft(['run', file('lab.aft', GRAPH)]);
  const used = await aft(['remove', 'uplink', 'drop']);
  expect(used).toMatchObject({ code: 1, out: '' });
  expect(used.err).toMatch(/^softvasic aft: refused, nothing is changed: .*2002.*\(inUse\)\n$/);
  await aft(['insert', 'bind ge0 -> discard']);
  const removed = await aft(['remove', 'entry routes 10.0.0.0/8', 'routes 2002 peer drop']);
  expect(removed).toEqual({ code: 0, err: '', out: 'removed 4 nodes, 1 entry\n' });
  expect((await aft(['show'])).out).not.toMatch(/^node/m);
});

test('nothing allocated: said, and nothing is made by looking', async () => {
  const { port } = server;
  const where = `sandbox trio:green at 127.0.0.1:${port}`;
  expect(await aft(['show'])).toEqual({
    code: 0,
    err: '',
    out: `# ${where}: not allocated, so there is nothing in it; fpm2afi or the first insert allocates it\n`,
  });
  expect(JSON.parse((await aft(['show', '--json'])).out)).toEqual({ sandbox: null, ports: [], nodes: [], entries: [] });
  for (const words of [
    ['test', 'ge0', 'dst=10.0.0.1'],
    ['remove', '5'],
    ['show', '--token', '5'],
  ]) {
    expect(await aft(words)).toMatchObject({ code: 1, err: expect.stringContaining('is not allocated') as string });
  }
  expect(dataplane.host.sandbox).toBeUndefined();
});

test('a script stops at its first error, by file and line; or goes on, and has the code of the first', async () => {
  const script = file(
    'bad.aft',
    'node 2000 discard # fine\n\nnode 2001 \\\n  indirect target=gone\nnode 2002 discrad\nnode 2003 discard\n',
  );
  const stopped = await aft(['run', script]);
  expect(stopped).toEqual({
    code: 1,
    out: 'inserted 1 node\n',
    err: `${script}:3: there is no node named gone; show lists those that there are\n`,
  });
  const through = await aft(['run', '--keep-going', script]);
  expect(through).toEqual({
    code: 1,
    out: 'inserted 1 node\ninserted 1 node\n',
    err: [
      `${script}:3: there is no node named gone; show lists those that there are`,
      `${script}:5: there is no node kind discrad; did you mean discard?`,
      `${script}: 2 lines failed\n`,
    ].join('\n'),
  });
  const wrong = await aft(['run', file('usage.aft', 'nonsense\n')]);
  expect(wrong).toMatchObject({
    code: 2,
    err: expect.stringMatching(/usage\.aft:1: there is no command nonsense/) as string,
  });
  const recursive = file('self.aft', '');
  writeFileSync(recursive, `run ${recursive}\n`);
  expect(await aft(['run', recursive])).toMatchObject({
    code: 2,
    err: `${recursive}:1: run: ${recursive} runs itself\n`,
  });
  const outer = file('outer.aft', `run ${script}\nnode 2009 discard\n`);
  const nested = await aft(['run', outer]);
  expect(nested.err).toBe(`${script}:3: there is no node named gone; show lists those that there are\n`);
  expect(nested.code).toBe(1);
  const missing = await aft(['run', join(folder, 'missing.aft')]);
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('ENOENT: no such file') as string });
  expect((await aft(['run', '-'], { piped: 'show --type list\nexit\nnonsense\n' })).out).toBe('# no such nodes\n');
});

test('while somebody has the sandbox it only reads; --take-over takes it, for as long as it runs', async () => {
  const settings = { engine: 'trio', sandbox: 'green', timeoutMs: 60_000, takeOver: 'never' } as const;
  const bridge = new AfiVisitor({ ...settings, server: { host: '127.0.0.1', port: server.port }, name: 'the bridge' });
  try {
    await bridge.apply({ kind: 'insert', insert: { nodes: [{ token: 2000, type: 'discard' }], entries: [] } });
    const shown = await aft(['show']);
    expect(shown.out).toMatch(/1 node, 0 entries; last opened by the bridge \(pid \d+, from 127/);
    expect((await aft(['test', 'ge0', 'dst=10.0.0.1'])).out).toContain('is dropped: unbound');
    for (const words of [
      ['insert', 'node 2001 discard'],
      ['remove', '2000'],
      ['inject', 'out', 'ge0', 'dst=10.0.0.1'],
    ]) {
      const refused = await aft(words);
      expect(refused).toMatchObject({ code: 1, out: '' });
      expect(refused.err).toMatch(
        /^softvasic aft: read-only: sandbox trio:green is held by the bridge \(pid .*\(--take-over\)\n$/,
      );
    }
    expect(dataplane.ports[0]!.sent).toEqual([]);
    expect(await aft(['insert', '--take-over', 'node 2001 discard'])).toMatchObject({
      code: 0,
      out: 'inserted 1 node\n',
    });
    // It has left the sandbox closed: whoever comes next has it at once.
    await bridge
      .apply({ kind: 'remove', remove: { entries: [], tokens: [2001] } })
      .catch(() => bridge.apply({ kind: 'remove', remove: { entries: [], tokens: [2001] } }));
  } finally {
    await bridge.close();
  }
});

test('at a terminal: lines one after another, errors told, help, and the end', async () => {
  const typed =
    'node 2000 discard \\\n  name=drop\nnode 2001 x\nhelp indirect\nhelp nonsense\n\nshow --token drop\nexit\nnode 2002 discard\n';
  const { code, out, err } = await aft([], { typed });
  expect(code).toBe(0);
  expect(err).toMatch(/^there is no node kind x; there are discard, .*\n$/);
  expect(out).toContain(`sandbox trio:green at 127.0.0.1:${server.port}: not allocated yet`);
  for (const text of [
    'inserted 1 node\n',
    'node TOKEN indirect target=NODE [name=TEXT] [next=NODE] [PARAMETER=VALUE …]',
    'there is no command nonsense; there are show, insert,',
    'node 2000 discard name=drop  # 0 packets, 0 bytes; nothing leads here\n',
  ])
    expect(out).toContain(text);
  expect(dataplane.host.sandbox!.info().nodes).toBe(1);
});

test.each([
  [['shwo'], 2, 'there is no command shwo, did you mean show?'],
  [['show', 'routes'], 2, 'show: routes is no flag; a node is named with --token'],
  [['show', '--typ', 'tree'], 2, 'show: there is no --typ, did you mean --type?'],
  [['insert'], 2, 'insert: what? node …, entry … or bind …'],
  [['insert', 'node 2000 discard', '--force'], 2, 'insert: there is no --force'],
  [['insert', 'bind ge7 -> discard'], 2, 'there is no port ge7: there are 0 (ge0), 1 (ge1)'],
  [['entry', '1030', '10.0.0.0/8', '-'], 2, 'a shell takes > for itself'],
  [['test'], 2, 'test: PORT and a packet are missing: test ge0 dst=10.1.2.3'],
  [['inject', 'ge0', 'dst=10.0.0.1'], 2, 'inject: in PORT or out PORT, and a packet'],
  [['inject', 'in', 'ge0'], 2, 'inject: which packet? dst=ADDRESS or hex=…'],
  [['inject', 'in', 'ge0', 'hex=020'], 2, 'inject: hex: 020 is not pairs of hexadecimal digits'],
  [['inject', 'in', 'ge0', 'hex=0200', 'ttl=1'], 2, 'hex= is the whole frame'],
  [['inject', 'in', 'ge0', 'hex=0200'], 1, 'a frame of 2 bytes: from 14 to 65527 are possible'],
  [['inject', 'in', 'ge0', 'dst=10.0.0.1', 'dst=10.0.0.1'], 2, 'inject: dst is given twice'],
  [['inject', 'in', 'ge0', 'dst=10.0.0.1', 'ttl=300'], 2, 'inject: ttl: 300 is not a whole number from 0 to 255'],
  [['inject', 'in', 'ge0', 'dst=10.0.0.1', 'dmac=1'], 2, 'inject: dmac: 1 is not a hardware address'],
  [['inject', 'in', 'ge0', 'to=10.0.0.1'], 2, 'to=10.0.0.1: a packet is described by src= dst= proto='],
  [['run'], 2, 'Not enough non-option arguments'],
  [['show', '--sandbox', 'green'], 2, '--sandbox green: must be ENGINE:NAME'],
  [['show', '--sandbox', 'trio:red'], 1, 'no sandbox trio:red here; this vASIC has trio:green'],
  [['show', '--server', 'x:1'], 2, '--server is given twice'],
  [['show', '--tls-key', '/k'], 2, 'TLS needs --tls-ca'],
  [['show', '--tls-ca', '/nonexistent/ca.pem'], 1, '--tls-ca /nonexistent/ca.pem'],
])('%j ends with %d: %s', async (words, code, message) => {
  const ran = await aft(words);
  expect(ran.err).toContain(message);
  expect(ran).toMatchObject({ code, out: '' });
});

test('a server that is not there is said with the flag of this program', async () => {
  const { port } = server;
  server.close();
  const { code, err } = await aft(['show']);
  expect(code).toBe(1);
  expect(err).toContain(
    `cannot ask the AFI server 127.0.0.1:${port}: connection refused: is the AFI server running there?`,
  );
  expect(err).toContain('start the vASIC, or correct --server');
});
