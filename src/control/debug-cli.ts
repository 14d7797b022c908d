/**
 * `fpm2afi debug [COMPONENT on|off]`: has the running daemon write what a component does, line by line, whatever the level of its log, until it
 * is said otherwise or the daemon ends.
 */
import type { Argv } from 'yargs';
import { requestObject } from './client';
import { connectionOptions, socketOf } from './connection';
import { write } from './output';
import { Table } from './table';
import type { DebugView } from './status-types';

/** Adds the command to a yargs instance. Its failures reject `parseAsync` (ControlError). */
export function withDebug(cli: Argv, out: NodeJS.WritableStream): Argv {
  return cli.command(
    'debug [component] [state]',
    'What a component of the daemon does, line by line in its log: on or off; alone: the components',
    (command) =>
      connectionOptions(command)
        .positional('component', { type: 'string', describe: 'fpm, afi, kernel, …' })
        .positional('state', { type: 'string', choices: ['on', 'off'] as const })
        .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
        .check(({ component, state }) => {
          if (component !== undefined && state === undefined) throw new Error(`debug ${component}: on or off?`);
          return true;
        }),
    async ({ component, state, json, ...daemon }) => {
      const socket = await socketOf(daemon);
      const asked = new URLSearchParams({ component: component ?? '', on: String(state === 'on') });
      const answer =
        component === undefined
          ? requestObject(socket, '/v1/debug')
          : requestObject(socket, `/v1/debug?${asked.toString()}`, { method: 'POST' });
      const views = (await answer) as readonly DebugView[];
      await write(out, json ? `${JSON.stringify(views, undefined, 2)}\n` : debugText(views));
    },
  );
}

function debugText(views: readonly DebugView[]): string {
  const rows = new Table([{ title: 'Component' }, { title: 'Debug' }]);
  return views.map(({ component, debug }) => rows.add([[component, debug ? 'on' : 'off']])).join('') + rows.settle();
}
