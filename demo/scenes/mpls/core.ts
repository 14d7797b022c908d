/** What is on the core's wires: the label stacks of a customer's packets before and behind P, as tcpdump shows them. */
import { CORE_LINKS, EDGES, siteAddress, type Customer, type Edge } from '../../../lab/mpls/vpn-plan';
import { portName } from '../../../lab/plan';
import { capture } from '../../../lab/traffic';
import { commandLine } from '../report';
import { crossing, vasicOf, type Family, type VpnStage } from './stage';

export interface CoreSight {
  readonly answered: number;
  /** By edge router on whose links they were: the stacks, outermost first, of requests and of answers: `16/80`. */
  readonly requests: Readonly<Record<Edge, readonly string[]>>;
  readonly answers: Readonly<Record<Edge, readonly string[]>>;
  /** As tcpdump wrote them. */
  readonly lines: readonly string[];
}

/** Pings across the core while tcpdump looks at all of its links. */
export async function lookAtCore(stage: VpnStage, customer: Customer, family: Family): Promise<CoreSight> {
  const captures = await Promise.all(
    EDGES.flatMap((edge) =>
      CORE_LINKS.map(async (at) => ({ edge, run: await capture(vasicOf(stage, edge), portName(at), ['mpls']) })),
    ),
  );
  const { received } = await crossing(stage, customer, family);
  const seen: { edge: Edge; line: string }[] = [];
  for (const { edge, run } of captures) for (const line of await run.stop()) seen.push({ edge, line });
  const stacks = (edge: Edge, from: Edge, to: Edge): string[] => {
    const way = `${siteAddress(from, family)} > ${siteAddress(to, family)}`;
    const lines = seen.filter((one) => one.edge === edge && one.line.includes(way));
    return [
      ...new Set(lines.map(({ line }) => [...line.matchAll(/\(label (\d+)/g)].map(([, label]) => label).join('/'))),
    ];
  };
  return {
    answered: received,
    requests: { 1: stacks(1, 1, 2), 2: stacks(2, 1, 2) },
    answers: { 1: stacks(1, 2, 1), 2: stacks(2, 2, 1) },
    lines: seen.map(({ edge, line }) => `pe${edge}: ${line}`),
  };
}

/** The command that shows one link of it. */
export function coreCommand(stage: VpnStage): string {
  return commandLine(vasicOf(stage, 1), ['tcpdump', '-i', portName(0), '-n', 'mpls']);
}
