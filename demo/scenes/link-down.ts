/** vrouter0's link goes down and comes back: the path goes everywhere, and returns everywhere. */
import { at, items } from '../../lab/json';
import { ping } from '../../lab/traffic';
import { commandLine } from './report';
import {
  bridgeRoute,
  expectPing,
  expectRecovered,
  routerCommand,
  showRoute,
  withLastResort,
  type Scene,
} from './scene';

export const linkDown: Scene = {
  title: "vrouter0's link goes down, and up again",
  play: async (stage) => {
    const { report, topology } = stage;
    const { plan, routerFrr } = topology;
    const [vrouter0, vrouter1] = topology.vrouters;
    const prefix = `${plan.loopback(0)}${plan.host}`;
    await expectPing(stage, 'before: vrouter1 reaches vrouter0, by the vASIC', plan.loopback(0));
    await report.show(vrouter0!, ['ip', 'link', 'set', 'veth', 'down']);
    await report.expect({
      name: `zebra has no route to ${prefix} any more`,
      command: routerCommand(stage, 'vtysh', '-c', `${showRoute(plan)} ${prefix}`),
      timeoutMs: 15_000,
      look: async () => {
        const shown = await routerFrr.json(`${showRoute(plan)} ${prefix} json`);
        // An empty list where BGP's route was.
        return items(at(shown, prefix)).length === 0
          ? { ok: true, observed: 'no such route' }
          : { ok: false, observed: 'still there' };
      },
    });
    await report.expect({
      name: 'fpm2afi took it out of the vASIC',
      command: routerCommand(stage, 'fpm2afi', 'show', 'routes', prefix),
      timeoutMs: 10_000,
      look: async () => {
        const route = await bridgeRoute(stage, prefix);
        return {
          ok: route === undefined,
          observed: route === undefined ? 'no such route' : `still there: ${route.state}`,
        };
      },
    });
    const argv = ['ping', '-c', '3', '-i', '0.2', '-I', plan.loopback(1), plan.loopback(0)];
    await withLastResort(stage, async () => {
      await report.expect({
        name: 'packets for it are answered with unreachable by the router',
        command: commandLine(vrouter1!, argv),
        timeoutMs: 10_000,
        look: async () => {
          const result = await ping(vrouter1!, plan.loopback(0), { source: plan.loopback(1) });
          const line = result.text.split('\n').find((one) => /unreachable/i.test(one)) ?? 'no "unreachable"';
          return { ok: result.received === 0 && line.startsWith(`From ${plan.routerAddress(1)} `), observed: line };
        },
      });
    });
    await report.expect({
      name: 'the other loopbacks stay',
      command: commandLine(vrouter1!, ['ping', '-c', '3', '-I', plan.loopback(1), plan.loopback(2)]),
      look: async () => {
        const result = await ping(vrouter1!, plan.loopback(2), { source: plan.loopback(1) });
        return { ok: result.received === 3, observed: `vrouter2 answered ${result.received} of ${result.sent}` };
      },
    });
    await report.show(vrouter0!, ['ip', 'link', 'set', 'veth', 'up']);
    await expectRecovered(stage, 40_000);
  },
};
