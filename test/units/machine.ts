/**
 * A machine with systemd as its process 1: a Debian in a root folder and namespaces of its own, on this machine's kernel (machine-init.sh). It is
 * booted, told what to do, shut down, and booted again. Nothing of it is seen outside: its processes are in a control group that is
 * removed with it.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, execute, must, type ExecResult } from '../../lab/exec';
import { logLines, startProcess, type Proc } from '../../lab/process';
import { waitFor } from '../../lab/wait';

const INIT = join(__dirname, '../../../test/units/machine-init.sh');
const ENVIRONMENT = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'NO_COLOR=1', 'SYSTEMD_PAGER='];
const BOOT_MS = 90_000;
const COMMAND_MS = 60_000;

/** The machine of one Debian suite. */
export class Machine {
  private readonly work = mkdtempSync(join(tmpdir(), 'fpm2afi-units-'));
  private readonly root = join(this.work, 'root');
  private readonly cgroup = join(cgroupFileSystem(), `fpm2afi-units-${process.pid}`);
  private readonly log: string;
  private running: { readonly proc: Proc; readonly pid: number } | undefined;
  private boots = 0;

  constructor(suite: string, logDir: string) {
    mkdirSync(logDir, { recursive: true });
    this.log = join(logDir, `${suite}-console.log`);
  }

  /** Unpacks the root folder: a tar file that scripts/units-machine.sh made. */
  async unpack(tar: string): Promise<void> {
    mkdirSync(this.root);
    await must(['tar', 'xf', tar, '-C', this.root], { timeoutMs: 60_000 });
    // The kernel is this machine's: there are no modules to load.
    symlinkSync('/dev/null', join(this.root, 'etc/systemd/system/systemd-modules-load.service'));
  }

  /** Copies files into a folder of the machine. */
  async copy(files: readonly string[], folder: string): Promise<void> {
    mkdirSync(join(this.root, folder), { recursive: true });
    await must(['cp', ...files, join(this.root, folder)]);
  }

  /** Writes a file of the machine, on its disk (not below /run or /dev while it runs). */
  write(file: string, text: string): void {
    mkdirSync(join(this.root, file, '..'), { recursive: true });
    writeFileSync(join(this.root, file), text);
  }

  /** Starts it, and waits until systemd has started all that it is to start. What it said then: running, or degraded. */
  async boot(): Promise<string> {
    mkdirSync(this.cgroup, { recursive: true });
    this.boots++;
    const enter = 'echo $$ >"$0/cgroup.procs" && exec "$@"';
    const spaces = ['--mount', '--pid', '--fork', '--kill-child', '--cgroup', '--net', '--uts', '--ipc'];
    const argv = ['sh', '-c', enter, this.cgroup, 'unshare', ...spaces, 'bash', INIT, this.root];
    const proc = startProcess(`boot ${this.boots}`, argv, this.log, process.env);
    const pid = await waitFor(() => childOf(proc.pid), { timeoutMs: 10_000, what: 'the first process of the machine' });
    this.running = { proc, pid };
    return waitFor(
      async () => {
        if (proc.ended() !== undefined)
          throw new Error(`the machine ended: ${logLines(this.log).slice(-3).join('; ')}`);
        const said = (await this.exec(['systemctl', 'is-system-running'])).stdout.trim();
        return said === 'running' || said === 'degraded' ? said : false;
      },
      { timeoutMs: BOOT_MS, what: 'the machine to have booted' },
    );
  }

  /** Runs a command there as root and waits for its end. */
  exec(argv: readonly string[], timeoutMs = COMMAND_MS): Promise<ExecResult> {
    if (this.running === undefined) throw new Error('the machine is off');
    const enter = [
      'nsenter',
      `--target=${this.running.pid}`,
      '--mount',
      '--pid',
      '--net',
      '--uts',
      '--ipc',
      '--cgroup',
    ];
    return execute([...enter, ...ENVIRONMENT, ...argv], { timeoutMs });
  }

  /** The same; throws unless it succeeds. Returns standard output. */
  async must(argv: readonly string[], timeoutMs?: number): Promise<string> {
    const result = await this.exec(argv, timeoutMs);
    if (result.status !== 0) throw new CommandError(result);
    return result.stdout;
  }

  /** A property of a unit, as `systemctl show` tells it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.must(['systemctl', 'show', '--value', '-p', name, unit])).trim();
  }

  /** Shuts it down as an operator would. */
  async powerOff(): Promise<void> {
    const running = this.running;
    if (running === undefined) return;
    await this.exec(['systemctl', 'poweroff']);
    await waitFor(() => running.proc.ended() !== undefined, { timeoutMs: 120_000, what: 'the machine to be off' });
    this.running = undefined;
  }

  /** Ends it, whatever it does, and removes all of it. */
  async close(): Promise<void> {
    const running = this.running;
    this.running = undefined;
    if (running?.proc.ended() === undefined) await running?.proc.kill('SIGKILL');
    await waitFor(() => removeGroups(this.cgroup), { timeoutMs: 10_000, what: 'its control groups to be empty' });
    rmSync(this.work, { recursive: true, force: true });
  }
}

/** Where this machine has cgroup2. */
function cgroupFileSystem(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const place = mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
  if (place === undefined) throw new Error('this machine has no cgroup2, which systemd needs');
  return place;
}

function childOf(pid: number): number | undefined {
  const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  return first === undefined || first === '' ? undefined : Number(first);
}

/** Removes a control group with those in it, once they are empty. */
function removeGroups(group: string): boolean {
  if (!existsSync(group)) return true;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroups(join(group, entry.name));
  }
  rmdirSync(group);
  return true;
}
