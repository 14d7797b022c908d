/** Operations as tests compare them: batches of prefixes and lone entries mean the same. */
import type { AftOperation } from '../../src/aft/model';
import { prefixEntries } from '../../src/aft/prefix-batch';

/** The same operation with every entry as an object. */
export function withoutBatch(operation: AftOperation): AftOperation {
  if (operation.kind === 'insert') {
    const { prefixes, ...insert } = operation.insert;
    return { kind: 'insert', insert: { ...insert, entries: [...insert.entries, ...prefixEntries(prefixes)] } };
  }
  const { prefixes, ...remove } = operation.remove;
  const keys = prefixEntries(prefixes).map(({ parent, key }) => ({ parent, key }));
  return { kind: 'remove', remove: { ...remove, entries: [...remove.entries, ...keys] } };
}
