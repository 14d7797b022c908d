/** The same iperf3 run over the same hop, forwarded by plain Linux: what the vASIC's figure is to be compared with. */
import { buildPlainTopology } from '../../lab/plain-topology';
import { IP4 } from '../../lab/plan';
import { iperf } from '../../lab/traffic';
import { commandLine } from './report';
import { IPERF_SECONDS } from './dataplane';
import type { Scene } from './scene';

export const baseline: Scene = {
  title: 'The same stream through plain Linux forwarding, for comparison',
  play: async ({ report, topology, figures }) => {
    const { hosts } = await buildPlainTopology(topology.lab);
    const run = await iperf({
      client: hosts[1]!,
      clientAddress: IP4.loopback(1),
      server: hosts[0]!,
      serverAddress: IP4.loopback(0),
      seconds: IPERF_SECONDS,
    });
    figures.throughLinux = run.bitsPerSecond;
    const vasic = figures.throughVasic ?? 0;
    const gigabit = (bits: number) => `${(bits / 1e9).toFixed(2)} Gbit/s`;
    await report.expect({
      name: 'both figures were measured',
      command: commandLine(hosts[1]!, run.argv),
      look: () => ({
        ok: vasic > 0 && run.bitsPerSecond > 0,
        observed: `vASIC ${gigabit(vasic)}, plain Linux ${gigabit(run.bitsPerSecond)}, ratio ${(vasic / run.bitsPerSecond).toFixed(2)}`,
      }),
    });
  },
};
