/** `fpm2afi why` and `fpm2afi trace`: ask the running daemon and print. --json prints what it sent. */
import type { Argv } from 'yargs';
import { PROBE_PROTOCOLS } from '../net/probe';
import { connectionOptions, socketOf, type Connection } from './connection';
import { write } from './output';
import { requestObject } from './client';
import { traceText, whyText } from './explain';
import { whyLabelText } from './explain-label';
import { parseTrace, parseWhy } from './explain-query';
import type { TraceView, WhyAnswer } from './explain-types';

/** As they were typed: what reads them says what is wrong with them. */
function parameters(values: Readonly<Record<string, string | undefined>>): URLSearchParams {
  return new URLSearchParams(
    Object.entries(values).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]])),
  );
}

/** Adds the two commands to a yargs instance. Their failures reject `parseAsync` (ControlError). */
export function withExplain(cli: Argv, out: NodeJS.WritableStream): Argv {
  const shared = <T>(command: Argv<T>): Argv<T & Connection & { json: boolean }> =>
    connectionOptions(command).option('json', { type: 'boolean', default: false, describe: 'Print JSON' });
  return cli
    .command(
      'why <where>',
      'The story of one route, and where it stops; of an ADDRESS its longest match; of a LABEL its LSP',
      (command) =>
        shared(command)
          .positional('where', { type: 'string', demandOption: true, describe: 'PREFIX, ADDRESS or LABEL' })
          .option('table', { type: 'string', requiresArg: true, describe: "In this kernel table [the default VRF's]" })
          .option('vrf', { type: 'string', requiresArg: true, describe: 'In the table of this VRF' })
          .check(({ where, table, vrf }) => parseWhy(parameters({ where, table, vrf })) !== undefined),
      async ({ where, table, vrf, json, ...daemon }) => {
        const asked = parameters({ where, table, vrf }).toString();
        const view = (await requestObject(await socketOf(daemon), `/v1/why?${asked}`)) as WhyAnswer;
        const text = 'label' in view ? whyLabelText(view) : whyText(view);
        await write(out, json ? `${JSON.stringify(view, undefined, 2)}\n` : text);
      },
    )
    .command(
      'trace <src> <dst>',
      'The way of a packet through the vASIC, by its own word; nothing is sent',
      (command) =>
        shared(command)
          .positional('src', { type: 'string', demandOption: true, describe: 'Source address' })
          .positional('dst', { type: 'string', demandOption: true, describe: 'Destination address' })
          .option('port', {
            type: 'string',
            requiresArg: true,
            describe: 'vASIC port that it comes in by, or its TAP [the one towards SRC]',
          })
          .option('table', {
            type: 'string',
            requiresArg: true,
            describe: "SRC is in this kernel table [the default VRF's]",
          })
          .option('vrf', { type: 'string', requiresArg: true, describe: 'SRC is in this VRF' })
          .option('proto', { choices: PROBE_PROTOCOLS, requiresArg: true, default: 'udp', describe: 'Protocol' })
          .option('sport', { type: 'string', requiresArg: true, describe: 'Source port [50000]' })
          .option('dport', { type: 'string', requiresArg: true, describe: 'Destination port [33434]' })
          .option('ttl', { type: 'string', requiresArg: true, describe: 'TTL or hop limit [64]' })
          .option('flowlabel', { type: 'string', requiresArg: true, describe: 'IPv6 flow label [0]' })
          .option('size', { type: 'string', requiresArg: true, describe: 'Bytes of the IP packet [no payload]' })
          .option('labels', {
            type: 'string',
            requiresArg: true,
            describe: 'MPLS labels in front of it, such as 100/200 [none]',
          })
          .check((args) => parseTrace(packetOf(args)) !== undefined),
      async ({ json, ...args }) => {
        const view = (await requestObject(await socketOf(args), `/v1/trace?${packetOf(args).toString()}`)) as TraceView;
        await write(out, json ? `${JSON.stringify(view, undefined, 2)}\n` : traceText(view));
      },
    );
}

interface PacketArguments {
  readonly src: string;
  readonly dst: string;
  readonly port?: string | undefined;
  readonly table?: string | undefined;
  readonly vrf?: string | undefined;
  readonly proto: string;
  readonly sport?: string | undefined;
  readonly dport?: string | undefined;
  readonly ttl?: string | undefined;
  readonly flowlabel?: string | undefined;
  readonly size?: string | undefined;
  readonly labels?: string | undefined;
}

function packetOf(args: PacketArguments): URLSearchParams {
  const { src, dst, port, table, vrf, proto, sport, dport, ttl, flowlabel, size, labels } = args;
  return parameters({ src, dst, port, table, vrf, proto, sport, dport, ttl, flowlabel, size, labels });
}
