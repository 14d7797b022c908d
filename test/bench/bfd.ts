/**
 * BFD between the router's bfdd and a neighbor's, through softvasic, hostpath and TAP, while a table comes in: what a routing protocol's
 * hellos would meet. Both count; what one sent and the other did not get is lost.
 */
import { none, type Figure } from '../../lab/figure';
import { startFrr, type Frr } from '../../lab/frr';
import { sleep, waitFor } from '../../lab/wait';
import { forFullTable } from './part';
import { BFD_INTERVAL_MS, bfdConfig, PUNT_NEIGHBOR, PUNT_ROUTER, type BenchTopology } from './topology';

/** What was sent has come by then, or is lost. */
const ON_ITS_WAY_MS = 50;

interface Counters {
  readonly received: number;
  readonly sent: number;
  readonly downs: number;
}

async function counters(frr: Frr): Promise<Counters> {
  const [peer] = (await frr.json('show bfd peers counters json')) as Readonly<Record<string, number>>[];
  const { 'control-packet-input': received, 'control-packet-output': sent, 'session-down': downs } = peer ?? {};
  if (received === undefined || sent === undefined || downs === undefined) throw new Error('bfdd counts no packets');
  return { received, sent, downs };
}

async function isUp(frr: Frr): Promise<boolean> {
  const peers = (await frr.json('show bfd peers json')) as readonly { readonly status?: string }[];
  return peers[0]?.status === 'up';
}

/** The neighbor's end. Its address must be there. */
export function startBfdNeighbor({ lab, neighbors }: BenchTopology): Promise<Frr> {
  return startFrr(lab, neighbors, { config: bfdConfig(PUNT_NEIGHBOR, PUNT_ROUTER), daemons: ['bfdd'] });
}

/** Waits until the session is up; what it returns is to be called when the time to be measured is over. */
export async function countHellos(
  { frr }: BenchTopology,
  neighbor: Frr,
  routes: number,
): Promise<() => Promise<Figure[]>> {
  const up = async (): Promise<boolean> => (await isUp(frr)) && (await isUp(neighbor));
  await waitFor(up, { timeoutMs: 30_000, what: 'BFD between router and neighbor to be up' });
  // Both agree on the short interval only after a first exchange.
  await sleep(1000);
  // Each packet that the neighbor counts lies within the time in which the router counts: what it sends between two readings is not lost.
  const router0 = await counters(frr);
  const neighbor0 = await counters(neighbor);
  return async () => {
    const neighbor1 = await counters(neighbor);
    await sleep(ON_ITS_WAY_MS);
    const router1 = await counters(frr);
    const sent = neighbor1.sent - neighbor0.sent;
    const lost = Math.max(0, sent - (router1.received - router0.received));
    const downs = router1.downs - router0.downs + neighbor1.downs - neighbor0.downs;
    const figure = (name: string, what: string, unit: string, value: number): Figure => ({
      name: `punt.bfd.${name}`,
      what,
      unit,
      value,
      routes,
      ...forFullTable(routes, none(value)),
    });
    return [
      figure(
        'lost',
        `BFD packets of ${sent}, every ${BFD_INTERVAL_MS} ms, that didn't come while a table did`,
        'packets',
        lost,
      ),
      figure('downs', 'times that BFD took the neighbor for dead meanwhile', 'times', downs),
    ];
  };
}
