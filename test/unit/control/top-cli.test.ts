/** `fpm2afi top` as a process: on pipes, and on a terminal, which it gives back as it was however it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlServer, type ControlServer } from '../../../src/control/server';
import type { TopView } from '../../../src/control/top-model';
import { nullLogger } from '../../../src/observe/log';
import { faultsOf } from '../../schemas';
import { fakeBackend, STATUS } from './backend';
import { MAIN, run } from './run-cli';
import { until } from '../../bed/until';

const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-top-'));
const SOCKET = join(directory, 'control.sock');
let server: ControlServer;
/** Of the fake daemon. */
let messages = 0;
const status = (): Promise<typeof STATUS> =>
  Promise.resolve({ ...STATUS, fpm: { ...STATUS.fpm, messages: (messages += 1000) } });

beforeAll(async () => {
  server = await startControlServer(SOCKET, { ...fakeBackend(), status }, nullLogger);
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const top = (...args: readonly string[]): ReturnType<typeof run> =>
  run('top', '--socket', SOCKET, '--interval', '0.05', ...args);

test('--batch N: N screens of plain text, each with rates', async () => {
  const { code, out, err } = await top('--batch', '2');
  expect([code, err]).toEqual([0, '']);
  const screens = out.split(/(?=^fpm2afi )/m);
  expect(screens).toHaveLength(2);
  for (const screen of screens) expect(screen).toMatch(/FPM messages \d+(\.\d+)?k\n/);
  expect(out).not.toContain('\x1b');
  expect(out.split('\n').every((line) => line.length <= 80)).toBe(true);
});

test('--json: an object a sample', async () => {
  const { code, out } = await top('--batch', '2', '--json');
  expect(code).toBe(0);
  const views = out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TopView);
  expect(views).toHaveLength(2);
  expect(views.flatMap((view) => faultsOf('top', view))).toEqual([]);
  for (const view of views) {
    expect(view.seconds).toBeGreaterThan(0);
    expect(view.rates.messages! * view.seconds!).toBeCloseTo(1000);
    expect(view.status).toMatchObject({ problems: STATUS.problems, fib: STATUS.fib });
  }
});

test('no daemon: exit code 1, and what to do', async () => {
  const { code, out, err } = await run('top', '--socket', join(directory, 'none.sock'), '--batch', '1');
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain("isn't running");
});

test.each([
  [['--interval', '0'], '--interval: got "0", expected seconds, such as 2 or 0.5'],
  [['--batch', '0'], '--batch: expected how many screens, a whole number from 1'],
  [['--batch', '1.5'], '--batch: expected how many screens'],
])('wrong usage %j: exit code 2', async (args, message) => {
  const { code, err } = await run('top', ...args);
  expect(code).toBe(2);
  expect(err).toContain(message);
});

describe('on a terminal', () => {
  const PID = join(directory, 'pid');
  const [SIZE, ENTER, LEAVE] = ['stty cols 80 rows 24', '\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l'];

  /** Runs it under script(1), which makes the terminal; afterwards its exit code and the terminal's settings are printed. */
  function onTerminal(before = SIZE): { readonly child: ChildProcess; shown(): string; ended: Promise<string> } {
    const program = `${process.execPath} ${MAIN} top --socket ${SOCKET} --interval 0.05`;
    const command = `${before}; sh -c 'echo $$ >${PID}; exec ${program}'; echo code=$?; stty -a`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm' } });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const ended = new Promise<string>((resolve) => child.on('close', () => resolve(out)));
    return { child, shown: () => out, ended };
  }

  const screens = (text: string): number => text.split('\x1b[H').length - 1;
  const isGivenBack = (text: string): void => {
    expect([text.split(ENTER).length, text.split(LEAVE).length]).toEqual([2, 2]);
    expect(text.indexOf(LEAVE)).toBeGreaterThan(text.lastIndexOf('\x1b[H'));
    // Lines and echo, as before.
    expect(text).toMatch(/ icanon .* echo /s);
  };

  test.each(['q', '\x03'])('key %j quits: exit code 0, the terminal as it was', async (key) => {
    const { child, shown, ended } = onTerminal();
    await until(() => screens(shown()) >= 3);
    child.stdin!.write(key);
    const text = await ended;
    expect(text).toContain('code=0\r\n');
    isGivenBack(text);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('%s ends it as it does, after the terminal is given back', async (signal, code) => {
    const { shown, ended } = onTerminal();
    await until(() => screens(shown()) >= 2);
    process.kill(Number(readFileSync(PID, 'utf8')), signal);
    const text = await ended;
    expect(text).toContain(`code=${code}\r\n`);
    isGivenBack(text);
  });

  test('a daemon that goes away is told of, and asked until it is back', async () => {
    const { child, shown, ended } = onTerminal();
    await until(() => screens(shown()) >= 2);
    await server.close();
    await until(() => shown().includes("isn't running"));
    expect(shown()).toContain('Shown is what was known at 2026-01-02T12:00:00.000Z.');
    server = await startControlServer(SOCKET, { ...fakeBackend(), status }, nullLogger);
    const last = (): string => shown().split('\x1b[H').at(-1)!;
    await until(() => last().startsWith('\x1b[1mfpm2afi '));
    child.stdin!.write('q');
    isGivenBack(await ended);
  });

  test('as large as the terminal, also when that changes; in color, but not with NO_COLOR', async () => {
    const { child, shown, ended } = onTerminal('stty cols 60 rows 10');
    const last = (): string[] => shown().split('\x1b[H').at(-2)?.split(/\r+\n/) ?? [];
    await until(() => screens(shown()) >= 3);
    expect(last()).toHaveLength(10);
    expect([last()[0]!.startsWith('\x1b[1mfpm2afi '), last()[0]!.endsWith('…\x1b[0m\x1b[K')]).toEqual([true, true]);
    const tty = readFileSync(PID, 'utf8').trim();
    await new Promise((resolve) => spawn('stty', ['-F', `/proc/${tty}/fd/0`, 'rows', '15']).on('close', resolve));
    await until(() => last().length === 15);
    child.stdin!.write('q');
    await ended;

    const plain = onTerminal(`${SIZE}; export NO_COLOR=1`);
    await until(() => screens(plain.shown()) >= 2);
    plain.child.stdin!.write('q');
    const text = await plain.ended;
    expect(text).toContain('\x1b[Hfpm2afi ');
    for (const code of ['\x1b[0m', '\x1b[1m', '\x1b[31m']) expect(text).not.toContain(code);
  });

  test('stopped by Ctrl-Z it gives the terminal back, and takes it again when it goes on', async () => {
    const { child, shown, ended } = onTerminal();
    const pid = (): number => Number(readFileSync(PID, 'utf8'));
    await until(() => screens(shown()) >= 2);
    child.stdin!.write('\x1a');
    await until(() => /^State:\tT/m.test(readFileSync(`/proc/${pid()}/status`, 'utf8')));
    await until(() => shown().endsWith(LEAVE));
    process.kill(pid(), 'SIGCONT');
    await until(() => screens(shown().split(LEAVE)[1] ?? '') >= 2);
    child.stdin!.write('q');
    const text = await ended;
    expect(text).toContain('code=0\r\n');
    expect(text.split(ENTER)).toHaveLength(3);
  });
});
