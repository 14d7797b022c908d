/**
 * What an earlier life of the bridge left in the sandbox: its routes, in the trees of all VRFs, and its LSPs are confirmed as they are where they
 * lead to the node that is wanted now, else written over in place; its nodes are taken by whoever needs just such a node, and the others kept until
 * the replay has told which routes there are.
 */
import { FIRST_DYNAMIC } from './base-graph';
import { LABEL_TABLE } from './label-graph';
import { FIRST_HIGH } from './policers';
import { filterTokens } from './port-graph';
import type { VasicTables } from './vasic-tables';
import type { AftEntry, AftNode, AftSandboxInfo, Token } from '../aft/model';
import { FIRST_UNRESERVED_LABEL, type ForwardingSource } from '../fib/intents';
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

/** Takes over what is in the sandbox. */
export async function adoptTables(
  { log, source, transport }: AdoptionOptions,
  info: AftSandboxInfo,
  tables: Pick<VasicTables, 'adopted' | 'graph' | 'ports' | 'vrfs' | 'hasLabelTable'>,
): Promise<void> {
  const { adopted, graph, ports, vrfs } = tables;
  const nodes = await transport.readNodes();
  const made = nodes.filter(({ token }) => token >= FIRST_DYNAMIC && token < FIRST_HIGH);
  adopted.fill(made);
  for (const balancer of adopted.balancers()) {
    const slots: AftEntry[] = [];
    for await (const entries of transport.readEntries(balancer)) slots.push(...entries);
    adopted.fillSlots(balancer, slots);
  }
  graph.restart(made.reduce((most, node) => Math.max(most, node.token + 1), FIRST_DYNAMIC));
  const there = new Set(nodes.map(({ token }) => token));
  for (const { index } of graph.ports) {
    for (const parent of Object.values(filterTokens(index)).filter((token) => there.has(token))) {
      for await (const entries of transport.readEntries(parent)) {
        for (const { key } of entries) ports.adopt(index, { parent, key });
      }
    }
  }
  tables.hasLabelTable = there.has(LABEL_TABLE);
  const lsps = tables.hasLabelTable ? await adoptLsps(transport, source) : 0;
  let routes = 0;
  let trees = 0;
  for (const node of nodes) {
    const table = vrfs.adopt(node);
    if (table === undefined) continue;
    trees++;
    for await (const entries of transport.readEntries(node.token)) {
      for (const { key, next } of entries) {
        if (key.data.kind !== 'prefix') continue;
        source.adoptRoute(table, key.data.bytes, key.data.length, next);
        routes++;
      }
    }
  }
  if (trees === 0) return;
  log.info(
    'found the tables of an earlier run in the vASIC: they forward on until the replay confirms or replaces them',
    { sandbox: info.name, routes, trees, lsps, nodes: nodes.length },
  );
}

async function adoptLsps(transport: TableReader, source: ForwardingSource): Promise<number> {
  let lsps = 0;
  for await (const entries of transport.readEntries(LABEL_TABLE)) {
    for (const { key, next } of entries) {
      const { data } = key;
      if ((data.kind !== 'int' && data.kind !== 'label') || data.value < FIRST_UNRESERVED_LABEL) continue;
      source.lsps.adopt(data.value, next);
      lsps++;
    }
  }
  return lsps;
}
