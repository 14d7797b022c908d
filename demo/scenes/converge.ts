/** OSPF finds its neighbours through the TAPs, and zebra, fpm2afi and the vASIC agree about the routes. */
import { PORTS, loopback, routerAddress, subnet, tapName, vrouterAddress, vrouterMac } from '../lab/ospf-topology';
import { LOOPBACKS, lookLoopbacks, lookNeighbors, lookZebra, routerCommand, type Scene } from './scene';

export const neighbors: Scene = {
  title: "OSPF's neighbours are Full on the TAPs: punt and inject work",
  essential: true,
  play: async (stage) => {
    const argv = ['vtysh', '-c', 'show ip ospf neighbor'];
    await stage.report.expect({
      name: 'neighbours Full on tap0 to tap3',
      command: routerCommand(stage, ...argv),
      timeoutMs: 40_000,
      look: () => lookNeighbors(stage),
    });
    await stage.report.show(stage.topology.router, argv);
  },
};

export const zebraRoutes: Scene = {
  title: 'zebra has the four loopbacks, and knows that the vASIC has them',
  essential: true,
  play: async (stage) => {
    const { report, topology } = stage;
    const argv = ['vtysh', '-c', 'show ip route ospf'];
    const selected = (text: string) =>
      PORTS.filter(
        (port) =>
          text.includes(`O>* ${loopback(port)}/32 `) && text.includes(`via ${vrouterAddress(port)}, ${tapName(port)}`),
      );
    await report.expect({
      name: 'the four loopbacks are selected and in the FIB (>*)',
      command: routerCommand(stage, ...argv),
      timeoutMs: 30_000,
      look: async () => {
        const output = await topology.routerFrr.vtysh('show ip route ospf');
        const found = selected(output).map((port) => `O>* ${loopback(port)}/32 via ${tapName(port)}`);
        return { ok: found.length === PORTS.length, observed: found.join(', ') || 'none', output };
      },
    });
    await report.expect({
      name: 'zebra calls them offloaded',
      command: routerCommand(stage, 'vtysh', '-c', 'show ip route ospf json'),
      timeoutMs: 10_000,
      look: () => lookZebra(stage, LOOPBACKS),
    });
  },
};

export const bridgeRoutes: Scene = {
  title: 'fpm2afi has them in the vASIC, and the rest where it belongs',
  play: async (stage) => {
    const { report, topology } = stage;
    const command = routerCommand(stage, 'fpm2afi', 'show', 'routes');
    await report.show(topology.router, ['fpm2afi', 'show', 'routes']);
    await report.expect({
      name: 'loopbacks offloaded, each by its TAP to the MAC of its vrouter',
      command,
      timeoutMs: 10_000,
      look: () => lookLoopbacks(stage, PORTS),
    });
    await report.expect({
      name: 'connected subnets are trapped (glean)',
      command,
      timeoutMs: 10_000,
      look: async () => {
        const routes = await topology.bridge.routes();
        const states = PORTS.map((port) => routes.find((route) => route.prefix === subnet(port)));
        return {
          ok: states.every((route) => route?.state === 'trapped' && route.nexthops[0]?.state === 'glean'),
          observed: PORTS.map((port, i) =>
            `${subnet(port)} ${states[i]?.state ?? 'missing'} ${states[i]?.nexthops[0]?.state ?? ''}`.trim(),
          ).join(', '),
        };
      },
    });
    await report.expect({
      name: 'each neighbour has a host entry of its own',
      command,
      timeoutMs: 10_000,
      look: async () => {
        const routes = await topology.bridge.routes();
        const hosts = PORTS.map((port) => routes.find((route) => route.prefix === `${vrouterAddress(port)}/32`));
        return {
          ok: hosts.every((route, port) => route?.state === 'offloaded' && route.nexthops[0]?.mac === vrouterMac(port)),
          observed: PORTS.map((port, i) => `${vrouterAddress(port)}/32 ${hosts[i]?.state ?? 'missing'}`).join(', '),
        };
      },
    });
    await report.expect({
      name: "the router's own addresses go to the host",
      command,
      timeoutMs: 10_000,
      look: async () => {
        const routes = await topology.bridge.routes();
        const own = ['10.0.255.100', ...PORTS.map(routerAddress)];
        const states = own.map((address) =>
          routes.filter((route) => route.prefix === `${address}/32`).map((route) => route.state),
        );
        return {
          ok: states.every((found) => found.length > 0 && found.every((state) => state === 'trapped')),
          observed: own.map((address, i) => `${address} ${states[i]!.join('+') || 'missing'}`).join(', '),
        };
      },
    });
  },
};
