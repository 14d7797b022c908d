/**
 * AftInsert and AftRemove as transactions: the items are carried out in order, so that each may use what those before
 * it made, and when one is refused all before it are undone in reverse. No packet runs in between, so nothing half
 * done is ever seen.
 */
import type { AftError, AftErrorCode, AftInsert, AftKey, AftOperation, AftRemove } from '../../../aft/model';
import { formatPrefix } from '../../../net/address';
import type { Prefix } from '../../../net/address';
import { prefixKey } from '../../../aft/prefix-batch';
import type { Graph } from './graph';
import { changePrefixes, type BatchChange, type Gates } from './prefix-changes';
import { refuse } from '../verdict';
import type { Change, Refusal } from '../verdict';

type ItemList = NonNullable<AftError['item']>['list'];

/** What a sandbox is told to refuse, so that a client's handling of failures can be shown. */
export interface Limits {
  /** Most entries in all trees together. */
  readonly maxEntries: number;
  /** formatPrefix() of prefixes that are refused. */
  readonly refused: ReadonlySet<string>;
}

export function limitsOf(maxEntries: number | undefined, refused: readonly Prefix[] | undefined): Limits {
  return { maxEntries: maxEntries ?? Infinity, refused: new Set((refused ?? []).map(formatPrefix)) };
}

/** Carries out an operation as a whole or not at all; undefined: done. */
export function applyOperation(graph: Graph, limits: Limits, operation: AftOperation): AftError | undefined {
  const undo: (() => void)[] = [];
  /** Notes how to undo a change; the error, when it was refused. */
  const step = (change: Change | undefined, list: ItemList, index: number): AftError | undefined => {
    if (change === undefined) return undefined;
    if ('error' in change) return { ...change.error, item: { list, index } };
    undo.push(change.undo);
    return undefined;
  };
  let error: AftError | undefined;
  try {
    error =
      operation.kind === 'insert'
        ? insert(graph, limits, operation.insert, step)
        : remove(graph, operation.remove, step);
  } catch (thrown) {
    error = { code: 'internal', message: `softvasic failed on this operation: ${String(thrown)}` };
  }
  if (error !== undefined) {
    graph.rollback(() => {
      for (let i = undo.length - 1; i >= 0; i--) undo[i]!();
    });
  }
  graph.settle();
  return error;
}

type Step = (change: Change | undefined, list: ItemList, index: number) => AftError | undefined;

function insert(graph: Graph, limits: Limits, operation: AftInsert, step: Step): AftError | undefined {
  const { nodes, entries, prefixes, binds } = operation;
  const refusesAny = limits.refused.size > 0;
  for (let i = 0; i < nodes.length; i++) {
    const error = step(graph.insertNode(nodes[i]!), 'node', i) ?? step(graph.fault(), 'node', i);
    if (error !== undefined) return error;
  }
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const error =
      step(refusesAny ? checkRefused(limits, entry.key) : undefined, 'entry', i) ??
      step(graph.insertEntry(entry), 'entry', i) ??
      step(checkFull(graph, limits), 'entry', i);
    if (error !== undefined) return error;
  }
  if (prefixes !== undefined) {
    const gates: Gates = {
      before: (index) => (refusesAny ? checkRefused(limits, prefixKey(prefixes, index)) : undefined),
      after: () => checkFull(graph, limits),
    };
    const error = batch(changePrefixes(graph, prefixes, true, gates), entries.length, step);
    if (error !== undefined) return error;
  }
  for (let i = 0; i < (binds?.length ?? 0); i++) {
    const { port, next } = binds![i]!;
    const error = step(graph.bind(port, next), 'bind', i);
    if (error !== undefined) return error;
  }
  return undefined;
}

/** A batch is one step, undone as a whole; what was refused in it is told by its place among the entries. */
function batch({ undo, refused }: BatchChange, entries: number, step: Step): AftError | undefined {
  step({ undo }, 'entry', entries);
  return refused && step(refused.refusal, 'entry', entries + refused.index);
}

function remove(graph: Graph, { entries, prefixes, tokens }: AftRemove, step: Step): AftError | undefined {
  for (let i = 0; i < entries.length; i++) {
    const { parent, key } = entries[i]!;
    const error = step(graph.removeEntry(parent, key), 'entry', i);
    if (error !== undefined) return error;
  }
  if (prefixes !== undefined) {
    const error = batch(changePrefixes(graph, prefixes, false, OPEN), entries.length, step);
    if (error !== undefined) return error;
  }
  for (let i = 0; i < tokens.length; i++) {
    const error = step(graph.removeNode(tokens[i]!), 'token', i);
    if (error !== undefined) return error;
  }
  return undefined;
}

const OPEN: Gates = { before: () => undefined, after: () => undefined };

function checkRefused(limits: Limits, key: AftKey): Refusal | undefined {
  if (key.data.kind !== 'prefix') return undefined;
  const { bytes } = key.data;
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  const text = formatPrefix(key.data);
  const code: AftErrorCode = 'refused';
  return limits.refused.has(text)
    ? refuse(code, `${text} is one of the prefixes that this softvasic was told to refuse`)
    : undefined;
}

/** Looks after an entry went in: replacing one is always possible, within the limits. */
function checkFull(graph: Graph, limits: Limits): Refusal | undefined {
  if (graph.limitedEntries <= limits.maxEntries) return graph.fault();
  return refuse('full', `the trees are full: ${limits.maxEntries} entries (softvasic's --max-entries) are in already`);
}
