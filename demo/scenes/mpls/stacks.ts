/** The label stacks on the core: LDP's label and the VPN's towards P, which takes the first off (PHP), the VPN's alone behind it. */
import { CUSTOMERS, loopbackOf } from '../../../lab/mpls/vpn-plan';
import { at, items } from '../../../lab/json';
import { coreCommand, lookAtCore } from './core';
import { FAMILIES, labelOf, zebraLsps, type VpnScene } from './stage';

export const stacks: VpnScene = {
  title: 'tcpdump on the core: the expected label stacks, on both sides of P',
  play: async (stage) => {
    const { report, topology } = stage;
    const [pe1, pe2] = [topology.edges[1], topology.edges[2]];
    const towards = async (router: typeof pe1, loopback: string): Promise<string> => {
      const route = await router.frr.json(`show ip route ${loopback}/32 json`);
      return items(at(route, `${loopback}/32`, 0, 'nexthops')).map((hop) => items(at(hop, 'labels')).join('/'))[0]!;
    };
    const ldp = { 1: await towards(pe1, loopbackOf(2)), 2: await towards(pe2, loopbackOf(1)) };
    report.say(`LDP's label at P is ${ldp[1]} for pe2, and ${ldp[2]} for pe1`);
    for (const customer of CUSTOMERS) {
      // Each family has a label of its own, which edge router the packet goes to.
      const own = new RegExp(`^- ${customer}$`);
      const vpnOf = async (router: typeof pe1): Promise<string[]> =>
        [...(await zebraLsps(router))].flatMap(([label, paths]) => (own.test(paths) ? [String(label)] : []));
      const vpn = { 1: await vpnOf(pe1), 2: await vpnOf(pe2) };
      for (const family of FAMILIES) {
        await report.expect({
          name: `${customer} by IPv${family}: LDP's and the VPN's label towards P, the VPN's alone behind it`,
          command: coreCommand(stage),
          timeoutMs: 10_000,
          look: async () => {
            const { answered, requests, answers, lines } = await lookAtCore(stage, customer, family);
            const one = (stacks: readonly string[], outer: string, inner: readonly string[]): boolean =>
              stacks.length === 1 && inner.some((label) => stacks[0] === `${outer}${label}`);
            const ok =
              answered === 3 &&
              one(requests[1], `${ldp[1]}/`, vpn[2]) &&
              one(requests[2], '', vpn[2]) &&
              one(answers[2], `${ldp[2]}/`, vpn[1]) &&
              one(answers[1], '', vpn[1]);
            const observed =
              `to ${customer}2: ${requests[1].join(' ')} then ${requests[2].join(' ')}; ` +
              `back: ${answers[2].join(' ')} then ${answers[1].join(' ')}`;
            return { ok, observed, output: lines.slice(0, 4).join('\n') };
          },
        });
      }
    }
    const { router } = topology.p;
    await report.show(router, ['fpm2afi', 'show', 'lsps']);
    await report.show(router, ['fpm2afi', 'why', String(await labelOf(topology.p, /^implicit-null/))]);
  },
};
