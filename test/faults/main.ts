/**
 * `make faults`: a router's day with everything that can go wrong, on real zebra, seed after seed. Options: --seed N (several times; absent:
 * 1, 2 and 3), --steps N, --kind KIND (several times; absent: all). Writes out/faults.json; fails where something differs in the end, where a
 * fault that touches no packet lost one, or where a program ended by itself.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorText } from '../../src/net/error-text';
import { labId } from '../../lab/lab';
import { campaign, type CampaignResult } from './campaign';
import { FAULT_KINDS, type FaultKind } from './fault-kinds';
import { report } from './report';

const OUT = 'out/faults.json';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Options {
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly kinds: readonly FaultKind[];
}

function options(argv: readonly string[]): Options {
  const seeds: number[] = [];
  const kinds: FaultKind[] = [];
  let steps = 300;
  for (let i = 0; i < argv.length; i += 2) {
    const [name = '', text = ''] = argv.slice(i, i + 2);
    const value = Number(text);
    const isCount = Number.isSafeInteger(value) && value > 0;
    const kind = FAULT_KINDS.find((one) => one === text);
    if (name === '--seed' && isCount) seeds.push(value);
    else if (name === '--steps' && isCount) steps = value;
    else if (name === '--kind' && kind !== undefined) kinds.push(kind);
    else {
      throw new Error(
        `not understood: ${name} ${text}; usage: faults [--seed N]… [--steps N] [--kind KIND]…; kinds: ${FAULT_KINDS.join(', ')}`,
      );
    }
  }
  return {
    seeds: seeds.length === 0 ? [1, 2, 3] : seeds,
    steps,
    kinds: kinds.length === 0 ? FAULT_KINDS : kinds,
  };
}

async function main(): Promise<boolean> {
  const began = Date.now();
  const { seeds, steps, kinds } = options(process.argv.slice(2));
  const results: CampaignResult[] = [];
  for (const seed of seeds) {
    say(`seed ${seed}`);
    results.push(
      await campaign({ seed, steps, kinds, labId: labId('faults'), logDir: `out/faults-logs/${seed}`, say }),
    );
  }
  const found = report(results, steps, Math.round((Date.now() - began) / 1000));
  mkdirSync(dirname(OUT), { recursive: true });
  writeFileSync(OUT, `${JSON.stringify(found, null, 2)}\n`);
  for (const check of found.checks) say(`${check.ok ? 'ok    ' : 'FAILED'} ${check.name}: ${check.observed}`);
  say(`\n${found.ok ? 'ok' : 'FAILED'}: ${found.summary} (${OUT})`);
  return found.ok;
}

main().then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`faults: ${errorText(error)}\n`);
    process.exit(1);
  },
);
