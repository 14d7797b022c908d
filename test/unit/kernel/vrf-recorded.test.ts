/**
 * VRF devices of a real kernel, recorded (test/fixtures/kernel/vrf-links.json, made by test/tools/record-vrf-links.ts): which table each port is bound to, and where a
 * VPN label that leads to a VRF's device is looked up, after each of its commands.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stage } from './vrf-stage';

const FILE = join(__dirname, '../../../../test/fixtures/kernel/vrf-links.json');
const { steps } = JSON.parse(readFileSync(FILE, 'utf8')) as {
  readonly steps: readonly { readonly command: string; readonly messages: readonly string[] }[];
};

/** What has to hold after the command that contains the words: ports 0 and 1, the tables, the VRFs' devices. */
const EXPECTED: readonly (readonly [words: string, ports: string, tables: string, lookups: string])[] = [
  ['add tap0 type dummy', '254 254', '254 default', ''],
  ['add red type vrf table 1001', '254 254', '254 default', 'red 1001'],
  ['set tap0 master red', '1001 254', '254 default, 1001 red', 'red 1001'],
  ['set tap1 master blue', '1001 1002', '254 default, 1001 red, 1002 blue', 'red 1001, blue 1002'],
  ['set red name crimson', '1001 1002', '254 default, 1001 crimson, 1002 blue', 'crimson 1001, blue 1002'],
  ['set tap0 nomaster', '254 1002', '254 default, 1002 blue', 'crimson 1001, blue 1002'],
  ['set tap0 master crimson', '1001 1002', '254 default, 1001 crimson, 1002 blue', 'crimson 1001, blue 1002'],
  ['set tap0 master blue', '1002 1002', '254 default, 1002 blue', 'crimson 1001, blue 1002'],
  ['set tap0 master crimson', '1001 1002', '254 default, 1001 crimson, 1002 blue', 'crimson 1001, blue 1002'],
  ['delete crimson', '254 1002', '254 default, 1002 blue', 'blue 1002'],
  ['add red type vrf table 2001', '2001 1002', '254 default, 2001 red, 1002 blue', 'red 2001, blue 1002'],
  ['delete blue && ip link delete red', '254 254', '254 default', ''],
];

test('made, deleted, enslaved, moved, released, renamed, made again for another table', () => {
  const { receive, ports, tables, lookup } = stage();
  const seen = steps.map(({ messages }) => {
    receive(...messages.map((hex) => Buffer.from(hex, 'hex')));
    const known = ['red', 'crimson', 'blue'].flatMap((name) => {
      const table = lookup(name);
      return table === undefined ? [] : [`${name} ${table}`];
    });
    return [ports(), tables(), known.join(', ')];
  });
  for (const [i, [words]] of EXPECTED.entries()) expect(steps[i]!.command).toContain(words);
  expect(seen).toEqual(EXPECTED.map(([, ...rest]) => rest));
});
