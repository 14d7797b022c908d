/** The answer to a find, cut into messages. */
import type { AftEntry, AftNode } from '../../aft/model';
import type { FindReply } from '../../aft/wire';

/** Items in one message. */
const CHUNK = 500;

/** Nodes first, then entries, which are taken from their container as the messages are asked for. */
export function* findChunks(entries: Iterable<AftEntry> | undefined, nodes: readonly AftNode[]): Iterator<FindReply> {
  for (let i = 0; i < nodes.length; i += CHUNK) yield { nodes: nodes.slice(i, i + CHUNK), entries: [] };
  let batch: AftEntry[] = [];
  for (const entry of entries ?? []) {
    if (batch.push(entry) < CHUNK) continue;
    yield { nodes: [], entries: batch };
    batch = [];
  }
  if (batch.length > 0) yield { nodes: [], entries: batch };
}
