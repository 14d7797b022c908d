/** What of Linux's word on a port can't be had is said, with what to do. */
import { parseConfig } from '../../../src/config/load';
import { Interfaces } from '../../../src/fib/interfaces';
import type { LinkChange } from '../../../src/fib/updates';
import { parseMac } from '../../../src/net/address';
import { portProblems } from '../../../src/views/port-problems';

const CONFIG = parseConfig('ports: [{ index: 0, tap: tap0 }]', 'f.yaml');
const MAC = parseMac('02:00:00:00:00:01')!;
const OWN = { mac: MAC, mtu: 1500 };

function interfacesWith(...links: Partial<LinkChange>[]): Interfaces {
  const interfaces = new Interfaces({
    ...{ ports: new Map([['tap0', 0]]), defaultTable: 254, configuredTables: new Map(), namedTables: new Map() },
    ...{ onRules: () => undefined, onVrfs: () => undefined },
  });
  interfaces.setOwn(0, OWN, 'ours');
  for (const link of links) {
    const plain = { kind: 'link', ifindex: 5, name: 'tap0', present: true, up: true, master: 0 } as const;
    interfaces.apply({ ...plain, mac: MAC, mtu: 1500, ...link });
  }
  return interfaces;
}
const problems = (...links: Partial<LinkChange>[]): string[] => portProblems(CONFIG, interfacesWith(...links), []);

test('none where all is as it should be', () => {
  expect(problems({})).toEqual([]);
  expect(problems({}, { mtu: 1400, mac: parseMac('02:00:00:00:00:99')! })).toEqual([]);
});

test('no interface', () => {
  expect(problems()).toEqual([expect.stringMatching(/^there is no interface tap0: .*; fpm2afi makes it again/)]);
});

test('set down, while the link of the vASIC is up', () => {
  const down = { up: false, adminDown: true };
  expect(problems({}, down)).toEqual([expect.stringMatching(/^tap0 is set down: .* or: ip link set tap0 up$/)]);
  const interfaces = interfacesWith({}, down);
  interfaces.setPort(0, false);
  expect(portProblems(CONFIG, interfaces, [])).toEqual([]);
  // A TAP just made isn't up yet, and nobody wanted that.
  expect(problems(down)).toEqual([]);
});

test('a link of the vASIC that is down, unless the TAP is set down too', () => {
  const interfaces = interfacesWith({});
  interfaces.setPort(0, true);
  expect(portProblems(CONFIG, interfaces, [])).toEqual([]);
  interfaces.setPort(0, false);
  expect(portProblems(CONFIG, interfaces, [])).toEqual([
    expect.stringMatching(/^the link of port 0 \(tap0\) is down: .*ip link set tap0 down/),
  ]);
});

test('in a bridge', () => {
  expect(problems({ ifindex: 9, name: 'br0' }, { master: 9 })).toEqual([
    expect.stringMatching(/^tap0 belongs to br0: .* 20000 a second .* ip link set tap0 nomaster$/),
  ]);
});

test('an MTU that the vASIC does not carry, and an address that the TAP never took', () => {
  expect(problems({ mtu: 9000 })).toEqual([expect.stringMatching(/MTU of 9000.*ip link set tap0 mtu 1500$/)]);
  expect(problems({ mac: parseMac('02:00:00:00:00:99')! })).toEqual([
    expect.stringMatching(/^tap0 has the address 02:00:00:00:00:99, .* ip link set tap0 address 02:00:00:00:00:01$/),
  ]);
});

test('refused by the vASIC', () => {
  expect(portProblems(CONFIG, interfacesWith({}), [[0, 'full: no room']])).toEqual([
    expect.stringMatching(/^the vASIC refused what Linux says of tap0, .*: full: no room$/),
  ]);
});
