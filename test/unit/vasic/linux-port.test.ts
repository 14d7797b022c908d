/** A Linux port without an interface. What needs interfaces and root is in test/integration/softvasic.test.ts. */
import { nullLogger } from '../../../src/observe/log';
import { interfaceState } from '../../../src/sys/interface';
import { noOffload } from '../../../src/net/offload';
import { createLinuxPort } from '../../../src/vasic/io/linux-port';

test('a port whose interface is missing is down, takes nothing and can be looked at', () => {
  const port = createLinuxPort('f2a-none', nullLogger);
  expect(port.attach()).toBe(false);
  expect(port.fd).toBe(-1);
  expect(port.up).toBe(false);
  expect(port.refresh()).toBe(false);
  expect(port.send(Buffer.alloc(60), 0, 60, noOffload())).toBe(false);
  expect(port.receive(() => undefined)).toBe(false);
  expect(port.drops()).toEqual({ received: 0, sent: 0, sentBytes: 0 });
  port.flush();
  port.close();
});

test('the loopback interface is no Ethernet interface', () => {
  expect(() => createLinuxPort('lo', nullLogger).attach()).toThrow(/lo is not an Ethernet interface/);
});

test('interface state: known for lo, undefined for none, no name is too long to ask for', () => {
  expect(interfaceState('lo')).toMatchObject({ ifindex: 1, ethernet: false });
  expect(interfaceState('f2a-none')).toBeUndefined();
  expect(interfaceState('a-name-longer-than-fifteen-bytes')).toBeUndefined();
});
