/**
 * `fpm2afi reload`: has the running daemon read its configuration again, and prints what changed. Exit code 1 when it
 * refuses; the old configuration stays in force then.
 */
import type { Argv } from 'yargs';
import { connectionOptions, socketOf } from './connection';
import { write } from './output';
import { requestObject } from './client';
import type { ReloadView } from './status-types';

/** With a port more or less the bridge is made anew, which takes seconds on a busy machine. */
const PATIENCE_MS = 120_000;

/** Adds the command to a yargs instance. Its failures reject `parseAsync` (ControlError). */
export function withReload(cli: Argv, out: NodeJS.WritableStream): Argv {
  return cli.command(
    'reload',
    'Have the running daemon read its configuration file again: all that changed in it, or nothing',
    (command) => connectionOptions(command),
    async (daemon) => {
      const options = { method: 'POST', patienceMs: PATIENCE_MS } as const;
      const { changed } = (await requestObject(await socketOf(daemon), '/v1/reload', options)) as ReloadView;
      await write(out, changed.length === 0 ? 'nothing has changed\n' : `reloaded: ${changed.join(', ')}\n`);
    },
  );
}
