/** The priority of a packet thread, asked of the kernel, in a process that a test may change. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { MissingPriority } from '../../../src/sys/priority';

const SCHED_OTHER = '0';
const SCHED_RR = '2';
/** Of /proc/thread-self/stat, counted behind the program's name, which may hold spaces. */
const POLICY_FIELD = 38;

interface Raised {
  readonly fault: string | null;
  readonly policy: string;
  /** What is said in the end of a thread that couldn't raise its priority, but was given one meanwhile. */
  readonly missing: string | null;
}

function raised(cores: number): Raised {
  const program = `
    require('node:os').availableParallelism = () => ${cores};
    const { MissingPriority, raiseThreadPriority } = require(process.argv[1]);
    const fault = raiseThreadPriority() ?? null;
    const missing = new MissingPriority('refused', 0).reason(10_000) ?? null;
    const stat = require('node:fs').readFileSync('/proc/thread-self/stat', 'utf8');
    const policy = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[${POLICY_FIELD}];
    console.log(JSON.stringify({ fault, policy, missing }));`;
  const file = join(__dirname, '../../../src/sys/priority.js');
  const { stdout } = spawnSync(process.execPath, ['-e', program, file], { encoding: 'utf8' });
  return JSON.parse(stdout) as Raised;
}

test('real-time where the kernel allows it, else as before and a reason', () => {
  const { fault, policy, missing } = raised(2);
  if (fault === null) expect([policy, missing]).toEqual([SCHED_RR, null]);
  else expect([policy, fault, missing]).toEqual([SCHED_OTHER, 'sched_setscheduler: EPERM', 'refused']);
});

test('never on a machine of one core', () => {
  expect(raised(1)).toEqual({ fault: 'there is one core only', policy: SCHED_OTHER, missing: 'refused' });
});

test('a priority that is missing is told once, after somebody else had the time to give it', () => {
  const priority = new MissingPriority('refused', 500);
  expect([10_499, 10_500, 10_501].map((now) => priority.reason(now))).toEqual([undefined, 'refused', undefined]);
});

test('a thread that raised its priority by itself misses none', () => {
  expect(new MissingPriority(undefined, 0).reason(1e9)).toBeUndefined();
});

test('a thread has a name that others see', () => {
  const program = `
    require(process.argv[1]).nameThread('forwarding');
    process.stdout.write(require('node:fs').readFileSync('/proc/thread-self/comm', 'utf8'));`;
  const file = join(__dirname, '../../../src/sys/libc.js');
  expect(spawnSync(process.execPath, ['-e', program, file], { encoding: 'utf8' }).stdout).toBe('forwarding\n');
});
