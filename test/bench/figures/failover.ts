/** Failover: what a stream of many flows over two paths loses when the link of one goes down, several times. */
import { failoverOf, startEcho, startFlows } from '../../../lab/flows';
import { at, items } from '../../../lab/json';
import { ospf } from '../../../lab/protocols/ospf';
import { ospf6 } from '../../../lab/protocols/ospf6';
import type { Protocol } from '../../../lab/protocol';
import { buildTopology, type Topology } from '../../../lab/topology';
import { ping } from '../../../lab/traffic';
import { sleep, waitFor } from '../../../lab/wait';
import { atMost, median, tenth } from '../../../lab/figure';
import type { Measurement } from './measurement';

const ROUNDS = 5;
const FLOWS = 64;
const INTERVAL_MS = 10;
const DOWN_MS = 2000;
const GOAL_MS = 100;

/** Both paths in zebra and in fpm2afi, and vrouter2 reaches vrouter1 by its own routing. */
async function whole(topology: Topology): Promise<void> {
  const { plan, routerFrr, bridge, vrouters } = topology;
  const prefix = `${plan.shared}${plan.host}`;
  const look = async (): Promise<boolean> => {
    const shown = await routerFrr.json(`show ${plan.family === 4 ? 'ip' : 'ipv6'} route ${prefix} json`);
    const hops = items(at(shown, prefix, 0, 'nexthops'));
    if (hops.filter((hop) => at(hop, 'active') === true).length !== 2) return false;
    const route = (await bridge.routes()).find((one) => one.prefix === prefix);
    if (route?.nexthops.filter((path) => path.state === 'ready').length !== 2) return false;
    for (const path of [2, 3]) {
      const answer = await ping(vrouters[path]!, plan.loopback(1), { source: plan.loopback(path), count: 1 });
      if (answer.received !== 1) return false;
    }
    return true;
  };
  await waitFor(look, { timeoutMs: 60_000, everyMs: 500, what: 'both paths' });
}

const failoverWith = (name: string, protocol: Protocol): Measurement => ({
  name,
  title: `Link down of one of two paths, IPv${protocol.plan.family}: packets lost × interval`,
  measure: async (lab, say) => {
    const { plan } = protocol;
    const topology = await buildTopology(lab, {
      protocol,
      extraLoopbacks: (port) => (port >= 2 ? [plan.shared] : []),
    });
    const { vrouters } = topology;
    await whole(topology);
    for (const path of [2, 3]) await startEcho(vrouters[path]!, plan.shared);
    const worst: number[] = [];
    const mean: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const running = await startFlows({
        ...{ node: vrouters[1]!, source: plan.loopback(1), target: plan.shared },
        ...{ flows: FLOWS, intervalMs: INTERVAL_MS },
      });
      await sleep(DOWN_MS);
      const failedAt = Date.now();
      await vrouters[2]!.must(['ip', 'link', 'set', 'veth', 'down']);
      await sleep(DOWN_MS);
      const seen = failoverOf(await running.stop(), 'vrouter2', failedAt, failedAt + DOWN_MS);
      say(JSON.stringify(seen));
      if (seen.moved === 0 || seen.lost > 0) throw new Error(`flows did not move: ${JSON.stringify(seen)}`);
      worst.push(tenth(seen.worstMs));
      mean.push(tenth(seen.meanMs));
      await vrouters[2]!.must(['ip', 'link', 'set', 'veth', 'up']);
      await whole(topology);
    }
    const value = Math.max(...worst);
    return [
      {
        name: `${name}.worst`,
        what: `the longest that any flow of the lost path was without a path, over ${ROUNDS} link downs`,
        unit: 'ms',
        value,
        samples: worst,
        ...atMost(GOAL_MS, 'ms', value),
      },
      {
        name: `${name}.mean`,
        what: 'the same, averaged over the flows of the lost path, median of the link downs',
        unit: 'ms',
        value: tenth(median(mean)),
        samples: mean,
      },
    ];
  },
});

export const failover = failoverWith('failover', ospf);
export const failover6 = failoverWith('failover6', ospf6);
