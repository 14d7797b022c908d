/**
 * Logging from the dataplane thread. It blocks in poll(2) and never runs its event loop, so it can't write to stderr itself: a
 * line crosses to the main thread as a message.
 */
import type { Coded, Logger } from '../../observe/log';

/** One line, on its way to the main thread. */
export type LogEntry =
  | { readonly level: 'error' | 'warn'; readonly message: string; readonly meta: Coded }
  | { readonly level: 'info' | 'debug'; readonly message: string; readonly meta?: object };

/** Writes a line that came from the thread. */
export function writeEntry(log: Logger, entry: LogEntry): void {
  if (entry.level === 'error' || entry.level === 'warn') log[entry.level](entry.message, entry.meta);
  else log[entry.level](entry.message, entry.meta);
}

/** A Logger that gives each line to `put`, whatever its level. */
export function createThreadLogger(put: (entry: LogEntry) => void): Logger {
  const logger: Logger = {
    error: (message, meta) => put({ level: 'error', message, meta }),
    warn: (message, meta) => put({ level: 'warn', message, meta }),
    info: (message, meta) => put({ level: 'info', message, ...(meta && { meta }) }),
    debug: (message, meta) => put({ level: 'debug', message, ...(meta && { meta }) }),
    // Asked for across threads it would come too late; there is little of it.
    verbose: true,
    child: () => logger,
  };
  return logger;
}
