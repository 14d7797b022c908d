/** `fpm2afi web`: serves a page that shows what the running daemon knows, until it is interrupted. */
import type { Argv } from 'yargs';
import { requestStatus } from '../control/client';
import { connectionOptions, socketOf } from '../control/connection';
import { write } from '../control/output';
import { secondsOf, USUAL_SECONDS } from '../control/watch';
import { isLoopback, parseHostPort, type HostPort } from '../net/endpoint';

const USUAL_LISTEN = '127.0.0.1:8642';

/** Adds the command to a yargs instance. Its failures reject `parseAsync` (ControlError, or an Error for the operator). */
export function withWeb(cli: Argv, out: NodeJS.WritableStream, err: NodeJS.WritableStream): Argv {
  return cli.command(
    'web',
    'Serve a page with what goes on: ports, routes, problems; read only, to this machine, until interrupted',
    (command) =>
      connectionOptions(command)
        .option('listen', {
          type: 'string',
          requiresArg: true,
          default: USUAL_LISTEN,
          describe: 'ADDRESS:PORT; port 0 is any free one',
        })
        .option('remote', {
          type: 'boolean',
          default: false,
          describe: 'Listen where other machines can ask, without encryption',
        })
        .option('interval', {
          type: 'string',
          requiresArg: true,
          default: String(USUAL_SECONDS),
          describe: 'Every so many SECONDS',
        })
        .check(({ listen, remote, interval }) => {
          secondsOf('interval', interval);
          return listenOf(listen, remote) !== undefined;
        }),
    async ({ listen, remote, interval, ...daemon }) => {
      const socket = await socketOf(daemon);
      // Whoever can't ask learns it here, not in the browser.
      await requestStatus(socket);
      // Loaded here, as no other command needs it.
      const { startWeb } = await import('./server');
      const options = {
        socket,
        remote,
        listen: listenOf(listen, remote),
        intervalMs: secondsOf('interval', interval) * 1000,
      };
      const server = await startWeb(options);
      if (remote)
        await write(err, 'Whoever can listen on the way can read all of this, the address with its key too.\n');
      const any = /^http:..(0\.0\.0\.0|\[::\]):/.exec(server.url)?.[1];
      const which = any === undefined ? '' : `, with an address of this machine in place of ${any}`;
      await write(out, `${server.url}\nOpen this address${which}; the key in it keeps others out. Ctrl-C ends it.\n`);
      await interrupted();
      await server.close();
    },
  );
}

/** Where to listen. Throws for what is no address, and for one that others can reach unless that is wanted. */
function listenOf(text: string, remote: boolean): HostPort {
  const listen = parseHostPort(text.startsWith('localhost:') ? text.replace('localhost', '127.0.0.1') : text);
  if (listen === undefined) {
    throw new Error(`--listen: got ${JSON.stringify(text)}, expected an address and a port such as ${USUAL_LISTEN}`);
  }
  if (!remote && !isLoopback(listen.host)) {
    throw new Error(
      `--listen: other machines can reach ${listen.host}, and there is no encryption: take a loopback address, with ` +
        `"ssh -t -L 8642:${USUAL_LISTEN} ROUTER" from elsewhere, or say --remote`,
    );
  }
  return listen;
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
