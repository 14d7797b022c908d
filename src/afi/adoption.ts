/**
 * What an earlier life of the bridge left in the sandbox: its routes count as programmed with a target that is not known,
 * its nodes are kept until the replay has told which routes there are.
 */
import { FIRST_DYNAMIC, ROUTE_TREE } from './base-graph';
import { FIRST_HIGH } from './policers';
import { filterTokens } from './port-graph';
import type { PortWriter } from './port-writer';
import type { GarbageQueue } from './garbage-queue';
import type { Graph } from './graph';
import type { AftEntry, AftNode, AftSandboxInfo, Token } from '../aft/model';
import type { ForwardingSource } from '../fib/intents';
import type { Logger } from '../observe/log';

/** Reads back what the server holds. */
export interface TableReader {
  /** The client's nodes. */
  readNodes(): Promise<AftNode[]>;
  readEntries(container: Token): AsyncIterable<readonly AftEntry[]>;
}

/** Who reads, and who is told of the routes. */
export interface AdoptionOptions {
  readonly transport: TableReader;
  readonly source: ForwardingSource;
  readonly log: Logger;
}

/** Takes over what is in the sandbox; returns whether there is a route tree. */
export async function adoptTables(
  { log, source, transport }: AdoptionOptions,
  info: AftSandboxInfo,
  graph: Graph,
  garbage: GarbageQueue,
  ports: PortWriter,
): Promise<boolean> {
  const nodes = await transport.readNodes();
  const made = nodes.filter(({ token }) => token >= FIRST_DYNAMIC && token < FIRST_HIGH);
  garbage.adopt(made);
  graph.restart(made.reduce((most, node) => Math.max(most, node.token + 1), FIRST_DYNAMIC));
  const there = new Set(nodes.map(({ token }) => token));
  for (const { index } of graph.ports) {
    for (const parent of Object.values(filterTokens(index)).filter((token) => there.has(token))) {
      for await (const entries of transport.readEntries(parent)) {
        for (const { key } of entries) ports.adopt(index, { parent, key });
      }
    }
  }
  if (!nodes.some((node) => node.token === ROUTE_TREE)) return false;
  let routes = 0;
  for await (const entries of transport.readEntries(ROUTE_TREE)) {
    for (const { key } of entries) {
      if (key.data.kind !== 'prefix') continue;
      source.adoptRoute(key.data.bytes, key.data.length);
      routes++;
    }
  }
  log.info(
    'found the tables of an earlier run in the vASIC: they forward on until the replay confirms or replaces them',
    { sandbox: info.name, routes, nodes: nodes.length },
  );
  return true;
}
