/** OSPF, LDP and BGP find their neighbors through the TAPs: hellos, TCP sessions and BGP's are punted and injected. */
import { at, entries, items, textAt } from '../../../lab/json';
import { EDGES, loopbackOf, P_LOOPBACK } from '../../../lab/mpls/vpn-plan';
import { routersOf, vtysh, type VpnScene } from './stage';

export const converge: VpnScene = {
  title: 'OSPF, LDP and BGP are up between the routers: punt and inject work',
  essential: true,
  play: async (stage) => {
    const { report, topology } = stage;
    for (const router of routersOf(stage)) {
      const links = router.name === 'p' ? 4 : 2;
      await report.expect({
        name: `${router.name}: OSPF is Full on ${links} core links`,
        command: vtysh(router, 'show ip ospf neighbor'),
        timeoutMs: 40_000,
        look: async () => {
          const shown = at(await router.frr.json('show ip ospf neighbor json'), 'neighbors');
          const states = entries(shown).flatMap(([, list]) => items(list).map((one) => textAt(one, 'nbrState')));
          const full = states.filter((state) => state.startsWith('Full')).length;
          return { ok: full === links, observed: states.join(', ') || 'none' };
        },
      });
      const peers = router.name === 'p' ? EDGES.map(loopbackOf) : [P_LOOPBACK];
      await report.expect({
        name: `${router.name}: LDP is operational with ${peers.join(' and ')}`,
        command: vtysh(router, 'show mpls ldp neighbor'),
        timeoutMs: 60_000,
        look: async () => {
          const shown = items(at(await router.frr.json('show mpls ldp neighbor json'), 'neighbors'));
          const up = shown
            .filter((one) => textAt(one, 'state') === 'OPERATIONAL')
            .map((one) => textAt(one, 'neighborId'));
          return { ok: up.sort().join() === [...peers].sort().join(), observed: up.join(', ') || 'none' };
        },
      });
    }
    const [pe1] = [topology.edges[1]];
    for (const family of ['ipv4', 'ipv6']) {
      await report.expect({
        name: `pe1 and pe2 have a BGP session for ${family} VPN`,
        command: vtysh(pe1, `show bgp ${family} vpn summary`),
        timeoutMs: 60_000,
        look: async () => {
          const peer = at(await pe1.frr.json(`show bgp ${family} vpn summary json`), 'peers', loopbackOf(2));
          const [state, count] = [textAt(peer, 'state'), at(peer, 'pfxRcd')];
          return { ok: state === 'Established' && Number(count) >= 4, observed: `${state}, ${String(count)} prefixes` };
        },
      });
    }
    for (const { router } of routersOf(stage)) await report.show(router, ['vtysh', '-c', 'show mpls table']);
    await report.show(pe1.router, ['vtysh', '-c', 'show bgp ipv4 vpn']);
    await report.show(pe1.router, ['vtysh', '-c', 'show bgp ipv6 vpn']);
  },
};
