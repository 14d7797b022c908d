/** PE2 asks for explicit null: P swaps LDP's label for 0 in place of taking it off, and PE2 takes both off. */
import { coreCommand, lookAtCore } from './core';
import { expectCrossings, ourLsps, vtysh, type VpnScene } from './stage';

export const explicitNull: VpnScene = {
  title: 'Explicit null: PE2 wants the label 0 on top, in place of none',
  play: async (stage) => {
    const { report, topology } = stage;
    const pe2 = topology.edges[2];
    const change = async (word: string): Promise<void> => {
      const lines = [
        'configure terminal',
        'mpls ldp',
        'address-family ipv4',
        `${word}label local advertise explicit-null`,
      ];
      await report.show(pe2.router, ['vtysh', ...lines.flatMap((line) => ['-c', line])]);
    };
    const atP = async (what: string): Promise<void> => {
      await report.expect({
        name: `p: its LSP to PE2 leads to ${what}`,
        command: vtysh(topology.p, 'show mpls table'),
        timeoutMs: 30_000,
        look: async () => {
          const { lsps, states } = await ourLsps(topology.p);
          const paths = [...lsps.values()].find((one) => one.includes('tap2')) ?? 'none';
          return { ok: paths === `${what} tap2 ${what} tap3` && states.join() === 'offloaded', observed: paths };
        },
      });
    };
    await change('');
    await atP('IPv4 Explicit Null');
    await report.expect({
      name: "behind P: 0 on top of the VPN's label",
      command: coreCommand(stage),
      timeoutMs: 10_000,
      look: async () => {
        const { answered, requests, lines } = await lookAtCore(stage, 'red', 4);
        const ok = answered === 3 && requests[2].length === 1 && /^0\/\d+$/.test(requests[2][0]!);
        return {
          ok,
          observed: `${requests[1].join(' ')} then ${requests[2].join(' ')}`,
          output: lines.slice(0, 4).join('\n'),
        };
      },
    });
    await expectCrossings(stage, 'with explicit null');
    await change('no ');
    await atP('implicit-null');
  },
};
