/**
 * `fpm2afi show …`: asks the running daemon over the control socket and prints. Everything takes --json (what the daemon
 * sent, unchanged in content). `show routes` streams, so a full table needs no memory and works with `| head`.
 */
import type { Argv } from 'yargs';
import { parseAddress, parsePrefix } from '../net/address';
import { listPath, requestList, requestStatus, requestText } from './client';
import type { Query } from './client';
import { LAYOUTS, statusText } from './show';
import type { Layout } from './show';
import { tableLines } from './table';
import { LISTS, ROUTE_STATES } from './types';
import type { ListName, ListViews } from './types';

export const DEFAULT_SOCKET = '/run/fpm2afi/control.sock';

/** Characters gathered before they are written. */
const PORTION = 16_384;

/** Where to ask and how to print. */
export interface ShowOptions {
  readonly socket: string;
  readonly json: boolean;
}

/** Adds the `show` commands to a yargs instance. Their failures reject `parseAsync` (ControlError). */
export function withShow(cli: Argv, out: NodeJS.WritableStream, err: NodeJS.WritableStream): Argv {
  return cli.command('show', 'Show what the running daemon knows', (show) => {
    const shared = show
      .option('socket', { type: 'string', default: DEFAULT_SOCKET, describe: "The daemon's control socket" })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .command(
        'status',
        'State of FPM, AFI, FIB and punt, and what needs attention',
        (command) => command,
        (args) => showStatus(optionsOf(args), out),
      )
      .command(
        'routes [where]',
        'Routes and what became of them; with a PREFIX that one, with an ADDRESS its longest match',
        (routes) =>
          routes
            .positional('where', { type: 'string', describe: 'PREFIX or ADDRESS' })
            .option('state', { choices: ROUTE_STATES, describe: 'Only routes in this state' })
            .option('table', { type: 'number', describe: 'Only this kernel table' })
            .option('protocol', { type: 'string', describe: 'Only routes of this protocol (ospf, bgp, …)' })
            .option('limit', { type: 'number', describe: 'At most so many' })
            .check(({ where, table, limit }) => {
              if (where !== undefined) whereQuery(where);
              wholeNumber('--table', table);
              wholeNumber('--limit', limit);
              return true;
            }),
        ({ where, state, table, protocol, limit, ...args }) => {
          const query = { ...(where === undefined ? {} : whereQuery(where)), state, table, protocol, limit };
          const nothing = where === undefined ? 'no such routes' : `no route matches ${where}`;
          return showList('routes', query, nothing, optionsOf(args), out, err);
        },
      );
    const describe: Readonly<Record<Exclude<ListName, 'routes'>, string>> = {
      nexthops: "zebra's nexthop objects and inline nexthops, and the AFT nodes made for them",
      neighbors: 'Known neighbors and what depends on them',
      ports: 'Ports, their TAPs and counters',
      tokens: 'Nodes of the forwarding graph',
      lsps: "zebra's MPLS label entries: kept, their packets go to the host",
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
            (args) => showList(list, {}, `no ${list}`, optionsOf(args), out, err),
          ),
        shared,
      )
      .demandCommand(1, 1, 'show what?');
  });
}

/** Prints the status. */
export async function showStatus(options: ShowOptions, out: NodeJS.WritableStream): Promise<void> {
  const status = await requestStatus(options.socket);
  await write(out, options.json ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status));
}

/** Prints a list; `nothing` goes to `err` when it is empty, so that a table on `out` is a table. */
export async function showList<N extends ListName>(
  list: N,
  query: Query,
  nothing: string,
  options: ShowOptions,
  out: NodeJS.WritableStream,
  err: NodeJS.WritableStream,
): Promise<void> {
  if (options.json) {
    for await (const chunk of requestText(options.socket, listPath(list, query))) await write(out, chunk);
    return;
  }
  const layout: Layout<ListViews[N]> = LAYOUTS[list];
  const rows = async function* (): AsyncGenerator<ReturnType<typeof layout.row>> {
    for await (const item of requestList(options.socket, list, query)) yield layout.row(item);
  };
  let text = '';
  let empty = true;
  for await (const line of tableLines(layout.columns, rows())) {
    empty = false;
    text += `${line}\n`;
    if (text.length >= PORTION) {
      await write(out, text);
      text = '';
    }
  }
  await write(out, text);
  if (empty) await write(err, `${nothing}\n`);
}

function optionsOf(args: { socket: string; json: boolean }): ShowOptions {
  return { socket: args.socket, json: args.json };
}

/** A prefix asks for exactly that route, an address for the one that would be used. */
function whereQuery(where: string): Query {
  if (where.includes('/') && parsePrefix(where) !== undefined) return { prefix: where };
  if (parseAddress(where) !== undefined) return { longest: where };
  throw new Error(`${where} is neither a prefix such as 10.0.255.0/24 nor an address such as 10.0.255.1`);
}

function wholeNumber(option: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff)) return;
  throw new Error(`${option}: expected a whole number from 0 to 4294967295`);
}

/** Resolves when `out` takes more. */
export function write(out: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (text === '' || out.write(text)) resolve();
    else out.once('drain', resolve);
  });
}
