/** `insert` and `remove`: what is given in one command is one operation, applied as a whole or not at all. */
import { AfiRefused } from '../afi/refused';
import type { AftInsert, AftOperation, Token } from '../aft/model';
import { write } from '../control/output';
import { OperatorError } from '../net/error-text';
import type { Context } from './context';
import type { Arguments } from './flags';
import { withNames } from './names';
import { parseInsert, parseRemove } from './spec-text';

/** @throws UsageError for words that can't be read, OperatorError where the server refuses */
export async function insert(context: Context, { words }: Arguments): Promise<void> {
  const { visitor } = context;
  const { info } = await visitor.allocate();
  const operation = await withNames(visitor, info, (names) => parseInsert(words, names), namesBrought);
  await apply(context, { kind: 'insert', insert: operation });
  const { nodes, entries, binds = [] } = operation;
  await done(context, 'inserted', { nodes: nodes.length, entries: entries.length, binds: binds.length });
}

function namesBrought({ nodes }: AftInsert): ReadonlyMap<string, Token> {
  return new Map(nodes.flatMap(({ name, token }) => (name === undefined ? [] : [[name, token]])));
}

/** @throws as `insert` */
export async function remove(context: Context, { words }: Arguments): Promise<void> {
  const { visitor } = context;
  const { info } = await visitor.see();
  const operation = await withNames(visitor, info, (names) => parseRemove(words, names));
  await apply(context, { kind: 'remove', remove: operation });
  const { tokens, entries } = operation;
  await done(context, 'removed', { nodes: tokens.length, entries: entries.length, binds: 0 });
}

async function done(
  { out }: Context,
  what: string,
  counts: { readonly nodes: number; readonly entries: number; readonly binds: number },
): Promise<void> {
  const count = (n: number, one: string, many: string): string[] => (n === 0 ? [] : [`${n} ${n === 1 ? one : many}`]);
  const { nodes, entries, binds } = counts;
  const all = [
    ...count(nodes, 'node', 'nodes'),
    ...count(entries, 'entry', 'entries'),
    ...count(binds, 'binding', 'bindings'),
  ];
  await write(out, `${what} ${all.join(', ')}\n`);
}

async function apply({ visitor }: Context, operation: AftOperation): Promise<void> {
  await writing(() => visitor.apply(operation));
}

/**
 * Does something that needs the sandbox for itself.
 * @throws OperatorError with the remedy where somebody else has it, or with the server's word on why not
 */
export async function writing<Value>(act: () => Promise<Value>): Promise<Value> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof AfiRefused)) throw error;
    const { code, message } = error.fault;
    if (code !== 'held') throw new OperatorError(`refused, nothing is changed: ${message} (${code})`, { cause: error });
    throw new OperatorError(`read-only: ${message} (--take-over)`, { cause: error });
  }
}
