/**
 * From zebra's route to offloaded: routes to neighbors that nobody has spoken to, one after the other, on a LAN without data
 * traffic. From the frame with the route on the FPM connection to the frame that reports it as offloaded; between them the
 * kernel is asked, ARP goes out through the vASIC and comes back by it, and the vASIC acknowledges.
 */
import { watchFpm, type FpmSight } from '../../../lab/fpm-watch';
import { buildHostsTopology, hostAddress } from '../../../lab/hosts-topology';
import { waitFor } from '../../../lab/wait';
import { median, tenth } from '../../../lab/figure';
import type { Measurement } from './measurement';

const NEIGHBORS = 15;
const GOAL_MS = 50;

function delay(seen: readonly FpmSight[], prefix: string): number {
  const sent = seen.find((one) => one.prefix === prefix && one.from === 'zebra');
  const told = seen.find((one) => one.prefix === prefix && one.from === 'fpm2afi' && one.offloaded);
  if (sent === undefined || told === undefined) throw new Error(`${prefix} was not seen on the FPM connection`);
  return told.atMs - sent.atMs;
}

export const resolve: Measurement = {
  name: 'resolve',
  title: 'From route to offloaded, neighbor unknown, no traffic',
  measure: async (lab, say) => {
    const { router, hosts, frr, bridge } = await buildHostsTopology(lab);
    const numbers = Array.from({ length: NEIGHBORS }, (_, i) => i);
    for (const i of numbers)
      await hosts[1]!.must(['ip', 'address', 'add', `${hostAddress(1, 100 + i)}/24`, 'dev', 'veth']);
    await waitFor(async () => (await bridge.routes()).some((route) => route.prefix === '10.1.1.0/24'), {
      timeoutMs: 30_000,
      what: "zebra's connected routes in fpm2afi",
    });
    const watch = await watchFpm(router);
    const prefixes = numbers.map((i) => `10.70.${i}.0/24`);
    for (const i of numbers) {
      await frr.vtysh(`configure terminal\nip route ${prefixes[i]!} ${hostAddress(1, 100 + i)}\nend`);
      await waitFor(
        async () => (await bridge.routes()).some((one) => one.prefix === prefixes[i] && one.reported === 'offloaded'),
        { timeoutMs: 20_000, what: `${prefixes[i]} offloaded` },
      );
    }
    const seen = await watch.stop();
    const samples = prefixes.map((prefix) => tenth(delay(seen, prefix)));
    say(`${samples.join(', ')} ms`);
    const value = tenth(median(samples));
    return [
      {
        name: 'routeToOffloaded',
        what: `${NEIGHBORS} routes to fresh neighbors, median of zebra's FPM frame to fpm2afi's offloaded report`,
        unit: 'ms',
        value,
        samples,
        goal: `median below ${GOAL_MS} ms`,
        met: value < GOAL_MS,
      },
    ];
  },
};
