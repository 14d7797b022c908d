/**
 * `make kernel-matrix`: the program of softvasic's kernel engine in older kernels, each Debian's cloud kernel of a release in a virtual machine (scripts/in-machine.sh). What
 * runs there is in-machine.ts, and the tests of test/integration/kernel-engine that need no more than namespaces and veth pairs. Writes out/kernels.json. Exit status:
 * 0 all as expected, 1 not.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createReporter, reportOf, type Observation, type Report } from '../../demo/scenes/report';
import { runReport, say } from '../../demo/scenes/run-report';
import type { KernelResult } from './in-machine';

const OUT = 'out/kernels.json';

/** Debian's releases, and what is expected of the kernel of each. Before Linux 6.6 there is no tcx, and so no link of tc to keep by a name. */
const KERNELS = [
  { suite: 'bullseye', name: 'Debian 11', expected: 'refused' },
  { suite: 'bookworm', name: 'Debian 12', expected: 'taken', tests: '^(?!.*tc, with names in a BPF file system)' },
  { suite: 'trixie', name: 'Debian 13', expected: 'taken', tests: '' },
] as const;
const GRAPHS = Number(process.env.GRAPHS ?? 60);
/** Packets on real interfaces, by tc and by XDP. */
const TESTS = ['kernel-engine/forward'];
/** In the machine all takes ten times as long, and longer where this one is busy. */
const TEST_MS = 900_000;

interface Ended {
  readonly status: number | null;
  readonly lines: readonly string[];
}

/** Runs a program, shows what it says, and keeps it. */
function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (/ graphs$|^ +[✓✕] /.test(line)) say(`    ${line.trim()}`);
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, lines }));
  });
}

function inMachine(suite: string, argv: readonly string[]): Promise<Ended> {
  return run(['scripts/in-machine.sh', ...argv], { FPM2AFI_SUITE_KERNEL: suite });
}

/** The program's first line of what the kernel said is enough to know it by. */
async function lookAtProgram(suite: string, expected: 'taken' | 'refused'): Promise<Observation> {
  const { lines } = await inMachine(suite, ['node', 'dist/test/kernels/in-machine.js', String(GRAPHS)]);
  // What the machine's console did to its screen may stand in front of it.
  const text = lines.map((line) => /RESULT (\{.*)$/.exec(line)?.[1]).find((found) => found !== undefined);
  if (text === undefined) return { ok: false, observed: `no result: ${lines.slice(-3).join(' ')}` };
  const { kernel, refused, packets, sent, findings } = JSON.parse(text) as KernelResult;
  if (refused !== undefined) {
    return { ok: expected === 'refused', observed: `Linux ${kernel}: ${refused.replaceAll('\n', ' ').slice(0, 200)}` };
  }
  const ok = expected === 'taken' && packets > 0 && sent > 0 && findings.length === 0;
  const observed = `Linux ${kernel}: ${packets} packets, ${sent} sent by the program, ${findings.length} differences`;
  return { ok, observed, ...(findings.length === 0 ? {} : { output: findings.join('\n') }) };
}

async function lookAtTests(suite: string, tests: string): Promise<Observation> {
  const jest = ['node', 'node_modules/jest/bin/jest.js', '--ci', '--verbose', `--testTimeout=${TEST_MS}`];
  const { status, lines } = await inMachine(suite, [...jest, '--selectProjects', 'integration', '--testNamePattern', tests, '--testPathPatterns', ...TESTS]); // prettier-ignore
  const passed = lines.filter((line) => /^ +✓ /.test(line)).length;
  const failed = lines.filter((line) => /^ +✕ /.test(line)).map((line) => line.trim());
  const ok = status === 0 && passed > 0 && failed.length === 0;
  return {
    ok,
    observed: `${passed} passed, ${failed.length} failed`,
    ...(ok ? {} : { output: lines.slice(-60).join('\n') }),
  };
}

async function play(): Promise<Report> {
  const began = performance.now();
  const report = createReporter(say);
  for (const { suite, name, expected, ...kernel } of KERNELS) {
    report.scene(`${name} (${suite})`);
    const { status } = await run(['scripts/mpls-machine.sh', '--suite', suite]);
    const made = status === 0;
    const command = `FPM2AFI_SUITE_KERNEL=${suite} scripts/in-machine.sh`;
    await report.expect({
      name: `${name}: the program is ${expected}${expected === 'taken' ? ', and does what the TypeScript engine does' : ' with one clear line'}`,
      command: `${command} node dist/test/kernels/in-machine.js ${GRAPHS}`,
      look: () => (made ? lookAtProgram(suite, expected) : { ok: false, observed: 'the machine could not be made' }),
    });
    if (!('tests' in kernel) || !made) continue;
    await report.expect({
      name: `${name}: packets on real interfaces`,
      command: `${command} node node_modules/jest/bin/jest.js --selectProjects integration --testPathPatterns ${TESTS.join(' ')}`,
      look: () => lookAtTests(suite, kernel.tests),
    });
  }
  return reportOf(report.checks(), [`${Math.round((performance.now() - began) / 1000)} s`]);
}

runReport('kernel-matrix', OUT, play);
