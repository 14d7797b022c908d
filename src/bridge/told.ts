/** An update as the values of a debug line. */
import type { FpmUpdate, KernelUpdate } from '../fib/updates';
import { formatPrefix } from '../net/address';

/** Prefixes in their usual form, all else as it is: the log knows addresses. Made only where it is written. */
export function told(update: FpmUpdate | KernelUpdate): object {
  return 'prefix' in update ? { ...update, prefix: formatPrefix(update.prefix) } : { ...update };
}
