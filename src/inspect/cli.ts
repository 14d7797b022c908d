/**
 * The commands that read FPM sessions from files: `fpm2afi decode` and `fpm2afi replay`. What they run is loaded only then,
 * so that `show` starts fast.
 */
import type { Argv } from 'yargs';
import { parseHostPort, type HostPort } from '../net/endpoint';

const FPM_PORT = 2620;

/** What `replay --displace` needs of the control API. */
export interface Displacing {
  readonly defaultSocket: string;
  /** Has the fpm2afi behind this control socket give zebra's place to the next connection. */
  displace(socket: string): Promise<void>;
}

/** Adds the commands to a yargs instance. Their failures reject `parseAsync`. */
export function withInspect(
  cli: Argv,
  out: NodeJS.WritableStream,
  err: NodeJS.WritableStream,
  { defaultSocket, displace }: Displacing,
): Argv {
  const port = {
    type: 'number',
    requiresArg: true,
    default: FPM_PORT,
    describe: "In captures: the FPM server's TCP port",
  } as const;
  return cli
    .command(
      'decode [file]',
      'Print the FPM messages in a capture (pcap, pcapng), a recording or a bare FPM stream',
      (command) =>
        command
          .positional('file', { type: 'string', default: '-', describe: 'File, or - for standard input' })
          .option('port', port)
          .option('json', { type: 'boolean', default: false, describe: 'Print a JSON object a line' })
          .option('brief', { type: 'boolean', default: false, describe: 'One line a message, no details' })
          .check(({ port: value }) => portNumber(value)),
      async ({ file, port: value, json, brief }) => {
        const { decode } = await import('./decode');
        await decode(file, { port: value, json, brief }, out, err);
      },
    )
    .command(
      'replay <file>',
      'Play what zebra sent in a recording, capture or stream to an FPM server, as if it were zebra',
      (command) =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'File, or - for standard input' })
          .option('to', {
            type: 'string',
            requiresArg: true,
            demandOption: true,
            describe: 'HOST:PORT of the FPM server, such as 127.0.0.1:2620: its routes become those of the file',
          })
          .option('displace', {
            type: 'boolean',
            default: false,
            describe:
              "Take the place of the zebra that is connected to this machine's fpm2afi; without it, it is let be",
          })
          .option('socket', {
            type: 'string',
            requiresArg: true,
            default: defaultSocket,
            describe: 'Control socket of that fpm2afi, for --displace',
          })
          .option('speed', {
            choices: ['original', 'max'] as const,
            requiresArg: true,
            default: 'max' as const,
            describe: 'With the pauses recorded, or as fast as the server reads',
          })
          .option('linger', {
            type: 'number',
            requiresArg: true,
            default: 2,
            describe: 'Seconds of silence after which a connection is ended',
          })
          .option('hold', {
            type: 'boolean',
            default: false,
            describe: 'Keep the last connection until SIGINT or SIGTERM',
          })
          .option('port', port)
          .check(({ port: value, linger, to }) => {
            hostPort(to);
            if (!(linger >= 0)) throw new Error('--linger: expected seconds');
            return portNumber(value);
          }),
      async ({ file, to, speed, linger, hold, port: value, displace: takePlace, socket }) => {
        const [{ openSource }, { replay, replayText }] = await Promise.all([import('./source'), import('./replay')]);
        const source = await openSource(file, value);
        const options = { to: hostPort(to), speed, lingerMs: linger * 1000, ...(hold && { hold: stopSignal() }) };
        if (takePlace) await displace(socket);
        const result = await replay(source, options);
        out.write(replayText(result));
        if (result.connections > 0 && result.endedByServer === result.connections) {
          throw new Error(
            `${to} let none of it in: a zebra is connected there (--displace takes its place), or this user or address ` +
              'is not allowed (fpm.allow); "fpm2afi show status" there says which',
          );
        }
      },
    );
}

function portNumber(value: number): true {
  if (Number.isInteger(value) && value > 0 && value < 65536) return true;
  throw new Error('--port: expected a number from 1 to 65535');
}

/** `127.0.0.1:2620`, `[::1]:2620` */
function hostPort(text: string): HostPort {
  const found = parseHostPort(text);
  if (found === undefined || found.port === 0) throw new Error(`--to ${text}: expected HOST:PORT`);
  return found;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
