import type { Logger } from '../../../src/observe/log';

/** What was logged, and a way to wait for it. */
export class Log implements Logger {
  readonly lines: string[] = [];
  /** The clients that lines were about. */
  readonly clients: unknown[] = [];
  private waiting: (() => void)[] = [];
  private readonly put =
    (level: string) =>
    (message: string, meta?: object): void => {
      if (meta !== undefined && 'client' in meta) this.clients.push(meta.client);
      this.lines.push(`${level}: ${message}`);
      for (const wake of this.waiting.splice(0)) wake();
    };
  error = this.put('error');
  warn = this.put('warn');
  info = this.put('info');
  debug = this.put('debug');
  readonly verbose = true;
  child = (): Logger => this;

  async until(pattern: RegExp): Promise<void> {
    while (!this.lines.some((line) => pattern.test(line))) await new Promise<void>((wake) => this.waiting.push(wake));
  }
}
