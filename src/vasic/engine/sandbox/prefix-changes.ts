/**
 * A batch of prefixes inserted or removed: the same as Graph's insertEntry() and removeEntry() one after the other, without an
 * object for each. What cannot be done that way (a parameter to keep or forget, something wrong with the item) goes through those.
 */
import type { AftPrefixes } from '../../../aft/model';
import { prefixEntry } from '../../../aft/prefix-batch';
import type { Graph } from './graph';
import type { Container } from '../node-kind';
import type { Refusal } from '../verdict';
import { END } from '../walk';

/** How to undo what was done, and where and why it ended, if something was refused. */
export interface BatchChange {
  readonly undo: () => void;
  readonly refused?: { readonly refusal: Refusal; readonly index: number };
}

/** What else may refuse an item. */
export interface Gates {
  readonly before: (index: number) => Refusal | undefined;
  /** Once the item is in. */
  readonly after: () => Refusal | undefined;
}

/** Takes the items in order, up to the first that is refused. */
export function changePrefixes(graph: Graph, prefixes: AftPrefixes, insert: boolean, gates: Gates): BatchChange {
  const { parent, count, nexts } = prefixes;
  const container = graph.at(parent)?.compiled.container;
  /** Where each item led before. */
  const before = new Uint32Array(count);
  /** How to undo those that took the long way. */
  const others = new Map<number, () => void>();
  let done = 0;
  graph.settle();
  const undo = (): void => {
    while (done > 0) {
      const other = others.get(--done);
      if (other === undefined) put(graph, container!, prefixes, done, before[done]!);
      else other();
    }
  };
  while (done < count) {
    const index = done;
    const barred = gates.before(index);
    if (barred !== undefined) return { undo, refused: { refusal: barred, index } };
    const slot = insert ? (graph.at(nexts[index]!)?.slot ?? END) : END;
    const short = container?.acceptsPrefix?.(prefixes, index) === true && insert === (slot !== END);
    if (short) before[done++] = put(graph, container, prefixes, index, slot);
    if (!short || (!insert && before[index] === END)) {
      done = index;
      const entry = prefixEntry(prefixes, index);
      const change = insert ? graph.insertEntry(entry) : graph.removeEntry(parent, entry.key);
      if ('error' in change) return { undo, refused: { refusal: change, index } };
      others.set(done++, change.undo);
    }
    const refusal = gates.after();
    if (refusal !== undefined) return { undo, refused: { refusal, index } };
  }
  return { undo };
}

/** Has an item lead to `slot` (END: takes it out); where it led before, END for nowhere. */
function put(graph: Graph, container: Container, prefixes: AftPrefixes, index: number, slot: number): number {
  const before = container.putPrefix!(prefixes, index, slot);
  if (slot !== END) graph.nodes[slot]!.references++;
  if (before !== END) graph.nodes[before]!.references--;
  graph.countEntries(container, (slot === END ? 0 : 1) - (before === END ? 0 : 1));
  return before;
}
