/**
 * VRFs as samples: the largest ones by name, and all others together, so that a router with a thousand VRFs has no more series than
 * one with a few. Which are large is decided anew at each scrape; what a VRF loses by that is then in the others.
 */
import type { StateCounts, VrfView } from '../control/types';
import { ROUTE_STATES } from '../control/types';

/** VRFs that have samples of their own. */
export const MOST_VRFS = 20;
/** The label of all others. */
export const OTHERS = 'other';

interface VrfSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Counts = StateCounts & Pick<VrfView, 'entries'>;

interface Labelled extends Counts {
  readonly labels: { readonly vrf: string; readonly table: string };
}

/** Routes by VRF and state. */
export function vrfRoutes(vrfs: readonly VrfView[]): VrfSample[] {
  return bounded(vrfs).flatMap((vrf) =>
    ROUTE_STATES.map((state) => ({ labels: { ...vrf.labels, state }, value: vrf[state] })),
  );
}

/** Entries by VRF. */
export function vrfEntries(vrfs: readonly VrfView[]): VrfSample[] {
  return bounded(vrfs).map(({ labels, entries }) => ({ labels, value: entries }));
}

function bounded(vrfs: readonly VrfView[]): Labelled[] {
  const named = vrfs.map((vrf): Labelled => ({ ...vrf, labels: { vrf: nameOf(vrf), table: String(vrf.table) } }));
  const bySize = [...named].sort((a, b) => sizeOf(b) - sizeOf(a));
  const rest = bySize.slice(MOST_VRFS);
  if (rest.length === 0) return named;
  const sum = (count: (vrf: Labelled) => number): number => rest.reduce((total, vrf) => total + count(vrf), 0);
  const others: Labelled = {
    labels: { vrf: OTHERS, table: OTHERS },
    offloaded: sum(({ offloaded }) => offloaded),
    trapped: sum(({ trapped }) => trapped),
    failed: sum(({ failed }) => failed),
    unresolved: sum(({ unresolved }) => unresolved),
    pending: sum(({ pending }) => pending),
    entries: sum(({ entries }) => entries),
  };
  return [...named.filter((vrf) => !rest.includes(vrf)), others];
}

function nameOf({ vrf, vrfId, table }: VrfView): string {
  return vrf ?? (vrfId === undefined ? String(table) : `VRF ${vrfId}`);
}

function sizeOf(vrf: Counts): number {
  return ROUTE_STATES.reduce((total, state) => total + vrf[state], 0);
}
