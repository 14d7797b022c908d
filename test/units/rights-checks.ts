/** What the units are allowed, and who may come to them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectNoneOnOneCore } from './priority-checks';
import type { Stage } from './stage';
import { expectShown, expectSuccess, expectWorking, UNITS } from './stage';

const STRANGER = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const SOCKETS = ['/run/softvasic/afi.sock', '/run/fpm2afi/control.sock'];
/** linux/capability.h */
const CAPABILITIES: Readonly<Record<(typeof UNITS)[number], bigint>> = {
  softvasic: (1n << 12n) | (1n << 13n) | (1n << 38n) | (1n << 39n),
  'fpm2afi-punt': 1n << 12n,
  fpm2afi: 1n << 12n,
};

/** Users, capabilities, system calls; sockets; exposure; IP. */
export async function playRights(stage: Stage): Promise<void> {
  await stage.machine.must(['systemctl', 'restart', 'softvasic']);
  await expectWorking(stage, 'softvasic started again');
  for (const unit of UNITS) await playUnit(stage, unit);
  for (const socket of SOCKETS) {
    await expectSuccess(stage, `a stranger may not connect to ${socket}`, [...STRANGER, 'test', '-w', socket], false);
  }
  await expectShown(stage, 'the vASIC has its socket in the group of the bridge, which started before it', {
    argv: ['stat', '--format=%G %a', SOCKETS[0]!],
    see: (text) => ({ observed: text.trim(), ok: text.trim() === 'fpm2afi 660' }),
  });
  const member = ['setpriv', '--reuid=65534', '--regid=fpm2afi', '--clear-groups'];
  await expectSuccess(stage, 'a member of the group may ask', [...member, 'fpm2afi', 'show', 'status']);
  await expectNoneOnOneCore(stage);
  await playAddresses(stage);
}

async function playUnit(stage: Stage, unit: (typeof UNITS)[number]): Promise<void> {
  const { machine } = stage;
  const pid = await machine.property(unit, 'MainPID');
  await expectShown(stage, `${unit} is no root, has its capabilities only, and a filter of system calls`, {
    argv: ['sh', '-c', `grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/${pid}/status`],
    see: (text) => {
      const value = (key: string) => new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
      const capabilities = [value('CapEff'), value('CapBnd')].map((hex) => BigInt(`0x${hex || '0'}`));
      const ok = value('Uid') !== '0' && value('NoNewPrivs') === '1' && value('Seccomp') === '2';
      return {
        observed: text.trim().replaceAll(/\s+/g, ' '),
        ok: ok && capabilities.every((set) => set === CAPABILITIES[unit]),
      };
    },
  });
  const documented = readFileSync(join(__dirname, '../../../docs/operation.md'), 'utf8');
  const limit = Number(new RegExp(`\\| \`${unit}\\.service\` \\|.*\\| ([\\d.]+) \\|`).exec(documented)?.[1]);
  await expectShown(stage, `${unit}'s exposure is what docs/operation.md says`, {
    argv: ['systemd-analyze', 'security', '--offline=true', '--no-pager', `/usr/lib/systemd/system/${unit}.service`],
    see: (text) => {
      const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(text)?.[1]);
      return { observed: `${exposure}, documented ${limit}`, ok: exposure <= limit };
    },
  });
}

/** softvasic on TCP: other machines get nothing, until the unit names them. */
async function playAddresses(stage: Stage): Promise<void> {
  const { machine } = stage;
  const options = await machine.must(['cat', '/etc/default/softvasic']);
  machine.write('etc/default/softvasic', options.replace(/"$/m, ' --listen 0.0.0.0:50051"'));
  await machine.must(['systemctl', 'restart', 'softvasic']);
  const knock = (address: string) => ['timeout', '3', 'bash', '-c', `: >/dev/tcp/${address}/50051`];
  const remote = ['ip', 'netns', 'exec', 'operator', ...knock('192.0.2.1')];
  await expectSuccess(stage, 'softvasic on TCP is reached from its own machine', knock('127.0.0.1'));
  await expectSuccess(stage, 'from another machine it is not', remote, false);
  machine.write('etc/systemd/system/softvasic.service.d/far.conf', '[Service]\nIPAddressAllow=192.0.2.0/24\n');
  await machine.must(['systemctl', 'daemon-reload']);
  await machine.must(['systemctl', 'restart', 'softvasic']);
  await expectSuccess(stage, 'it is, with IPAddressAllow= in the unit', remote);
  await machine.must(['rm', '-r', '/etc/systemd/system/softvasic.service.d']);
  machine.write('etc/default/softvasic', options);
  await machine.must(['systemctl', 'daemon-reload']);
  await machine.must(['systemctl', 'restart', 'softvasic']);
  await expectWorking(stage, 'on a Unix socket again');
}
