/** A prefix that the vASIC refuses: the refusal reaches zebra, and Linux carries the packets meanwhile. */
import { forwardedPackets } from '../../lab/node';
import { ping } from '../../lab/traffic';
import { commandLine } from './report';
import { bridgeRoute, routerCommand, showProtocolRoutes, type Scene } from './scene';

export const refused: Scene = {
  title: 'The vASIC refuses a prefix (softvasic --refuse): nobody pretends otherwise',
  play: async (stage) => {
    const { report, topology } = stage;
    const { plan, protocol } = topology;
    const { refused: address } = plan;
    const prefix = `${address}${plan.host}`;
    await report.expect({
      name: 'zebra marks the route as an offload failure (o)',
      command: routerCommand(stage, 'vtysh', '-c', showProtocolRoutes(protocol)),
      timeoutMs: 15_000,
      look: async () => {
        const shown = await topology.routerFrr.vtysh(showProtocolRoutes(protocol));
        const line = shown.split('\n').find((one) => one.includes(` ${prefix} `)) ?? '';
        return {
          ok: new RegExp(`^${protocol.zebra.code}>?o`).test(line.replaceAll(' ', '')),
          observed: line.trim() || 'no such route',
          output: line,
        };
      },
    });
    await report.expect({
      name: 'fpm2afi shows it as failed, with the reason',
      command: routerCommand(stage, 'fpm2afi', 'show', 'routes', prefix),
      timeoutMs: 10_000,
      look: async () => {
        const route = await bridgeRoute(stage, prefix);
        const reason = route?.reason ?? '';
        return { ok: route?.state === 'failed' && reason !== '', observed: `${route?.state ?? 'missing'}: ${reason}` };
      },
    });
    await report.show(topology.router, ['fpm2afi', 'show', 'routes', prefix]);
    const vrouter1 = topology.vrouters[1]!;
    await report.expect({
      name: 'it stays reachable on the slow path: the vASIC punts, Linux forwards, and Linux counted that',
      command: commandLine(vrouter1, ['ping', '-c', '5', '-i', '0.2', '-I', plan.loopback(1), address]),
      timeoutMs: 10_000,
      look: async () => {
        const before = await forwardedPackets(topology.router, plan.family);
        const result = await ping(vrouter1, address, { source: plan.loopback(1), count: 5 });
        const forwarded = (await forwardedPackets(topology.router, plan.family)) - before;
        return {
          ok: result.received === 5 && forwarded >= 5,
          observed: `${result.received} of 5 pings answered, the router's kernel forwarded ${forwarded} packets`,
        };
      },
    });
  },
};
