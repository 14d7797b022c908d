/**
 * What the demonstration says: scenes, commands with their output, and checks, on the terminal as they happen and in a JSON
 * file at the end. Every check names a command that the operator can repeat while the demo runs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorText } from '../../src/net/error-text';
import type { ExecOptions } from '../../lab/exec';
import type { LabNode } from '../../lab/node';
import { sleep } from '../../lab/wait';

export interface Check {
  readonly scene: string;
  readonly name: string;
  readonly command: string;
  readonly observed: string;
  readonly ok: boolean;
}

/** What one look at the system saw. */
export interface Observation {
  readonly observed: string;
  readonly ok: boolean;
  /** Output worth showing with the verdict. */
  readonly output?: string;
}

export interface Expectation {
  readonly name: string;
  /** As the operator would type it (`commandLine`). */
  readonly command: string;
  /** Looked at again and again until it is ok or the time is over; a look that throws isn't ok. */
  readonly look: () => Observation | Promise<Observation>;
  /** Milliseconds; 0 or absent: one look. */
  readonly timeoutMs?: number;
}

export interface Reporter {
  readonly scene: (title: string) => void;
  /** A line of explanation. */
  readonly say: (line: string) => void;
  /** Prints a command and what it showed. */
  readonly showOutput: (command: string, output: string) => void;
  /** Runs a command in a node, prints it with its output, and returns the output (both streams). */
  readonly show: (node: LabNode, argv: readonly string[], options?: ExecOptions) => Promise<string>;
  readonly expect: (expectation: Expectation) => Promise<boolean>;
  readonly checks: () => readonly Check[];
}

const MAX_LINES = 24;

function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command line that runs `argv` in a node of the running demo. */
export function commandLine(node: LabNode, argv: readonly string[]): string {
  return ['demo/in', node.name, ...argv.map(quoted)].join(' ');
}

/** A reporter that writes to `print`, one call per line. */
export function createReporter(print: (line: string) => void): Reporter {
  const checks: Check[] = [];
  const start = performance.now();
  let title = '';
  let number = 0;

  const showOutput = (command: string, output: string): void => {
    print(`  $ ${command}`);
    const lines = output.trimEnd().split('\n');
    for (const line of lines.slice(0, MAX_LINES)) print(`    ${line}`);
    if (lines.length > MAX_LINES) print(`    … ${lines.length - MAX_LINES} more lines`);
  };
  return {
    scene: (text) => {
      number++;
      title = `${number} ${text}`;
      const seconds = Math.round((performance.now() - start) / 1000);
      print('');
      print(`── ${title} ${'─'.repeat(Math.max(2, 90 - title.length))} ${seconds} s`);
    },
    say: (line) => print(`  ${line}`),
    showOutput,
    show: async (node, argv, options) => {
      const result = await node.exec(argv, options);
      const output = `${result.stdout}${result.stderr}`;
      showOutput(commandLine(node, argv), output);
      return output;
    },
    expect: async (expectation) => {
      const deadline = performance.now() + (expectation.timeoutMs ?? 0);
      let seen = await look(expectation);
      while (!seen.ok && performance.now() < deadline) {
        await sleep(200);
        seen = await look(expectation);
      }
      if (seen.output !== undefined) showOutput(expectation.command, seen.output);
      print(`  ${seen.ok ? '✓' : '✗'} ${expectation.name}: ${seen.observed}`);
      if (!seen.ok && seen.output === undefined) print(`    seen with: ${expectation.command}`);
      const { name, command } = expectation;
      checks.push({ scene: title, name, command, observed: seen.observed, ok: seen.ok });
      return seen.ok;
    },
    checks: () => checks,
  };
}

async function look(expectation: Expectation): Promise<Observation> {
  try {
    return await expectation.look();
  } catch (error) {
    return { observed: errorText(error), ok: false };
  }
}

export interface Report {
  readonly ok: boolean;
  readonly summary: string;
  readonly checks: readonly Check[];
}

/** Adds the checks up. A demonstration without checks isn't ok. */
export function reportOf(checks: readonly Check[], figures: readonly string[]): Report {
  const failed = checks.filter((check) => !check.ok);
  const verdict = failed.length === 0 ? 'all as expected' : `${failed.length} not as expected`;
  const ok = checks.length > 0 && failed.length === 0;
  return { ok, summary: [`${checks.length} checks, ${verdict}`, ...figures].join('; '), checks };
}

/** Writes a report as JSON, making the folder. */
export function writeReport(file: string, report: Report): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
