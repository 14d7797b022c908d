/** What the ports are when the vASIC's sandbox opens, and while their links go and come. */
import type { AftPort, AftSandboxInfo } from '../../../src/aft/model';
import { Ports } from '../../../src/bridge/ports';
import { formatMac, parseMac } from '../../../src/net/address';
import { nullLogger } from '../../../src/observe/log';

const [VASIC, CONFIGURED] = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as const;

const info = (...outputPorts: AftPort[]): AftSandboxInfo => ({
  ...{ id: 7, engine: 'trio', name: 'green', instance: 'a', nodes: 0, entries: 0 },
  ...{ inputPorts: outputPorts, outputPorts },
});
const port = (index: number, more: Partial<AftPort> = {}): AftPort => ({
  index,
  name: `ge${index}`,
  token: 0,
  ...more,
});

/** Everything that is done, as text; `kept`: what the punt process says of each port. */
function setup({ punt = true, kept = false }: { punt?: boolean; kept?: boolean } = {}) {
  const done: string[] = [];
  const own = (mac: Uint8Array | undefined, mtu: number | undefined): string =>
    `${mac === undefined ? '-' : formatMac(mac)} ${mtu ?? '-'}`;
  const ports = new Ports({
    ports: [
      { index: 0, tap: 'tap0' },
      { index: 1, tap: 'tap1', mac: parseMac(CONFIGURED)! },
    ],
    punt: punt
      ? {
          setSandbox: (id) => done.push(`sandbox ${id}`),
          configurePort: (index, { mac, mtu }) => done.push(`tap${index} is ${own(mac, mtu)}`) > 0 && kept,
          setCarrier: (index, up) => done.push(`tap${index} ${up ? 'up' : 'down'}`),
        }
      : undefined,
    fib: {
      portOwn: (index, { mac, mtu }, origin) => done.push(`port ${index} is ${own(mac, mtu)}, ${origin}`),
      portChanged: (index, up) => done.push(`port ${index} ${up ? 'up' : 'down'}`),
    },
    log: nullLogger,
  });
  return { ports, take: () => done.splice(0) };
}

test('before the vASIC is there, the configuration counts', () => {
  const { ports, take } = setup();
  expect(take()).toEqual(['port 0 is - -, ours', `port 1 is ${CONFIGURED} -, ours`]);
  expect(ports.vasicPorts()).toBeUndefined();
});

test('then the vASIC, for all but a configured MAC; TAPs follow', () => {
  const { ports, take } = setup();
  take();
  const details = { mac: parseMac(VASIC)!, mtu: 1400, up: false };
  ports.opened(info(port(0, details), port(1, details), port(2)));
  expect(take()).toEqual([
    'sandbox 7',
    `tap0 is ${VASIC} 1400`,
    `port 0 is ${VASIC} 1400, ours`,
    `tap1 is ${VASIC} 1400`,
    `port 1 is ${CONFIGURED} 1400, ours`,
  ]);
  expect(ports.vasicPorts()).toEqual([0, 1, 2]);
  ports.linkChanged(1, true);
  expect(take()).toEqual(['tap1 up', 'port 1 up']);
});

test('a vASIC that says nothing of links, or has no such port: up', () => {
  const { ports, take } = setup();
  take();
  ports.opened(info(port(0)));
  expect(take()).toEqual([
    'sandbox 7',
    ...['tap0 is - -', 'port 0 is - -, ours', 'tap0 up', 'port 0 up'],
    ...['tap1 is - -', `port 1 is ${CONFIGURED} -, ours`, 'tap1 up', 'port 1 up'],
  ]);
});

test('a TAP that an earlier bridge made what it is was kept; where there is no punt path, it is others’', () => {
  const kept = setup({ kept: true });
  kept.ports.opened(info(port(0, { up: true }), port(1, { up: true })));
  expect(kept.take().filter((text) => text.endsWith('kept'))).toEqual([
    'port 0 is - -, kept',
    `port 1 is ${CONFIGURED} -, kept`,
  ]);
  const none = setup({ punt: false });
  none.ports.opened(info(port(0)));
  expect(none.take()).toEqual([
    ...['port 0 is - -, foreign', `port 1 is ${CONFIGURED} -, foreign`],
    ...['port 0 is - -, foreign', 'port 0 up'],
    ...[`port 1 is ${CONFIGURED} -, foreign`, 'port 1 up'],
  ]);
});
