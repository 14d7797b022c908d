/** zebra's LSPs and VPN routes are in the vASICs: the same labels, by the same paths. */
import { at, entries, items, numberAt, textAt } from '../../../lab/json';
import { CUSTOMERS, EDGES, ONLY_BLUE, siteNetwork, type Customer, type Edge } from '../../../lab/mpls/vpn-plan';
import type { MplsRouter } from '../../../lab/mpls/vpn-topology';
import {
  customerRoute,
  FAMILIES,
  labelOf,
  on,
  ourLsps,
  routersOf,
  zebraLsps,
  type Family,
  type VpnScene,
} from './stage';

/** zebra's labels for the network at the other edge, by interface: `tap0 16/80`. */
async function zebraLabels(router: MplsRouter, customer: Customer, prefix: string, family: Family): Promise<string[]> {
  const command = `show ${family === 4 ? 'ip' : 'ipv6'} route vrf ${customer} ${prefix} json`;
  const [route] = entries(await router.frr.json(command));
  const hops = items(at(route?.[1], 0, 'nexthops')).filter((hop) => at(hop, 'fib') === true);
  return hops.map((hop) => `${textAt(hop, 'interfaceName')} ${items(at(hop, 'labels')).join('/')}`).sort();
}

const other = (edge: Edge): Edge => (edge === 1 ? 2 : 1);

export const programmed: VpnScene = {
  title: "zebra's LSPs and VPN routes are in the vASICs, with zebra's labels",
  essential: true,
  play: async (stage) => {
    const { report, topology } = stage;
    for (const router of routersOf(stage)) {
      await report.expect({
        name: `${router.name}: show lsps is zebra's show mpls table, all of it offloaded`,
        command: on(router, 'fpm2afi', 'show', 'lsps'),
        timeoutMs: 30_000,
        look: async () => {
          const [zebra, ours] = await Promise.all([zebraLsps(router), ourLsps(router)]);
          const text = (lsps: ReadonlyMap<number, string>): string =>
            [...lsps].sort(([a], [b]) => a - b).map(([label, paths]) => `${label} → ${paths}`).join('; '); // prettier-ignore
          const ok = zebra.size > 0 && text(zebra) === text(ours.lsps) && ours.states.join() === 'offloaded';
          return { ok, observed: `${ours.states.join(', ') || 'none'}: ${text(ours.lsps)}` };
        },
      });
    }
    for (const edge of EDGES) {
      const router = topology.edges[edge];
      for (const customer of CUSTOMERS) {
        for (const family of FAMILIES) {
          const prefix = siteNetwork(other(edge), family);
          await report.expect({
            name: `${router.name}: ${customer}'s ${prefix} is offloaded with zebra's label stacks, by both core links`,
            command: on(router, 'fpm2afi', 'show', 'routes', prefix, '--vrf', customer),
            timeoutMs: 30_000,
            look: async () => {
              const [zebra, route] = [
                await zebraLabels(router, customer, prefix, family),
                await customerRoute(router, customer, prefix),
              ];
              const ours = (route?.nexthops ?? []).map(
                (path) => `${path.interface} ${path.encap?.replace('label ', '')}`,
              );
              const ok = ours.length === 2 && ours.sort().join() === zebra.join() && route?.state === 'offloaded';
              return { ok, observed: `${route?.state ?? 'missing'}: ${ours.join(', ')}` };
            },
          });
        }
      }
    }
    const [pe1] = [topology.edges[1]];
    await report.show(pe1.router, ['fpm2afi', 'show', 'lsps']);
    await report.show(pe1.router, ['fpm2afi', 'show', 'vrfs']);
    await report.expect({
      name: `pe1: ${ONLY_BLUE}/32 is in blue's table only`,
      command: on(pe1, 'fpm2afi', 'show', 'routes', `${ONLY_BLUE}/32`, '--vrf', 'red'),
      look: async () => {
        const tables = (await pe1.bridge.routes()).flatMap(({ prefix, vrf }) =>
          prefix === `${ONLY_BLUE}/32` ? [vrf] : [],
        );
        return { ok: tables.join() === 'blue', observed: `in ${tables.join(', ') || 'no table'}` };
      },
    });
    const label = String(await labelOf(pe1, /^- red$/));
    await report.expect({
      name: `pe1: why ${label} says what becomes of red's VPN label`,
      command: on(pe1, 'fpm2afi', 'why', label),
      look: async () => {
        const view = JSON.parse(await pe1.router.must(['fpm2afi', 'why', label, '--json'])) as unknown;
        const result = textAt(view, 'result');
        return { ok: result.includes('in table 1001') && numberAt(view, 'label') === Number(label), observed: result };
      },
    });
  },
};
