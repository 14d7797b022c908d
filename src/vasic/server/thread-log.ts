/**
 * Logging from the dataplane thread. It blocks in poll(2) and never runs its event loop, so it can't write to stderr itself: a
 * line crosses to the main thread as a message.
 */
import type { LogLevel } from '../../config/types';
import type { Logger } from '../../observe/log';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly meta?: object;
}

/** A Logger that gives each line to `put`, whatever its level. */
export function createThreadLogger(put: (entry: LogEntry) => void): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, meta?: object): void =>
      put(meta === undefined ? { level, message } : { level, message, meta });
  const logger: Logger = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: () => logger,
  };
  return logger;
}
