/**
 * A virtual machine with the Linux kernel's own MPLS, as a router of the lab: Debian's cloud kernel with a small initramfs
 * (scripts/mpls-machine.sh, machine-init.sh), under qemu without hardware help. It is told what to do over its serial line, one command
 * at a time. Each of its interfaces, eth0, eth1 …, is a TAP, made in a namespace of the machine's own and then moved to where
 * the other end of the link is: qemu holds the device open, whatever namespace it is in.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import { logLines, logMark, waitForLine, type Proc } from '../../lab/process';
import { waitFor } from '../../lab/wait';

/** The other end of one of the machine's interfaces. */
export interface MachinePort {
  readonly node: LabNode;
  readonly ifname: string;
  /** Of the other end; the machine's own is `machineMac`. */
  readonly mac: string;
}

export interface MachineAnswer {
  readonly status: number;
  /** Both streams, line by line. */
  readonly output: string;
}

export interface Machine {
  /** What the kernel says it is. */
  readonly kernel: string;
  /** Runs a command in the machine's shell. */
  readonly exec: (command: string) => Promise<MachineAnswer>;
  /** The same; throws with what was printed unless it succeeds. */
  readonly must: (command: string) => Promise<string>;
  /** Runs commands one after the other, several a line; throws with what was printed where one fails. */
  readonly mustAll: (commands: readonly string[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const BOOT_MS = 120_000;
const COMMAND_MS = 60_000;
/** A terminal's line has room for 4096 bytes. */
const MAX_LINE = 3500;

/** Hardware address of the machine's interface ethN. */
export const machineMac = (index: number): string => `02:00:00:00:01:0${index}`;

function machineFolder(): string {
  const folder = join(process.env.FPM2AFI_CACHE ?? '/var/cache/fpm2afi', 'machine');
  if (!existsSync(join(folder, 'vmlinuz'))) throw new Error(`No kernel in ${folder}: run scripts/mpls-machine.sh.`);
  return folder;
}

/** Boots it; returns when it takes commands and its links are up at the far ends. */
export async function startMachine(lab: Lab, ports: readonly MachinePort[]): Promise<Machine> {
  const folder = machineFolder();
  const node = await lab.node('machine');
  const nics: string[] = [];
  for (const [i] of ports.entries()) {
    await node.must(['ip', 'tuntap', 'add', `vm${i}`, 'mode', 'tap']);
    nics.push('-netdev', `tap,id=n${i},ifname=vm${i},script=no,downscript=no`);
    // Checksums and segments are left to nobody: frames are compared byte by byte.
    const plain = 'csum=off,guest_csum=off,gso=off,guest_tso4=off,guest_tso6=off,guest_ufo=off,mrg_rxbuf=off';
    nics.push('-device', `virtio-net-pci,netdev=n${i},mac=${machineMac(i)},romfile=,${plain}`);
  }
  const qemu = node.start(
    'qemu',
    [
      ...['qemu-system-x86_64', '-accel', 'tcg', '-m', '256', '-smp', '1', '-nodefaults', '-nographic', '-no-reboot'],
      ...['-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initramfs'), '-serial', 'stdio', ...nics],
      ...['-append', 'console=ttyS0 quiet panic=-1 rdinit=/init'],
    ],
    { stdin: true },
  );
  await waitForLine(qemu.logFile, /^=== ready/, 0, BOOT_MS);
  for (const [i, port] of ports.entries()) {
    await node.must(['ip', 'link', 'set', `vm${i}`, 'netns', port.node.netns]);
    await port.node.must(['ip', 'link', 'set', `vm${i}`, 'name', port.ifname, 'address', port.mac]);
    await port.node.must(['ip', 'link', 'set', port.ifname, 'up']);
  }
  return machineOn(qemu);
}

/** Commands joined to as few lines as a terminal takes; the first that fails is told and ends its line. */
function linesOf(commands: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const command of commands) {
    const one = `{ ${command} || { echo 'failed: ${command.replaceAll("'", '')}'; false; }; }`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + one.length < MAX_LINE) lines[lines.length - 1] = `${last} && ${one}`;
    else lines.push(one);
  }
  return lines;
}

const plain = (line: string): string => line.replaceAll('\r', '');

function machineOn(qemu: Proc): Machine {
  let number = 0;
  // One command at a time: the next waits for the one before.
  let before: Promise<unknown> = Promise.resolve();
  const run = async (command: string): Promise<MachineAnswer> => {
    if (/[\r\n]/.test(command) || command.length > MAX_LINE) throw new Error('a command is one line of a terminal');
    const mark = logMark(qemu.logFile);
    const id = ++number;
    qemu.tell(`${id} ${command}`);
    const last = await waitFor(() => logLines(qemu.logFile, mark).find((line) => line.startsWith(`=== ${id} `)), {
      timeoutMs: COMMAND_MS,
      everyMs: 10,
      what: `the machine to answer: ${command}`,
    });
    const lines = logLines(qemu.logFile, mark).map(plain);
    const output = lines.flatMap((line) => (line.startsWith('| ') ? [line.slice(2)] : []));
    return { status: Number(plain(last).split(' ')[2]), output: output.join('\n') };
  };
  const exec = (command: string): Promise<MachineAnswer> => {
    const answer = before.then(() => run(command));
    before = answer.catch(() => undefined);
    return answer;
  };
  const must = async (command: string): Promise<string> => {
    const { status, output } = await exec(command);
    if (status !== 0) throw new Error(`in the machine: ${command}: status ${status}\n${output}`);
    return output;
  };
  const boot = logLines(qemu.logFile).map(plain);
  return {
    kernel: /^=== kernel (.+)$/m.exec(boot.join('\n'))?.[1] ?? 'unknown',
    exec,
    must,
    mustAll: async (commands) => {
      for (const line of linesOf(commands)) await must(line);
    },
    stop: async () => {
      await qemu.kill('SIGKILL');
    },
  };
}
