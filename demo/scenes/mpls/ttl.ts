/**
 * The TTL across the core, as routers of Linux have it: the edge router counts a hop and gives its labels what is left (RFC 3443's
 * uniform model), and answers what expires. P takes an outer label whose TTL the inner one doesn't learn. A label that expires in the
 * core goes to Linux with its stack, and Linux says nothing: its MPLS drops such packets without an ICMP error.
 */
import { items, numberAt, textAt } from '../../../lab/json';
import { LINK, siteAddress } from '../../../lab/mpls/vpn-plan';
import type { MplsRouter } from '../../../lab/mpls/vpn-topology';
import { pingOnce } from '../../../lab/traffic';
import { commandLine } from '../report';
import { FAMILIES, on, type VpnScene } from './stage';

/** How many packets a router's vASIC handed to Linux because of a label's TTL. */
async function expiredLabels({ router }: MplsRouter): Promise<number> {
  const shown = JSON.parse(await router.must(['fpm2afi', 'show', 'punt', '--json'])) as unknown;
  const row = items(shown).find((one) => textAt(one, 'reason') === 'labelTtl');
  return numberAt(row, 'passed') ?? 0;
}

export const vpnTtl: VpnScene = {
  title: 'The TTL, as a traceroute from red1 sees it',
  play: async (stage) => {
    const { report, topology } = stage;
    const site = topology.site('red', 1);
    for (const family of FAMILIES) {
      const probe = (hops: number) => pingOnce(hops, siteAddress(1, family), siteAddress(2, family));
      const lines = async (hops: number): Promise<string[]> => (await site.exec(probe(hops))).stdout.split('\n');
      await report.expect({
        name: `IPv${family}, hop 1: PE1 answers, from its address in the VPN`,
        command: commandLine(site, probe(1)),
        timeoutMs: 5_000,
        look: async () => {
          const line = (await lines(1)).find((one) => /exceeded/i.test(one)) ?? '';
          return {
            ok: line.startsWith(`From ${LINK[family].router(1)} `),
            observed: line || 'nothing of an exceeded TTL',
          };
        },
      });
      await report.expect({
        name: `IPv${family}, hop 2: P's vASIC hands it to Linux with its labels, which answers nothing`,
        command: on(topology.p, 'fpm2afi', 'show', 'punt'),
        timeoutMs: 10_000,
        look: async () => {
          const before = await expiredLabels(topology.p);
          const answer = (await lines(2)).find((one) => /^From|bytes from/.test(one));
          const punted = (await expiredLabels(topology.p)) - before;
          return {
            ok: punted === 1 && answer === undefined,
            observed: `labelTtl +${punted}; ${answer ?? 'no answer'}`,
          };
        },
      });
      await report.expect({
        name: `IPv${family}, hop 3: red2 answers`,
        command: commandLine(site, probe(3)),
        timeoutMs: 5_000,
        look: async () => {
          const line = (await lines(3)).find((one) => one.includes('bytes from')) ?? '';
          // 64, less the hops of the two edge routers.
          return { ok: line.includes('ttl=62'), observed: line || 'no answer' };
        },
      });
    }
  },
};
