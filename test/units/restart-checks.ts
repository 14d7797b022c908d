/** What an operator and accidents do to the units: reload, restart, kill, stop the event loop; and what the journal says of it. */
import { waitFor } from '../../lab/wait';
import { expectPriorities } from './priority-checks';
import type { Stage } from './stage';
import { expectShown, expectSuccess, expectWorking, pings, portsOf, UNITS } from './stage';
import { installCommand } from './boot-checks';

const FILE = 'etc/fpm2afi/fpm2afi.yaml';
/** Six seconds of packets: all that is done meanwhile begins and ends in them. */
const DURING = 300;

/** Reloading, with a good file and a bad one. */
export async function playReload(stage: Stage): Promise<void> {
  const { machine } = stage;
  const good = await machine.must(['cat', `/${FILE}`]);
  const pid = await machine.property('fpm2afi', 'MainPID');
  machine.write(FILE, `${good}log: { level: debug }\n`);
  await expectSuccess(stage, 'systemctl reload takes a good file', ['systemctl', 'reload', 'fpm2afi']);
  machine.write(FILE, `${good}log: { level: everything }\n`);
  await expectSuccess(stage, 'and refuses a bad one', ['systemctl', 'reload', 'fpm2afi'], false);
  await machine.must(['systemctl', 'kill', '--signal=HUP', 'fpm2afi']);
  await expectShown(stage, 'after SIGHUP the journal has the reason as an error', {
    argv: ['journalctl', '--unit=fpm2afi', '--priority=err', '--output=cat', '--no-pager'],
    see: (text) => ({
      observed: text.trim().split('\n').at(-1)!.slice(0, 160),
      ok: text.includes('the old one stays'),
    }),
    timeoutMs: 15_000,
  });
  machine.write(FILE, good);
  await expectSuccess(stage, 'the good one again', ['systemctl', 'reload', 'fpm2afi']);
  await expectShown(stage, 'it is the same process', {
    argv: ['systemctl', 'show', '--value', '-p', 'MainPID', 'fpm2afi'],
    see: (text) => ({ observed: `pid ${text.trim()}, before ${pid}`, ok: text.trim() === pid }),
  });
}

/** Priorities of what the units wrote. */
export async function playJournal(stage: Stage): Promise<void> {
  for (const [priority, level] of Object.entries({ '3': 'error', '4': 'warn', '6': 'info' })) {
    const name = `lines of level ${level} have the journal's priority ${priority}, and no others have`;
    const units = UNITS.map((unit) => `--unit=${unit}`);
    const range = `--priority=${priority}..${priority}`;
    await expectShown(stage, name, {
      // Lines of the daemons, not systemd's about them.
      argv: ['journalctl', ...units, range, '_TRANSPORT=stdout', '--output=cat', '--no-pager'],
      see: (text) => {
        const lines = text.split('\n').filter((line) => /^\S+Z (error|warn|info|debug) /.test(line));
        const others = lines.filter((line) => line.split(' ')[1] !== level);
        const observed = `${lines.length} lines${others.length === 0 ? '' : `, such as: ${others[0]}`}`;
        return { observed, ok: others.length === 0 && (lines.length > 0 || level === 'warn') };
      },
    });
  }
}

/** Restarts, kills and an upgrade under traffic. */
export async function playRestarts(stage: Stage): Promise<void> {
  const taps = await tapIndexes(stage);
  await settleGateways(stage);
  await underTraffic(stage, ['systemctl', 'restart', 'fpm2afi']);
  await underTraffic(stage, ['systemctl', 'kill', '--signal=KILL', 'fpm2afi']);
  await underTraffic(stage, installCommand());
  await underTraffic(stage, ['systemctl', 'restart', 'softvasic']);
  await underTraffic(stage, ['systemctl', 'kill', '--signal=KILL', 'softvasic']);
  await stage.report.expect({
    name: 'the TAPs are the ones from the beginning',
    command: 'fpm2afi show ports',
    look: async () => {
      const now = await tapIndexes(stage);
      return { observed: `interface indexes ${now}, before ${taps}`, ok: now === taps };
    },
  });
  await stage.machine.must(['systemctl', 'kill', '--signal=KILL', 'fpm2afi-punt']);
  await expectWorking(stage, 'the punt process killed');
  await expectPriorities(stage, 'after the kills');
}

/**
 * A host looks for its gateway anew after a while, which nobody answers while softvasic is away, for many seconds on a busy machine: what
 * it loses then isn't meant here.
 */
async function settleGateways({ machine }: Stage): Promise<void> {
  for (const [port, host] of ['h0', 'h1'].entries()) {
    const gateway = `10.1.${port}.1`;
    const [found] = JSON.parse(await machine.must(['ip', '-json', '-n', host, 'neighbor', 'show', gateway])) as {
      lladdr: string;
    }[];
    const permanent = ['lladdr', found!.lladdr, 'dev', 'eth0', 'nud', 'permanent'];
    await machine.must(['ip', '-n', host, 'neighbor', 'replace', gateway, ...permanent]);
  }
}

async function tapIndexes({ machine }: Stage): Promise<string> {
  return (await portsOf(machine)).map(({ ifindex }) => ifindex).join(' and ');
}

async function underTraffic(stage: Stage, argv: readonly string[]): Promise<void> {
  const command = argv.at(-1)!.includes('dpkg') ? 'an upgrade' : argv.join(' ');
  await stage.report.expect({
    name: `${command} under traffic costs no packet`,
    command,
    look: async () => {
      const [seen] = await Promise.all([pings(stage.machine, DURING), stage.machine.must(argv)]);
      return seen;
    },
  });
  await expectWorking(stage, `after ${command}`);
}

/** A daemon whose event loop stands still is noticed by systemd and replaced. The units' own times are shortened for it. */
export async function playWatchdog(stage: Stage): Promise<void> {
  const { machine, report } = stage;
  for (const unit of UNITS) {
    const file = `/run/systemd/system/${unit}.service.d/watchdog.conf`;
    await machine.must(['sh', '-c', `mkdir -p "$(dirname ${file})" && printf '[Service]\\nWatchdogSec=4\\n' >${file}`]);
  }
  await machine.must(['systemctl', 'daemon-reload']);
  await machine.must(['systemctl', 'restart', ...UNITS]);
  for (const unit of UNITS) {
    const pid = await machine.property(unit, 'MainPID');
    await report.expect({
      name: `${unit}, stopped, is replaced by the watchdog`,
      command: `kill -STOP ${pid}`,
      look: async () => {
        await machine.must(['kill', '-STOP', pid]);
        const now = await waitFor(
          async () => {
            const [main, state] = await Promise.all([
              machine.property(unit, 'MainPID'),
              machine.property(unit, 'ActiveState'),
            ]);
            return state === 'active' && main !== pid && main;
          },
          { timeoutMs: 60_000, what: `another ${unit}` },
        );
        const lines = await machine.must(['journalctl', `--unit=${unit}`, '--output=cat', '--no-pager']);
        const said = lines.split('\n').findLast((line) => line.includes('Watchdog timeout')) ?? '';
        return { observed: `pid ${now}; ${said}`, ok: said !== '' };
      },
    });
  }
  await expectWorking(stage, 'after the watchdog');
  await expectShown(stage, 'the watchdog let those alone that go on', {
    argv: ['systemctl', 'show', '--value', '-p', 'NRestarts', ...UNITS],
    see: (text) => {
      const restarts = text.split('\n').filter((line) => line !== '');
      return { observed: `restarts ${restarts.join(', ')}`, ok: restarts.every((number) => number === '1') };
    },
  });
}
