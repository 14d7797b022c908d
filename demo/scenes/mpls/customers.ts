/** Customers of one VPN reach each other and not the other's, though all their addresses are the same. */
import { CUSTOMERS, EDGES, LINK, ONLY_BLUE, siteAddress, siteGateway } from '../../../lab/mpls/vpn-plan';
import { capture, ping } from '../../../lab/traffic';
import { commandLine } from '../report';
import { crossing, crossingCommand, expectCrossings, FAMILIES, forwardedByLinux, type VpnScene } from './stage';

export const customers: VpnScene = {
  title: 'Each customer reaches its own other site, and not the other customer',
  essential: true,
  play: async (stage) => {
    const { report, topology } = stage;
    for (const edge of EDGES) {
      for (const customer of CUSTOMERS) {
        const site = topology.site(customer, edge);
        await report.expect({
          name: `${site.name} reaches its edge router, whose address there is the same for both`,
          command: commandLine(site, ['ping', '-c', '3', LINK[4].router(edge)]),
          timeoutMs: 10_000,
          look: async () => {
            const { received } = await ping(site, LINK[4].router(edge));
            return { ok: received === 3, observed: `${received} of 3 answered` };
          },
        });
      }
    }
    await expectCrossings(stage, 'PE1 to PE2 and back');
    await report.expect({
      name: 'the kernels of the routers forward none of it',
      command: commandLine(topology.p.router, ['grep', 'Forw', '/proc/net/snmp']),
      look: async () => {
        const before = await forwardedByLinux(stage);
        for (const family of FAMILIES) await crossing(stage, 'red', family);
        const forwarded = (await forwardedByLinux(stage)) - before;
        return { ok: forwarded === 0, observed: `forwarded +${forwarded}` };
      },
    });
    for (const [asking, idle] of [
      ['red', 'blue'],
      ['blue', 'red'],
    ] as const) {
      // prettier-ignore
      await report.expect({
        name: `${idle}, with the same addresses, sees nothing of ${asking}'s packets`,
        command: crossingCommand(stage, asking, 4),
        look: async () => {
          const filter = ['icmp', 'or', `(icmp6 and (src ${siteAddress(1, 6)} or dst ${siteAddress(1, 6)}))`];
          const captures = await Promise.all(EDGES.map((edge) => capture(topology.site(idle, edge), 'veth', filter)));
          const answered = (await Promise.all(FAMILIES.map((family) => crossing(stage, asking, family)))).map(
            ({ received }) => received,
          );
          const seen = (await Promise.all(captures.map(({ stop }) => stop()))).flat();
          return {
            ok: answered.join() === '3,3' && seen.length === 0,
            observed: `${answered.join(' + ')} answered; at ${idle}'s sites ${seen.length} packets`,
          };
        },
      });
    }
    for (const [customer, reaches] of [
      ['blue', true],
      ['red', false],
    ] as const) {
      // prettier-ignore
      const site = topology.site(customer, 1);
      await report.expect({
        name: `${ONLY_BLUE}, which only blue has, is ${reaches ? 'reached' : 'unreachable'} from ${site.name}`,
        command: commandLine(site, ['ping', '-c', '3', '-I', siteAddress(1, 4), ONLY_BLUE]),
        timeoutMs: reaches ? 10_000 : 0,
        look: async () => {
          const { received, text } = await ping(site, ONLY_BLUE, { source: siteAddress(1, 4) });
          const said = text.split('\n').find((line) => /nreachable/.test(line));
          return {
            ok: reaches ? received === 3 : received === 0 && said?.startsWith(`From ${LINK[4].router(1)} `) === true,
            observed: `${received} of 3 answered${said === undefined ? '' : `; ${said}`}`,
          };
        },
      });
    }
    report.say(`each customer's gateway is ${siteGateway(1, 4)} at PE1 and ${siteGateway(2, 4)} at PE2, for both`);
  },
};
