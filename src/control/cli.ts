/**
 * `fpm2afi show …`: asks the running daemon over the control socket and prints. Everything takes --json (what the daemon
 * sent, unchanged in content), lists also --jsonl. `show routes` streams, so a full table needs no memory and works with `| head`.
 */
import type { Argv } from 'yargs';
import { listPath, requestBytes, requestLines, requestObject, requestStatus } from './client';
import type { Query } from './client';
import { connectionOptions, socketOf } from './connection';
import type { Connection } from './connection';
import { listText } from './list-text';
import { write } from './output';
import { statusText } from './show';
import { routeOptions, routeQuery, SUMMARY } from './show-options';
import { summaryText } from './summary-text';
import { LISTS } from './types';
import { repeat, watchOption } from './watch';
import type { ListName, RouteSummaryView } from './types';

/** Where to ask and how to print. */
export interface ShowOptions {
  readonly socket: string;
  readonly json: boolean;
  /** JSON, one item a line. */
  readonly jsonl: boolean;
}

/** Adds the `show` commands to a yargs instance. Their failures reject `parseAsync` (ControlError). */
export function withShow(cli: Argv, out: NodeJS.WritableStream, err: NodeJS.WritableStream): Argv {
  return cli.command('show', 'Show what the running daemon knows', (show) => {
    const shared = watchOption(connectionOptions(show))
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .option('jsonl', { type: 'boolean', default: false, describe: 'Print JSON, an item a line' })
      .command(
        'status',
        'State of FPM, AFI, FIB and punt, and what needs attention',
        (command) => command,
        (args) => repeat(args.watch, out, async () => showStatus(await optionsOf(args), out)),
      )
      .command(
        'routes [where]',
        'Routes and what became of them; with a PREFIX that one, with an ADDRESS its longest match; or a summary',
        (command) => routeOptions(command),
        (args) => {
          const nothing = args.where === undefined ? 'no such routes' : `no route matches ${args.where}`;
          return repeat(args.watch, out, async () =>
            args.where === SUMMARY
              ? showSummary(await optionsOf(args), out)
              : showList('routes', routeQuery(args), nothing, await optionsOf(args), out, err),
          );
        },
      );
    const describe: Readonly<Record<Exclude<ListName, 'routes'>, string>> = {
      vrfs: 'VRFs and plain tables: their trees in the vASIC, ports, and routes by state',
      nexthops: "zebra's nexthop objects and inline nexthops, and the AFT nodes made for them",
      neighbors: 'Known neighbors and what depends on them',
      ports: 'Ports, their TAPs and counters',
      tokens: 'Nodes of the forwarding graph',
      lsps: "zebra's LSPs, as FRR's `show mpls table` has them, and what the vASIC made of them",
      evpn: 'MAC addresses behind EVPN tunnels: kept, not programmed',
      sids: 'SRv6 local segments (protobuf): kept, their packets go to the host',
      punt: 'Packets for the host by reason: passed and dropped by the rate limits',
    };
    return LISTS.filter((list) => list !== 'routes')
      .reduce(
        (all, list) =>
          all.command(
            list,
            describe[list],
            (command) => command,
            (args) =>
              repeat(args.watch, out, async () => showList(list, {}, `no ${list}`, await optionsOf(args), out, err)),
          ),
        shared,
      )
      .demandCommand(1, 1, 'show what?');
  });
}

/** Prints the status. */
async function showStatus(options: ShowOptions, out: NodeJS.WritableStream): Promise<void> {
  const status = await requestStatus(options.socket);
  await write(out, jsonOf(status, options) ?? statusText(status));
}

async function showSummary(options: ShowOptions, out: NodeJS.WritableStream): Promise<void> {
  const summary = (await requestObject(options.socket, '/v1/summary')) as RouteSummaryView;
  await write(out, jsonOf(summary, options) ?? summaryText(summary));
}

/** One object as JSON, where that is asked for. */
function jsonOf(view: object, { json, jsonl }: ShowOptions): string | undefined {
  if (jsonl) return `${JSON.stringify(view)}\n`;
  return json ? `${JSON.stringify(view, undefined, 2)}\n` : undefined;
}

/** Prints a list; `nothing` goes to `err` when it is empty, so that a table on `out` is a table. */
async function showList(
  list: ListName,
  query: Query,
  nothing: string,
  options: ShowOptions,
  out: NodeJS.WritableStream,
  err: NodeJS.WritableStream,
): Promise<void> {
  if (options.json || options.jsonl) {
    const path = listPath(list, options.jsonl ? { ...query, stream: 1 } : query);
    for await (const chunk of requestBytes(options.socket, path)) await write(out, chunk);
    return;
  }
  const table = listText(list);
  for await (const lines of requestLines(options.socket, listPath(list, { ...query, stream: 1 }))) {
    let text = '';
    for (const line of lines) text += table.add(line);
    await write(out, text);
  }
  await write(out, table.end());
  if (table.empty) await write(err, `${nothing}\n`);
}

async function optionsOf(args: Connection & Pick<ShowOptions, 'json' | 'jsonl'>): Promise<ShowOptions> {
  return { socket: await socketOf(args), json: args.json, jsonl: args.jsonl };
}
