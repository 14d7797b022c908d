/**
 * `make against-linux`: our router and a plain Linux router side by side, the same commands and the same frames, compared in what comes
 * out where. Options: --steps N, --frames N, --seed N. Writes out/against-linux.json; fails where they differ and intended.ts has no reason.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorText } from '../../src/net/error-text';
import { checksOf } from './report';
import { run } from './run';

const OUT = 'out/against-linux.json';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function options(argv: readonly string[]): { readonly seed: number; readonly steps: number; readonly frames: number } {
  const found: Record<string, number> = { '--steps': 500, '--frames': 20_000, '--seed': 1 };
  for (let i = 0; i < argv.length; i += 2) {
    const value = Number(argv[i + 1]);
    if (!(argv[i]! in found) || !Number.isSafeInteger(value) || value < 1)
      throw new Error(
        `usage: against-linux [--steps N] [--frames N] [--seed N]; not understood: ${argv.slice(i).join(' ')}`,
      );
    found[argv[i]!] = value;
  }
  return { seed: found['--seed']!, steps: found['--steps']!, frames: found['--frames']! };
}

async function main(): Promise<boolean> {
  const began = Date.now();
  const chosen = options(process.argv.slice(2));
  say(`seed ${chosen.seed}, at least ${chosen.steps} events and ${chosen.frames} frames`);
  const result = await run({ ...chosen, say });
  const checks = checksOf(result, chosen);
  const ok = checks.every((check) => check.ok);
  const seconds = Math.round((Date.now() - began) / 1000);
  const faults = result.cases.found.length;
  const summary = `${result.steps} events, ${result.frames} frames, ${faults} unexplained differences, seed ${chosen.seed}, ${seconds} s`;
  mkdirSync(dirname(OUT), { recursive: true });
  writeFileSync(OUT, `${JSON.stringify({ ok, summary, checks }, null, 2)}\n`);
  for (const check of checks) if (!check.ok) say(`FAILED ${check.name}: ${check.observed.split('\n')[0]!}`);
  say(`\n${ok ? 'ok' : 'FAILED'}: ${summary} (${OUT})`);
  return ok;
}

main().then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`against-linux: ${errorText(error)}\n`);
    process.exit(1);
  },
);
