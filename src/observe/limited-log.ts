/**
 * A log that no peer can flood. Each message (its text, not its values) is written a few times in a while; what comes
 * beyond is counted, and when the while is over one line says how many were left out, with the values of the last. Nothing is
 * lost that a counter doesn't keep.
 */
import type { LogLevel } from '../config/types';
import type { Logger } from './log';

export interface LogLimit {
  /** Lines of one message within the window. */
  readonly lines: number;
  /** In ms. */
  readonly windowMs: number;
}

const DEFAULT: LogLimit = { lines: 10, windowMs: 10_000 };
/** Messages told apart; texts come from the code, but some have a peer's words in them. */
const MAX_MESSAGES = 256;

interface Window {
  said: number;
  skipped: number;
  level: LogLevel;
  lastMeta: object | undefined;
  readonly timer: NodeJS.Timeout;
}

/** The same destination as `log`, with a limit for each message. Children have limits of their own. */
export function limitLog(log: Logger, limit: LogLimit = DEFAULT): Logger {
  const windows = new Map<string, Window>();
  const seconds = limit.windowMs / 1000;

  function end(message: string): void {
    const window = windows.get(message);
    windows.delete(message);
    if (window === undefined || window.skipped === 0) return;
    const { level, skipped, lastMeta } = window;
    log[level](`${message} (${skipped} more lines like this one within ${seconds} s, left out)`, lastMeta);
  }

  const at = (level: LogLevel) => (message: string, meta?: object) => {
    let window = windows.get(message);
    if (window === undefined) {
      // Another text for each line would be a way around the limit.
      const key = windows.size < MAX_MESSAGES ? message : 'too many different messages';
      window = windows.get(key);
      if (window === undefined) {
        const timer = setTimeout(() => end(key), limit.windowMs).unref();
        window = { said: 0, skipped: 0, level, lastMeta: undefined, timer };
        windows.set(key, window);
      }
    }
    if (window.said < limit.lines) {
      window.said++;
      log[level](message, meta);
      return;
    }
    window.skipped++;
    window.level = level;
    window.lastMeta = meta;
  };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: (component) => limitLog(log.child(component), limit),
  };
}
