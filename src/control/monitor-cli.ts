/** `fpm2afi monitor`: asks the running daemon for what changes, and prints it as it comes, until interrupted. */
import type { Argv } from 'yargs';
import { requestLines, parseLine } from './client';
import { connectionOptions, socketOf } from './connection';
import { MONITOR_KINDS, type MonitorEvent } from './monitor-types';
import { monitorText } from './monitor-text';
import { write } from './output';
import { ROUTE_STATES } from './types';
import { parseMonitor } from './filter';

/** Adds the command to a yargs instance. Its failures reject `parseAsync` (ControlError). */
export function withMonitor(cli: Argv, out: NodeJS.WritableStream): Argv {
  return cli.command(
    'monitor [kinds..]',
    'What changes, as it changes: routes, nexthops, neighbors, ports, sessions, problems',
    (command) =>
      connectionOptions(command)
        .positional('kinds', { choices: MONITOR_KINDS, array: true, describe: 'Only these' })
        .option('within', { type: 'string', requiresArg: true, describe: 'Only routes in this prefix' })
        .option('table', { type: 'string', requiresArg: true, describe: 'Only routes of this kernel table' })
        .option('vrf', { type: 'string', requiresArg: true, describe: 'Only routes of this VRF' })
        .option('state', { choices: ROUTE_STATES, requiresArg: true, describe: 'Only routes in this state' })
        .option('protocol', { type: 'string', requiresArg: true, describe: 'Only routes of this protocol' })
        .option('port', { type: 'string', requiresArg: true, describe: 'Only routes by this port, or TAP' })
        .option('nexthop', {
          type: 'string',
          requiresArg: true,
          describe: 'Only routes by this gateway, or nexthop id',
        })
        .option('neighbor', { type: 'string', requiresArg: true, describe: 'Only routes to this neighbor' })
        .option('json', { type: 'boolean', default: false, describe: 'Print JSON, an object a line' })
        .check((args) => parseMonitor(parametersOf(args)) !== undefined),
    async ({ json, ...args }) => {
      const path = `/v1/monitor?${parametersOf(args).toString()}`;
      for await (const lines of requestLines(await socketOf(args), path, { patienceMs: 0 })) {
        const text = lines.map((line) => (json ? line : monitorText(parseLine(line) as MonitorEvent)));
        if (text.length > 0) await write(out, `${text.join('\n')}\n`);
      }
    },
  );
}

const FILTERS = ['within', 'table', 'vrf', 'state', 'protocol', 'port', 'nexthop', 'neighbor'] as const;

function parametersOf(args: Readonly<Record<string, unknown>>): URLSearchParams {
  const query = new URLSearchParams();
  const kinds = args.kinds as readonly string[] | undefined;
  if (kinds !== undefined && kinds.length > 0) query.set('kinds', kinds.join(','));
  for (const name of FILTERS) if (args[name] !== undefined) query.set(name, String(args[name]));
  return query;
}
