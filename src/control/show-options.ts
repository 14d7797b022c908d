/** The options of `show routes`, and the parameters of a request that come of them. */
import type { Argv } from 'yargs';
import { parseAddress, parsePrefix } from '../net/address';
import type { Query } from './client';
import { parseFilter, RequestError } from './filter';
import { ROUTE_STATES } from './types';

/** In place of a prefix: only counts. */
export const SUMMARY = 'summary';

/** What the command line says, as yargs has it. */
export interface RouteArguments {
  readonly where?: string | undefined;
  readonly state?: string | undefined;
  readonly table?: string | undefined;
  readonly protocol?: string | undefined;
  readonly within?: string | undefined;
  readonly vrf?: string | undefined;
  readonly covering?: string | undefined;
  readonly port?: string | undefined;
  readonly nexthop?: string | undefined;
  readonly neighbor?: string | undefined;
  readonly all?: boolean | undefined;
  readonly limit?: string | undefined;
}

/** Adds the options. What is wrong with a value is said before the daemon is asked. */
export function routeOptions<T>(command: Argv<T>): Argv<T & RouteArguments> {
  return command
    .positional('where', { type: 'string', describe: 'PREFIX, ADDRESS, or summary' })
    .option('state', { choices: ROUTE_STATES, requiresArg: true, describe: 'Only routes in this state' })
    .option('table', { type: 'string', requiresArg: true, describe: 'Only this kernel table' })
    .option('vrf', { type: 'string', requiresArg: true, describe: 'Only the table of this VRF' })
    .option('protocol', { type: 'string', requiresArg: true, describe: 'Only routes of this protocol (ospf, bgp, …)' })
    .option('within', { type: 'string', requiresArg: true, describe: 'Only routes in this prefix' })
    .option('covering', { type: 'string', requiresArg: true, describe: 'All routes that hold this address or prefix' })
    .option('port', { type: 'string', requiresArg: true, describe: 'Only by this port of the vASIC, or TAP' })
    .option('nexthop', { type: 'string', requiresArg: true, describe: "Only by this gateway, or zebra's nexthop id" })
    .option('neighbor', { type: 'string', requiresArg: true, describe: 'Only to this address or hardware address' })
    .option('all', { type: 'boolean', describe: "The router's own entries as well: addresses, hosts, multicast …" })
    .option('limit', { type: 'string', requiresArg: true, describe: 'At most so many' })
    .check((args) => {
      const given = Object.entries(routeQuery(args as RouteArguments)).filter(([, value]) => value !== undefined);
      if (args.where === SUMMARY && given.length > 0) {
        const names = given.map(([name]) => `--${name}`).join(', ');
        throw new Error(`${SUMMARY} counts all routes: ${names} ${given.length === 1 ? 'is' : 'are'} for the list`);
      }
      try {
        parseFilter(
          new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])),
          'routes',
        );
      } catch (error) {
        throw error instanceof RequestError ? new Error(`--${error.message}`) : error;
      }
      return true;
    }) as unknown as Argv<T & RouteArguments>;
}

/** The parameters of the request. Throws for a `where` that is neither prefix nor address. */
export function routeQuery(args: RouteArguments): Query {
  const { where, state, table, vrf, protocol, within, covering, port, nexthop, neighbor, all, limit } = args;
  const asked = where === undefined ? {} : whereQuery(where);
  const own = all === true ? 1 : undefined;
  return { ...asked, state, table, vrf, protocol, within, covering, port, nexthop, neighbor, all: own, limit };
}

/** A prefix asks for exactly that route, an address for the one that would be used. */
function whereQuery(where: string): Query {
  if (where === SUMMARY) return {};
  if (where.includes('/') && parsePrefix(where) !== undefined) return { prefix: where };
  if (parseAddress(where) !== undefined) return { longest: where };
  throw new Error(
    `${where} is neither a prefix such as 10.0.255.0/24 nor an address such as 10.0.255.1, nor ${SUMMARY}`,
  );
}
