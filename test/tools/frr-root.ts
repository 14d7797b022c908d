/**
 * A zebra of its own for the tools that capture from it or measure it: FRR's daemons out of a root folder (`FRR_ROOT`),
 * in a network namespace and a mount namespace that nothing else uses. The tool runs itself again inside the namespace;
 * mounts are private to that process tree, /run and /etc/frr are tmpfs, so all traces go with it.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, waitFor } from '../../lab/wait';

export const FRR_ROOT = process.env['FRR_ROOT'] ?? '/var/cache/fpm2afi/frr/forky';

const INSIDE = 'F2A_FRR_INSIDE';

/**
 * Runs `body` in a new namespace, as a second process of the same program with the same arguments, and ends this
 * process with its exit code. `ip` commands of the body change the namespace only.
 */
export function inNamespace(name: string, body: () => Promise<void>): void {
  if (process.env[INSIDE] === name) {
    body().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
    return;
  }
  if (!existsSync(join(FRR_ROOT, 'usr/lib/frr/zebra'))) {
    throw new Error(`FRR_ROOT=${FRR_ROOT} has no usr/lib/frr/zebra: unpack FRR there, e.g. with mmdebstrap`);
  }
  ip(`netns add ${name}`);
  try {
    const inner = spawnSync('ip', ['netns', 'exec', name, process.execPath, ...process.argv.slice(1)], {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE]: name },
    });
    process.exitCode = inner.status ?? 1;
  } finally {
    ip(`netns del ${name}`);
  }
}

export function ip(args: string): string {
  return execFileSync('ip', args.split(' '), { encoding: 'utf8' });
}

/** Polls until the condition holds; throws after `timeout` ms, naming what was awaited. */
export async function until(what: string, condition: () => boolean, timeout = 20000): Promise<void> {
  await waitFor(condition, { timeoutMs: timeout, what, everyMs: 50 });
}

/** The FRR daemons of one run. */
export class Frr {
  private readonly children: ChildProcess[] = [];

  /** Prepares the root folder; daemons are started by `start`. */
  constructor() {
    for (const dir of ['proc', 'sys', 'dev']) {
      execFileSync('mount', ['--rbind', `/${dir}`, join(FRR_ROOT, dir)]);
    }
    for (const dir of ['run', 'etc/frr']) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(FRR_ROOT, dir)]);
    writeFileSync(join(FRR_ROOT, 'etc/frr/vtysh.conf'), '');
    mkdirSync(join(FRR_ROOT, 'run/frr'));
    execFileSync('chroot', [FRR_ROOT, 'chown', 'frr:frr', '/run/frr']);
  }

  /** Starts mgmtd (where this FRR has one), zebra with these arguments, and staticd; returns when vtysh answers. */
  async start(zebraArgs: readonly string[]): Promise<void> {
    const run = join(FRR_ROOT, 'run/frr');
    for (const stale of readdirSync(run)) rmSync(join(run, stale), { recursive: true });
    const mgmtd = existsSync(join(FRR_ROOT, 'usr/lib/frr/mgmtd'));
    if (mgmtd) this.spawn('mgmtd', []);
    await sleep(mgmtd ? 500 : 0);
    this.spawn('zebra', zebraArgs);
    await until('zebra', () => existsSync(join(FRR_ROOT, 'run/frr/zserv.api')));
    this.spawn('staticd', []);
    await until('staticd', () => existsSync(join(FRR_ROOT, 'run/frr/staticd.vty')));
    await sleep(1000);
  }

  private spawn(daemon: string, args: readonly string[]): void {
    const options = ['--log', 'file:/run/frr/log', '--log-level', 'warnings', ...args];
    const child = spawn('chroot', [FRR_ROOT, `/usr/lib/frr/${daemon}`, ...options], { stdio: 'ignore' });
    this.children.push(child);
    child.on('exit', (code) => {
      if (code !== 0 && code !== null) process.stderr.write(`${daemon} ended with ${code}\n${this.log()}`);
    });
  }

  /** The daemons' warnings. */
  log(): string {
    const path = join(FRR_ROOT, 'run/frr/log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  vtysh(...commands: string[]): string {
    const args = commands.flatMap((command) => ['-c', command]);
    return execFileSync('chroot', [FRR_ROOT, 'vtysh', ...args], { encoding: 'utf8' });
  }

  configure(...lines: string[]): void {
    this.vtysh('configure terminal', ...lines);
  }

  version(): string {
    return /version (\S+)/.exec(
      execFileSync('chroot', [FRR_ROOT, '/usr/lib/frr/zebra', '--version'], { encoding: 'utf8' }),
    )![1]!;
  }

  async stop(): Promise<void> {
    for (const child of this.children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([gone, sleep(3000).then(() => child.kill('SIGKILL'))]);
    }
    this.children.length = 0;
  }
}

/** A pair of Ethernet interfaces `name` and `name`p, both up, with IPv6 autoconfiguration off. */
export function addPort(name: string, ...addresses: string[]): void {
  ip(`link add ${name} type veth peer name ${name}p`);
  for (const end of [name, `${name}p`]) ip(`link set ${end} addrgenmode none up`);
  for (const address of addresses) ip(`addr add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`);
}
