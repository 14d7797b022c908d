/** The real-time priorities of the threads that move packets. */
import type { Stage } from './stage';
import { expectShown } from './stage';

/** The threads that move packets, and what has to succeed where they can have their priority. */
const PACKET_THREADS = {
  // In a unit of its own, as a control group may have none.
  softvasic: { thread: 'forwarding', possible: () => ['systemctl', 'start', 'real-time'] },
  // systemd raises no limit where it has no CAP_SYS_RESOURCE.
  'fpm2afi-punt': { thread: 'punt', possible: (pid) => ['grep', 'Max realtime priority *1 ', `/proc/${pid}/limits`] },
} satisfies Record<string, { thread: string; possible: (pid: string) => string[] }>;
/** A line for each thread: its name, and its policy as /proc has it. */
const POLICIES =
  'for task in /proc/$1/task/*; do read -r name <$task/comm; echo "$name $(sed "s/.*) //" $task/stat | cut -d" " -f39)"; done';
const SCHED_RR = '2';
const COMPLAINT = 'no priority over other processes';

/** All threads, and those with a real-time priority. */
function realTime(text: string): [threads: string[], real: string] {
  const threads = text.trim().split('\n');
  return [threads, threads.filter((line) => line.endsWith(` ${SCHED_RR}`)).join(', ')];
}

/** Where softvasic may use one core only, its thread would take that from everybody else. */
export async function expectNoneOnOneCore(stage: Stage): Promise<void> {
  const { machine } = stage;
  const file = 'etc/systemd/system/softvasic.service.d/core.conf';
  machine.write(file, '[Service]\nCPUAffinity=0\n');
  await machine.must(['systemctl', 'daemon-reload']);
  await machine.must(['systemctl', 'restart', 'softvasic']);
  const pid = await machine.property('softvasic', 'MainPID');
  await expectShown(stage, 'on one core softvasic has no real-time priority', {
    argv: ['sh', '-c', POLICIES, 'sh', pid],
    see: (text) => {
      const [threads, real] = realTime(text);
      return { observed: real || 'none', ok: real === '' && threads.some((line) => line.startsWith('forwarding ')) };
    },
  });
  await expectShown(stage, 'and says so', {
    argv: ['journalctl', `_PID=${pid}`, '--output=cat', '--no-pager'],
    see: (text) => {
      const said = text.split('\n').find((line) => line.includes(COMPLAINT)) ?? 'nothing';
      return { observed: said, ok: said.includes('one core only') };
    },
    timeoutMs: 20_000,
  });
  await machine.must(['rm', '-r', `/${file}`]);
  await machine.must(['systemctl', 'daemon-reload']);
  await machine.must(['systemctl', 'restart', 'softvasic']);
}

/** The threads that move packets have a real-time priority, no other thread of those units has, and the log agrees. */
export async function expectPriorities(stage: Stage, when: string): Promise<void> {
  const { machine } = stage;
  machine.write('etc/systemd/system/real-time.service', '[Service]\nType=oneshot\nExecStart=chrt --rr 1 true\n');
  await machine.must(['systemctl', 'daemon-reload']);
  for (const [unit, { thread, possible }] of Object.entries(PACKET_THREADS)) {
    const pid = await machine.property(unit, 'MainPID');
    const command = possible(pid);
    const given = await machine.exec(command);
    await expectShown(stage, `${when}: ${unit}'s thread "${thread}" has a real-time priority, and no other`, {
      argv: ['sh', '-c', POLICIES, 'sh', pid],
      see: (text) => {
        const [threads, real] = realTime(text);
        if (given.status === 0) return { observed: real, ok: real === `${thread} ${SCHED_RR}` };
        return {
          observed: `NOT SHOWN: this machine gives none (${command.join(' ')} failed)`,
          ok: real === '' && threads.some((line) => line.startsWith(`${thread} `)),
        };
      },
      // The punt process may just be exchanging its thread.
      timeoutMs: 15_000,
    });
    await expectShown(stage, `${when}: ${unit} says that it has no priority, where it has none only`, {
      argv: ['journalctl', `_PID=${pid}`, '--output=cat', '--no-pager'],
      see: (text) => {
        const said = text.split('\n').find((line) => line.includes(COMPLAINT));
        return { observed: said ?? 'nothing', ok: (said === undefined) === (given.status === 0) };
      },
      // softvasic waits for somebody to give it one.
      timeoutMs: 20_000,
    });
  }
}
