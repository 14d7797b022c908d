/**
 * The two programs of this project, run in the lab: softvasic on a node's interfaces, fpm2afi on a router. Both are the
 * compiled ones that this file lies beside, or those of another compiled tree named by FPM2AFI_DIST.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PortView, RouteView } from '../src/control/types';
import type { StatusView } from '../src/control/status-types';
import type { PortMode } from '../src/vasic/kernel/hooks';
import type { EngineChoice } from '../src/vasic/kernel/kernel-engine';
import { at, items } from './json';
import { defaultFrrRoot } from './lab';
import type { LabNode } from './node';
import { portName, ROUTER_MGMT, tapName, VASIC_MGMT } from './plan';
import type { Proc } from './process';
import { waitFor } from './wait';

/** A program that can be killed and started again. */
export interface Program {
  readonly node: LabNode;
  readonly logFile: string;
  /** The present process. */
  readonly process: () => Proc;
  /** Starts it again after its end; returns when it answers. */
  readonly restart: () => Promise<void>;
}

export interface Bridge extends Program {
  /** The parsed answers of `fpm2afi show … --json`. */
  readonly status: () => Promise<StatusView>;
  readonly routes: () => Promise<readonly RouteView[]>;
  readonly ports: () => Promise<readonly PortView[]>;
}

/** The compiled tree that the programs are taken from. */
export function distDir(): string {
  const dir = process.env.FPM2AFI_DIST ?? join(__dirname, '..');
  if (!existsSync(join(dir, 'src/main.js'))) throw new Error(`${dir} holds no compiled fpm2afi: run "make build".`);
  return dir;
}

async function program(
  node: LabNode,
  name: string,
  argv: readonly string[],
  answers: () => Promise<boolean>,
): Promise<Program> {
  let running: Proc;
  const start = async (): Promise<void> => {
    const started = node.start(name, argv);
    running = started;
    const ready = async () => started.ended() !== undefined || (await answers());
    await waitFor(ready, { timeoutMs: 20_000, what: `${name} on ${node.name} to answer (log: ${started.logFile})` });
    if (started.ended() !== undefined) throw new Error(`${name} on ${node.name} ended at once: see ${started.logFile}`);
  };
  await start();
  return { node, logFile: node.logFile(name), process: () => running, restart: start };
}

export interface SoftvasicOptions {
  readonly ports: readonly number[];
  /** Prefixes that it refuses to take. */
  readonly refuse?: readonly string[];
  /** How many tree entries it takes; absent: any number. */
  readonly maxEntries?: number;
  /** More flags of softvasic. */
  readonly flags?: readonly string[];
  /** Its `--engine`; absent: what FPM2AFI_ENGINE names, else auto. */
  readonly engine?: EngineChoice;
  /** Its `--port-mode` for every port; absent: by each port's driver. */
  readonly portMode?: PortMode;
}

export const AFI_PORT = 50051;
export const HOSTPATH_VASIC_PORT = 9002;
export const HOSTPATH_CLIENT_PORT = 8001;

/** The engine that softvasic forwards by, as its `--engine`; FPM2AFI_ENGINE names another. */
const ENGINE = process.env.FPM2AFI_ENGINE ?? 'auto';

/** Starts softvasic; adds the command `softvasic` to the node. */
export function startSoftvasic(node: LabNode, options: SoftvasicOptions): Promise<Program> {
  const command = [process.execPath, join(distDir(), 'src/vasic/main.js')];
  node.command('softvasic', `exec ${command.join(' ')} "$@"`);
  const argv = [
    ...command,
    ...['--listen', `${VASIC_MGMT}:${AFI_PORT}`],
    ...['--hostpath-listen', `${VASIC_MGMT}:${HOSTPATH_VASIC_PORT}`],
    ...['--punt-to', `${ROUTER_MGMT}:${HOSTPATH_CLIENT_PORT}`],
    ...['--engine', options.engine ?? ENGINE],
    ...options.ports.flatMap((port) => ['--port', portName(port)]),
    ...(options.flags ?? []),
    ...(options.portMode === undefined
      ? []
      : options.ports.flatMap((port) => ['--port-mode', `${portName(port)}=${options.portMode}`])),
    ...(options.refuse ?? []).flatMap((prefix) => ['--refuse', prefix]),
    ...(options.maxEntries === undefined ? [] : ['--max-entries', String(options.maxEntries)]),
  ];
  const listening = async () => (await node.must(['ss', '-ltnH'])).includes(`:${AFI_PORT} `);
  return program(node, 'softvasic', argv, listening);
}

/** An element of `neighbors.static`. */
export interface StaticNeighbor {
  readonly tap: string;
  readonly address: string;
  readonly mac: string;
}

export interface BridgeOptions {
  readonly ports: readonly number[];
  /** Kernel tables that ports are bound to by the configuration, by port. */
  readonly portTables?: Readonly<Record<number, number>>;
  /** VRFs that the configuration names. */
  readonly vrfs?: readonly { readonly name: string; readonly table: number }[];
  /** Settings in place of the defaults, as `fpm2afi run --set` takes them (KEY=VALUE). */
  readonly settings?: readonly string[];
  /** Neighbors that the configuration names. */
  readonly neighbors?: readonly StaticNeighbor[];
  /** The root folder of the node's FRR; absent: where `make setup` puts it. */
  readonly frrRoot?: string;
  /** More arguments of `fpm2afi run`. */
  readonly args?: readonly string[];
}

/** The user of FRR in a root folder, by number: this machine needn't know the name. */
export function frrUser(frrRoot: string): number {
  const found = /^frr:[^:]*:(\d+):/m.exec(readFileSync(join(frrRoot, 'etc/passwd'), 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${frrRoot}/etc/passwd has no user frr`);
  return Number(found);
}

/** Starts `fpm2afi run` with a configuration file of its own; adds the command `fpm2afi` to the node. */
export async function startBridge(node: LabNode, options: BridgeOptions): Promise<Bridge> {
  const socket = join(node.dir, 'fpm2afi.sock');
  const file = join(node.dir, 'fpm2afi.yaml');
  const lines = [
    'fpm:',
    '  listen: 127.0.0.1:2620',
    `  allow: { users: [${frrUser(options.frrRoot ?? defaultFrrRoot())}] }`,
    `  zebraVty: ${join(options.frrRoot ?? defaultFrrRoot(), 'run/frr', node.netns, 'zebra.vty')}`,
    'afi:',
    `  server: ${VASIC_MGMT}:${AFI_PORT}`,
    'ports:',
    ...options.ports.map((port) => {
      const table = options.portTables?.[port];
      return `  - { index: ${port}, tap: ${tapName(port)}${table === undefined ? '' : `, table: ${table}`} }`;
    }),
    `vrfs: ${JSON.stringify((options.vrfs ?? []).map(({ name, table }) => ({ name, table })))}`,
    'punt:',
    `  socket: ${join(node.dir, 'punt.sock')}`,
    `  listen: ${ROUTER_MGMT}:${HOSTPATH_CLIENT_PORT}`,
    `  vasic: ${VASIC_MGMT}:${HOSTPATH_VASIC_PORT}`,
    'control:',
    `  socket: ${socket}`,
    'neighbors:',
    `  static: ${JSON.stringify(options.neighbors ?? [])}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const command = [process.execPath, join(distDir(), 'src/main.js')];
  node.command('fpm2afi', `FPM2AFI_SOCKET="\${FPM2AFI_SOCKET:-${socket}}" exec ${command.join(' ')} "$@"`);
  const show = async (...what: string[]): Promise<unknown> =>
    JSON.parse(await node.must(['fpm2afi', 'show', ...what, '--json'])) as unknown;
  const list = async (what: string, ...options: string[]) => {
    const shown = await show(what, ...options);
    return Array.isArray(shown) ? items(shown) : items(at(shown, what));
  };
  const settings = [...(options.args ?? []), ...(options.settings ?? []).flatMap((setting) => ['--set', setting])];
  const answers = async () => (await node.exec(['fpm2afi', 'show', 'status', '--json'])).status === 0;
  const running = await program(node, 'fpm2afi', [...command, 'run', '--config', file, ...settings], answers);
  return {
    ...running,
    status: async () => (await show('status')) as StatusView,
    routes: async () => (await list('routes', '--all')) as readonly RouteView[],
    ports: async () => (await list('ports')) as readonly PortView[],
  };
}
