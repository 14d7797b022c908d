/**
 * The softvasic process: composition root of the vASIC. Isolates the port interfaces, starts the dataplane thread and the
 * gRPC server, connects them, and takes everything down again on SIGTERM or SIGINT.
 *
 * Exit status: 0 ended by a signal, 1 failed, 2 wrong usage.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { familiesDiffer, formatEndpoint, isUnix, type HostPort } from '../net/endpoint';
import { errorText, UsageError } from '../net/error-text';
import { createLogger, type Logger } from '../observe/log';
import { assertPlatform } from '../sys/libc';
import { createSupervisor } from '../sys/supervisor';
import { startDataplane, type RunningDataplane } from './server/dataplane';
import { IsolatedPorts } from './io/isolated-ports';
import { lockPorts, type PortLocks } from './io/port-lock';
import { Legacy } from './kernel/legacy';
import { clearPorts } from './kernel/predecessors';
import { hostpathFault, parseOptions, type SoftvasicOptions } from './options';
import { startAfiServer, type AfiServer } from './server/server';

/** An address for the thread, which can't resolve names. */
async function resolve(flag: string, { host, port }: HostPort): Promise<HostPort> {
  if (isIP(host) !== 0) return { host, port };
  try {
    return { host: (await lookup(host)).address, port };
  } catch (error) {
    throw new Error(`cannot resolve ${host} (${flag}): ${errorText(error)}`, { cause: error });
  }
}

/** Where hostpath datagrams come and go. */
async function hostpathOf(options: SoftvasicOptions): Promise<{ hostpath: HostPort; puntTo: HostPort }> {
  const hostpath = await resolve('--hostpath-listen', options.hostpathListen);
  const puntTo = await resolve('--punt-to', options.puntTo);
  if (familiesDiffer(hostpath, puntTo)) throw new Error(hostpathFault(hostpath, puntTo));
  return { hostpath, puntTo };
}

async function run(options: SoftvasicOptions, log: Logger): Promise<number> {
  let isolation: IsolatedPorts | undefined;
  let dataplane: RunningDataplane | undefined;
  let server: AfiServer | undefined;
  let locks: PortLocks | undefined;
  try {
    assertPlatform();
    locks = await lockPorts(options.ports, `softvasic (pid ${process.pid}, AFI on ${formatEndpoint(options.listen)})`);
    // Before anything is changed: names may take their time.
    const hostpath = options.release ? undefined : await hostpathOf(options);
    // From here on an end undoes what was done.
    const stopped = signaled();
    const isolating = (isolation = new IsolatedPorts(options.ports, options.isolation, log));
    for (const name of options.ports) isolating.isolate(name);
    if (hostpath === undefined) {
      const legacy = new Legacy(options.bpfFs, true);
      const released = clearPorts(options.ports, { legacy, inherits: false }, log);
      legacy.sweep();
      log.info(`given back to Linux: ${options.ports.join(', ')}`, { programs: released });
      return 0;
    }
    let died: (error: Error) => void = () => undefined;
    const death = new Promise<Error>((settle) => (died = settle));
    const { sandbox, ports, refuse, maxEntries, statsIntervalMs, kernelMemory: maxBytes, portModes: modes } = options;
    const isolated = options.isolation !== 'off';
    dataplane = await startDataplane(
      {
        sandbox,
        ports,
        ...hostpath,
        refuse,
        ...(maxEntries === undefined ? undefined : { maxEntries }),
        statsIntervalMs,
        engine: {
          choice: options.engine,
          maxBytes,
          modes,
          isolated,
          keepSeconds: options.keepForwarding,
          bpfFs: options.bpfFs,
        },
      },
      { reattach: (name) => isolating.reattach(name), onDeath: died },
      log,
    );
    server = await startAfiServer(options.listen, dataplane, log.child('afi'), options.tls);
    const at = isUnix(options.listen) ? options.listen : { ...options.listen, port: server.port };
    log.info(`ready: AFI clients connect to ${formatEndpoint(at)}`, {
      ports: ports.map((name, index) => `${index}=${name}`).join(' '),
      sandbox: `${sandbox.engine}:${sandbox.name}`,
      hostpath: formatEndpoint({ ...options.hostpathListen, port: dataplane.hostpathPort }),
      puntTo: formatEndpoint(options.puntTo),
    });
    const supervisor = createSupervisor();
    supervisor.ready(`${ports.length} ports`);
    process.on('SIGHUP', () =>
      log.warn('SIGHUP: nothing is read again; other flags need a restart', { code: 'vasic-no-reload' }),
    );
    const end = await Promise.race([death, stopped]);
    supervisor.stopping();
    if (end instanceof Error) {
      log.error(`the dataplane failed, nothing is forwarded any more: ${end.stack ?? end.message}`, {
        code: 'vasic-dataplane-failed',
      });
      return 1;
    }
    log.info(`${end}: shutting down`);
    return 0;
  } catch (error) {
    log.error(errorText(error), { code: 'stopped' });
    return 1;
  } finally {
    server?.close();
    await dataplane?.close();
    // The kernel goes on, and Linux is to stay off the ports.
    if (dataplane?.keeps !== true) isolation?.undo();
    locks?.close();
  }
}

function signaled(): Promise<string> {
  return new Promise((settle) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => settle(signal));
  });
}

async function main(): Promise<void> {
  let options: SoftvasicOptions | undefined;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`softvasic: ${error.message}\nsoftvasic --help shows the options.\n`);
    process.exitCode = 2;
    return;
  }
  if (options === undefined) return;
  process.exitCode = await run(options, createLogger(options.log, 'softvasic', process.stderr, 'softvasic'));
}

// The data plane would wait for helpers of the garbage collector, and those, of ordinary priority, for everybody else.
for (const flag of ['--no-parallel-scavenge', '--no-parallel-compaction', '--no-parallel-pointer-update'])
  setFlagsFromString(flag);
void main();
