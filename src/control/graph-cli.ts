/** `fpm2afi graph`: the vASIC's forwarding graph as a picture. */
import type { Argv } from 'yargs';
import { requestObject } from './client';
import { connectionOptions, socketOf } from './connection';
import { GRAPH_LIMIT, parseGraph } from './graph-query';
import type { GraphView } from './graph-types';
import { write } from './output';

/** Adds the command to a yargs instance. Its failures reject `parseAsync` (ControlError). */
export function withGraph(cli: Argv, out: NodeJS.WritableStream): Argv {
  return cli.command(
    'graph [prefix..]',
    'The forwarding graph as the vASIC has it: from the entries of prefixes, else from the ports; for Graphviz',
    (command) =>
      connectionOptions(command)
        .positional('prefix', { type: 'string', array: true, describe: 'PREFIX, several' })
        // Without defaults, as yargs takes one for a word said, and these two for said together.
        .option('svg', { type: 'boolean', describe: 'Draw it (SVG)' })
        .option('json', { type: 'boolean', describe: 'Print JSON' })
        .option('limit', { type: 'number', default: GRAPH_LIMIT, requiresArg: true, describe: 'Nodes at most' })
        .conflicts('svg', 'json')
        .check((args) => parseGraph(queryOf(args)) !== undefined),
    async ({ svg, json, ...args }) => {
      const view = (await requestObject(await socketOf(args), `/v1/graph?${queryOf(args).toString()}`)) as GraphView;
      if (json === true) return write(out, `${JSON.stringify(view, undefined, 2)}\n`);
      const { graphDot, graphSvg } = await import('./graph-text');
      await write(out, svg === true ? graphSvg(view) : graphDot(view));
    },
  );
}

function queryOf({ prefix = [], limit }: { prefix?: string[] | undefined; limit: number }): URLSearchParams {
  return new URLSearchParams([...prefix.map((one): [string, string] => ['prefix', one]), ['limit', String(limit)]]);
}
