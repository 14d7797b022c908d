/** The packages on a machine with FRR, and what is there when it has booted: all units, in order, in the kernel. */
import { expectPriorities } from './priority-checks';
import type { Stage } from './stage';
import { expectShown, expectSuccess, expectWorking, FRR, portsOf, UNITS } from './stage';

const PORTS_FILE = 'ports:\n  - { index: 0, tap: tap0 }\n  - { index: 1, tap: tap1 }\n';
const FRR_CONF = [
  'fpm address 127.0.0.1 port 2620',
  'ip route 10.99.0.0/24 10.1.1.2',
  ...[0, 1].flatMap((port) => [`interface tap${port}`, ` ip address 10.1.${port}.1/24`, 'exit']),
].join('\n');

/** Installs the packages as docs/install.md and docs/operation.md say, FRR being there. */
export async function playInstallation(stage: Stage): Promise<void> {
  const { machine } = stage;
  await expectSuccess(stage, 'the packages are installed', installCommand());
  machine.write('etc/default/softvasic', 'SOFTVASIC_OPTIONS="--port ge0 --port ge1 --keep-forwarding 60"\n');
  machine.write('etc/fpm2afi/fpm2afi.yaml', PORTS_FILE);
  machine.write('etc/frr/frr.conf', `${FRR_CONF}\n`);
  machine.write('etc/systemd/system/fpm2afi.service.d/frr.conf', '[Service]\nSupplementaryGroups=frrvty\n');
  const options = 'zebra_options="-A 127.0.0.1 -s 90000000 -M dplane_fpm_nl --asic-offload=notify_on_offload"';
  await machine.must(['sed', '-i', `s/^zebra_options=.*/${options}/`, '/etc/frr/daemons']);
  await machine.must(['systemctl', 'daemon-reload']);
  await expectSuccess(stage, 'the units are enabled', ['systemctl', 'enable', ...UNITS, FRR]);
}

/** The packages that the machine has in /root/debs; again, when they are there already. */
export function installCommand(): readonly string[] {
  const install = 'DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold /root/debs/*.deb';
  return ['sh', '-c', install];
}

/** After a boot. */
export async function playBoot(stage: Stage): Promise<void> {
  const { machine, report } = stage;
  await expectWorking(stage, 'after the boot');
  await expectShown(stage, 'no unit failed', {
    argv: ['systemctl', 'list-units', '--failed', '--no-legend', '--plain'],
    see: (text) => ({ observed: text.trim() === '' ? 'none' : text.trim(), ok: text.trim() === '' }),
  });
  for (const unit of UNITS) {
    await expectShown(stage, `${unit} said itself that it was ready, at its first start`, {
      argv: ['systemctl', 'show', '-p', 'Type', '-p', 'NRestarts', '-p', 'NotifyAccess', unit],
      see: (text) => ({
        observed: text.trim().replaceAll('\n', ' '),
        ok: /Type=notify\n/.test(text) && /NRestarts=0\n/.test(text),
      }),
    });
  }
  await report.expect({
    name: 'in order: the TAPs before the bridge, both before FRR was started',
    command: 'systemctl show -p ActiveEnterTimestampMonotonic -p InactiveExitTimestampMonotonic UNIT',
    look: async () => {
      const ready = (unit: string) => machine.property(unit, 'ActiveEnterTimestampMonotonic').then(Number);
      const began = (unit: string) => machine.property(unit, 'InactiveExitTimestampMonotonic').then(Number);
      const [punt, bridge, bridgeBegan, frrBegan] = await Promise.all([
        ...[ready('fpm2afi-punt'), ready('fpm2afi'), began('fpm2afi'), began(FRR)],
      ]);
      const ok = punt! <= bridgeBegan! && bridge! <= frrBegan!;
      const ms = (from: number, to: number) => `${Math.round((to - from) / 1000)} ms`;
      return {
        ok,
        observed: `bridge ${ms(punt!, bridgeBegan!)} after the TAPs, FRR ${ms(bridge!, frrBegan!)} after the bridge`,
      };
    },
  });
  await expectShown(stage, 'zebra found the FPM server at its first attempt', {
    argv: ['vtysh', '-c', 'show fpm counters'],
    see: (text) => {
      const errors = /Connection errors\s*:\s*(\d+)/.exec(text)?.[1];
      return { observed: `connection errors: ${errors ?? 'not told'}`, ok: errors === '0' };
    },
  });
  await report.expect({
    name: 'the kernel forwards at both ports, hardened as they are',
    command: 'fpm2afi show ports',
    look: async () => {
      const ports = await portsOf(machine);
      const observed = ports
        .map(({ tap, engine }) => `${tap} ${engine?.name} ${engine?.hook} fast ${engine?.fast}`)
        .join(', ');
      return {
        observed,
        ok: ports.length === 2 && ports.every(({ engine }) => engine?.name === 'kernel' && engine.fast > 0),
      };
    },
    timeoutMs: 15_000,
  });
  await expectPriorities(stage, 'after the boot');
}
