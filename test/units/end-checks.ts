/** What is left when the units are stopped, and when the packages are gone. */
import type { Stage } from './stage';
import { expectShown, expectSuccess, UNITS } from './stage';

const SETTINGS = ['net/ipv6/conf/ge0/disable_ipv6', 'net/ipv4/conf/ge0/arp_ignore', 'net/ipv4/conf/ge0/forwarding'];

/** Stopping, releasing the ports, purging. */
export async function playEnd(stage: Stage): Promise<void> {
  const { machine } = stage;
  await expectSuccess(stage, 'the units are stopped', ['systemctl', 'stop', ...UNITS]);
  const release = 'softvasic --port ge0 --port ge1 --release'.split(' ');
  await expectSuccess(stage, 'softvasic gives its ports back', release);
  await expectShown(stage, 'Linux has its interfaces as they were', {
    argv: [
      'sh',
      '-c',
      `cat ${SETTINGS.map((name) => `/proc/sys/${name}`).join(' ')}; tc qdisc show dev ge0; find /sys/fs/bpf/softvasic -type f`,
    ],
    see: (text) => {
      const lines = text.trim().split('\n');
      return {
        observed: lines.join(' | '),
        ok: lines.slice(0, 3).join() === '0,0,1' && !/clsact|ingress/.test(text) && lines.length === 4,
      };
    },
  });
  await expectShown(stage, 'their TAPs and sockets are gone', {
    argv: ['sh', '-c', 'ip -br link; ls -A /run/fpm2afi /run/softvasic 2>&1 || true'],
    see: (text) => ({
      observed: text.trim().replaceAll(/\s*\n/g, ' | ').slice(0, 300),
      ok: !/tap\d|softvasic\d|sock\n/.test(text),
    }),
  });
  const packages = ['fpm2afi', 'softvasic', 'fpm2afi-common'];
  if (stage.suite === 'bookworm') packages.push('fpm2afi-node');
  await expectSuccess(stage, 'the packages are purged', ['dpkg', '--purge', ...packages]);
  await expectSuccess(stage, 'and the user with them', ['id', 'fpm2afi'], false);
  const units = ['sh', '-c', "systemctl list-unit-files --no-legend 'fpm2afi*' 'softvasic*' || true"];
  await expectShown(stage, 'systemd knows no unit of them', {
    argv: units,
    see: (text) => ({ observed: text.trim() === '' ? 'none' : text.trim(), ok: text.trim() === '' }),
  });
  await machine.powerOff();
}
