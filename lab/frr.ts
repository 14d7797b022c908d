/**
 * A router's FRR: mgmtd, zebra and protocol daemons of the FRR in the root folder, run in a node's namespace.
 *
 * Every router has folders of its own in that root, named like its namespace, which FRR finds by its option -N. The daemons
 * stay in the foreground as our children. /proc, /sys and /dev are bound into the root in each daemon's private mount
 * namespace (`ip netns exec` makes one), so no mount outlives a daemon. The configuration is one file, sent by `vtysh -b`;
 * a daemon that is started again gets its part of it.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab';
import type { LabNode } from './node';
import type { Proc } from './process';
import { FRR_DIRS } from './sweep';
import { waitFor } from './wait';
import { execute } from './exec';
import type { LinuxVrf } from './mpls/linux-vrfs';
import { mplsView } from './mpls/zebra-view';

export type FrrDaemon = 'mgmtd' | 'zebra' | 'staticd' | 'ospfd' | 'ospf6d' | 'isisd' | 'bgpd' | 'bfdd' | 'ldpd';

export interface FrrOptions {
  /** The integrated configuration, as in frr.conf. */
  readonly config: string;
  /** Protocol daemons beside mgmtd and zebra. */
  readonly daemons: readonly FrrDaemon[];
  /** More arguments for zebra, e.g. its FPM module. */
  readonly zebraArgs?: readonly string[];
  /** zebra is to believe that its kernel has MPLS, and these VRF devices (mpls/zebra-view.ts). */
  readonly pretendMpls?: boolean;
  readonly pretendVrfs?: readonly LinuxVrf[];
}

export interface Frr {
  /** Runs one vtysh command and returns what it shows; throws when vtysh fails. */
  readonly vtysh: (command: string) => Promise<string>;
  /** The same for a command with the word `json`, parsed. */
  readonly json: (command: string) => Promise<unknown>;
  /** A daemon's present process. */
  readonly process: (daemon: FrrDaemon) => Proc;
  /** Starts a daemon that has ended, and configures it. zebra may be given other arguments than before. */
  readonly restart: (daemon: FrrDaemon, zebraArgs?: readonly string[]) => Promise<Proc>;
}

const IN_ROOT =
  'mount --rbind /proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"';

/** Starts FRR on a node and returns when it is configured. Adds the command `vtysh` to the node. */
export async function startFrr(lab: Lab, node: LabNode, options: FrrOptions): Promise<Frr> {
  const root = lab.frrRoot;
  for (const dir of FRR_DIRS) mkdirSync(join(root, dir, node.netns), { recursive: true });
  const configDir = join(root, 'etc/frr', node.netns);
  writeFileSync(join(configDir, 'frr.conf'), options.config);
  writeFileSync(join(configDir, 'vtysh.conf'), '');
  const folders = FRR_DIRS.map((dir) => `/${dir}/${node.netns}`);
  const owned = await execute(['chroot', root, 'chown', '-R', 'frr:frr', ...folders]);
  if (owned.status !== 0) throw new Error(`chown in ${root}: ${owned.stderr}`);
  node.command('vtysh', `exec chroot ${root} vtysh -N ${node.netns} "$@"`);

  const view =
    options.pretendMpls === true ? await mplsView(root, join('etc/frr', node.netns), options.pretendVrfs ?? []) : [];
  const running = new Map<FrrDaemon, Proc>();
  const startDaemon = async (daemon: FrrDaemon, zebraArgs = options.zebraArgs ?? []): Promise<void> => {
    const socket = join(root, 'run/frr', node.netns, `${daemon}.vty`);
    rmSync(socket, { force: true });
    const args = ['-N', node.netns, '--log', 'stdout', '--log-level', 'informational'];
    if (daemon === 'zebra') args.push(...zebraArgs);
    const command = [...(daemon === 'zebra' ? view : []), `/usr/lib/frr/${daemon}`, ...args];
    const started = node.start(daemon, ['sh', '-c', IN_ROOT, root, ...command]);
    running.set(daemon, started);
    await waitFor(() => existsSync(socket) || started.ended() !== undefined, {
      timeoutMs: 15_000,
      everyMs: 20,
      what: `${daemon} of ${node.name}`,
    });
    if (started.ended() !== undefined)
      throw new Error(`${daemon} of ${node.name} ended at once: see ${started.logFile}`);
  };
  const configure = async (only: readonly string[]): Promise<void> => {
    // A refused line is named in the error.
    await waitFor(async () => (await node.must(['vtysh', ...only, '-b']), true), {
      timeoutMs: 15_000,
      what: `vtysh -b of ${node.name}`,
    });
  };

  // FRR before 9 has no mgmtd.
  const first = existsSync(join(root, 'usr/lib/frr/mgmtd')) ? (['mgmtd', 'zebra'] as const) : (['zebra'] as const);
  for (const daemon of [...first, ...options.daemons]) await startDaemon(daemon);
  await configure([]);
  const vtysh = (command: string) => node.must(['vtysh', '-c', command]);
  const present = (daemon: FrrDaemon): Proc => {
    const found = running.get(daemon);
    if (found === undefined) throw new Error(`${daemon} was never started on ${node.name}`);
    return found;
  };
  return {
    vtysh,
    json: async (command) => JSON.parse(await vtysh(command)) as unknown,
    process: present,
    restart: async (daemon, zebraArgs) => {
      await startDaemon(daemon, zebraArgs);
      // Only this one: zebra would take its `fpm address` again as a wish to reconnect.
      await configure(['-d', daemon]);
      return present(daemon);
    },
  };
}
