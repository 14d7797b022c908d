/**
 * A Chromium without a window, spoken to over the two pipes of its DevTools protocol (--remote-debugging-pipe: JSON texts, each ended by a zero
 * byte), so that no package is needed for it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { at } from './json';

/** What it may be called; on Debian it is in a package of the first two names. */
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The program: FPM2AFI_BROWSER, or one that is in the path; undefined: there is none. */
export function findBrowser(): string | undefined {
  const named = process.env.FPM2AFI_BROWSER;
  if (named !== undefined && named !== '') return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Browser {
  /** Opens a page; returns when it is loaded. */
  open(url: string, size: { readonly width: number; readonly height: number }): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  /** The value of an expression in the page, which survives JSON; a promise is awaited. Rejects with what it throws. */
  evaluate(expression: string): Promise<unknown>;
  /** A PNG of the whole page. */
  picture(): Promise<Buffer>;
  /** What the page threw, and what the browser refused or complained of. */
  readonly faults: readonly string[];
}

/** Starts it; `inside` is put before its command line, such as `ip netns exec …`. */
export async function startBrowser(program: string, inside: readonly string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'fpm2afi-browser-'));
  const flags = [
    '--headless',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--disable-gpu',
  ];
  // As root, as which the stage runs, Chromium has no sandbox. It is shown pages of ours only.
  const [command, ...args] = [...inside, program, ...flags, '--no-sandbox', '--hide-scrollbars'];
  const child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const wire = new Wire(child);
  await wire.call('Browser.getVersion', {});
  return {
    open: (url, size) => openTab(wire, url, size),
    close: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      wire.call('Browser.close', {}).catch(() => child.kill('SIGKILL'));
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function openTab(
  wire: Wire,
  url: string,
  size: { readonly width: number; readonly height: number },
): Promise<Tab> {
  const { targetId } = await wire.call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await wire.call('Target.attachToTarget', { targetId, flatten: true });
  const session = String(sessionId);
  const call = (method: string, parameters: object = {}): Promise<Result> => wire.call(method, parameters, session);
  const faults: string[] = [];
  wire.listen(session, 'Runtime.exceptionThrown', (event) => {
    faults.push(
      String(at(event, 'exceptionDetails', 'exception', 'description') ?? at(event, 'exceptionDetails', 'text')),
    );
  });
  wire.listen(session, 'Log.entryAdded', (event) => {
    faults.push(`${String(at(event, 'entry', 'text'))} ${String(at(event, 'entry', 'url') ?? '')}`.trim());
  });
  for (const domain of ['Page', 'Runtime', 'Log']) await call(`${domain}.enable`);
  await call('Emulation.setDeviceMetricsOverride', { ...size, deviceScaleFactor: 1, mobile: false });
  const loaded = new Promise<void>((resolve) => wire.listen(session, 'Page.loadEventFired', () => resolve()));
  const { errorText } = await call('Page.navigate', { url });
  if (errorText !== undefined) throw new Error(`${url}: ${String(errorText)}`);
  await loaded;
  return {
    faults,
    evaluate: async (expression) => {
      const answer = await call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
      if (answer.exceptionDetails !== undefined) {
        throw new Error(`${expression}: ${String(at(answer.exceptionDetails, 'exception', 'description'))}`);
      }
      return at(answer.result, 'value');
    },
    picture: async () => {
      const { data } = await call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
      return Buffer.from(String(data), 'base64');
    },
  };
}

type Result = Readonly<Record<string, unknown>>;

/** Requests and their answers, and events, of the protocol. */
class Wire {
  private next = 1;
  private rest = '';
  private readonly waiting = new Map<number, { resolve: (result: Result) => void; reject: (error: Error) => void }>();
  private readonly listeners = new Map<string, (event: Result) => void>();
  private readonly out: Writable;

  constructor(child: ChildProcess) {
    const [, , , out, input] = child.stdio as [unknown, unknown, unknown, Writable, Readable];
    this.out = out;
    // A browser that ended is told of below.
    out.on('error', () => undefined);
    input.setEncoding('utf8').on('data', (text: string) => this.receive(text));
    const gone = (why: string): void => {
      for (const { reject } of this.waiting.values()) reject(new Error(why));
      this.waiting.clear();
    };
    child.on('error', (error) => gone(`the browser could not be started: ${error.message}`));
    child.on('exit', (code, signal) => gone(`the browser ended (${String(code ?? signal)})`));
  }

  call(method: string, params: object, sessionId?: string): Promise<Result> {
    const id = this.next++;
    const answer = new Promise<Result>((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer;
  }

  listen(session: string, method: string, listener: (event: Result) => void): void {
    this.listeners.set(`${session} ${method}`, listener);
  }

  private receive(text: string): void {
    const messages = (this.rest + text).split('\0');
    this.rest = messages.pop()!;
    for (const message of messages) this.take(JSON.parse(message) as Result);
  }

  private take({ id, result, error, sessionId, method, params }: Result): void {
    if (typeof id !== 'number') {
      this.listeners.get(`${String(sessionId)} ${String(method)}`)?.(params as Result);
      return;
    }
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(result as Result);
    else waiting?.reject(new Error(String(at(error, 'message'))));
  }
}
