/** `fpm2afi top`: asks the running daemon again and again, and shows what goes on: on a terminal in place, else a screen after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Argv } from 'yargs';
import { ControlError } from './client';
import { connectionOptions, socketOf } from './connection';
import { write } from './output';
import { topView, type TopView } from './top-model';
import { takeSample } from './top-sample';
import { openScreen } from './top-screen';
import { topLines, topNote, type Page } from './top-text';
import { secondsOf, USUAL_SECONDS } from './watch';

/** Where there is no terminal to ask. */
const PLAIN_PAGE: Page = { columns: 80, color: false };

interface Asked {
  readonly socket: string;
  readonly intervalMs: number;
}

/** Adds the command to a yargs instance. Its failures reject `parseAsync` (ControlError). `keys` are opened on a terminal only. */
export function withTop(cli: Argv, out: WriteStream, keys: () => ReadStream): Argv {
  return cli.command(
    'top',
    'What goes on, in place: rates, routes, sessions, ports, punt, latencies, problems; q quits',
    (command) =>
      connectionOptions(command)
        .option('interval', {
          type: 'string',
          requiresArg: true,
          default: String(USUAL_SECONDS),
          describe: 'Every so many SECONDS',
        })
        .option('batch', { type: 'number', requiresArg: true, describe: 'Print so many screens one after the other' })
        .option('json', { type: 'boolean', default: false, describe: 'Print JSON, an object a line' })
        .check(({ interval, batch }) => {
          secondsOf('interval', interval);
          if (batch !== undefined && !(Number.isInteger(batch) && batch > 0)) {
            throw new Error('--batch: expected how many screens, a whole number from 1');
          }
          return true;
        }),
    async ({ interval, batch, json, ...daemon }) => {
      const asked = { socket: await socketOf(daemon), intervalMs: secondsOf('interval', interval) * 1000 };
      if (json || batch !== undefined || !out.isTTY) await print(asked, batch ?? Infinity, json, out);
      else await show(asked, out, keys());
    },
  );
}

/** One screen, or line of JSON, after the other. The first comes after an interval, as its rates need two samples. */
async function print(asked: Asked, count: number, json: boolean, out: WriteStream): Promise<void> {
  let before = await takeSample(asked.socket);
  for (let printed = 0; printed < count; printed++) {
    await sleep(asked.intervalMs);
    const now = await takeSample(asked.socket);
    const view = topView(before, now);
    const screen = `${printed === 0 ? '' : '\n'}${topLines(view, PLAIN_PAGE).join('\n')}\n`;
    await write(out, json ? `${JSON.stringify(view)}\n` : screen);
    before = now;
  }
}

/** In place, until somebody quits. A daemon that goes away is asked until it is back. */
async function show({ socket, intervalMs }: Asked, out: WriteStream, keys: ReadStream): Promise<void> {
  let before = await takeSample(socket);
  let view: TopView = topView(undefined, before);
  let failure: string | undefined;
  const lines = (): string[] => {
    const page = pageOf(out);
    const note = failure === undefined ? [] : [...topNote(failure, page), ''];
    return [...note, ...topLines(view, { ...page, rows: page.rows - note.length })].slice(0, page.rows);
  };
  const screen = openScreen(out, keys, lines);
  const { quit } = screen;
  try {
    while (!quit.aborted) {
      screen.draw();
      await sleep(intervalMs, undefined, { signal: quit }).catch(() => undefined);
      if (quit.aborted) break;
      try {
        const now = await takeSample(socket, quit);
        view = topView(before, now);
        before = now;
        failure = undefined;
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        failure = `${error.message}\nShown is what was known at ${view.time}.`;
      }
    }
  } finally {
    screen.close();
  }
}

function pageOf(out: WriteStream): Page & { readonly rows: number } {
  const { NO_COLOR = '', TERM } = process.env;
  // A terminal without a size says 0.
  const [columns, rows] = [out.columns || PLAIN_PAGE.columns, out.rows || 24];
  return { columns, rows, color: NO_COLOR === '' && TERM !== 'dumb' };
}
