/** What the checks of the units share: the machine with what is installed on it, and looks at it. */
import type { Reporter } from '../../demo/scenes/report';
import { CommandError } from '../../lab/exec';
import type { PortView, RouteView } from '../../src/control/types';
import type { Machine } from './machine';

/** Our units, and FRR's. */
export const UNITS = ['softvasic', 'fpm2afi-punt', 'fpm2afi'] as const;
export const FRR = 'frr';
/** A static route by the host behind port 1. */
export const ROUTE = '10.99.0.0/24';
/** The host behind port 1, as that behind port 0 sees it. */
export const FAR_HOST = '10.1.1.2';

export interface Stage {
  readonly suite: string;
  readonly machine: Machine;
  readonly report: Reporter;
}

/** What a command has to show. */
export interface Shown {
  readonly argv: readonly string[];
  /** The observation, of what it wrote to standard output. */
  readonly see: (stdout: string) => { readonly observed: string; readonly ok: boolean };
  readonly timeoutMs?: number;
}

/** A check of what one command shows. */
export function expectShown(
  { machine, report }: Stage,
  name: string,
  { argv, see, timeoutMs }: Shown,
): Promise<boolean> {
  const look = async () => see(await machine.must(argv));
  return report.expect({ name, command: argv.join(' '), look, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}

/** A check of whether a command succeeds. */
export function expectSuccess(
  { machine, report }: Stage,
  name: string,
  argv: readonly string[],
  wanted = true,
): Promise<boolean> {
  const look = async () => {
    const result = await machine.exec(argv);
    if (result.timedOut) throw new CommandError(result);
    const said = `${result.stderr}${result.stdout}`.trim().split('\n').at(-1)!;
    return {
      ok: (result.status === 0) === wanted,
      observed: `status ${result.status}${said === '' ? '' : `, ${said}`}`,
    };
  };
  return report.expect({ name, command: argv.join(' '), look });
}

/** All units run, the vASIC has the route, and nothing is a problem. */
export async function expectWorking(stage: Stage, when: string): Promise<void> {
  const { machine, report } = stage;
  await expectShown(stage, `${when}: all units are active`, {
    argv: ['systemctl', 'is-active', ...UNITS, FRR],
    see: (text) => ({ observed: text.trim().split('\n').join(', '), ok: /^(active\n){4}$/.test(text) }),
    timeoutMs: 60_000,
  });
  await expectShown(stage, `${when}: a route of zebra is in the vASIC`, {
    argv: ['fpm2afi', 'show', 'routes', '--json'],
    see: (text) => {
      const state = (JSON.parse(text) as RouteView[]).find(({ prefix }) => prefix === ROUTE)?.state;
      return { observed: `${ROUTE} ${state ?? 'not there'}`, ok: state === 'offloaded' };
    },
    timeoutMs: 60_000,
  });
  await report.expect({
    name: `${when}: hosts reach each other`,
    command: 'ip netns exec h0 ping 10.1.1.2',
    look: () => pings(machine, 3),
    timeoutMs: 30_000,
  });
}

/** So many packets from host to host, 50 a second. */
export async function pings(machine: Machine, count: number): Promise<{ observed: string; ok: boolean }> {
  const argv = ['ip', 'netns', 'exec', 'h0', 'ping', '-q', '-i', '0.02', '-c', String(count), '-W', '1', FAR_HOST];
  const { stdout } = await machine.exec(argv);
  const received = Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
  return { observed: `${count - received} of ${count} packets lost`, ok: received === count };
}

/** The ports, as `fpm2afi show ports` tells of them. */
export async function portsOf(machine: Machine): Promise<readonly PortView[]> {
  return JSON.parse(await machine.must(['fpm2afi', 'show', 'ports', '--json'])) as PortView[];
}
