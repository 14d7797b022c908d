/**
 * Makes test/fixtures/kernel/vrf-links.json: what a real kernel says over rtnetlink of VRF devices and the interfaces in them, as they are made, deleted,
 * renamed, and made again for another table. Usage: scripts/mpls-machine.sh && node dist/test/tools/record-vrf-links.js OUTPUT-FILE (as root)
 *
 * The kernel is that of the machine of `make mpls-interop`; rtmon writes its messages down there. Two dummies stand for the TAPs of ports.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { labId, openLab } from '../../lab/lab';
import { readMessages } from '../../src/netlink/codec';
import { startMachine, type Machine } from '../interop/machine';

const COMMANDS: readonly string[] = [
  'ip link add tap0 type dummy && ip link add tap1 type dummy && ip link set tap0 up && ip link set tap1 up',
  'ip link add red type vrf table 1001 && ip link set red up',
  'ip link set tap0 master red',
  'ip link add blue type vrf table 1002 && ip link set blue up && ip link set tap1 master blue',
  'ip link set red down && ip link set red name crimson && ip link set crimson up',
  'ip link set tap0 nomaster',
  'ip link set tap0 master crimson',
  'ip link set tap0 master blue',
  'ip link set tap0 master crimson',
  'ip link delete crimson',
  'ip link add red type vrf table 2001 && ip link set red up && ip link set tap0 master red',
  'ip link delete blue && ip link delete red',
];
/** rtmon writes one of these before each message. */
const TIMESTAMP = 15;
const FILE = '/tmp/links';
/** busybox's sleep takes fractions: as long as rtmon may take to write. */
const REST = 'sleep 0.5';

async function record(machine: Machine): Promise<readonly { command: string; messages: readonly string[] }[]> {
  await machine.must(`(rtmon file ${FILE} link >/dev/null 2>&1 &); sleep 1`);
  const size = async (): Promise<number> => Number(await machine.must(`${REST}; wc -c <${FILE}`));
  const ends = [await size()];
  for (const command of COMMANDS) {
    await machine.must(command);
    ends.push(await size());
  }
  const bytes = Buffer.from((await machine.must(`base64 ${FILE}`)).replaceAll('\n', ''), 'base64');
  return COMMANDS.map((command, i) => {
    const messages = [...readMessages(bytes.subarray(ends[i], ends[i + 1]))];
    const kept = messages.filter(({ type }) => type !== TIMESTAMP);
    const hex = kept.map(({ offset, body }) =>
      bytes.subarray(ends[i]! + offset, ends[i]! + offset + 16 + body.length).toString('hex'),
    );
    return { command, messages: hex };
  });
}

async function main(file: string): Promise<void> {
  const lab = await openLab(labId('vrfrecord'));
  try {
    const machine = await startMachine(lab, []);
    const steps = await record(machine);
    const head = { kernel: machine.kernel, command: 'node dist/test/tools/record-vrf-links.js' };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ ...head, steps }, undefined, 1)}\n`);
    const count = steps.reduce((sum, { messages }) => sum + messages.length, 0);
    process.stdout.write(`${file}: ${count} messages of Linux ${machine.kernel}\n`);
  } finally {
    await lab.close();
  }
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: record-vrf-links.js OUTPUT-FILE');
main(file).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`record-vrf-links: ${String(error)}\n`);
    process.exit(1);
  },
);
