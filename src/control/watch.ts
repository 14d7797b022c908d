/** `--watch`: what a command prints, again and again. On a terminal in place of what was there, else one after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Argv } from 'yargs';
import { write } from './output';

/** Seconds between two looks where the option has no value. */
export const USUAL_SECONDS = 2;
const LONGEST_SECONDS = 86_400;

/** Adds the option; `watchSeconds` reads it. */
export function watchOption<T>(command: Argv<T>): Argv<T & { watch: string | undefined }> {
  return command
    .option('watch', { type: 'string', describe: `Again and again, every so many SECONDS [${USUAL_SECONDS}]` })
    .check(({ watch }) => {
      watchSeconds(watch as string | undefined);
      return true;
    }) as unknown as Argv<T & { watch: string | undefined }>;
}

/** How often; undefined: once. Throws for what is no time. */
export function watchSeconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  return value === '' ? USUAL_SECONDS : secondsOf('watch', value, ', or nothing');
}

/** The time that an option names, in seconds. Throws for what is none; `or`: what else it may be. */
export function secondsOf(option: string, value: string, or = ''): number {
  const seconds = Number(value);
  if (seconds > 0 && seconds <= LONGEST_SECONDS) return seconds;
  throw new Error(`--${option}: got ${JSON.stringify(value)}, expected seconds, such as 2 or 0.5${or}`);
}

/** Has `print` print once, or for ever; rejects with the first failure. */
export async function repeat(
  watch: string | undefined,
  out: NodeJS.WritableStream & { isTTY?: boolean },
  print: () => Promise<void>,
): Promise<void> {
  const seconds = watchSeconds(watch);
  if (seconds === undefined) return print();
  for (let first = true; ; first = false) {
    // To the top left, and clear from there: everything stays in place that hasn't changed.
    if (out.isTTY === true) await write(out, `\x1b[H\x1b[J${new Date().toISOString()}, every ${seconds} s\n\n`);
    else if (!first) await write(out, '\n');
    await print();
    await sleep(seconds * 1000);
  }
}
