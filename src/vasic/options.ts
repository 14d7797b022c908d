/**
 * softvasic's command line: flags to one checked value. A mistake is a `UsageError` that names the flag and the value.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import type { SandboxName } from '../aft/wire';
import { throwUsage, UsageError } from '../net/error-text';
import type { Config, LogLevel } from '../config/types';
import { parsePrefix, type Prefix } from '../net/address';
import { oneValueEach } from '../net/command-line';
import {
  familiesDiffer,
  formatEndpoint,
  isUnix,
  parseEndpoint,
  parseHostPort,
  type Endpoint,
  type HostPort,
} from '../net/endpoint';
import type { IsolationMode } from './io/isolation';
import type { EngineChoice } from './kernel/kernel-engine';
import type { PortMode } from './kernel/hooks';
import { MAX_PORTS } from './engine/ports';
import type { ServerTls } from './server/listener';

/** What softvasic runs with. */
export interface SoftvasicOptions {
  readonly listen: Endpoint;
  /** Absent: no TLS. */
  readonly tls?: ServerTls;
  readonly hostpathListen: HostPort;
  readonly puntTo: HostPort;
  /** Interface names, by port index. */
  readonly ports: readonly string[];
  readonly sandbox: SandboxName;
  readonly maxEntries?: number;
  readonly refuse: readonly Prefix[];
  readonly isolation: IsolationMode;
  readonly engine: EngineChoice;
  /** How ports get to the kernel engine, where that isn't to be chosen. */
  readonly portModes: Readonly<Record<string, PortMode>>;
  /** Seconds that the kernel goes on forwarding after the end of softvasic; 0: it stops with it. */
  readonly keepForwarding: number;
  /** Where it keeps what goes on. */
  readonly bpfFs: string;
  /** Instead of running: take off what an earlier one left on the ports. */
  readonly release: boolean;
  /** Bytes that the kernel engine's tables may grow to. */
  readonly kernelMemory: number;
  readonly statsIntervalMs: number;
  readonly log: Config['log'];
}

/** On one machine; in a namespace of its own where there are several. */
const DEFAULT_LISTEN = 'unix:/run/softvasic/afi.sock';

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
const ENGINES: readonly EngineChoice[] = ['auto', 'kernel', 'engine'];
const PORT_MODES: readonly PortMode[] = ['tc', 'xdp', 'xdp-generic'];
const MIB = 2 ** 20;
/** The program's addresses are numbers of words in 32 bits, and such a heap is mapped as a whole. */
const MAX_KERNEL_MIB = 8192;
const ISOLATION: readonly IsolationMode[] = ['auto', 'require', 'off'];

/** The version in package.json, found from where the compiled file lies. */
function version(): string {
  const text = readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const MOST_SOCKET_PATH = 107;

/**
 * Parses the arguments (without node and the script). `--help` and `--version` print and give undefined.
 * @throws UsageError
 */
export function parseOptions(argv: readonly string[]): SoftvasicOptions | undefined {
  const parser = oneValueEach(yargs([...argv]))
    .scriptName('softvasic')
    .usage(
      '$0 --port IF [--port IF …]\n\nA software vASIC: an AFI server that forwards packets between Linux interfaces.',
    )
    .command('aft', 'Show and change the nodes and entries of a running vASIC by hand: softvasic aft --help')
    .option('port', {
      alias: 'p',
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Interface of a port; the order gives the index',
    })
    .option('listen', {
      type: 'string',
      requiresArg: true,
      default: DEFAULT_LISTEN,
      describe: 'Where AFI clients connect (gRPC): unix:/PATH or HOST:PORT',
    })
    .option('tls-cert', {
      type: 'string',
      requiresArg: true,
      describe: 'TLS at HOST:PORT: file (PEM) with the certificate of this server',
    })
    .option('tls-key', { type: 'string', requiresArg: true, describe: 'File (PEM) with its key' })
    .option('tls-client-ca', {
      type: 'string',
      requiresArg: true,
      describe: 'File (PEM) with the CA that must have signed the certificate of a client (mutual TLS)',
    })
    .option('hostpath-listen', {
      type: 'string',
      requiresArg: true,
      default: '127.0.0.1:9002',
      describe: 'UDP: where injected packets arrive',
    })
    .option('punt-to', {
      type: 'string',
      requiresArg: true,
      default: '127.0.0.1:8001',
      describe: 'UDP: where punted packets go',
    })
    .option('sandbox', {
      type: 'string',
      requiresArg: true,
      default: 'trio:green',
      describe: 'Engine and name that clients allocate',
    })
    .option('max-entries', { type: 'string', requiresArg: true, describe: 'Refuse tree entries beyond this number' })
    .option('refuse', { type: 'string', array: true, nargs: 1, describe: 'Refuse tree entries with this prefix' })
    .option('isolation', {
      choices: ISOLATION,
      requiresArg: true,
      default: 'auto' as IsolationMode,
      describe: 'Keep Linux off the ports. auto: by ingress filter or sysctls; require: by both; off: you see to it',
    })
    .option('engine', {
      choices: ENGINES,
      requiresArg: true,
      default: 'auto' as EngineChoice,
      describe:
        'What forwards. kernel: a BPF program as far as it can, TypeScript the rest; engine: TypeScript alone; auto: the kernel where that works',
    })
    .option('port-mode', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: `IF=MODE, how a port gets to the kernel's program: ${PORT_MODES.join(', ')}; else by its driver`,
    })
    .option('kernel-memory', {
      type: 'string',
      requiresArg: true,
      default: '1024',
      describe: "MiB that the kernel engine's tables may grow to; what doesn't fit is refused",
    })
    .option('keep-forwarding', {
      type: 'string',
      requiresArg: true,
      default: '0',
      describe:
        'Seconds that the kernel forwards by the last tables after the end of softvasic, until the next one has its own',
    })
    .option('bpf-fs', {
      type: 'string',
      requiresArg: true,
      default: '/sys/fs/bpf',
      describe: 'BPF file system for --keep-forwarding',
    })
    .option('release', {
      type: 'boolean',
      default: false,
      describe: "Don't run: take off the ports what --keep-forwarding left there, and give them back to Linux",
    })
    .option('stats-interval', {
      type: 'string',
      requiresArg: true,
      default: '0',
      describe: 'Log counters every so many seconds; 0: never',
    })
    .option('log-level', {
      choices: LEVELS,
      requiresArg: true,
      default: 'info' as LogLevel,
      describe: 'Least important level to log',
    })
    .option('log-format', {
      choices: ['text', 'json'] as const,
      requiresArg: true,
      default: 'text' as const,
      describe: 'Lines for people or JSON',
    })
    .option('syslog', {
      type: 'string',
      requiresArg: true,
      describe: 'Socket of a syslog daemon that gets the log: /dev/log',
    })
    .example('$0 --port ge0 --port ge1', 'Two ports; router and fpm2afi on this machine')
    .example(
      '$0 -p ge0 -p ge1 --listen 128.0.0.16:50051 --hostpath-listen 128.0.0.16:9002 --punt-to 128.0.0.1:8001',
      'The router is reached over a link',
    )
    .example(
      '$0 -p ge0 -p ge1 --max-entries 1000 --refuse 10.0.255.3/32',
      'A vASIC that refuses, to see how failures show',
    )
    .epilogue('Exit status: 0 ended by SIGTERM or SIGINT, 1 failed, 2 wrong usage.')
    .version(version())
    .help()
    .alias('help', 'h')
    .strictOptions()
    .wrap(110)
    .exitProcess(false)
    .fail(throwUsage);
  const args = parser.parseSync();
  if (args['help'] === true || args['version'] === true) return undefined;
  if (args._.length > 0) throw new UsageError(`unexpected argument ${args._[0]}; interfaces are given with --port`);

  const ports = args.port ?? [];
  if (ports.length === 0) throw new UsageError('no ports: give at least one interface with --port');
  if (ports.length > MAX_PORTS) throw new UsageError(`${ports.length} ports: at most ${MAX_PORTS} are possible`);
  const twice = ports.find((name, i) => ports.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`--port ${twice} is given twice`);
  const odd = ports.find((name) => !/^[^\s/:]{1,15}$/.test(name) || name === '.' || name === '..');
  if (odd !== undefined) throw new UsageError(`--port ${JSON.stringify(odd)} is not an interface name`);
  const [engine, name, rest] = args.sandbox.split(':');
  if (!engine || !name || rest !== undefined) throw new UsageError(`--sandbox ${args.sandbox}: must be ENGINE:NAME`);
  if (args.syslog !== undefined && Buffer.byteLength(args.syslog) > MOST_SOCKET_PATH) {
    throw new UsageError(`--syslog ${args.syslog}: a socket's path has at most ${MOST_SOCKET_PATH} bytes`);
  }
  const maxEntries = args.maxEntries === undefined ? undefined : number('--max-entries', args.maxEntries, 2 ** 31);
  const listen = endpoint('--listen', args.listen);
  const tls = tlsFiles(args, listen);
  const hostpathListen = hostPort('--hostpath-listen', args.hostpathListen);
  const puntTo = hostPort('--punt-to', args.puntTo);
  if (familiesDiffer(hostpathListen, puntTo)) throw new UsageError(hostpathFault(hostpathListen, puntTo));
  return {
    listen,
    ...(tls && { tls }),
    hostpathListen,
    puntTo,
    ports,
    sandbox: { engine, name },
    ...(maxEntries === undefined ? undefined : { maxEntries }),
    refuse: (args.refuse ?? []).map((text) => {
      const prefix = parsePrefix(text);
      if (prefix === undefined)
        throw new UsageError(`--refuse ${text}: must be a prefix such as 10.0.0.0/8 or 2001:db8::/32`);
      return prefix;
    }),
    isolation: args.isolation,
    engine: args.engine,
    portModes: portModes(args.portMode ?? [], ports),
    keepForwarding: number('--keep-forwarding', args.keepForwarding, 3600),
    bpfFs: args.bpfFs,
    release: args.release,
    kernelMemory: MIB * number('--kernel-memory', args.kernelMemory, MAX_KERNEL_MIB, 1),
    statsIntervalMs: number('--stats-interval', args.statsInterval, 86_400) * 1000,
    log: { level: args.logLevel, format: args.logFormat, ...(args.syslog !== undefined && { syslog: args.syslog }) },
  };
}

/** What is wrong where these two are of different families; names may only be known to be when they are resolved. */
export function hostpathFault(hostpathListen: HostPort, puntTo: HostPort): string {
  const [here, there] = [hostpathListen, puntTo].map(formatEndpoint);
  return `--hostpath-listen ${here}, --punt-to ${there}: must be both IPv4 or both IPv6, as one socket has both`;
}

function number(flag: string, text: string, max: number, min = 0): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${flag} ${text}: must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function portModes(given: readonly string[], ports: readonly string[]): Record<string, PortMode> {
  const modes: Record<string, PortMode> = {};
  for (const text of given) {
    const at = text.lastIndexOf('=');
    const name = text.slice(0, Math.max(at, 0));
    const mode = PORT_MODES.find((one) => one === text.slice(at + 1));
    if (at < 1 || mode === undefined) {
      throw new UsageError(`--port-mode ${text}: must be INTERFACE=MODE, MODE one of ${PORT_MODES.join(', ')}`);
    }
    if (!ports.includes(name)) throw new UsageError(`--port-mode ${text}: ${name} is no --port`);
    if (Object.hasOwn(modes, name)) throw new UsageError(`--port-mode ${text}: ${name} is given twice`);
    modes[name] = mode;
  }
  return modes;
}

function hostPort(flag: string, text: string): HostPort {
  const found = parseHostPort(text);
  if (found === undefined)
    throw new UsageError(`${flag} ${text}: must be HOST:PORT, e.g. 127.0.0.1:9002 or [::1]:9002`);
  return found;
}

function endpoint(flag: string, text: string): Endpoint {
  const found = parseEndpoint(text);
  if (found === undefined) {
    throw new UsageError(`${flag} ${text}: must be unix:/PATH or HOST:PORT, e.g. 127.0.0.1:50051 or [::1]:50051`);
  }
  return found;
}

function tlsFiles(
  {
    tlsCert,
    tlsKey,
    tlsClientCa,
  }: { readonly tlsCert?: string; readonly tlsKey?: string; readonly tlsClientCa?: string },
  listen: Endpoint,
): ServerTls | undefined {
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('TLS needs both --tls-cert and --tls-key');
  }
  if (isUnix(listen)) {
    throw new UsageError('--tls-cert: no TLS on a Unix socket, which nobody can listen in on: give --listen HOST:PORT');
  }
  return {
    identity: { cert: { setting: '--tls-cert', path: tlsCert }, key: { setting: '--tls-key', path: tlsKey } },
    ...(tlsClientCa !== undefined && { ca: { setting: '--tls-client-ca', path: tlsClientCa } }),
  };
}
