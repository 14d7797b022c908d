/**
 * Runs the commands of README.md and docs/ on a stage of real parts and compares what they print with what is shown, but for what is different each time
 * (mask.ts).
 *
 * Each code block says what it is: `console` commands with what they print; `sh` commands; `list` commands with what they are for; `frr` lines of
 * frr.conf; `yaml` a file, `js` a program that has a test of its own; `ini` and `text` nothing that runs.
 *
 * With WRITE=1 what console commands print takes the place of what is shown, where that differs.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { createReporter, reportOf, type Observation, type Report, type Reporter } from '../../demo/scenes/report';
import { openLab } from '../../lab/lab';
import { sleep } from '../../lab/wait';
import { errorText } from '../../src/net/error-text';
import { blocksOf, commandsOf, sessionsOf, type Block, type Session } from './blocks';
import { ELSEWHERE } from './elsewhere';
import { firstDifference } from './mask';
import { buildStage, type Stage } from './stage';

const KINDS = ['console', 'sh', 'list', 'frr', 'yaml', 'js', 'ini', 'text'];
const MEANWHILE_MS = 1500;
/** timeout(1): it had to end the command. */
const TIMED_OUT = 124;

/** Placeholders of lists of commands, and what stands for them. */
const EXAMPLES: readonly (readonly [RegExp, string])[] = [
  [/PREFIX\|ADDRESS/, '10.20.0.0/16'],
  [/SRC DST/, '10.1.0.2 10.20.0.7'],
];
/** Files that the documents show, by a line that is in them. */
const SHOWN: readonly (readonly [string, string])[] = [['config.yml', 'afi-server-address:']];
/** Commands that change what others show, or play to a router: their help is asked for. */
const HELP_ONLY = /^fpm2afi (run|replay|decode FILE)\b/;
/** Commands that go on until they are ended, and for how many seconds they are let. */
const ENDLESS = /^tcpdump|^fpm2afi (web|monitor|top$)/;
const ENDLESS_S = 6;
const MOST_S = 40;
/** What happens on the router while a command runs that waits for something to happen. */
const MEANWHILE: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^fpm2afi monitor/, ['ip route 10.77.0.0/16 10.1.1.2', 'no ip route 10.77.0.0/16 10.1.1.2']],
  [/^tcpdump/, ['fpm address 127.0.0.1 port 2620']],
];

function documents(): Block[] {
  const files = ['README.md', ...readdirSync('docs').filter((name) => name.endsWith('.md')).map((name) => join('docs', name))]; // prettier-ignore
  return files.flatMap((file) => blocksOf(file, readFileSync(file, 'utf8')));
}

async function run(
  stage: Stage,
  command: string,
): Promise<{ readonly lines: readonly string[]; readonly status: number }> {
  const { router, folder, frr } = stage;
  const shell = command
    .replaceAll('demo/in router ', '')
    .replaceAll('/run/fpm2afi/control.sock', join(router.dir, 'fpm2afi.sock'));
  const endless = ENDLESS.test(command);
  const seconds = String(endless ? ENDLESS_S : MOST_S);
  const script = `cd '${folder}' && { ${shell}\n}`;
  const running = router.exec(['timeout', '-k', '3', '-s', 'INT', seconds, 'bash', '-c', script], {
    timeoutMs: 2000 * MOST_S,
  });
  for (const line of MEANWHILE.find(([pattern]) => pattern.test(command))?.[1] ?? []) {
    await sleep(MEANWHILE_MS);
    await frr.vtysh(['configure terminal', line].join('\n'));
  }
  const { stdout, stderr, status } = await running;
  const lines = `${stdout}${stderr}`.split('\n');
  while (lines.at(-1) === '') lines.pop();
  return { lines, status: endless && status === TIMED_OUT ? 0 : status };
}

/** Commands that change nothing: where they print something else they are tried again, so often, after so long. */
const LOOKS = /^fpm2afi (why|show|trace) [^|;&]*$/;
const AGAIN = 20;
const AGAIN_MS = 1000;

/** A command that shows what it prints. */
async function playSession(stage: Stage, file: string, { line, command, output }: Session): Promise<Observation> {
  let { lines } = await run(stage, command);
  let difference = firstDifference(output, lines);
  // What they look at goes on: the kernel forgets a neighbor that failed, and is asked again.
  for (let again = 0; difference !== undefined && LOOKS.test(command) && again < AGAIN; again++) {
    await sleep(AGAIN_MS);
    ({ lines } = await run(stage, command));
    difference = firstDifference(output, lines);
  }
  if (difference !== undefined && process.env.WRITE === '1')
    corrections.push({ file, line, shown: output.length, lines });
  const observed = difference ?? `${lines.length} lines as shown`;
  return { ok: difference === undefined, observed, ...(difference === undefined ? {} : { output: lines.join('\n') }) };
}

/** What is printed in place of what is shown below the command's line. */
interface Correction {
  readonly file: string;
  readonly line: number;
  readonly shown: number;
  readonly lines: readonly string[];
}
const corrections: Correction[] = [];

/** From the last to the first, so that the lines above keep their numbers. */
function correct(say: (line: string) => void): void {
  for (const { file, line, shown, lines } of corrections.reverse()) {
    const text = readFileSync(file, 'utf8').split('\n');
    text.splice(line, shown, ...lines);
    writeFileSync(file, text.join('\n'));
    say(`${file}:${line}: ${lines.length} lines in place of ${shown}`);
  }
}

/** A command without what it prints: it succeeds, or something else runs it. */
async function playCommand(stage: Stage, { command }: Session): Promise<Observation> {
  const elsewhere = ELSEWHERE.find((one) => one.command.test(command));
  if (elsewhere !== undefined) {
    const target = /make ([\w-]+)/.exec(command)?.[1];
    if (target !== undefined) {
      const known = new RegExp(`^${target}:`, 'm').test(readFileSync('Makefile', 'utf8'));
      return { ok: known, observed: known ? `the Makefile has ${target}` : `the Makefile has no ${target}` };
    }
    const there = existsSync(elsewhere.by);
    return { ok: there, observed: there ? `run by ${elsewhere.by}` : `${elsewhere.by} isn't there` };
  }
  const { lines, status } = await run(stage, HELP_ONLY.test(command) ? helpOf(command) : command);
  return status === 0
    ? { ok: true, observed: `${lines.length} lines` }
    : { ok: false, observed: `status ${status}: ${lines.at(-1) ?? 'nothing printed'}`, output: lines.join('\n') };
}

/** Commands that make what this router has already: in a namespace that has nothing. */
async function playApart(stage: Stage, { lines }: Block): Promise<Observation> {
  const { lines: said, status } = await run(stage, `unshare -n bash -ec '${lines.join('; ')}'`);
  return { ok: status === 0, observed: status === 0 ? `${lines.length} commands` : said.join(' ') };
}

function helpOf(command: string): string {
  const [program, what] = command.split(' ');
  return `${program} ${what} --help`;
}

/** `COMMAND   what it is for`. */
async function playListed(stage: Stage, listed: Session): Promise<Observation> {
  const [command] = listed.command.split(/ {2,}/);
  const example = EXAMPLES.reduce((text, [name, by]) => text.replace(name, by), command!);
  return playCommand(stage, { ...listed, command: example });
}

/** Lines of frr.conf that FRR's own reader takes. */
async function readFrr(stage: Stage, { lines }: Block): Promise<Observation> {
  const name = 'docs-test.conf';
  // FRR runs within its root folder.
  const file = join(stage.frrRoot, 'tmp', name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  try {
    const { lines: said, status } = await run(stage, `vtysh -C -f /tmp/${name}`);
    return { ok: status === 0, observed: status === 0 ? 'vtysh takes it' : said.join(' ') };
  } finally {
    rmSync(file);
  }
}

function readYaml({ lines }: Block): Observation {
  const { errors } = parseDocument(lines.join('\n'));
  return { ok: errors.length === 0, observed: errors[0]?.message ?? 'YAML' };
}

/** Writes the file that a command reads where the text has shown it before. */
function showFile({ folder }: Stage, command: string, before: readonly Block[]): void {
  for (const [name, part] of SHOWN) {
    const block = before.findLast(({ kind, lines }) => kind === 'yaml' && lines.some((line) => line.startsWith(part)));
    if (command.includes(name) && block !== undefined) writeFileSync(join(folder, name), `${block.lines.join('\n')}\n`);
  }
}

/** What each block has to show. */
function checksOf(
  stage: Stage,
  block: Block,
  before: readonly Block[],
): [string, string, () => Promise<Observation> | Observation][] {
  const at = (line: number): string => `${block.file}:${line}`;
  switch (block.kind) {
    case 'console': {
      const sessions = sessionsOf(block);
      for (const { command } of sessions) showFile(stage, command, before);
      return sessions.map((one) => [at(one.line), one.command, () => playSession(stage, block.file, one)]);
    }
    case 'sh':
      if (block.lines[0]?.startsWith('ip ') === true)
        return [[at(block.line), block.lines[0], () => playApart(stage, block)]];
      return commandsOf(block).map((one) => [at(one.line), one.command, () => playCommand(stage, one)]);
    case 'list':
      return commandsOf(block).map((one) => [
        at(one.line),
        one.command.split(/ {2,}/)[0]!,
        () => playListed(stage, one),
      ]);
    case 'frr':
      return [[at(block.line), 'vtysh -C', () => readFrr(stage, block)]];
    case 'yaml':
      return [[at(block.line), 'yaml', () => readYaml(block)]];
    default: {
      const known = KINDS.includes(block.kind);
      const observed = known ? block.kind : `a block of the kind "${block.kind}"; known are ${KINDS.join(', ')}`;
      return known ? [] : [[at(block.line), 'kind', () => ({ ok: false, observed })]];
    }
  }
}

async function playAll(stage: Stage, report: Reporter): Promise<void> {
  let last = '';
  const before: Block[] = [];
  for (const block of documents()) {
    if (block.file !== last) report.scene(block.file);
    last = block.file;
    for (const [name, command, look] of checksOf(stage, block, before)) {
      await report.expect({ name: `${name} ${command.split('\n')[0]!}`, command, look });
    }
    before.push(block);
  }
}

/** Plays all documents in the lab of this id. Everything is removed in the end. */
export async function playDocuments(id: string, say: (line: string) => void): Promise<Report> {
  const began = performance.now();
  const report = createReporter(say);
  const lab = await openLab(id, { logDir: 'out/docs-logs', say: report.say });
  try {
    await playAll(await buildStage(lab), report);
  } catch (error) {
    const look = () => ({ ok: false, observed: errorText(error) });
    await report.expect({ name: 'the run came to its end', command: 'make docs-test', look });
  } finally {
    await lab.close();
  }
  correct(say);
  return reportOf(report.checks(), [`${Math.round((performance.now() - began) / 1000)} s`]);
}
