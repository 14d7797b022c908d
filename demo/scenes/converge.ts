/** The protocol finds its neighbors through the TAPs, and zebra, fpm2afi and the vASIC agree about the routes. */
import { PORTS, tapName, vrouterMac } from '../../lab/plan';
import {
  loopbacks,
  lookLoopbacks,
  lookNeighbors,
  lookZebra,
  routerCommand,
  showProtocolRoutes,
  type Scene,
} from './scene';

export const neighbors: Scene = {
  title: 'The neighbors are up on the TAPs: punt and inject work',
  essential: true,
  play: async (stage) => {
    const { protocol } = stage.topology;
    const argv = ['vtysh', '-c', protocol.neighborCommand];
    await stage.report.expect({
      name: `${protocol.title} neighbors ${protocol.upName} on tap0 to tap3`,
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
    const { plan, protocol, routerFrr } = topology;
    const { code } = protocol.zebra;
    const argv = ['vtysh', '-c', showProtocolRoutes(protocol)];
    const selected = (text: string) =>
      PORTS.filter(
        (port) =>
          text.includes(`${code}>* ${plan.loopback(port)}${plan.host} `) &&
          text.includes(`via ${plan.gateway(port)}, ${tapName(port)}`),
      );
    await report.expect({
      name: 'the four loopbacks are selected and in the FIB (>*)',
      command: routerCommand(stage, ...argv),
      timeoutMs: 30_000,
      look: async () => {
        const output = await routerFrr.vtysh(showProtocolRoutes(protocol));
        const found = selected(output).map(
          (port) => `${code}>* ${plan.loopback(port)}${plan.host} via ${tapName(port)}`,
        );
        return { ok: found.length === PORTS.length, observed: found.join(', ') || 'none', output };
      },
    });
    await report.expect({
      name: 'zebra calls them offloaded',
      command: routerCommand(stage, 'vtysh', '-c', `${showProtocolRoutes(protocol)} json`),
      timeoutMs: 10_000,
      look: () => lookZebra(stage, loopbacks(plan)),
    });
  },
};

export const bridgeRoutes: Scene = {
  title: 'fpm2afi has them in the vASIC, and the rest where it belongs',
  play: async (stage) => {
    const { report, topology } = stage;
    const { plan } = topology;
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
        const states = PORTS.map((port) => routes.find((route) => route.prefix === plan.subnet(port)));
        return {
          ok: states.every((route) => route?.state === 'trapped' && route.nexthops[0]?.state === 'glean'),
          observed: PORTS.map((port, i) =>
            `${plan.subnet(port)} ${states[i]?.state ?? 'missing'} ${states[i]?.nexthops[0]?.state ?? ''}`.trim(),
          ).join(', '),
        };
      },
    });
    if (plan.family === 6) {
      report.say('OSPFv3 speaks link-local only: a ping, so that the neighbors are known by their other address, too');
      for (const port of PORTS) await topology.router.exec(['ping', '-c', '1', '-W', '2', plan.vrouterAddress(port)]);
    }
    await report.expect({
      name: 'each neighbor has a host entry of its own',
      command,
      timeoutMs: 10_000,
      look: async () => {
        const routes = await topology.bridge.routes();
        const hosts = PORTS.map((port) =>
          routes.find((route) => route.prefix === `${plan.vrouterAddress(port)}${plan.host}`),
        );
        return {
          ok: hosts.every((route, port) => route?.state === 'offloaded' && route.nexthops[0]?.mac === vrouterMac(port)),
          observed: PORTS.map(
            (port, i) => `${plan.vrouterAddress(port)}${plan.host} ${hosts[i]?.state ?? 'missing'}`,
          ).join(', '),
        };
      },
    });
    await report.expect({
      name: "the router's own addresses go to the host",
      command,
      timeoutMs: 10_000,
      look: async () => {
        const routes = await topology.bridge.routes();
        const own = [plan.routerLoopback, ...PORTS.map(plan.routerAddress)];
        const states = own.map((address) =>
          routes.filter((route) => route.prefix === `${address}${plan.host}`).map((route) => route.state),
        );
        return {
          ok: states.every((found) => found.length > 0 && found.every((state) => state === 'trapped')),
          observed: own.map((address, i) => `${address} ${states[i]!.join('+') || 'missing'}`).join(', '),
        };
      },
    });
  },
};
