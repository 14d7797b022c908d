/** Punt on real TAPs in namespaces: devices, their settings, packets both ways, and what remains when it ends. */
import { encodeHostpathHeader } from '../../src/hostpath/header';
import type { PuntCounters } from '../../src/punt/punt';
import { type Child, type Namespace, eventually, openNamespace, startChild } from './host/namespace';

jest.setTimeout(60_000);

const MAC = '32260a2eaaf0';
const MAC_TEXT = '32:26:0a:2e:aa:f0';

let ns: Namespace;
let children: Child[];

beforeEach(() => {
  ns = openNamespace();
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  ns.close();
});

function child(): Child {
  const started = startChild(ns);
  children.push(started);
  return started;
}

/** What `ip` shows of a link; undefined when there is none. */
function link(name: string): Record<string, unknown> | undefined {
  return ns.ipJson('link show').find((each) => each['ifname'] === name);
}
const flags = (name: string): readonly string[] => (link(name)?.['flags'] ?? []) as readonly string[];

/** A hostpath datagram, as hex. */
function punted(port: number, frame: string, length = 8 + frame.length / 2): string {
  const header = Buffer.alloc(8);
  encodeHostpathHeader(header, { direction: 'punt', reason: 2, length, sandbox: 1, port });
  return header.toString('hex') + frame;
}

/** Who has 10.9.0.1? Tell 10.9.0.2 (02:00:00:00:00:02). */
const ARP_REQUEST = `ffffffffffff0200000000020806000108000604000102000000000` + `20a0900020000000000000a090001`;

test('makes a TAP per port with MAC and MTU, and takes them away when it ends', async () => {
  const c = child();
  await c.call('startPunt', [
    { index: 0, tap: 'tap0', mac: MAC, mtu: 1400 },
    { index: 1, tap: 'tap1' },
  ]);
  expect(link('tap0')).toMatchObject({ address: MAC_TEXT, mtu: 1400 });
  expect(flags('tap0')).toContain('UP');
  expect(flags('tap0')).not.toContain('LOWER_UP');
  // Without a MAC it stays down, so that no address is made from a random one.
  expect(flags('tap1')).not.toContain('UP');
  expect(ns.ipJson('link show').map((each) => each['ifname'])).toEqual(['lo', 'tap0', 'tap1']);

  await c.call('configurePort', 1, { mac: '32260a2eaaf1', mtu: 9000 });
  expect(link('tap1')).toMatchObject({ address: '32:26:0a:2e:aa:f1', mtu: 9000 });
  expect(flags('tap1')).toContain('UP');
  // What the configuration says goes before what the vASIC says.
  await c.call('configurePort', 0, { mac: '320000000000', mtu: 1500 });
  expect(link('tap0')).toMatchObject({ address: MAC_TEXT, mtu: 1400 });
  // A port that isn't configured, and a setting the kernel refuses, do no harm.
  await c.call('configurePort', 9, { mtu: 1500 });
  await c.call('configurePort', 1, { mtu: 10 });
  await c.until((events) =>
    events.some((e) => String(e['puntError']).includes('tap1') && String(e['puntError']).includes('EINVAL')),
  );

  await c.call('closePunt');
  expect(ns.ipJson('link show').map((each) => each['ifname'])).toEqual(['lo']);
});

test('the carrier follows what it is told', async () => {
  const c = child();
  await c.call('startPunt', [{ index: 4, tap: 'tap0', mac: MAC }]);
  expect(flags('tap0')).toContain('UP');
  expect(flags('tap0')).not.toContain('LOWER_UP');
  await c.call('setCarrier', 4, true);
  await eventually(() => flags('tap0').includes('LOWER_UP'), 'carrier on');
  await c.call('setCarrier', 4, false);
  // NO-CARRIER is what is up and not running: zebra goes by that.
  await eventually(() => flags('tap0').includes('NO-CARRIER'), 'carrier off');
  expect(flags('tap0')).not.toContain('LOWER_UP');
});

test('attaches to a TAP it finds, leaves its addresses alone, and leaves it behind', async () => {
  ns.ip('tuntap add tap0 mode tap');
  ns.ip('address add 10.9.0.1/24 dev tap0');
  ns.ip('link set tap0 up');
  const index = link('tap0')!['ifindex'];
  for (let round = 0; round < 2; round++) {
    const c = child();
    await c.call('startPunt', [{ index: 0, tap: 'tap0', mac: MAC }]);
    await c.call('setCarrier', 0, true);
    await eventually(() => flags('tap0').includes('LOWER_UP'), 'carrier on');
    await c.call('closePunt');
    expect(link('tap0')).toMatchObject({ ifindex: index, address: MAC_TEXT });
    expect(flags('tap0')).not.toContain('LOWER_UP');
    expect(ns.ip('address show dev tap0')).toContain('10.9.0.1/24');
  }
});

test('a TAP made here vanishes with a killed process and with process.exit', async () => {
  for (const end of ['kill', 'exit'] as const) {
    const c = child();
    await c.call('startPunt', [{ index: 0, tap: 'tap0', mac: MAC }]);
    expect(link('tap0')).toBeDefined();
    if (end === 'kill') await c.kill();
    else await c.call('exit').catch(() => undefined);
    await eventually(() => link('tap0') === undefined, `tap0 gone after ${end}`);
  }
});

test('says who holds a TAP, and what else is wrong with a name', async () => {
  const holder = child();
  await holder.call('startPunt', [{ index: 0, tap: 'tap0' }]);
  const c = child();
  // The holder has the UDP port too: that is found first.
  await expect(c.call('startPunt', [{ index: 0, tap: 'tap0' }])).rejects.toThrow(
    /127\.0\.0\.1:8001 \(punt\.listen\): child \(pid \d+\) has that port: stop/,
  );
  await holder.call('closePunt');
  ns.ip('tuntap add tap0 mode tap');
  await holder.call('holdTap', 'tap0');
  await expect(c.call('startPunt', [{ index: 0, tap: 'tap0' }])).rejects.toThrow(
    /tap0.*EBUSY.*in use by .*\(pid \d+\): stop/,
  );
  ns.ip('link add br0 type bridge');
  await expect(c.call('startPunt', [{ index: 0, tap: 'br0' }])).rejects.toThrow(/br0.*EINVAL.*no plain TAP/);
  await expect(c.call('startPunt', [{ index: 0, tap: 'a-name-that-is-too-long' }])).rejects.toThrow(/1 to 15 bytes/);
  // Nothing of a failed start stays open.
  await c.call('startPunt', [{ index: 0, tap: 'tap1' }]);
});

test('carries packets both ways, and counts them', async () => {
  const c = child();
  await c.call('startVasic');
  await c.call('startPunt', [
    { index: 0, tap: 'tap0', mac: MAC },
    { index: 7, tap: 'tap7', mac: '32260a2eaaf7' },
  ]);
  await c.call('setCarrier', 7, true);
  ns.ip('address add 10.9.0.1/24 dev tap7');
  await eventually(() => flags('tap7').includes('LOWER_UP'), 'carrier on');

  await c.call('vasicSend', punted(7, ARP_REQUEST));
  // Linux answers on the TAP: port 7, to the asker, from the port's MAC.
  const reply = await c.until((events) => events.find((e) => String(e['vasic']).includes('08060001080006040002')));
  const hex = String(reply['vasic']);
  expect(hex.slice(0, 16)).toBe('08000032' + '0001' + '0007');
  expect(hex.slice(16)).toBe(
    `020000000002` + `32260a2eaaf7` + '0806000108000604000232260a2eaaf70a0900010200000000020a090002',
  );

  // Counted after it was sent.
  await eventually(
    async () => (await c.call<PuntCounters>('puntCounters')).ports[1]!.injected > 0,
    'the reply is counted',
  );
  const counters = await c.call<PuntCounters>('puntCounters');
  expect(counters.ports[1]).toMatchObject({ index: 7, tap: 'tap7', punted: 1, puntedBytes: 42 });
  expect(counters.ports[0]).toMatchObject({ index: 0, tap: 'tap0', punted: 0, injected: 0 });
  expect(counters.reasons).toEqual([{ reason: 2, packets: 1 }]);
  expect(counters.restarts).toBe(0);
});

test('drops what is not for it, counts it, and goes on', async () => {
  const c = child();
  await c.call('startVasic');
  await c.call('startPunt', [{ index: 0, tap: 'tap0', mac: MAC }]);
  await c.call('strangerSend', punted(0, ARP_REQUEST));
  await c.call('vasicSend', punted(3, ARP_REQUEST));
  await c.call('vasicSend', '00');
  await c.call('vasicSend', punted(0, ARP_REQUEST, 9999));
  await c.call('vasicSend', punted(0, 'ffff'));
  ns.ip('link set tap0 down');
  await c.call('vasicSend', punted(0, ARP_REQUEST));
  await eventually(
    async () => (await c.call<PuntCounters>('puntCounters')).ports[0]!.drops.tapDown === 1,
    'a drop because the TAP is down',
  );
  ns.ip('link set tap0 up');
  await c.call('vasicSend', punted(0, ARP_REQUEST));
  await eventually(async () => (await c.call<PuntCounters>('puntCounters')).ports[0]!.punted === 1, 'a punted frame');
  expect((await c.call<PuntCounters>('puntCounters')).drops).toEqual({
    foreignSender: 1,
    malformedHeader: 2,
    wrongDirection: 0,
    unknownSandbox: 0,
    unknownPort: 1,
    shortFrame: 1,
  });
  expect(await c.until((events) => events.find((e) => e['cause'] === 'foreignSender'))).toMatchObject({
    log: 'warn',
    detail: expect.stringMatching(/^from 127\.0\.0\.1:\d+$/) as string,
    remedy: expect.stringContaining('punt.vasic') as string,
  });
});

test('moves packets while the event loop is blocked', async () => {
  const c = child();
  const vasic = child();
  await vasic.call('startVasic');
  await c.call('startPunt', [{ index: 0, tap: 'tap0', mac: MAC }]);
  await c.call('setCarrier', 0, true);
  ns.ip('address add 10.9.0.1/24 dev tap0');
  await eventually(() => flags('tap0').includes('LOWER_UP'), 'carrier on');
  let blocked = true;
  const block = c.call('block', 5000).then(() => (blocked = false));
  await vasic.call('vasicSend', punted(0, ARP_REQUEST));
  await vasic.until((events) => events.find((e) => String(e['vasic']).includes('08060001080006040002')));
  expect(blocked).toBe(true);
  await block;
});

test('a worker that dies takes no TAP with it, and another goes on', async () => {
  const c = child();
  await c.call('startVasic');
  await c.call('startPunt', [{ index: 0, tap: 'tap0', mac: MAC }]);
  const index = link('tap0')!['ifindex'];
  await c.call('killWorker');
  await c.call('vasicSend', punted(0, ARP_REQUEST));
  await c.until((events) => events.some((e) => String(e['puntError']).startsWith('punt worker died')));
  await eventually(async () => {
    await c.call('vasicSend', punted(0, ARP_REQUEST));
    return (await c.call<PuntCounters>('puntCounters')).ports[0]!.punted >= 3;
  }, 'packets carried again');
  expect(link('tap0')).toMatchObject({ ifindex: index });
  expect((await c.call<PuntCounters>('puntCounters')).restarts).toBe(1);
});

test('makes a TAP again that somebody removed', async () => {
  const c = child();
  await c.call('startVasic');
  await c.call('startPunt', [
    { index: 0, tap: 'tap0', mac: MAC, mtu: 1400 },
    { index: 1, tap: 'tap1' },
  ]);
  await c.call('configurePort', 1, { mac: '32260a2eaaf1' });
  await c.call('setCarrier', 1, true);
  ns.ip('link del tap1');
  await c.until((events) => events.some((e) => String(e['puntError']).startsWith('tap1 is gone')));
  await eventually(() => flags('tap1').includes('LOWER_UP'), 'tap1 is back with carrier');
  expect(link('tap1')).toMatchObject({ address: '32:26:0a:2e:aa:f1' });
  ns.ip('address add 10.9.0.1/24 dev tap1');
  await eventually(async () => {
    await c.call('vasicSend', punted(1, ARP_REQUEST));
    return c.events.some((e) => String(e['vasic']).startsWith('080000320001' + '0001' + '020000000002'));
  }, 'packets through the new tap1');
  await c.call('closePunt');
  expect(link('tap1')).toBeUndefined();
});

test('goes on with other ports: what stays keeps its device, addresses, counters and packets', async () => {
  const c = child();
  await c.call('startVasic');
  await c.call('startPunt', [
    { index: 0, tap: 'tap0', mac: MAC },
    { index: 1, tap: 'tap1', mac: '32260a2eaaf1' },
  ]);
  await c.call('setCarrier', 1, true);
  ns.ip('address add 10.9.0.1/24 dev tap1');
  await c.call('vasicSend', punted(1, ARP_REQUEST));
  await c.until((events) => events.find((e) => String(e['vasic']).includes('08060001080006040002')));
  const before = link('tap1');

  // What can't be had changes nothing.
  ns.ip('link add br0 type bridge');
  await expect(
    c.call('reconfigure', [
      { index: 1, tap: 'tap1', mac: '32260a2eaaf1' },
      { index: 3, tap: 'br0' },
    ]),
  ).rejects.toThrow(/br0.*no plain TAP/);
  expect(link('tap0')).toBeDefined();

  await c.call('reconfigure', [
    { index: 1, tap: 'tap1', mac: '32260a2eaaf1' },
    { index: 5, tap: 'tap5', mac: '32260a2eaaf5' },
  ]);
  expect(link('tap0')).toBeUndefined();
  expect(link('tap1')).toEqual(before);
  expect(link('tap5')).toMatchObject({ address: '32:26:0a:2e:aa:f5' });
  expect((await c.call<PuntCounters>('puntCounters')).ports).toMatchObject([
    { index: 1, tap: 'tap1', punted: 1 },
    { index: 5, tap: 'tap5', punted: 0 },
  ]);
  await c.call('setCarrier', 5, true);
  ns.ip('address add 10.9.5.1/24 dev tap5');
  const seen = c.events.length;
  await c.call('vasicSend', punted(1, ARP_REQUEST));
  await c.until((events) =>
    events.slice(seen).find((e) => String(e['vasic']).startsWith('080000320001' + '0001' + '020000000002')),
  );
  await c.call('vasicSend', punted(5, ARP_REQUEST.replaceAll('0a0900', '0a0905')));
  await c.until((events) =>
    events.find((e) => String(e['vasic']).startsWith('080000320001' + '0005' + '020000000002')),
  );
});
