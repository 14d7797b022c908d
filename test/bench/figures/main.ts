/**
 * `make lab`: measures what the forwarding state promises and writes out/forwarding.json, each figure with the command that
 * repeats it. FIGURE=NAME measures one, into out/forwarding-NAME.json. Exit status: 0 all measured (whether or not a goal is met is in
 * the file and on the terminal), 1 something could not be measured, 2 no such figure.
 */
import { join } from 'node:path';
import { errorText } from '../../../src/net/error-text';
import { figureLine, writeFigures, type Measured } from '../../../lab/figure';
import { labId, openLab } from '../../../lab/lab';
import { balance } from './balance';
import { failover, failover6 } from './failover';
import type { Measurement } from './measurement';
import { operations } from './operations';
import { resolve } from './resolve';
import { restarts } from './restarts';
import { storm } from './storm';
import { suppress } from './suppress';

const MEASUREMENTS: readonly Measurement[] = [
  ...[resolve, storm, balance, failover, failover6, operations, suppress],
  restarts,
];

async function measure(one: Measurement): Promise<Measured> {
  const about = { name: one.name, title: one.title, command: `make lab FIGURE=${one.name}` };
  console.log(`\n── ${one.title}`);
  try {
    const lab = await openLab(labId('figures'), {
      logDir: join('out', `lab-${one.name}-logs`),
      say: (line) => console.log(`  ${line}`),
    });
    try {
      return { ...about, figures: await one.measure(lab, (line) => console.log(`  ${line}`)) };
    } finally {
      await lab.close();
    }
  } catch (error) {
    return { ...about, figures: [], error: errorText(error) };
  }
}

async function main(): Promise<number> {
  const wanted = process.argv[2] ?? '';
  const chosen = MEASUREMENTS.filter(({ name }) => wanted === '' || name === wanted);
  if (chosen.length === 0) {
    console.error(`FIGURE=${wanted} is none of ${MEASUREMENTS.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const measured: Measured[] = [];
  for (const one of chosen) {
    const result = await measure(one);
    measured.push(result);
    for (const figure of result.figures) console.log(`  ${figureLine(figure)}`);
    if (result.error !== undefined) console.log(`  ✗ could not be measured: ${result.error}`);
  }
  const file = join('out', wanted === '' ? 'forwarding.json' : `forwarding-${wanted}.json`);
  console.log(`\n${writeFigures(file, measured)}\n${file}`);
  return measured.every(({ error }) => error === undefined) ? 0 : 1;
}

void main().then((status) => {
  process.exitCode = status;
});
