/**
 * `make bench`: how much time and memory fpm2afi and softvasic take. Prints a table and writes out/bench.json. Everything that has a
 * network runs in namespaces of its own. Options: --quick (100,000 routes), --routes N,N, --nexthops N, --runs N, --changes N,
 * --only PART,PART. Figures of two runs compare only as ratios within each: the machine decides the rest. Exit status: 0 all
 * measured (whether or not a goal is met is in the file and on the terminal), 1 something could not be measured, 2 usage.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { errorText } from '../../src/net/error-text';
import { figureLine, writeFigures, type Figure, type Measured } from '../../lab/figure';
import { audit } from './audit';
import { dataplane } from './dataplane';
import { listing } from './listing';
import { memory } from './memory';
import type { BenchOptions, BenchPart } from './part';
import { plotSvg } from './plot';
import { reportText } from './report';
import { soakPart } from './soak';
import { stages } from './stages';
import { table } from './table';
import { updates } from './updates';
import { variants } from './variants';
import { vpn } from './vpn';

const PARTS: readonly BenchPart[] = [
  stages,
  table,
  audit,
  listing,
  variants,
  updates,
  dataplane,
  memory,
  vpn,
  soakPart,
];
const OUT = 'out/bench.json';
const PICTURE = 'out/bench.svg';

interface Asked {
  readonly options: BenchOptions;
  readonly parts: readonly BenchPart[];
}

function asked(): Asked {
  const names = PARTS.map(({ name }) => name);
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      routes: { type: 'string' },
      nexthops: { type: 'string', default: '64' },
      runs: { type: 'string', default: '3' },
      changes: { type: 'string' },
      only: { type: 'string', default: names.join(',') },
    },
  });
  const positive = (option: string, text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} ${text}: a number above 0 is wanted`);
    return value;
  };
  const wanted = values.only.split(',');
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: the parts are ${names.join(', ')}`);
  const sizes = values.routes ?? (values.quick ? '100000' : '10000,100000,1000000');
  return {
    options: {
      sizes: sizes
        .split(',')
        .map((size) => positive('routes', size))
        .sort((a, b) => a - b),
      nexthops: positive('nexthops', values.nexthops),
      runs: positive('runs', values.runs),
      changes: positive('changes', values.changes ?? (values.quick ? '200000' : '20000000')),
      quick: values.quick,
    },
    parts: PARTS.filter(({ name }) => wanted.includes(name)),
  };
}

async function main({ options, parts }: Asked): Promise<number> {
  const started = performance.now();
  const say = (line: string): void => {
    console.log(`[${String(Math.round((performance.now() - started) / 1000)).padStart(4)} s] ${line}`);
  };
  const done: Measured[] = [];
  for (const part of parts) {
    say(`── ${part.title}`);
    const figures: Figure[] = [];
    const about = { name: part.name, title: part.title, command: `make bench BENCH='--only ${part.name}'`, figures };
    const found = (more: readonly Figure[]): void => {
      figures.push(...more);
      for (const figure of more) say(`  ${figureLine(figure)}`);
      writeFigures(OUT, [...done, about]);
    };
    let error: string | undefined;
    await part.measure(options, found, say).catch((reason: unknown) => {
      error = errorText(reason);
      say(`  ✗ could not be measured: ${error}`);
    });
    done.push(error === undefined ? about : { ...about, error });
  }
  console.log(reportText(done));
  console.log(`\n${writeFigures(OUT, done)}\n${OUT}`);
  const picture = plotSvg(done.flatMap(({ figures }) => figures));
  if (picture !== undefined) {
    writeFileSync(PICTURE, picture);
    console.log(PICTURE);
  }
  return done.every(({ error }) => error === undefined) ? 0 : 1;
}

function start(): Promise<number> {
  try {
    return main(asked());
  } catch (error) {
    console.error(`bench: ${errorText(error)}`);
    return Promise.resolve(2);
  }
}

void start().then((status) => {
  process.exitCode = status;
});
