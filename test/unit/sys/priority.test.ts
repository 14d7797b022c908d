/** The priority of a packet thread, asked of the kernel, in a process that a test may change. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const SCHED_OTHER = '0';
const SCHED_RR = '2';
/** Of /proc/thread-self/stat, counted behind the program's name, which may hold spaces. */
const POLICY_FIELD = 38;

function raised(cores: number): { readonly fault: string | null; readonly policy: string } {
  const program = `
    require('node:os').availableParallelism = () => ${cores};
    const { raiseThreadPriority } = require(process.argv[1]);
    const fault = raiseThreadPriority() ?? null;
    const stat = require('node:fs').readFileSync('/proc/thread-self/stat', 'utf8');
    const policy = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[${POLICY_FIELD}];
    console.log(JSON.stringify({ fault, policy }));`;
  const file = join(__dirname, '../../../src/sys/priority.js');
  const { stdout } = spawnSync(process.execPath, ['-e', program, file], { encoding: 'utf8' });
  return JSON.parse(stdout) as ReturnType<typeof raised>;
}

test('real-time where the kernel allows it, else as before and a reason', () => {
  const { fault, policy } = raised(2);
  if (fault === null) expect(policy).toBe(SCHED_RR);
  else expect([policy, fault]).toEqual([SCHED_OTHER, 'sched_setscheduler: EPERM']);
});

test('never on a machine of one core', () => {
  expect(raised(1)).toEqual({ fault: 'there is one core only', policy: SCHED_OTHER });
});
