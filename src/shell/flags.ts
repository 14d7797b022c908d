/** Flags of the shell's commands, as they stand among the words of a line: `--entries`, `--type tree`, `--type=tree`. */
import { nearest } from '../config/nearest';
import { UsageError } from '../net/error-text';
import { unquote } from './words';

/** A flag: whether a value belongs to it, and what it is for. One with values may be given several times. */
export interface Flag {
  readonly value?: string;
  readonly describe: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** Flags as they were given: one without a value is in the map with none. */
export type Given = ReadonlyMap<string, readonly string[]>;

/** What a command was given. */
export interface Arguments {
  readonly words: readonly string[];
  readonly given: Given;
}

/** @throws UsageError for a flag that the command doesn't have, or without its value */
export function takeFlags(command: string, flags: Flags, all: readonly string[]): Arguments {
  const words: string[] = [];
  const given = new Map<string, string[]>();
  for (let at = 0; at < all.length; at++) {
    const [, name, , value] = /^--([a-z-]+)(=(.*))?$/s.exec(all[at]!) ?? [];
    if (name === undefined) {
      words.push(all[at]!);
      continue;
    }
    const flag = Object.hasOwn(flags, name) ? flags[name]! : undefined;
    if (flag === undefined) throw new UsageError(`${command}: ${unknownFlag(name, flags)}`);
    const values = given.get(name) ?? [];
    given.set(name, values);
    if (flag.value === undefined) {
      if (value !== undefined) throw new UsageError(`${command}: --${name} has no value`);
      continue;
    }
    const found = value ?? all[++at];
    if (found === undefined) throw new UsageError(`${command}: --${name} ${flag.value}: the value is missing`);
    values.push(unquote(found));
  }
  return { words, given };
}

function unknownFlag(name: string, flags: Flags): string {
  const known = Object.keys(flags);
  const meant = nearest(name, known);
  if (meant !== undefined) return `there is no --${name}, did you mean --${meant}?`;
  return `there is no --${name}${known.length === 0 ? '' : `; there are ${known.map((one) => `--${one}`).join(', ')}`}`;
}
