/** What the page shows of a sample: the texts and tables of `fpm2afi top`, and the numbers that pictures are drawn of. Pure. */
import { knownText } from '../control/show';
import {
  headings,
  latencyGrid,
  portsGrid,
  puntGrid,
  routesGrid,
  sessionLines,
  sum,
  type Grid,
  type TitledLine,
} from '../control/top-grids';
import type { TopView } from '../control/top-model';
import { ROUTE_STATES, type RouteState } from '../control/types';

export interface PageView {
  readonly daemon: string;
  readonly when: string;
  readonly sessions: readonly TitledLine[];
  readonly problems: readonly string[];
  /** Since when the states are what was known last; none where the vASIC can be asked. */
  readonly known: readonly string[];
  readonly states: readonly { readonly state: RouteState; readonly count: number }[];
  readonly routes: Grid;
  readonly latency: Grid;
  readonly ports: Grid;
  readonly punt: Grid;
  /** Bits per second of each port, both ways together, in the order of `ports`; null: not known. */
  readonly traffic: readonly (number | null)[];
}

export function pageView(view: TopView): PageView {
  const { problems, fib, afi } = view.status;
  return {
    ...headings(view),
    sessions: sessionLines(view),
    problems,
    known: knownText(afi.lastKnown),
    states: ROUTE_STATES.map((state) => ({ state, count: fib[state] })),
    routes: routesGrid(view.status),
    latency: latencyGrid(view),
    ports: portsGrid(view),
    punt: puntGrid(view),
    traffic: view.ports.map(({ input, output }) => sum(input.bits, output.bits) ?? null),
  };
}
