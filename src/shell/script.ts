/** Lines of commands, from a file or standard input, one after another. The first that fails ends them, unless they are to go on. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { write } from '../control/output';
import { errorText, OperatorError, UsageError } from '../net/error-text';
import { runWords } from './commands';
import type { Context } from './context';
import { helpLines, LINE_COMMANDS } from './help';
import { errorMessage, exitCode } from './message';
import { splitWords, unquote } from './words';

/** Where lines come from, and what they are called in messages. */
export interface Source {
  readonly name: string;
  readonly lines: AsyncIterable<string>;
}

export interface ScriptOptions {
  readonly keepGoing: boolean;
  readonly err: NodeJS.WritableStream;
  /** Files that are being run, so that none runs itself. */
  readonly within: readonly string[];
}

const CONTINUES = /\\$/;

/** A file to run; `-` is standard input. */
export function fileSource(file: string, stdin: NodeJS.ReadableStream): Source {
  const input = file === '-' ? stdin : createReadStream(file);
  return { name: file === '-' ? 'stdin' : file, lines: linesOf(input, file) };
}

async function* linesOf(input: NodeJS.ReadableStream, file: string): AsyncGenerator<string, void> {
  let failure: unknown;
  const lines = createInterface({ input, crlfDelay: Infinity });
  // Depending on Node the lines end with the failure of their input, or without a word.
  input.once('error', (error: Error) => {
    failure ??= error;
    lines.close();
  });
  try {
    yield* lines;
  } catch (error) {
    failure = error;
  }
  if (failure !== undefined) throw new OperatorError(`cannot read ${file}: ${errorText(failure)}`);
}

/** Joins lines that end with a backslash; each with the number of its first line. */
export async function* logicalLines(
  lines: AsyncIterable<string>,
): AsyncGenerator<{ readonly number: number; readonly text: string }, void> {
  let number = 0;
  let begun: { readonly number: number; readonly text: string } | undefined;
  for await (const line of lines) {
    number++;
    const text = `${begun?.text ?? ''}${line.replace(CONTINUES, ' ')}`;
    const whole = { number: begun?.number ?? number, text };
    begun = CONTINUES.test(line) ? whole : undefined;
    if (begun === undefined) yield whole;
  }
  if (begun !== undefined) yield begun;
}

/** The commands that a line may have beside those of the program. */
export const LINE_WORDS: readonly string[] = [...Object.keys(LINE_COMMANDS), 'quit'];

/**
 * Runs one line.
 * @returns false: it asks for the end
 * @throws errors of the command; ScriptFailed when a file that it runs failed, which has been told then
 */
export async function runLine(context: Context, text: string, options: ScriptOptions): Promise<boolean> {
  const words = splitWords(text);
  const [word, ...rest] = words;
  if (word === 'exit' || word === 'quit') return false;
  if (word === 'help') {
    await write(
      context.out,
      helpLines(rest[0])
        .map((line) => `${line}\n`)
        .join(''),
    );
  } else if (word === 'run') {
    const [file, more] = rest.map(unquote);
    if (file === undefined || more !== undefined) throw new UsageError('run: one FILE');
    const code = await runFile(context, file, process.stdin, options);
    if (code !== 0) throw new ScriptFailed(code);
  } else await runWords(context, words, LINE_WORDS);
  return true;
}

/** A script failed, and that was told. */
export class ScriptFailed extends Error {
  constructor(readonly code: 1 | 2) {
    super('a script failed');
  }
}

/** Runs a file, as `runSource` does. */
export function runFile(
  context: Context,
  file: string,
  stdin: NodeJS.ReadableStream,
  options: ScriptOptions,
): Promise<0 | 1 | 2> {
  if (options.within.includes(file)) throw new UsageError(`run: ${file} runs itself`);
  return runSource(context, fileSource(file, stdin), { ...options, within: [...options.within, file] });
}

/**
 * Runs all lines; what goes wrong is told with name and line.
 * @returns the exit code: of the first line that failed, else 0
 */
export async function runSource(context: Context, { name, lines }: Source, options: ScriptOptions): Promise<0 | 1 | 2> {
  const { err, keepGoing } = options;
  let code: 0 | 1 | 2 = 0;
  let failed = 0;
  try {
    for await (const { number, text } of logicalLines(lines)) {
      try {
        if (!(await runLine(context, text, options))) break;
      } catch (error) {
        failed++;
        code ||= error instanceof ScriptFailed ? error.code : exitCode(error);
        if (!(error instanceof ScriptFailed)) err.write(`${name}:${number}: ${errorMessage(error)}\n`);
        if (!keepGoing) return code;
      }
    }
  } catch (error) {
    err.write(`${errorText(error)}\n`);
    return code || 1;
  }
  if (failed > 1) err.write(`${name}: ${failed} lines failed\n`);
  return code;
}
