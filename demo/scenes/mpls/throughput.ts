/** iperf3 from one site of red to the other: three vASICs carry it, with labels in between. */
import { siteAddress } from '../../../lab/mpls/vpn-plan';
import { iperf } from '../../../lab/traffic';
import { commandLine } from '../report';
import { forwardedByLinux, on, type VpnScene } from './stage';

const SECONDS = 5;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export const throughput: VpnScene = {
  title: 'iperf3 from red1 to red2: three vASICs carry it, Linux does not see it',
  play: async (stage) => {
    const { report, topology, figures } = stage;
    const [client, server] = [topology.site('red', 1), topology.site('red', 2)];
    const before = await forwardedByLinux(stage);
    const run = await iperf({
      ...{ client, clientAddress: siteAddress(1, 4), server, serverAddress: siteAddress(2, 4), seconds: SECONDS },
    });
    figures.throughVasic = run.bitsPerSecond;
    const forwarded = (await forwardedByLinux(stage)) - before;
    await report.expect({
      name: 'the stream arrives',
      command: commandLine(client, run.argv),
      look: () => ({
        ok: run.bytes > 1e6,
        observed: `${megabytes(run.bytes)} in ${run.seconds.toFixed(1)} s: ${(run.bitsPerSecond / 1e9).toFixed(2)} Gbit/s, ${run.retransmits} retransmits`,
      }),
    });
    await report.expect({
      name: "P's nodes for LDP's label counted it",
      command: on(topology.p, 'fpm2afi', 'show', 'lsps'),
      timeoutMs: 10_000,
      look: async () => {
        const shown = await topology.p.router.must(['fpm2afi', 'show', 'lsps', '--json']);
        const lsps = JSON.parse(shown) as { readonly bytes?: number }[];
        const bytes = lsps.reduce((sum, lsp) => sum + (lsp.bytes ?? 0), 0);
        return { ok: bytes >= run.bytes, observed: `${megabytes(bytes)} swapped or popped` };
      },
    });
    await report.expect({
      name: "the routers' kernels forwarded nothing of it",
      command: commandLine(topology.p.router, ['grep', 'Forw', '/proc/net/snmp']),
      look: () => ({ ok: forwarded <= 20, observed: `forwarded +${forwarded} (at most 20 expected)` }),
    });
    await report.show(topology.p.router, ['fpm2afi', 'show', 'ports']);
  },
};
