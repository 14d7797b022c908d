/**
 * A log that no peer can flood. Each kind of line (its code, else its text, not its values) is written a few times in a while; what comes
 * beyond is counted, and when the while is over one line says how many were left out, with the values of the last. Nothing is
 * lost that a counter doesn't keep.
 */
import type { Coded, Logger } from './log';

export interface LogLimit {
  /** Lines of one kind within the window. */
  readonly lines: number;
  /** In ms. */
  readonly windowMs: number;
}

const DEFAULT: LogLimit = { lines: 10, windowMs: 10_000 };
/** Kinds told apart; texts without a code come from the program, but some have a peer's words in them. */
const MAX_KINDS = 256;

interface Window {
  said: number;
  skipped: number;
  /** Writes the last line that was left out, with this behind its text. */
  last: (more: string) => void;
  readonly timer: NodeJS.Timeout;
}

/** The same destination as `log`, with a limit for each message. Children have limits of their own. */
export function limitLog(log: Logger, limit: LogLimit = DEFAULT): Logger {
  const windows = new Map<string, Window>();
  const seconds = limit.windowMs / 1000;

  function end(kind: string): void {
    const window = windows.get(kind);
    windows.delete(kind);
    if (window === undefined || window.skipped === 0) return;
    window.last(` (${window.skipped} more lines like this one within ${seconds} s, left out)`);
  }

  function put(kind: string, write: (more: string) => void): void {
    let window = windows.get(kind);
    if (window === undefined) {
      // Another text for each line would be a way around the limit.
      const key = windows.size < MAX_KINDS ? kind : 'too many different messages';
      window = windows.get(key);
      if (window === undefined) {
        const timer = setTimeout(() => end(key), limit.windowMs).unref();
        window = { said: 0, skipped: 0, last: write, timer };
        windows.set(key, window);
      }
    }
    if (window.said < limit.lines) {
      window.said++;
      write('');
      return;
    }
    window.skipped++;
    window.last = write;
  }

  const coded = (level: 'error' | 'warn') => (message: string, meta: Coded) =>
    put(meta.code, (more) => log[level](`${message}${more}`, meta));
  return {
    error: coded('error'),
    warn: coded('warn'),
    info: (message, meta) => put(message, (more) => log.info(`${message}${more}`, meta)),
    // Who asks for these wants all of them.
    debug: (message, meta) => log.debug(message, meta),
    get verbose() {
      return log.verbose;
    },
    child: (component) => limitLog(log.child(component), limit),
  };
}
