/**
 * A terminal taken over for a while: another screen in place of the one that was there, keys as they are pressed. What was there comes back
 * however the program ends (but for kill -9), and while it is stopped by Ctrl-Z.
 */
import type { ReadStream, WriteStream } from 'node:tty';

/** The other screen, without the cursor, and back. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const TO_TOP = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CTRL_C = '\x03';
const CTRL_Z = '\x1a';
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export interface Screen {
  /** Aborted when `q` or Ctrl-C is pressed. */
  readonly quit: AbortSignal;
  /** Draws what `lines` of `openScreen` gives. */
  draw(): void;
  /** Gives the terminal back. */
  close(): void;
}

/**
 * Takes the terminal; `lines` are drawn by `draw`, and again when its size changes. A signal that ends the program does so, after the terminal is
 * given back. Where `keys` are no terminal's, none is read.
 */
export function openScreen(out: WriteStream, keys: ReadStream, lines: () => readonly string[]): Screen {
  const quit = new AbortController();
  let isOpen = false;

  const enter = (): void => {
    isOpen = true;
    out.write(ENTER);
    if (keys.isTTY) keys.setRawMode(true).resume();
  };
  const leave = (): void => {
    if (!isOpen) return;
    isOpen = false;
    if (keys.isTTY) keys.setRawMode(false).pause();
    out.write(LEAVE);
  };
  const draw = (): void => {
    if (isOpen) out.write(`${TO_TOP}${lines().join(`${CLEAR_LINE}\r\n`)}${CLEAR_LINE}${CLEAR_BELOW}`);
  };
  const stop = (): void => {
    leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  const goOn = (): void => {
    if (!isOpen) enter();
    draw();
  };
  const press = (data: Buffer): void => {
    for (const key of data.toString('latin1')) {
      if (key === 'q' || key === 'Q' || key === CTRL_C) quit.abort();
      else if (key === CTRL_Z) stop();
    }
  };
  const end = (signal: NodeJS.Signals): void => {
    close();
    // Nobody handles it any more, so it does what it does.
    process.kill(process.pid, signal);
  };
  const close = (): void => {
    leave();
    out.off('resize', draw);
    keys.off('data', press);
    process.off('exit', leave).off('SIGTSTP', stop).off('SIGCONT', goOn);
    for (const signal of ENDING) process.off(signal, end);
  };

  out.on('resize', draw);
  if (keys.isTTY) keys.on('data', press);
  process.on('exit', leave).on('SIGTSTP', stop).on('SIGCONT', goOn);
  for (const signal of ENDING) process.on(signal, end);
  enter();
  return { quit: quit.signal, draw, close };
}
