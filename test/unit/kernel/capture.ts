/**
 * Records what a real kernel sends on rtnetlink, as fixture for the decoder's tests. As root, after a build:
 *
 *   node dist/test/unit/kernel/capture.js > test/fixtures/kernel/kernel.json
 *
 * Makes two network namespaces joined by a veth pair, runs `COMMANDS` in one of them, and removes them. Each command's
 * notifications, and each dump's answer, are kept as hex.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { NetlinkWriter, readMessages } from '../../../src/netlink/codec';
import { NLMSG_DONE, NLM_F_DUMP, NLM_F_REQUEST } from '../../../src/netlink/constants';
import { NETLINK_RECEIVE_BYTES, openNetlink, receiveNetlink, sendNetlink } from '../../../src/sys/netlink-socket';

const COMMANDS = [
  'ip link set v0 address 02:00:00:00:00:01 mtu 1400 up',
  'ip address add 10.9.0.1/24 broadcast + dev v0',
  'ip address add 10.9.1.1 peer 10.9.1.2/32 dev v0',
  'ip address add 2001:db8::1/64 dev v0 nodad',
  'ip neighbor add 10.9.0.2 dev v0 lladdr 02:00:00:00:00:02 nud reachable',
  'ip neighbor change 10.9.0.2 dev v0 lladdr 02:00:00:00:00:03 nud stale',
  'ip neighbor add 2001:db8::2 dev v0 lladdr 02:00:00:00:00:02 nud permanent',
  'ip neighbor add proxy 10.9.0.77 dev v0',
  'dump links',
  'dump addresses',
  'dump neighbors',
  'ip neighbor del 10.9.0.2 dev v0',
  'ip link set v0 name port0',
  'ip link set port0 down',
  'ip address del 10.9.0.1/24 dev port0',
];
const RTMGRP = 0x1 | 0x4 | 0x10 | 0x100;
/** The dump requests: message type and length of the family header. */
const DUMPS: Readonly<Record<string, readonly [type: number, header: number]>> = {
  'dump links': [18, 16],
  'dump addresses': [22, 8],
  'dump neighbors': [30, 12],
};

/** Everything received until nothing came for a while, or the dump is done. */
function receiveAll(fd: number): Buffer {
  const slot = Buffer.alloc(NETLINK_RECEIVE_BYTES);
  const parts: Buffer[] = [];
  const idle = new Int32Array(new SharedArrayBuffer(4));
  for (let quiet = 0; quiet < 5;) {
    const received = receiveNetlink(fd, slot);
    if (typeof received !== 'number') {
      quiet++;
      Atomics.wait(idle, 0, 0, 20);
      continue;
    }
    quiet = 0;
    const part = Buffer.alloc((received + 3) & ~3);
    slot.copy(part, 0, 0, received);
    parts.push(part);
    if ([...readMessages(part)].some((message) => message.type === NLMSG_DONE)) break;
  }
  return Buffer.concat(parts);
}

function inside(): void {
  const fd = openNetlink(RTMGRP, 1 << 20);
  const captures = COMMANDS.map((command) => {
    const dump = DUMPS[command];
    if (dump === undefined) {
      const [program, ...args] = command.split(' ');
      execFileSync(program!, args);
    } else {
      const writer = new NetlinkWriter().begin(dump[0], NLM_F_REQUEST | NLM_F_DUMP, 1).bytes(new Uint8Array(dump[1]));
      sendNetlink(fd, writer.end().view());
    }
    return { command, hex: receiveAll(fd).toString('hex') };
  });
  const version = execFileSync('ip', ['-V'], { encoding: 'utf8' }).trim();
  process.stdout.write(`${JSON.stringify({ kernel: release(), iproute2: version, captures }, undefined, 2)}\n`);
}

function outside(): void {
  const names = ['a', 'b'].map((side) => `f2a-capture-${process.pid}-${side}`);
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    names.forEach((name) => ip('netns', 'add', name));
    ip('-n', names[0]!, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', names[1]!);
    ip('-n', names[1]!, 'link', 'set', 'v1', 'up');
    const result = spawnSync('ip', ['netns', 'exec', names[0]!, process.execPath, __filename, 'inside'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    process.exitCode = result.status ?? 1;
  } finally {
    names.forEach((name) => spawnSync('ip', ['netns', 'del', name]));
  }
}

if (process.argv[2] === 'inside') inside();
else outside();
