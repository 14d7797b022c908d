import { VlanDevices } from '../../../src/fib/vlan-devices';
import { LinkChange } from '../../../src/fib/updates';
import { Bed, ifindexOf } from '../../bed/bed';

const device = (ifindex: number, parent: number, id: number, present = true) => ({
  ifindex,
  present,
  vlan: { parent, id },
});

test('the tags on an interface, in order, as devices come, change and go', () => {
  const devices = new VlanDevices();
  const on = (): unknown[] => [devices.on(10), devices.on(11)];
  for (const each of [device(91, 10, 30), device(92, 10, 7), device(93, 11, 7)]) devices.keep(each);
  expect(on()).toEqual([
    [0, 7, 30],
    [0, 7],
  ]);
  devices.keep(device(91, 10, 5));
  expect(on()).toEqual([
    [0, 5, 7],
    [0, 7],
  ]);
  devices.keep(device(92, 11, 7));
  expect(on()).toEqual([
    [0, 5],
    [0, 7, 7],
  ]);
  devices.keep(device(93, 11, 7, false));
  expect(on()).toEqual([
    [0, 5],
    [0, 7],
  ]);
  devices.keep({ ifindex: 91, present: true });
  devices.keep({ ifindex: 99, present: false });
  expect(on()).toEqual([[0], [0, 7]]);
});

test('what does not change costs nothing anew', () => {
  const devices = new VlanDevices();
  devices.keep(device(91, 10, 30));
  const before = devices.on(10);
  devices.keep(device(91, 10, 30));
  expect(devices.on(10)).toBe(before);
});

test('two thousand on a port take no time to speak of, and the port has their tags', async () => {
  const bed = await new Bed().up();
  let looked = 0;
  const vlan = (id: number): LinkChange => {
    const role = { parent: ifindexOf(0), id };
    const link = { kind: 'link' as const, ifindex: 1000 + id, name: `tap0.${id}`, present: true, up: true, master: 0 };
    // Each look at a device's place among all counts.
    return Object.defineProperty(link, 'vlan', { get: () => (looked++, role), enumerable: true }) as LinkChange;
  };
  for (let id = 1; id <= 2000; id++) bed.fib.applyKernel(vlan(id));
  expect(looked).toBeLessThan(20 * 2000);
  expect(bed.fib.interfaces.rules(0)?.vlans).toHaveLength(2001);
});
