/** A Logger that keeps its lines, each as its message and what came with it. */
import type { Logger } from '../../../src/observe/log';

export function fakeLog(): { readonly log: Logger; readonly lines: [string, object | undefined][] } {
  const lines: [string, object | undefined][] = [];
  const put = (message: string, meta?: object): void => void lines.push([message, meta]);
  const log: Logger = { error: put, warn: put, info: put, debug: put, verbose: true, child: () => log };
  return { log, lines };
}
