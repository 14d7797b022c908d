/** A port's end of the kernel engine, with a forwarder that only tells what it is asked. */
import { nullLogger } from '../../../../src/observe/log';
import type { Forwarder } from '../../../../src/vasic/kernel/forwarder';
import { KernelPort } from '../../../../src/vasic/kernel/kernel-port';

const STATE = { ifindex: 7, mac: new Uint8Array(6), mtu: 1500, ethernet: true, admin: true, running: true };

interface Told {
  readonly port: KernelPort;
  readonly calls: string[];
  /** Its hook goes. */
  refuse(): void;
}

function portOf(fault?: string): Told {
  const calls: string[] = [];
  let hooked = false;
  const forwarder = {
    attach: () => {
      if (fault !== undefined) throw new Error(fault);
      hooked = true;
    },
    detach: () => (hooked = false),
    setPort: () => undefined,
    hookOf: () => (hooked ? { mode: 'xdp', by: 'xdp' } : undefined),
    takeOff: (ifindex: number) => calls.push(`take off ${ifindex}`),
  } as unknown as Forwarder;
  const options = { port: 0, name: 'none', mode: 'xdp', required: false, isolated: true, log: nullLogger } as const;
  return { port: new KernelPort(forwarder, options), calls, refuse: () => (hooked = false) };
}

test('a port is lost when its hook went by itself, until it is detached', () => {
  const { port, refuse } = portOf();
  expect(port.lost).toBe(false);
  port.attach(STATE);
  expect([port.hook, port.lost]).toEqual(['xdp', false]);
  refuse();
  expect(port.lost).toBe(true);
  port.detach();
  expect(port.lost).toBe(false);
});

test('where it cannot be had, what an earlier softvasic left is taken off', () => {
  const { port, calls } = portOf('no');
  expect(port.attach(STATE)).toBeUndefined();
  expect(calls).toEqual(['take off 7']);
  expect(port.lost).toBe(false);
});
