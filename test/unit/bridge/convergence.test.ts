import { mkdtempSync, writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Convergence, expectedOf, NEIGHBORS_COMMAND, PEER_WAIT_MS } from '../../../src/bridge/convergence';
import { fakeLog } from './fake-log';

/** A peer as bgpd 10.7 writes it, as far as it is looked at. */
const peer = (received: Record<string, boolean>, more: object = {}): object => ({
  bgpState: 'Established',
  gracefulRestartInfo: { endOfRibSend: { ipv4Unicast: true }, endOfRibRecv: received, remoteGrMode: 'Helper' },
  addressFamilyInfo: { ipv4Unicast: {} },
  ...more,
});

const dir = mkdtempSync(join(tmpdir(), 'convergence-'));
const vty = join(dir, 'bgpd.vty');
afterAll(() => rmSync(dir, { recursive: true }));

function bed(path = vty) {
  writeFileSync(vty, '');
  const { log, lines } = fakeLog();
  const world = { now: 0, answer: {} as unknown, asked: [] as string[] };
  const convergence = new Convergence({
    vty: path,
    ask: (command) => {
      world.asked.push(command);
      return world.answer instanceof Error
        ? Promise.reject(world.answer)
        : Promise.resolve(JSON.stringify(world.answer));
    },
    now: () => world.now,
    log,
  });
  const after = async (elapsedMs: number): Promise<string | undefined> => {
    world.now += 2000;
    convergence.waitingFor(elapsedMs);
    await new Promise(setImmediate);
    return convergence.waitingFor(elapsedMs);
  };
  return { convergence, world, lines, after };
}

test('what bgpd waits for: End-of-RIB of peers that are up and know of it, and peers that are not up', () => {
  const neighbors = {
    vrfId: 0,
    vrfName: 'default',
    '10.0.0.1': peer({ ipv4Unicast: true }),
    '10.0.0.2': peer({}),
    '10.0.0.3': peer({ ipv4Unicast: true }, { addressFamilyInfo: { ipv4Unicast: {}, ipv6Unicast: {}, l2VpnEvpn: {} } }),
    '10.0.0.4': { bgpState: 'Active' },
    '10.0.0.5': { bgpState: 'Idle', adminShutDown: true },
    '10.0.0.6': peer({}, { gracefulRestartInfo: { remoteGrMode: 'NotApplicable' } }),
  };
  expect(expectedOf({ default: neighbors, red: { vrfId: 7, '10.7.0.1': { bgpState: 'Connect' } } })).toEqual({
    endOfRib: ['10.0.0.2 (ipv4Unicast)', '10.0.0.3 (ipv6Unicast)'],
    peers: ['peer 10.0.0.4', 'peer 10.7.0.1'],
  });
});

test.each([[null], [[]], ['text'], [{ default: { '10.0.0.1': 3 } }], [{ default: [peer({})] }]])(
  'an answer that is none is not waited for: %j',
  (answer) => {
    expect(expectedOf(answer)).toEqual({ endOfRib: [], peers: [] });
  },
);

test('a sweep waits for the answer, for End-of-RIB, and for peers as long as a restart may take', async () => {
  const { convergence, world, lines, after } = bed();
  world.answer = { default: { '10.0.0.2': peer({}), '10.0.0.4': { bgpState: 'Active' } } };
  convergence.begin();
  expect(convergence.waitingFor(0)).toBe('an answer of bgpd');
  expect(await after(0)).toBe('End-of-RIB of 10.0.0.2 (ipv4Unicast), peer 10.0.0.4');
  expect(world.asked[0]).toBe(NEIGHBORS_COMMAND);
  world.answer = { default: { '10.0.0.2': peer({ ipv4Unicast: true }), '10.0.0.4': { bgpState: 'Active' } } };
  expect(await after(PEER_WAIT_MS - 1)).toBe('peer 10.0.0.4');
  expect(await after(PEER_WAIT_MS)).toBeUndefined();
  expect(lines.map(([text]) => text)).toEqual(['the sweep waits for BGP', 'the sweep waits for BGP']);
  convergence.begin();
  expect(convergence.waitingFor(0)).toBe('an answer of bgpd');
});

test('no bgpd, or one that does not answer: time alone decides', async () => {
  expect(bed(join(dir, 'none.vty')).convergence.waitingFor(0)).toBeUndefined();
  const { convergence, world, lines, after } = bed();
  convergence.begin();
  world.answer = new Error('no answer');
  expect(await after(0)).toBeUndefined();
  expect(lines[0]).toEqual([
    'bgpd can not be asked whether it has converged: the sweep goes by time alone',
    { code: 'bgpd-unreachable', reason: 'no answer' },
  ]);
});

test('bgpd is not asked more often than every two seconds', async () => {
  const { convergence, world, after } = bed();
  convergence.begin();
  await after(0);
  for (let i = 0; i < 20; i++) convergence.waitingFor(0);
  expect(world.asked).toHaveLength(1);
});
