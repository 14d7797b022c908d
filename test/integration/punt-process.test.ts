/**
 * The punt process and the bridges that come and go: TAPs, carriers and packets stay, one bridge has it at a time, and it is
 * ended only when asked.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHostpathHeader } from '../../src/hostpath/header';
import type { PuntCounters } from '../../src/punt/punt';
import { type Child, type Namespace, eventually, openNamespace, startChild } from './host/namespace';

jest.setTimeout(60_000);

const PORTS = [{ index: 0, tap: 'tap0', mac: '32260a2eaaf0' }];
/** Who has 10.9.0.1? Tell 10.9.0.2 (02:00:00:00:00:02). */
const ARP_REQUEST = `ffffffffffff0200000000020806000108000604000102000000000` + `20a0900020000000000000a090001`;
const ARP_REPLY = '08060001080006040002';

let ns: Namespace;
let dir: string;
let socket: string;
let children: Child[];

beforeEach(() => {
  ns = openNamespace();
  dir = mkdtempSync(join(tmpdir(), 'fpm2afi-punt-'));
  socket = join(dir, 'punt.sock');
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  ns.close();
  rmSync(dir, { recursive: true });
});

function child(through: readonly string[] = []): Child {
  const started = startChild(ns, undefined, through);
  children.push(started);
  return started;
}

const link = (name: string): Record<string, unknown> | undefined =>
  ns.ipJson('link show').find((each) => each['ifname'] === name);
const hasCarrier = (): boolean => ((link('tap0')?.['flags'] ?? []) as string[]).includes('LOWER_UP');

function punted(sandbox: number): string {
  const header = Buffer.alloc(8);
  encodeHostpathHeader(header, {
    ...{ direction: 'punt', reason: 2, sandbox, port: 0 },
    length: 8 + ARP_REQUEST.length / 2,
  });
  return header.toString('hex') + ARP_REQUEST;
}

async function answersArp(vasic: Child): Promise<boolean> {
  const seen = vasic.events.length;
  await vasic.call('vasicSend', punted(1));
  return vasic.until((events) => events.slice(seen).some((e) => String(e['vasic']).includes(ARP_REPLY)));
}

test('a bridge that is killed takes nothing with it, and the next one changes nothing', async () => {
  const server = child();
  const vasic = child();
  await vasic.call('startVasic');
  await server.call('startPuntServer', PORTS, socket);
  // From the configuration alone, so that routing daemons find it at boot; without carrier, as nothing is known of the port.
  expect(link('tap0')).toMatchObject({ address: '32:26:0a:2e:aa:f0' });
  // Nobody takes the TAPs but its own user.
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  expect(hasCarrier()).toBe(false);

  const first = child();
  await first.call('connectPunt', PORTS, socket);
  await first.call('setSandbox', 1);
  await first.call('setCarrier', 0, true);
  await eventually(hasCarrier, 'carrier on');
  ns.ip('address add 10.9.0.1/24 dev tap0');
  expect(await answersArp(vasic)).toBe(true);
  const before = link('tap0');

  await first.kill();
  await server.until((events) => events.some((e) => String(e['message']).startsWith('the bridge is gone')));
  expect(await answersArp(vasic)).toBe(true);
  expect(link('tap0')).toEqual(before);

  const second = child();
  await second.call('connectPunt', PORTS, socket);
  expect(link('tap0')).toEqual(before);
  expect(await answersArp(vasic)).toBe(true);
  const counters = await second.call<PuntCounters>('puntCounters');
  expect(counters.ports).toMatchObject([{ index: 0, tap: 'tap0', punted: 3 }]);
  // The worker went on too: with the configuration it has, it isn't exchanged.
  expect(counters.restarts).toBe(0);
  expect((await second.call<{ process: { pid: number } }>('puntState')).process.pid).not.toBe(second.pid);
});

test('what was done to a TAP while no bridge was there stays, and the next bridge hears that it is somebody’s word', async () => {
  const ports = [{ index: 0, tap: 'tap0' }];
  const details = { mac: '32260a2eaaff', mtu: 1400 };
  await child().call('startPuntServer', ports, socket);
  const first = child();
  await first.call('connectPunt', ports, socket);
  expect(await first.call('configurePort', 0, details)).toBe(false);
  await eventually(() => link('tap0')?.['address'] === '32:26:0a:2e:aa:ff', 'the address of the port');
  await first.kill();
  ns.ip('link set tap0 address 02:00:00:00:00:77');
  const second = child();
  await second.call('connectPunt', ports, socket);
  expect(await second.call('configurePort', 0, details)).toBe(true);
  expect(await second.call('configurePort', 1, details)).toBe(false);
  expect(link('tap0')).toMatchObject({ address: '02:00:00:00:00:77', mtu: 1400 });
  expect(await second.call('configurePort', 0, { ...details, mtu: 1300 })).toBe(false);
  await eventually(() => link('tap0')?.['mtu'] === 1300, 'the MTU of the port');
});

test('one bridge at a time, and a second process on one socket is refused', async () => {
  const server = child();
  await server.call('startPuntServer', PORTS, socket);
  await child().call('connectPunt', PORTS, socket);
  await expect(child().call('connectPunt', PORTS, socket)).rejects.toThrow(
    /another fpm2afi \(pid \d+\) has this punt process: stop it first/,
  );
  await expect(child().call('startPuntServer', PORTS, socket)).rejects.toThrow(
    /another punt process answers there, pid \d+: stop it/,
  );
  expect(link('tap0')).toBeDefined();
});

test('bridges of two PID namespaces are two, though they have the same pid', async () => {
  const inNamespace = ['unshare', '--pid', '--fork', '--kill-child'];
  const server = child();
  await server.call('startPuntServer', PORTS, socket);
  const first = child(inNamespace);
  const second = child(inNamespace);
  expect([await first.call('ownPid'), await second.call('ownPid')]).toEqual([1, 1]);
  await first.call('connectPunt', PORTS, socket);
  const refusal = await second.call('connectPunt', PORTS, socket).catch(String);
  const [, pid] = /another fpm2afi \(pid (\d+)\) has this punt process: stop it first/.exec(String(refusal))!;
  // The pid that it has here, so that it can be found.
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^NSpid:\\s+${pid}\\s+1$`, 'm'));
  // The one that was there still has it, also with another connection.
  await first.call('connectPunt', PORTS, socket);
  await first.kill();
  await server.until((events) => events.some((e) => String(e['message']).startsWith('the bridge is gone')));
  await second.call('connectPunt', PORTS, socket);
});

test('a bridge with other ports gets those, and what it can not have is said', async () => {
  const server = child();
  await server.call('startPuntServer', PORTS, socket);
  const bridge = child();
  ns.ip('link add br0 type bridge');
  await expect(bridge.call('connectPunt', [...PORTS, { index: 1, tap: 'br0' }], socket)).rejects.toThrow(
    /br0.*no plain TAP/,
  );
  const index = link('tap0')!['ifindex'];
  await bridge.call('connectPunt', [...PORTS, { index: 1, tap: 'tap1', mac: '32260a2eaaf1' }], socket);
  expect(link('tap0')).toMatchObject({ ifindex: index });
  expect(link('tap1')).toMatchObject({ address: '32:26:0a:2e:aa:f1' });
});

test('a process that dies is waited for, said, and told everything again', async () => {
  const first = child();
  await first.call('startPuntServer', PORTS, socket);
  const bridge = child();
  await bridge.call('connectPunt', [{ index: 0, tap: 'tap0' }], socket);
  await bridge.call('configurePort', 0, { mac: '32260a2eaaff', mtu: 1400 });
  await bridge.call('setCarrier', 0, true);
  await eventually(hasCarrier, 'carrier on');
  await first.kill();
  await bridge.until((events) => events.some((e) => String(e['puntError']).startsWith('the punt process ended')));
  expect(await bridge.call('puntState')).toEqual({ problem: expect.stringContaining('ended') as string });
  const second = child();
  await second.call('startPuntServer', [{ index: 0, tap: 'tap0' }], socket);
  await eventually(hasCarrier, 'carrier on again');
  expect(link('tap0')).toMatchObject({ address: '32:26:0a:2e:aa:ff', mtu: 1400 });
  expect(await bridge.call('puntState')).not.toHaveProperty('problem');
});

test('stops when asked, and only then the TAPs go', async () => {
  const server = child();
  await server.call('startPuntServer', PORTS, socket);
  const asking = child();
  expect(await asking.call('stopPunt', socket)).toMatchObject({ taps: ['tap0'] });
  expect(link('tap0')).toBeUndefined();
  expect(await asking.call('stopPunt', socket)).toBeNull();
});

test('a bridge that may start one does, and says why it can not', async () => {
  const bridge = child();
  await expect(bridge.call('connectPunt', PORTS, socket, ['/bin/false'])).rejects.toThrow(
    /ended with status 1: its log/,
  );
});
