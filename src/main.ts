/**
 * The `fpm2afi` program: command line, exit codes (0 fine, 1 failure, 2 wrong usage) and dispatch. What a command runs is
 * loaded when it runs, so that `show` starts fast.
 */
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import yargs from 'yargs';
import { oneValueEach } from './net/command-line';
import { formatEndpoint } from './net/endpoint';
import { errorText, OperatorError, throwUsage, UsageError } from './net/error-text';
import type { Config, LogLevel } from './config/types';
import type { Override } from './config/validate';
import { withAudit } from './control/audit-cli';
import { withShow } from './control/cli';
import { DEFAULT_SOCKET } from './control/connection';
import { withDebug } from './control/debug-cli';
import { withExplain } from './control/explain-cli';
import { withGraph } from './control/graph-cli';
import { ControlError, requestObject } from './control/client';
import { helpFor, wrongCommand } from './control/commands';
import { withReload } from './control/reload-cli';
import { withMonitor } from './control/monitor-cli';
import { withTop } from './control/top-cli';
import { withWeb } from './web/cli';
import { withInspect } from './inspect/cli';
import type { RunOptions } from './bridge/run';
import type { RootLogger } from './observe/log';
import { packageVersion } from './observe/version';

const DEFAULT_CONFIG = '/etc/fpm2afi/fpm2afi.yaml';
const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

interface DaemonArguments {
  readonly config: string;
  readonly logLevel?: string;
  readonly set?: readonly string[];
}

/** Runs one command; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // `fpm2afi show routes | head` isn't an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    const wrong = wrongCommand(argv);
    if (wrong !== undefined) throw new UsageError(wrong);
    await commandLine().parseAsync(argv);
    return 0;
  } catch (error) {
    const message = errorText(error);
    if (error instanceof UsageError) {
      process.stderr.write(`fpm2afi: ${message}\nSee "${helpFor(argv)}".\n`);
      return 2;
    }
    process.stderr.write(error instanceof OperatorError ? `${message}\n` : `fpm2afi: ${message}\n`);
    if (error instanceof ControlError && error.absent !== undefined) await sayLeftBehind(error.absent);
    return 1;
  }
}

/** Without a bridge, its punt process may run on: by default its socket is beside the bridge's. */
async function sayLeftBehind(controlSocket: string): Promise<void> {
  const { lookAtPunt } = await import('./punt/client');
  const left = await lookAtPunt(join(dirname(controlSocket), 'punt.sock')).catch(() => undefined);
  if (left === undefined) return;
  process.stderr.write(
    `The punt process (pid ${left.pid}) runs and has ${left.taps.join(', ')}; "fpm2afi stop" ends it and takes the TAPs away.\n`,
  );
}

function commandLine(): yargs.Argv {
  const cli = oneValueEach(yargs())
    .scriptName('fpm2afi')
    .usage('$0 <command>\n\nPrograms a vASIC with the routes of FRR.')
    .command(
      'run',
      'Run the bridge',
      (command) =>
        daemonOptions(command).option('record', {
          type: 'string',
          requiresArg: true,
          describe: 'Record all FPM sessions to this file, for decode and replay',
        }),
      ({ record, ...args }) => runDaemon('run', args, record),
    )
    .command(
      'punt',
      'Run the punt process: the TAPs and their packets, for a bridge that comes and goes',
      daemonOptions,
      (args) => runDaemon('punt', args),
    )
    .command(
      'stop',
      'End the bridge and the punt process, and with it the TAPs; what is programmed stays in the vASIC',
      daemonOptions,
      async (args) => {
        const [{ loadConfig }, { stopAll }] = await Promise.all([import('./config/load'), import('./bridge/stop')]);
        await stopAll(loadConfig(args.config, overridesOf(args)), process.stdout);
      },
    )
    .command(
      'check-config <file>',
      'Check a configuration file and say all that is wrong with it',
      (command) => command.positional('file', { type: 'string', demandOption: true }),
      async ({ file }) => {
        const { loadConfig } = await import('./config/load');
        const { ports, fpm, afi } = loadConfig(file);
        const [zebra, server] = [fpm.listen, afi.server].map(formatEndpoint);
        const count = `${ports.length} ${ports.length === 1 ? 'port' : 'ports'}`;
        process.stdout.write(`${file}: fine: ${count}, FPM on ${zebra}, AFI server ${server}\n`);
      },
    )
    .command('config-schema', 'Print a JSON Schema of the configuration file, for editors', {}, async () => {
      const { configSchema } = await import('./config/load');
      process.stdout.write(`${JSON.stringify(configSchema(), undefined, 2)}\n`);
    })
    .command(
      'import-config <file>',
      'Print the configuration that says the same as a config.yml of afi-client-linux (2017), and on stderr what has no equivalent',
      (command) => command.positional('file', { type: 'string', demandOption: true }),
      async ({ file }) => {
        const [{ readText }, { importOriginal }] = await Promise.all([
          import('./config/document'),
          import('./config/import-original'),
        ]);
        const { yaml, notes } = importOriginal(readText(file), file);
        process.stdout.write(yaml);
        for (const note of notes) process.stderr.write(`${note}\n`);
      },
    )
    .command(
      'log-codes [code]',
      'What the codes of warnings and errors in the log mean, and what to do',
      (command) => command.positional('code', { type: 'string' }),
      async ({ code }) => {
        const { logCodesText } = await import('./control/log-codes-text');
        process.stdout.write(logCodesText(code));
      },
    )
    .command('version', 'Print the version', {}, () => {
      process.stdout.write(`fpm2afi ${packageVersion()}\n`);
    });
  const shows = withGraph(withExplain(withShow(cli, process.stdout, process.stderr), process.stdout), process.stdout);
  const displacing = {
    defaultSocket: DEFAULT_SOCKET,
    displace: async (socket: string): Promise<void> => {
      await requestObject(socket, '/v1/displace', { method: 'POST' });
    },
  };
  const changing = withDebug(withReload(withAudit(shows, process.stdout), process.stdout), process.stdout);
  const asking = withTop(withMonitor(changing, process.stdout), process.stdout, () => process.stdin);
  const serving = withWeb(asking, process.stdout, process.stderr);
  return withInspect(serving, process.stdout, process.stderr, displacing)
    .demandCommand(1, 1, 'no command given')
    .strict()
    .version(`fpm2afi ${packageVersion()}`)
    .help()
    .wrap(Math.min(110, process.stdout.columns ?? 80))
    .exitProcess(false)
    .fail(throwUsage);
}

function daemonOptions(command: yargs.Argv): yargs.Argv<DaemonArguments> {
  return command
    .option('config', { type: 'string', requiresArg: true, default: DEFAULT_CONFIG, describe: 'Configuration file' })
    .option('log-level', { choices: LOG_LEVELS, requiresArg: true, describe: 'In place of log.level' })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'KEY=VALUE in place of what the file says, such as afi.server=128.0.0.16:50051',
    }) as unknown as yargs.Argv<DaemonArguments>;
}

async function runDaemon(command: 'run' | 'punt', args: DaemonArguments, record?: string): Promise<void> {
  const [{ loadConfig }, { createLogger }] = await Promise.all([import('./config/load'), import('./observe/log')]);
  const config = loadConfig(args.config, overridesOf(args));
  const log = createLogger(config.log, command === 'run' ? 'bridge' : 'punt');
  const code = await daemon(command, config, log, {
    ...(record === undefined ? {} : { record }),
    puntCommand: puntCommandOf(args),
    readConfig: () => loadConfig(args.config, overridesOf(args)),
  });
  // Whatever still holds the event loop open, the daemon has said that it is done.
  process.exit(code);
}

async function daemon(command: 'run' | 'punt', config: Config, log: RootLogger, options: RunOptions): Promise<number> {
  // A short collection would wait for V8's helper threads, and those, on a busy machine, for a core: up to 170 ms were seen.
  setFlagsFromString('--no-parallel-scavenge');
  try {
    if (command === 'punt') {
      // Without the bridge's modules: it is to be small.
      const { runPunt } = await import('./punt/process');
      await runPunt(config, log);
      return 0;
    }
    const { runBridge } = await import('./bridge/run');
    await runBridge(config, log, options);
    return 0;
  } catch (error) {
    log.error('stopped by an error', { code: 'stopped', error: errorText(error) });
    if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
    return 1;
  }
}

/** `fpm2afi punt` with the configuration that we have. */
function puntCommandOf({ config, logLevel, set = [] }: DaemonArguments): readonly string[] {
  return [
    ...[process.execPath, __filename, 'punt', '--config', config],
    ...(logLevel === undefined ? [] : ['--log-level', logLevel]),
    ...set.flatMap((setting) => ['--set', setting]),
  ];
}

function overridesOf({ logLevel, set = [] }: DaemonArguments): Override[] {
  const overrides = set.map((text): Override => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--set ${text}: expected KEY=VALUE`);
    const [path, value] = [text.slice(0, at), text.slice(at + 1)];
    const plain = value === 'true' ? true : value === 'false' ? false : /^\d+$/.test(value) ? Number(value) : value;
    return { path, value: plain, flag: '--set' };
  });
  return logLevel === undefined
    ? overrides
    : [...overrides, { path: 'log.level', value: logLevel, flag: '--log-level' }];
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
