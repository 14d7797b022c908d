/** The commands of the shell, as they stand at the beginning of a line or behind `softvasic aft`. */
import { nearest } from '../config/nearest';
import { insert, remove } from './change';
import type { Context } from './context';
import { takeFlags, type Arguments, type Flags } from './flags';
import { inject, test, TEST_FLAGS } from './packet';
import { show, SHOW_FLAGS } from './show';
import { SPECS } from './spec-text';
import { UsageError } from '../net/error-text';

export interface Command {
  /** What stands behind its name, flags apart. */
  readonly words: string;
  /** All of that by one name, and what it is; absent: nothing stands there. */
  readonly rest?: { readonly name: string; readonly describe: string };
  readonly describe: string;
  readonly flags: Flags;
  run(context: Context, given: Arguments): Promise<void>;
}

const NO_FLAGS: Flags = {};

export const COMMANDS = {
  show: {
    words: '',
    describe: 'Show the nodes of the sandbox, and what its ports are bound to, as they would be inserted',
    flags: SHOW_FLAGS,
    run: show,
  },
  insert: {
    words: 'SPEC…',
    rest: { name: 'spec', describe: 'node …, entry … and bind …, each in quotes or not' },
    describe: 'Insert or replace nodes, entries and bindings: all of them or none',
    flags: NO_FLAGS,
    run: insert,
  },
  remove: {
    words: 'NODE… | entry NODE KEY…',
    rest: { name: 'what', describe: 'Nodes by token or name, and entries by node and key' },
    describe: 'Remove nodes and entries: all of them or none',
    flags: NO_FLAGS,
    run: remove,
  },
  test: {
    words: 'PORT PACKET…',
    rest: { name: 'packet', describe: 'The port, and words for the packet' },
    describe: 'Ask which way a packet would take that comes in by a port; nothing is sent or counted',
    flags: TEST_FLAGS,
    run: test,
  },
  inject: {
    words: 'in|out PORT PACKET…',
    rest: { name: 'packet', describe: 'Which way, the port, and words for the packet' },
    describe: 'Send a packet through the graph as if it came in by a port, or out of a port',
    flags: NO_FLAGS,
    run: inject,
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

/** Whether the word begins something to insert, with `insert` left out. */
function isSpec(word: string): boolean {
  return SPECS.some((spec) => spec === word);
}

/**
 * Runs the command in the words of a line.
 * @param others what else may stand there, for the hint where something is mistyped
 * @throws UsageError for what can't be read; errors about the server
 */
export async function runWords(
  context: Context,
  words: readonly string[],
  others: readonly string[] = [],
): Promise<void> {
  const [word, ...rest] = words;
  if (word === undefined) return;
  const name = isSpec(word) ? 'insert' : COMMAND_NAMES.find((known) => known === word);
  if (name === undefined) throw new UsageError(unknownCommand(word, [...SPECS, ...others]));
  const { flags, run } = COMMANDS[name];
  await run(context, takeFlags(name, flags, isSpec(word) ? words : rest));
}

/** Says what is there in place of an unknown command. */
export function unknownCommand(word: string, others: readonly string[] = []): string {
  const known = [...COMMAND_NAMES, ...others];
  const meant = nearest(word, known);
  return `there is no command ${word}${meant === undefined ? `; there are ${known.join(', ')}` : `, did you mean ${meant}?`}`;
}
