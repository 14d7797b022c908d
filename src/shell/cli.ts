/** `softvasic aft …`: the command line of the shell. */
import yargs, { type Argv } from 'yargs';
import { AfiVisitor } from '../afi/visitor';
import type { AfiTls } from '../config/types';
import { oneValueEach } from '../net/command-line';
import { formatEndpoint, isUnix, parseEndpoint, type Endpoint } from '../net/endpoint';
import { errorText, OperatorError, throwUsage, UsageError } from '../net/error-text';
import { packageVersion } from '../observe/version';
import { COMMAND_NAMES, COMMANDS, runWords, type Command, type CommandName } from './commands';
import type { Context } from './context';
import { takeFlags, type Given } from './flags';
import { helpLines } from './help';
import { interactive } from './interactive';
import { errorMessage, exitCode, inFlags } from './message';
import { fileSource, runFile, runSource, type ScriptOptions } from './script';
import { splitWords } from './words';

/** Standard input and output, which a test has others for. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number };
  readonly stderr: NodeJS.WritableStream;
}

/** Milliseconds for each answer of the server. */
const TIMEOUT_MS = 10_000;

interface ShellArguments {
  readonly server: string;
  readonly sandbox: string;
  readonly takeOver: boolean;
  readonly keepGoing: boolean;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsName?: string | undefined;
}

/**
 * Runs `softvasic` with these arguments, the first of which is `aft`.
 * @returns the exit code: 0 fine, 1 failed, 2 wrong usage; all is told by then
 */
export async function main(argv: readonly string[], streams: Streams): Promise<0 | 1 | 2> {
  let code: 0 | 1 | 2 = 0;
  try {
    const completes = argv[0] === '--get-yargs-completions';
    await commandLine(streams, completes, (found) => (code = found)).parseAsync([...argv]);
    return code;
  } catch (error) {
    const hint = error instanceof UsageError ? 'softvasic aft --help shows the commands.\n' : '';
    streams.stderr.write(`softvasic aft: ${errorMessage(error)}\n${hint}`);
    return exitCode(error);
  }
}

function commandLine(streams: Streams, completes: boolean, ended: (code: 0 | 1 | 2) => void): Argv {
  return oneValueEach(yargs())
    .scriptName('softvasic')
    .parserConfiguration({
      // `->` is none, and what else is mistyped the commands themselves say.
      'unknown-options-as-args': !completes,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .command(
      'aft',
      'Show and change the nodes and entries of a vASIC by hand, over AFI; without a command, line by line',
      (aft) => shellCommands(connectionOptions(aft), streams, ended),
      async (args) => {
        const connection = args as unknown as ShellArguments;
        const words = args._.slice(1).map(String);
        // No command of yargs', but something to insert, or mistyped.
        if (words.length > 0) return once(connection, streams, (context) => runWords(context, split(words), ['run']));
        ended(await shell(connection, streams));
      },
    )
    .version(`softvasic ${packageVersion()}`)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(110, streams.stdout.columns ?? 80))
    .exitProcess(false)
    .fail(throwUsage);
}

function connectionOptions(aft: Argv): Argv<ShellArguments> {
  return aft
    .option('server', {
      type: 'string',
      requiresArg: true,
      default: 'unix:/run/softvasic/afi.sock',
      describe: 'The AFI server: unix:/PATH or HOST:PORT, as --listen of softvasic',
    })
    .option('sandbox', {
      type: 'string',
      requiresArg: true,
      default: 'trio:green',
      describe: 'Engine and name of the sandbox',
    })
    .option('take-over', {
      type: 'boolean',
      default: false,
      describe:
        'To write, take the sandbox from whoever has it, until this ends; fpm2afi then writes its own over it again',
    })
    .option('keep-going', {
      type: 'boolean',
      default: false,
      describe: 'Of several lines, go on with the next where one fails; the exit status is that of the first',
    })
    .option('tls-ca', {
      type: 'string',
      requiresArg: true,
      describe: 'TLS: file (PEM) with the CA of the server',
    })
    .option('tls-cert', { type: 'string', requiresArg: true, describe: 'File (PEM) with a certificate of this client' })
    .option('tls-key', { type: 'string', requiresArg: true, describe: 'File (PEM) with its key' })
    .option('tls-name', {
      type: 'string',
      requiresArg: true,
      describe: "Name in the server's certificate, where it isn't HOST",
    })
    .epilogue(
      'What is inserted, and how it is written: docs/afi.md, or "help" in the shell. Exit status: 0 fine, 1 failed, 2 wrong usage.',
    ) as unknown as Argv<ShellArguments>;
}

function shellCommands(
  aft: Argv<ShellArguments>,
  streams: Streams,
  ended: (code: 0 | 1 | 2) => void,
): Argv<ShellArguments> {
  for (const name of COMMAND_NAMES) {
    const { describe, flags, rest }: Command = COMMANDS[name];
    aft.command(
      rest === undefined ? name : `${name} [${rest.name}..]`,
      describe,
      (command) => {
        for (const [flag, { value, describe: meaning }] of Object.entries(flags)) {
          command.option(flag, {
            describe: meaning,
            ...(value === undefined ? { type: 'boolean', default: false } : { type: 'string', array: true, nargs: 1 }),
          });
        }
        if (rest !== undefined) command.positional(rest.name, { type: 'string', array: true, describe: rest.describe });
        return command.usage(helpUsage(name));
      },
      (args) => once(args as unknown as ShellArguments, streams, (context) => runOne(context, name, args)),
    );
  }
  return aft.command(
    'run <file>',
    'Run the lines of a file, each a command of these; - is standard input',
    (command) =>
      command.positional('file', { type: 'string', demandOption: true, describe: 'Its lines; # begins a comment' }),
    async (args) =>
      once(args, streams, async (context) => {
        // yargs makes nothing of a dash by itself.
        const file = args.file || '-';
        ended(await runFile(context, file, streams.stdin, scriptOptions(streams, args)));
      }),
  );
}

function scriptOptions({ stderr }: Streams, { keepGoing }: ShellArguments): ScriptOptions {
  return { keepGoing, err: stderr, within: [] };
}

function helpUsage(name: CommandName): string {
  const [usage, describe, ...more] = helpLines(name);
  const rest = more.filter((line) => !line.startsWith('  --'));
  return [`softvasic aft ${usage!}`, `${describe!}.`, ...rest].join('\n\n');
}

/** Each argument may be a word, or a whole line in quotes. */
function split(words: readonly string[]): string[] {
  return splitWords(words.join(' '));
}

/** One command, with the words and flags that yargs has found. */
function runOne(context: Context, name: CommandName, args: Readonly<Record<string, unknown>>): Promise<void> {
  const command: Command = COMMANDS[name];
  const given: Given = new Map(
    Object.keys(command.flags)
      .filter((flag) => args[flag] !== undefined && args[flag] !== false)
      .map((flag) => [flag, [args[flag]].flat().filter((value) => value !== true) as string[]]),
  );
  // What yargs doesn't know it has left behind the command.
  const [, , ...behind] = args['_'] as readonly unknown[];
  const words = [...((args[command.rest?.name ?? ''] ?? []) as readonly unknown[]), ...behind].map(String);
  const more = takeFlags(name, command.flags, split(words));
  return command.run(context, { words: more.words, given: new Map([...given, ...more.given]) });
}

/** The shell without a command: line by line, at a terminal or from whatever standard input is. */
async function shell(args: ShellArguments, streams: Streams): Promise<0 | 1 | 2> {
  const { stdin: input, stdout: output, stderr: err } = streams;
  let code: 0 | 1 | 2 = 0;
  await once(args, streams, async (context) => {
    if (input.isTTY === true) await interactive(context, { input, output, err, editing: true });
    else code = await runSource(context, fileSource('-', input), scriptOptions(streams, args));
  });
  return code;
}

/** Connects, does something, and leaves. */
async function once(
  args: ShellArguments,
  { stdout }: Streams,
  act: (context: Context) => Promise<void>,
): Promise<void> {
  const { engine, name } = sandboxOf(args.sandbox);
  const server = endpointOf(args.server);
  const visitor = visitorOf(args, server, engine, name);
  try {
    await act({ visitor, out: stdout, place: `sandbox ${engine}:${name} at ${formatEndpoint(server)}` });
  } finally {
    await visitor.close();
  }
}

function visitorOf(args: ShellArguments, server: Endpoint, engine: string, sandbox: string): AfiVisitor {
  const tls = tlsOf(args, server);
  const takeOver = args.takeOver ? 'always' : 'never';
  const settings = { server, engine, sandbox, name: 'softvasic aft', timeoutMs: TIMEOUT_MS, takeOver } as const;
  try {
    return new AfiVisitor({ ...settings, ...(tls && { tls }) });
  } catch (error) {
    throw new OperatorError(inFlags(errorText(error)), { cause: error });
  }
}

function sandboxOf(text: string): { readonly engine: string; readonly name: string } {
  const [engine, name, rest] = text.split(':');
  if (!engine || !name || rest !== undefined) throw new UsageError(`--sandbox ${text}: must be ENGINE:NAME`);
  return { engine, name };
}

function endpointOf(text: string): Endpoint {
  const found = parseEndpoint(text);
  if (found !== undefined) return found;
  throw new UsageError(`--server ${text}: must be unix:/PATH or HOST:PORT, e.g. 127.0.0.1:50051 or [::1]:50051`);
}

function tlsOf({ tlsCa, tlsCert, tlsKey, tlsName }: ShellArguments, server: Endpoint): AfiTls | undefined {
  if (tlsCa === undefined) {
    if (tlsCert !== undefined || tlsKey !== undefined || tlsName !== undefined) {
      throw new UsageError('TLS needs --tls-ca, the CA that the server has its certificate of');
    }
    return undefined;
  }
  if (isUnix(server)) throw new UsageError('--tls-ca: no TLS on a Unix socket, which nobody can listen in on');
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError('a certificate of this client needs both --tls-cert and --tls-key');
  }
  return {
    ca: tlsCa,
    ...(tlsCert !== undefined && { cert: tlsCert }),
    ...(tlsKey !== undefined && { key: tlsKey }),
    ...(tlsName !== undefined && { serverName: tlsName }),
  };
}
