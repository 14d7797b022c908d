/**
 * `make frr-matrix`: every zebra in use, both of its FPM modules, both families, against zebra's own word. Prints a table and
 * writes out/frr-matrix.json. Options: --suite NAME, --module NAME, --family NAME take that part only.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorText } from '../../src/net/error-text';
import { must } from '../../lab/exec';
import { defaultFrrRoot, labId, openLab } from '../../lab/lab';
import { feedbackIgnored, feedbackSeen, runSteps, type Cell, type StepResult } from './cell';
import { buildStage, type Module, type Stage, type Suite } from './topology';
import { compareVariants, snapshots, type Snapshot, type Variant } from './variants';
import { tableCommand, type Family } from './zebra-table';

const SUITES: readonly string[] = ['bookworm', 'trixie', 'forky'];
const MODULES: readonly Module[] = ['fpm', 'dplane_fpm_nl'];
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const OUT = 'out/frr-matrix.json';

interface Choice {
  readonly suites: readonly string[];
  readonly modules: readonly Module[];
  readonly families: readonly Family[];
}

interface StageResult {
  readonly cells: readonly Cell[];
  readonly snapshots: readonly Snapshot[];
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function choose(argv: readonly string[]): Choice {
  const chosen = <T extends string>(option: string, all: readonly T[]): readonly T[] => {
    const place = argv.indexOf(`--${option}`);
    if (place < 0) return all;
    const found = all.filter((value) => value === argv[place + 1]);
    if (found.length === 0) throw new Error(`--${option}: one of ${all.join(', ')}`);
    return found;
  };
  const known = ['--suite', '--module', '--family'];
  const odd = argv.find((word, i) => i % 2 === 0 && !known.includes(word));
  if (odd !== undefined) throw new Error(`unknown option ${odd}; known: ${known.join(', ')}`);
  return { suites: chosen('suite', SUITES), modules: chosen('module', MODULES), families: chosen('family', FAMILIES) };
}

async function suiteOf(name: string): Promise<Suite> {
  const frrRoot = join(dirname(defaultFrrRoot()), name);
  if (!existsSync(join(frrRoot, 'usr/lib/frr/zebra')))
    throw new Error(`No FRR in ${frrRoot}: run "scripts/setup.sh --suite ${name}".`);
  const said = await must(['chroot', frrRoot, '/usr/lib/frr/zebra', '--version']);
  return { name, frrRoot, version: /^zebra version (\S+)/m.exec(said)?.[1] ?? 'unknown' };
}

/** Where docs/fpm-feedback.md says that zebra acts on statuses: by version, and never in module fpm. */
function hears(version: string, module: Module): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return module === 'dplane_fpm_nl' && (major > 10 || (major === 10 && minor >= 4));
}

async function runStage(suite: Suite, module: Module, families: readonly Family[]): Promise<StageResult> {
  const lab = await openLab(labId('matrix'), {
    frrRoot: suite.frrRoot,
    logDir: `out/frr-matrix-logs/${suite.name}-${module}`,
  });
  try {
    const stage = await buildStage(lab, suite, module, hears(suite.version, module));
    const partial = new Map<Family, readonly StepResult[]>();
    const feedback = new Map<Family, Cell['observed']['feedback']>();
    for (const family of families) {
      partial.set(family, await runSteps(stage, family));
      feedback.set(family, await feedbackSeen(stage, family));
    }
    const command = `ARGS='--suite ${suite.name} --module ${module}' make frr-matrix`;
    // Families that weren't asked for have not reached their last step, and would differ for that.
    const found = families.length === FAMILIES.length ? await snapshots(stage, command) : [];
    if (!stage.hears) {
      for (const [family, result] of await feedbackIgnored(stage, families)) {
        const before = feedback.get(family)!;
        const differences = [...before.differences, ...result.differences];
        feedback.set(family, { ...before, observed: result.observed, differences });
      }
    }
    const cells = families.map((family) => cellOf(stage, family, partial.get(family)!, feedback.get(family)!));
    return { cells, snapshots: found };
  } finally {
    await lab.close();
  }
}

function cellOf(
  { suite, module }: Stage,
  family: Family,
  steps: readonly StepResult[],
  feedback: Cell['observed']['feedback'],
): Cell {
  const last = steps.at(-1)!;
  return {
    name: `FRR ${suite.version} ${module} ${family}`,
    command: `ARGS='--suite ${suite.name} --module ${module} --family ${family}' make frr-matrix`,
    frr: suite.version,
    module,
    family,
    zebraCommand: tableCommand(family),
    observed: { zebraRoutes: last.zebraRoutes, fibRoutes: last.fibRoutes, offloaded: last.offloaded, feedback },
    steps,
    ok: steps.every(({ differences }) => differences.length === 0) && feedback.differences.length === 0,
  };
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function report(cells: readonly Cell[], variants: readonly Variant[]): void {
  say('');
  const head = ['FRR', 'module', 'family', 'zebra', 'FIB', 'offloaded', 'feedback', 'steps', ''];
  const rows = cells.map(({ frr, module, family, observed, steps, ok }) => [
    ...[frr, module, family, String(observed.zebraRoutes), String(observed.fibRoutes), String(observed.offloaded)],
    `${observed.feedback.expected} (${observed.feedback.observed})`,
    `${steps.filter(({ differences }) => differences.length === 0).length}/${steps.length}`,
    ok ? 'ok' : 'FAILED',
  ]);
  for (const line of table([head, ...rows])) say(line);
  if (variants.length > 0) {
    say('\nA route means one thing: FIB and vASIC of each against the first one');
    const lines = variants.map(({ name, fibRoutes, aftEntries, ok, differences }) => [
      ...[name, `${fibRoutes} FIB`, `${aftEntries} AFT`, ok ? 'equal' : `FAILED: ${differences.length} differ`],
    ]);
    for (const line of table(lines)) say(line);
  }
  const problems = [
    ...cells.flatMap(({ name, steps, observed }) => [
      ...steps.flatMap((step) => step.differences.map((text) => `${name}: ${step.name}: ${text}`)),
      ...observed.feedback.differences.map((text) => `${name}: feedback: ${text}`),
    ]),
    ...variants.flatMap(({ name, differences }) => differences.map((text) => `${name}: ${text}`)),
  ];
  if (problems.length > 0) say(`\n${problems.join('\n')}`);
}

async function main(): Promise<boolean> {
  const began = Date.now();
  const choice = choose(process.argv.slice(2));
  const suites: Suite[] = [];
  for (const name of choice.suites) suites.push(await suiteOf(name));
  const cells: Cell[] = [];
  const found: Snapshot[] = [];
  for (const suite of suites) {
    for (const module of choice.modules) {
      const start = Date.now();
      const result = await runStage(suite, module, choice.families);
      cells.push(...result.cells);
      found.push(...result.snapshots);
      const bad = result.cells.filter(({ ok }) => !ok).length;
      const seconds = Math.round((Date.now() - start) / 1000);
      say(
        `FRR ${suite.version} ${module}: ${bad === 0 ? 'agrees' : `${bad} of ${result.cells.length} cells FAILED`}, ${seconds} s`,
      );
    }
  }
  const variants = compareVariants(found);
  const good = cells.filter(({ ok }) => ok).length + variants.filter(({ ok }) => ok).length;
  const ok = good === cells.length + variants.length;
  const seconds = Math.round((Date.now() - began) / 1000);
  const equal = `${variants.filter((variant) => variant.ok).length} of ${variants.length} variants equal`;
  const summary = `${cells.filter((cell) => cell.ok).length} of ${cells.length} cells agree with zebra, ${equal}, ${seconds} s`;
  report(cells, variants);
  mkdirSync(dirname(OUT), { recursive: true });
  writeFileSync(OUT, `${JSON.stringify({ ok, summary, cells, variants }, null, 2)}\n`);
  say(`\n${ok ? 'ok' : 'FAILED'}: ${summary} (${OUT})`);
  return ok;
}

main().then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`frr-matrix: ${errorText(error)}\n`);
    process.exit(1);
  },
);
