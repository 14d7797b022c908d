/**
 * `softvasic aft` at softvasic itself: the example builds a router by hand, and hosts reach each other by it; and beside a live fpm2afi,
 * which has the sandbox, loses it to `--take-over`, and has it again afterwards.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecResult } from '../../lab/exec';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import { VASIC_MGMT } from '../../lab/plan';
import { AFI_PORT, type Bridge } from '../../lab/programs';
import { buildRouter, startPrograms } from '../../lab/router';
import { waitFor } from '../../lab/wait';
import { startVasic } from '../../src/vasic/index';

const ID = labId('shell');
const run = promisify(execFile);
/** The lines of a graph, without what is counted. */
const graphOf = (text: string): string[] => {
  const lines = text.split('\n').map((line) => line.replace(/ *#.*/, ''));
  return lines.filter((line) => line !== '').sort();
};
const SOFTVASIC = [process.execPath, join(process.cwd(), 'bin/softvasic.js')];
jest.setTimeout(180_000);

test('the example: a router by hand, whose hosts reach each other', async () => {
  const script = join(process.cwd(), 'examples/aft/router.sh');
  const env = { ...process.env, SOFTVASIC: SOFTVASIC.join(' ') };
  const { stdout } = await run('sh', [script], { env });
  expect(stdout).toContain('leaves by port 1 (ge1), from 02:00:00:00:0b:01 to 02:00:00:00:0b:02, with TTL 63');
  expect(stdout).toContain('3 packets transmitted, 3 received');
  expect(stdout).toContain('10.72.0.2 > 10.71.0.2, icmp echo, TTL 64, 28 bytes: in by port 1 (ge1)');
  // Three answers and the packet that was sent by hand.
  expect(stdout).toMatch(/^node 2010 encap name=hostA .* next=out:ge0 {2}# 4 packets, /m);
  expect(stdout).toContain('entry 2040 0x0800 -> 2030\n');
});

describe('beside fpm2afi', () => {
  let lab: Lab;
  let router: LabNode;
  let bridge: Bridge;

  beforeAll(async () => {
    lab = await openLab(ID);
    const nodes = await buildRouter(lab, false);
    ({ router } = nodes);
    await nodes.vasic.must(['ip', 'link', 'add', 'p0', 'type', 'veth', 'peer', 'name', 'far0']);
    for (const end of ['p0', 'far0']) await nodes.vasic.must(['ip', 'link', 'set', end, 'up']);
    ({ bridge } = await startPrograms(nodes, { ports: [0], refuse: [], flags: [], settings: [], neighbors: [] }));
    await ready();
  });

  afterAll(async () => {
    await lab.close();
    await stopLab(ID);
  });

  const ready = (): Promise<unknown> =>
    waitFor(async () => (await bridge.status()).afi.state === 'up', {
      timeoutMs: 60_000,
      what: 'fpm2afi having the sandbox',
    });
  const aft = (...words: string[]): Promise<ExecResult> =>
    router.exec([...SOFTVASIC, 'aft', '--server', `${VASIC_MGMT}:${AFI_PORT}`, ...words]);

  test('its graph is shown, and makes the same graph in another vASIC', async () => {
    const { status, stdout } = await aft('show', '--entries');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^# sandbox trio:green at .*; last opened by .*\(pid \d+, from /);
    expect(stdout).toMatch(/^node 1088 tree name=routeTable .*rt\.ttlExpired=/m);
    expect(stdout).toMatch(/^entry 1089 packet\.ether\.type=0x0800 -> 1088$/m);
    expect(stdout).toMatch(/^bind p0 -> /m);
    expect((await aft('test', '0', 'dst=203.0.113.1')).stdout).toContain('goes to the host');
    const file = join(router.dir, 'graph.aft');
    writeFileSync(file, stdout);
    const copy = await startVasic({ ports: [{ name: 'p0', mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }] });
    try {
      const there = (...words: string[]): Promise<{ stdout: string }> =>
        run(SOFTVASIC[0]!, [SOFTVASIC[1]!, 'aft', '--server', `127.0.0.1:${copy.port}`, ...words], {
          encoding: 'utf8',
        });
      await there('run', file);
      expect(graphOf((await there('show', '--entries')).stdout)).toEqual(graphOf(stdout));
    } finally {
      copy.close();
    }
  });

  test('read-only, with the remedy; taken over, it is fpm2afi that waits, and has it again', async () => {
    const refused = await aft('insert', 'node 9000 discard');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^softvasic aft: read-only: sandbox trio:green is held by .*\(pid \d+, .*\): stop that one, .* \(--take-over\)\n$/,
    );
    expect((await aft('show', '--token', '9000')).stderr).toContain('there is no node 9000');
    expect(await aft('insert', '--take-over', 'node 9000 discard name=mine')).toMatchObject({
      ...{ status: 0, stdout: 'inserted 1 node\n', stderr: '' },
    });
    await ready();
    await waitFor(async () => (await aft('insert', 'node 9001 discard')).stderr.includes('read-only'), {
      timeoutMs: 60_000,
      what: 'the sandbox being held by fpm2afi again',
    });
  });
});
