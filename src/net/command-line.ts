/** What holds for the options of both programs, whatever the command. */
import type { Argv } from 'yargs';

/** Of what yargs knows of the options in force: their names, which of them are lists, and which need a value (requiresArg). */
interface Known {
  readonly key: Readonly<Record<string, unknown>>;
  readonly array: readonly string[];
  readonly narg: Readonly<Record<string, number>>;
}

/**
 * An option that is no list has one value: yargs makes a list of two, which nobody expects, and takes `--option=` for a value.
 * Holds for the commands as well.
 */
export function oneValueEach<T>(cli: Argv<T>): Argv<T> {
  return cli.check((args: Readonly<Record<string, unknown>>, options: unknown) => {
    const { key, array, narg } = options as Known;
    const twice = Object.keys(key).find((name) => Array.isArray(args[name]) && !array.includes(name));
    if (twice !== undefined) throw new Error(`--${twice} is given twice`);
    const empty = Object.keys(narg).find((name) => args[name] === '');
    if (empty !== undefined) throw new Error(`--${empty}: the value is missing`);
    return true;
  }, true);
}
