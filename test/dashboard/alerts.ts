/** Whether each alert can be evaluated, speaks of series that there are, and comes when what it is for happens. */
import type { Reporter } from '../../demo/scenes/report';
import { hostAddress } from '../../lab/hosts-topology';
import { ROUTER_MGMT, tapName } from '../../lab/plan';
import { HOSTPATH_CLIENT_PORT } from '../../lab/programs';
import { sleep, waitFor } from '../../lab/wait';
import type { Alert, Prometheus, Span } from './prometheus';
import { RULES, type Stage } from './stage';

/** What the stage has from its beginning: a refused route, a silent neighbor, and more packets for the router than it lets through. */
const FROM_THE_BEGINNING = [
  'Fpm2afiProblems',
  'Fpm2afiProtocolPacketsDropped',
  'Fpm2afiRoutesFailed',
  'Fpm2afiRoutesUnresolved',
];
/** Longer than Fpm2afiSlowRoutes takes for slow. */
const HELD_MS = 8000;
/** The event loop stands still so long. */
const STILL_MS = 2000;

/** Datagrams for two scrapes and more. */
const SEND_STRAY =
  'import socket,sys,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n' +
  'for i in range(60): s.sendto(b"stray",(sys.argv[1],int(sys.argv[2]))); time.sleep(0.05)';

interface Fault {
  readonly alerts: readonly string[];
  /** What happens, as the operator would see it. */
  readonly what: string;
  readonly act: (stage: Stage) => Promise<void>;
}

/** In this order, each on top of the ones before. */
const FAULTS: readonly Fault[] = [
  // First, as others lose a packet or two as well.
  {
    alerts: ['Fpm2afiPuntDrops'],
    what: 'something else sends to punt.listen',
    act: async ({ router }) => {
      const to = [ROUTER_MGMT, String(HOSTPATH_CLIENT_PORT)];
      await router.must(['python3', '-c', SEND_STRAY, ...to]);
    },
  },
  {
    alerts: ['Fpm2afiEventLoopLate'],
    what: 'fpm2afi stands still for 2 s',
    act: ({ bridge }) => hold(bridge.process().pid, STILL_MS),
  },
  {
    alerts: ['Fpm2afiSlowRoutes'],
    what: 'the vASIC stands still for 8 s while routes change',
    act: async ({ softvasic, frr }) => {
      const held = hold(softvasic.process().pid, HELD_MS);
      const lines = Array.from({ length: 40 }, (_, i) => `ip route 10.91.${i}.0/24 ${hostAddress(0)}`);
      await frr.vtysh(['configure terminal', ...lines].join('\n'));
      await held;
    },
  },
  {
    alerts: ['Fpm2afiPortDown'],
    what: 'a wire is pulled',
    act: async ({ hosts }) => void (await hosts[0]!.must(['ip', 'link', 'set', 'veth', 'down'])),
  },
  {
    alerts: ['Fpm2afiTapDown'],
    what: 'a TAP is set down',
    act: async ({ router }) => void (await router.must(['ip', 'link', 'set', tapName(2), 'down'])),
  },
  {
    alerts: ['Fpm2afiFpmDisconnected', 'Fpm2afiFpmFlapping'],
    what: 'zebra goes, comes, goes, comes and goes',
    act: async ({ frr, prometheus }) => {
      const [away, there] = ['no fpm address', 'fpm address 127.0.0.1 port 2620'];
      for (const line of [away, there, away, there, away]) {
        await seen(prometheus, 'fpm2afi_fpm_changed_timestamp_seconds', () => frr.vtysh(`configure terminal\n${line}`));
      }
    },
  },
  {
    alerts: ['Fpm2afiAfiDown'],
    what: 'the vASIC is killed',
    act: async ({ softvasic }) => void (await softvasic.process().kill('SIGKILL')),
  },
  {
    alerts: ['Fpm2afiRestarting'],
    what: 'fpm2afi starts again three times',
    act: async ({ bridge, prometheus }) => {
      for (let round = 0; round < 3; round++) {
        await seen(prometheus, 'process_start_time_seconds', async () => {
          await bridge.process().kill('SIGKILL');
          await bridge.restart();
        });
      }
    },
  },
  {
    alerts: ['Fpm2afiDown'],
    what: 'fpm2afi is killed',
    act: async ({ bridge }) => void (await bridge.process().kill('SIGKILL')),
  },
];

/** What isn't made to happen, and why. That its condition would hold from 0 on is looked at. */
const NOT_MADE: ReadonlyMap<string, string> = new Map([
  ['Fpm2afiEventLoopBusy', 'takes more than four minutes of nothing but work'],
  ['Fpm2afiRoutesPending', 'an AFI server that acknowledges nothing is given up before that is scraped'],
  ['Fpm2afiMalformed', 'zebra sends nothing malformed, and no other is let in'],
]);

/** Stops a process for a while. */
async function hold(pid: number, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await sleep(ms);
  process.kill(pid, 'SIGCONT');
}

const latest = async (prometheus: Prometheus, expr: string): Promise<number | undefined> => {
  const now = Date.now() / 1000;
  return (await prometheus.range(`max(${expr})`, { start: now, end: now, step: 1 }))[0]?.points[0]?.[1];
};

/** Does something, and waits until Prometheus has another value for it. */
async function seen(prometheus: Prometheus, expr: string, act: () => Promise<unknown>): Promise<void> {
  const before = await latest(prometheus, expr);
  await act();
  const isSeen = async (): Promise<boolean> => {
    const now = await latest(prometheus, expr);
    return now !== undefined && now !== before;
  };
  await waitFor(isSeen, { timeoutMs: 30_000, what: `another ${expr} in Prometheus` });
}

/** The selectors of an expression: the names of metrics with what is asked of their labels. */
export function selectorsOf(expr: string): string[] {
  return [...expr.matchAll(/\b(?:fpm2afi_\w+|process_\w+|up(?=\{))(?:\{[^}]*\})?/g)].map(([selector]) => selector);
}

/** Before anything happens: rules that Prometheus takes, of series that it has, and no alert that the stage doesn't give a reason for. */
export async function checkRules(report: Reporter, { prometheus }: Stage, span: Span): Promise<void> {
  report.scene('Rules');
  const rules = await prometheus.rules();
  for (const { name, expr, health } of rules) {
    await report.expect({
      ...{ name, command: expr },
      look: async () => {
        const missing: string[] = [];
        for (const selector of selectorsOf(expr)) {
          if ((await prometheus.range(selector, span)).length === 0) missing.push(selector);
        }
        const weaker = expr.replace(/> [\d.]+/, '>= 0');
        if (NOT_MADE.has(name) && (await prometheus.range(weaker, span)).length === 0) missing.push(weaker);
        const observed = missing.length === 0 ? health : `no series: ${missing.join(', ')}`;
        return { ok: health === 'ok' && missing.length === 0, observed };
      },
    });
  }
  await report.expect({
    ...{ name: 'alerts of the stage as it is', command: 'GET /api/v1/alerts', timeoutMs: 30_000 },
    look: async () => {
      const names = namesOf(await prometheus.alerts());
      return { ok: names.join() === FROM_THE_BEGINNING.join(), observed: names.join(', ') };
    },
  });
  await report.expect({
    ...{ name: 'each rule is tried', command: RULES },
    look: () => {
      const tried = [...FROM_THE_BEGINNING, ...FAULTS.flatMap(({ alerts }) => alerts), ...NOT_MADE.keys()];
      const missing = rules.map(({ name }) => name).filter((name) => !tried.includes(name));
      const reasons = [...NOT_MADE].map(([name, why]) => `${name} isn't: ${why}`).join('; ');
      return { ok: missing.length === 0, observed: missing.length === 0 ? reasons : missing.join(', ') };
    },
  });
}

/** Makes happen what alerts are for. */
export async function checkAlerts(report: Reporter, stage: Stage): Promise<void> {
  report.scene('Alerts');
  const texts = new Map<string, Alert>();
  const look = async (): Promise<readonly string[]> => {
    const alerts = await stage.prometheus.alerts();
    for (const alert of alerts) texts.set(alert.name, alert);
    return namesOf(alerts);
  };
  await look();
  for (const { alerts, what, act } of FAULTS) {
    const before = await look();
    // Some are over when what is done is.
    const seenNames = new Set<string>();
    const done = act(stage).then(() => true);
    let isDone = false;
    while (!isDone) {
      isDone = await Promise.race([done, sleep(500).then(() => false)]);
      for (const name of await look()) seenNames.add(name);
    }
    for (const alert of alerts) {
      await report.expect({
        ...{ name: `${what}: ${alert}`, command: 'GET /api/v1/alerts', timeoutMs: 30_000 },
        look: async () => {
          for (const name of await look()) seenNames.add(name);
          const fresh = seenNames.has(alert) && !before.includes(alert);
          const text = texts.get(alert)?.annotations['summary'];
          return { ok: fresh, observed: fresh ? String(text) : `there are ${[...seenNames].join(', ')}` };
        },
      });
    }
  }
  await report.expect({
    ...{ name: 'the words of all of them', command: 'summary, description' },
    look: () => {
      const wrong = [...texts.values()].filter(({ annotations }) =>
        Object.values(annotations).some((text) => /\{\{|<no value>|<error/.test(text)),
      );
      return {
        ok: wrong.length === 0,
        observed: wrong.length === 0 ? `${texts.size} alerts` : JSON.stringify(wrong.map((one) => one.annotations)),
      };
    },
  });
}

function namesOf(alerts: readonly Alert[]): string[] {
  return [...new Set(alerts.map(({ name }) => name))].sort();
}
