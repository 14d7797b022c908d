/** A YAML document read by a check, whichever program's file it is: everything that is wrong is reported at once (ConfigError). */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { OperatorError } from '../net/error-text';
import { placeAt } from './validate';
import type { Check, Context, Problem } from './validate';

/** A configuration that can't be used. `message` has one line per problem, in the file's order after those of flags. */
export class ConfigError extends OperatorError {
  readonly problems: readonly Problem[];
  constructor(found: readonly Problem[]) {
    const problems = [...found].sort((a, b) => (a.offset ?? -1) - (b.offset ?? -1));
    super(problems.map(({ place, path, text }) => `${place}: ${path === '' ? '' : `${path}: `}${text}`).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** What is done besides reading the values: both report what they find to the context. */
export interface Around<T> {
  /** Before the values are read: takes those of flags. */
  readonly before?: (context: Context) => void;
  /** After they were: checks between keys. Values that were refused by their own check are undefined in there. */
  readonly across?: (value: T, context: Context) => void;
}

/** The text of a configuration file. Throws ConfigError when it can't be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
    throw new ConfigError([{ place: file, path: '', text: `cannot read the configuration: ${reason}` }]);
  }
}

/** Reads YAML by `check`; `file` is what messages call it. Throws ConfigError. */
export function readDocument<T>(source: string, file: string, check: Check<T>, around: Around<T> = {}): T {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const context: Context = { file, document, lines, overrides: new Map(), problems: [], given: new Map() };
  for (const error of [...document.errors, ...document.warnings]) {
    const [offset] = error.pos;
    const text = `not valid YAML: ${error.message}`;
    context.problems.push({ place: placeAt(offset, context), path: '', text, offset });
  }
  // What a broken document seems to say isn't worth checking.
  if (context.problems.length > 0) throw new ConfigError(context.problems);
  around.before?.(context);
  const whole = document.contents;
  const value = check.read({ path: '', node: whole === null ? undefined : whole }, context);
  if (value !== undefined) around.across?.(value, context);
  if (value === undefined || context.problems.length > 0) throw new ConfigError(context.problems);
  return value;
}
