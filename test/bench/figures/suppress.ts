/**
 * `bgp suppress-fib-pending`: bgpd advertises a prefix to its second peer only after the vASIC acknowledged it, and never while
 * it is refused; one that is meant for Linux, as its nexthop is behind no port, it does advertise. That a prefix is held back is told by a witness: another prefix, due later, which has arrived already.
 */
import { buildHostsTopology, hostAddress, PAST_VASIC, type HostsTopology } from '../../../lab/hosts-topology';
import type { Figure } from '../../../lab/figure';
import { at, entries, items } from '../../../lab/json';
import type { Frr } from '../../../lab/frr';
import { waitFor } from '../../../lab/wait';
import type { Measurement } from './measurement';

export const REFUSED = '10.66.0.0/16';
const ANNOUNCED = '10.77.0.0/16';
const LOCAL_WITNESS = '10.78.0.0/16';
const FED_WITNESS = '10.79.0.0/16';
const WAIT_MS = 40_000;

export interface SuppressSeen {
  /** While the vASIC stood still: does the router have the prefix, does zebra wait, does the peer have it? */
  readonly pending: { readonly selected: boolean; readonly queued: boolean; readonly advertised: boolean };
  /** Milliseconds from the vASIC's going on to the peer's having the prefix. */
  readonly advertisedAfterMs: number;
  /** While the vASIC refuses a prefix. */
  readonly refused: { readonly selected: boolean; readonly failed: boolean; readonly advertised: boolean };
  /** A prefix that Linux forwards: does zebra call it trapped, does the peer have it? */
  readonly past: { readonly trapped: boolean; readonly advertised: boolean };
}

async function hasBgp(frr: Frr, prefix: string): Promise<boolean> {
  return entries(at(await frr.json('show bgp ipv4 unicast json'), 'routes')).some(([found]) => found === prefix);
}

const announce = (frr: Frr, as: number, prefix: string): Promise<string> =>
  frr.vtysh(`configure terminal\nrouter bgp ${as}\naddress-family ipv4 unicast\nnetwork ${prefix}\nend`);

async function zebraLine(frr: Frr, prefix: string): Promise<string> {
  const shown = await frr.vtysh('show ip route bgp');
  return (shown.split('\n').find((line) => line.includes(` ${prefix} `)) ?? '').replaceAll(' ', '');
}

/** Plays both cases on a topology built with `bgp` and REFUSED refused. */
export async function observeSuppression(topology: HostsTopology): Promise<SuppressSeen> {
  const { frr, softvasic, feeder, peer, bridge } = topology;
  if (feeder === undefined || peer === undefined) throw new Error('the topology was built without BGP');
  const until = (what: string, look: () => Promise<boolean>) => waitFor(look, { timeoutMs: WAIT_MS, what });
  // host0's MAC is known, and both sessions work, before the vASIC stands still.
  await frr.vtysh(`configure terminal\nip route 10.80.0.0/16 ${hostAddress(0)}\nend`);
  await until('host0 to be known', async () =>
    (await bridge.routes()).some((route) => route.prefix === '10.80.0.0/16' && route.state === 'offloaded'),
  );
  await announce(frr, 65000, '10.81.0.0/16');
  for (const [name, session] of [
    ['peer', peer],
    ['feeder', feeder],
  ] as const) {
    await until(`the session of ${name}`, () => hasBgp(session, '10.81.0.0/16'));
  }

  const vasic = softvasic.process().pid;
  process.kill(vasic, 'SIGSTOP');
  let pending: SuppressSeen['pending'];
  let resumed: number;
  try {
    await announce(feeder, 65001, ANNOUNCED);
    await until('the prefix in the router', async () => (await zebraLine(frr, ANNOUNCED)) !== '');
    await announce(frr, 65000, LOCAL_WITNESS);
    await until('the witness at the peer', () => hasBgp(peer, LOCAL_WITNESS));
    const line = await zebraLine(frr, ANNOUNCED);
    pending = {
      selected: line.startsWith('B>'),
      queued: /^B>?q/.test(line),
      advertised: await hasBgp(peer, ANNOUNCED),
    };
  } finally {
    process.kill(vasic, 'SIGCONT');
    resumed = performance.now();
  }
  await until('the prefix at the peer', () => hasBgp(peer, ANNOUNCED));
  const advertisedAfterMs = performance.now() - resumed;

  await announce(feeder, 65001, REFUSED);
  await until('the refusal in zebra', async () => /^B>?o/.test(await zebraLine(frr, REFUSED)));
  await announce(feeder, 65001, FED_WITNESS);
  await until('the second witness at the peer', () => hasBgp(peer, FED_WITNESS));
  const best = items(at(await frr.json(`show bgp ipv4 unicast ${REFUSED} json`), 'paths'));
  const refused = {
    selected: best.some((path) => at(path, 'bestpath', 'overall') === true),
    failed: /^B>?o/.test(await zebraLine(frr, REFUSED)),
    advertised: await hasBgp(peer, REFUSED),
  };

  await announce(feeder, 65001, PAST_VASIC);
  await until('the trap in zebra', async () => /^B>?t/.test(await zebraLine(frr, PAST_VASIC)));
  const arrived = until('the trapped prefix at the peer', () => hasBgp(peer, PAST_VASIC));
  const past = { trapped: true, advertised: await arrived.catch(() => false) };
  return { pending, advertisedAfterMs, refused, past };
}

/** A figure that is 1 when what it says was seen. */
function asItShould(name: string, what: string, seen: boolean): Figure {
  return { name, what: `${what} (1: so it was)`, unit: 'yes', value: Number(seen), goal: '1', met: seen };
}

export const suppress: Measurement = {
  name: 'suppress',
  title: 'bgp suppress-fib-pending: nothing is advertised that the vASIC has not acknowledged',
  measure: async (lab, say) => {
    const seen = await observeSuppression(await buildHostsTopology(lab, { bgp: true, refuse: [REFUSED] }));
    say(JSON.stringify(seen));
    const { pending, refused, past } = seen;
    return [
      asItShould(
        'suppressedWhilePending',
        'vASIC stopped: bgpd selected a prefix, zebra waited, its second peer did not get it',
        pending.selected && pending.queued && !pending.advertised,
      ),
      {
        name: 'advertisedAfterAcknowledgement',
        what: 'from the vASIC going on to the prefix at the second peer',
        unit: 'ms',
        value: Math.round(seen.advertisedAfterMs),
      },
      asItShould(
        'suppressedWhileRefused',
        'prefix refused by the vASIC: selected by bgpd, failed in zebra, not at the second peer',
        refused.selected && refused.failed && !refused.advertised,
      ),
      asItShould(
        'advertisedWhenForLinux',
        'prefix whose nexthop is behind no port: trapped in zebra, and at the second peer',
        past.trapped && past.advertised,
      ),
    ];
  },
};
