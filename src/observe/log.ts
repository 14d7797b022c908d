/**
 * Logging: what a room sees of it (`Logger`) and the winston logger behind it. One line per event on stderr or to syslog, either text
 * (time, level, component, message, key=value …) for people and journald, or one JSON object. A line stays one line
 * whatever is in it: control characters are escaped, as parts of messages come from the network.
 *
 * The wrapper checks the level itself, before winston builds anything, so a disabled `debug` costs a comparison.
 */
import { fstatSync } from 'node:fs';
import { Writable } from 'node:stream';
import * as winston from 'winston';
import type { Config, LogLevel } from '../config/types';
import { formatAddress, formatMac } from '../net/address';
import { openSyslog } from '../sys/syslog-socket';
import type { LogCode } from './log-codes';
import { syslogDatagram } from './syslog';

/** The values of a warning or an error, and the code that says what it is about and what to do. */
export interface Coded {
  readonly code: LogCode;
  readonly [name: string]: unknown;
}

/** What every room logs through. `meta` holds named values; byte arrays of 4, 6 and 16 bytes are shown as addresses. */
export interface Logger {
  /** Something ends, or can't be done. */
  error(message: string, meta: Coded): void;
  /** Something that an operator should look at. */
  warn(message: string, meta: Coded): void;
  /** What changed. */
  info(message: string, meta?: object): void;
  /** What is being done, line by line. */
  debug(message: string, meta?: object): void;
  /** Whether `debug` writes: ask before making what it would write, where there is much of it. */
  readonly verbose: boolean;
  /** The same destination and level under another component name (which replaces this one's). */
  child(component: string): Logger;
}

/** syslog's severities. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
const LEVELS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** The logger that all others are children of. */
export interface RootLogger extends Logger {
  /** Another level, format or destination, for the children too. What `setDebug` said stays. */
  configure(config: Config['log']): void;
  /** Has a component's debug lines written, or not any more, whatever the level. false: there is no such component. */
  setDebug(component: string, on: boolean): boolean;
  /** Components that have logged or may, and whether their debug lines are written. */
  components(): { readonly component: string; readonly debug: boolean }[];
}

/** Discards everything; for tests. */
export const nullLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  verbose: false,
  child: () => nullLogger,
};

/**
 * A logger writing to stderr, or to the syslog that the configuration names.
 *
 * @param component name shown on each line, by convention the room's (`fpm`, `afi`, …)
 * @param stream destination; only tests give another than stderr
 * @param program what syslog is told that the lines are of
 */
export function createLogger(
  config: Config['log'],
  component: string,
  stream: NodeJS.WritableStream = process.stderr,
  program = 'fpm2afi',
): RootLogger {
  // A reader that went away (EPIPE) is no reason to stop forwarding.
  if (stream.listenerCount('error') === 0) stream.on('error', () => undefined);
  let present = config;
  let limit = LEVELS[config.level];
  const debugged = new Map<string, boolean>();
  const toJournal = goesToJournal(stream);
  let syslog = config.syslog === undefined ? undefined : openSyslog(config.syslog);
  const write = (info: winston.Logform.TransformableInfo): void => {
    const severity = PRIORITIES[info.level as LogLevel];
    // What syslog doesn't take is not lost.
    if (syslog?.send(syslogDatagram(severity, program, lineOf(info, present.format, false))) === true) return;
    const line = lineOf(info, present.format, true);
    stream.write(`${toJournal ? `<${severity}>${line}` : line}\n`, written);
  };
  /** Lines that couldn't be written, as to a file on a full disk, are told of when there is room again. */
  let lost = 0;
  let reason = '';
  const written = (error: unknown): void => {
    if (error instanceof Error) {
      lost++;
      reason = error.message;
    } else if (lost > 0) {
      const lines = lost;
      lost = 0;
      root.warn('lines of the log could not be written', { code: 'log-lines-lost', lines, reason });
    }
  };
  const sink = winston.createLogger({
    levels: { ...LEVELS },
    level: 'debug',
    // Lines are made where it is known where they go.
    format: winston.format((info) => info)(),
    transports: [new winston.transports.Stream({ stream: takerOf(write) })],
  });
  const named = (name: string): Logger => {
    if (!debugged.has(name)) debugged.set(name, false);
    const wants = (level: LogLevel): boolean =>
      LEVELS[level] <= limit || (level === 'debug' && debugged.get(name) === true);
    const at = (level: LogLevel) => (message: string, meta?: object) => {
      if (wants(level)) sink.log({ level, message, component: name, meta });
    };
    return {
      ...{ error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') },
      get verbose() {
        return wants('debug');
      },
      child: named,
    };
  };
  const root = named(component);
  return {
    ...root,
    // A spread would take its value of now.
    get verbose() {
      return root.verbose;
    },
    configure(next) {
      if (next.syslog !== present.syslog) {
        syslog?.close();
        syslog = next.syslog === undefined ? undefined : openSyslog(next.syslog);
      }
      present = next;
      limit = LEVELS[next.level];
    },
    setDebug(name, on) {
      if (!debugged.has(name)) return false;
      debugged.set(name, on);
      return true;
    },
    components: () =>
      [...debugged]
        .map(([name, on]) => ({ component: name, debug: on || limit === LEVELS.debug }))
        .sort((a, b) => (a.component < b.component ? -1 : 1)),
  };
}

function takerOf<T>(take: (item: T) => void): Writable {
  return new Writable({
    objectMode: true,
    write: (item: T, _encoding, done) => {
      take(item);
      done();
    },
  });
}

/** Whether the journal reads this stream (systemd.exec(5), JOURNAL_STREAM): then it takes a priority in front of each line (sd-daemon(3)). */
function goesToJournal(stream: NodeJS.WritableStream): boolean {
  const place = process.env['JOURNAL_STREAM'];
  if (place === undefined || stream !== process.stderr) return false;
  try {
    const { dev, ino } = fstatSync(process.stderr.fd);
    return place === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** @param timed text begins with time and level, which syslog has itself */
function lineOf(info: winston.Logform.TransformableInfo, format: 'text' | 'json', timed: boolean): string {
  const { level, component } = info;
  const message = String(info.message);
  const { code, ...values } = (info['meta'] ?? {}) as Partial<Coded>;
  // The code comes last, where it is in nobody's way.
  const meta = Object.entries({ ...values, code }).filter(([, value]) => value !== undefined);
  const time = new Date().toISOString();
  if (format === 'json') {
    const values = meta.map(([key, value]): [string, unknown] => [key, plain(value)]);
    // The fixed keys come last, so that no meta can take their place.
    return JSON.stringify({ ...Object.fromEntries(values), time, level, component, message });
  }
  const pairs = meta.map(([key, value]) => ` ${key}=${textOf(plain(value))}`);
  return `${timed ? `${time} ${level} ` : ''}${String(component)}: ${oneLine(message)}${pairs.join('')}`;
}

/** What JSON can hold of a value: bytes as addresses or hex, errors as their message with the system's code. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    if (value.length === 4 || value.length === 16) return formatAddress(value);
    return value.length === 6 ? formatMac(value) : Buffer.from(value).toString('hex');
  }
  if (value instanceof Error) return value.message;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return plain(Object.fromEntries(value as Map<string, unknown>));
  if (value instanceof Set) return Array.from(value, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return typeof value === 'function' || typeof value === 'symbol' ? String(value) : value;
}

/** A value as text: bare where it is one word, quoted JSON otherwise. */
function textOf(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'undefined';
  return /^[^\s"=\p{Cc}]+$/u.test(value) ? value : oneLine(JSON.stringify(value));
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
