/** What the scenes of the L3VPN have, and the looks that several of them share. */
import type { RouteView } from '../../../src/control/types';
import { at, entries, items, numberAt, textAt } from '../../../lab/json';
import { CUSTOMERS, siteAddress, tableOf, type Customer, type Edge } from '../../../lab/mpls/vpn-plan';
import type { MplsRouter, VpnTopology } from '../../../lab/mpls/vpn-topology';
import { forwardedPackets } from '../../../lab/node';
import { ping, type PingResult } from '../../../lab/traffic';
import type { Figures, SceneOn } from '../../demo';
import { commandLine, type Reporter } from '../report';

export interface VpnStage {
  readonly topology: VpnTopology;
  readonly report: Reporter;
  readonly figures: Figures;
}

export type VpnScene = SceneOn<VpnStage>;

export const FAMILIES = [4, 6] as const;
export type Family = (typeof FAMILIES)[number];

export function routersOf({ topology }: VpnStage): readonly MplsRouter[] {
  return [topology.edges[1], topology.p, topology.edges[2]];
}

/** The command that shows what `look` looked at on a router. */
export function on({ router }: MplsRouter, ...argv: readonly string[]): string {
  return commandLine(router, argv);
}

export const vtysh = (router: MplsRouter, command: string): string => on(router, 'vtysh', '-c', command);

/** zebra's LSPs: inbound label → outbound labels as `fpm2afi show lsps` writes them, sorted, one for each path. */
export async function zebraLsps({ frr }: MplsRouter): Promise<ReadonlyMap<number, string>> {
  const table = await frr.json('show mpls table json');
  return new Map(
    entries(table).map(([label, lsp]) => [Number(label), items(at(lsp, 'nexthops')).map(outboundOf).sort().join(' ')]),
  );
}

/** zebra's JSON has numbers, its table these names. */
const NULL_LABELS: ReadonlyMap<unknown, string> = new Map([
  [0, 'IPv4 Explicit Null'],
  [2, 'IPv6 Explicit Null'],
  [3, 'implicit-null'],
]);

/** Towards a VRF's device there is no neighbor, and so no label. */
function outboundOf(hop: unknown): string {
  if (textAt(hop, 'nexthop') === '') return `- ${textAt(hop, 'interface')}`;
  const labels = items(at(hop, 'outLabelStack')).map((label) => NULL_LABELS.get(label) ?? String(label));
  return `${labels.join('/')} ${textAt(hop, 'interface')}`;
}

/** What fpm2afi made of them: the same, and the states. */
export async function ourLsps({
  router,
}: MplsRouter): Promise<{ lsps: ReadonlyMap<number, string>; states: string[] }> {
  const shown = items(JSON.parse(await router.must(['fpm2afi', 'show', 'lsps', '--json'])) as unknown);
  const lsps = shown.map((lsp) => {
    const legs = items(at(lsp, 'legs')).map((leg) => `${textAt(leg, 'outbound')} ${textAt(leg, 'interface')}`);
    return [numberAt(lsp, 'label')!, legs.sort().join(' ')] as const;
  });
  return { lsps: new Map(lsps), states: [...new Set(shown.map((lsp) => textAt(lsp, 'state')))] };
}

/** The inbound label of an LSP whose paths look like this in zebra. */
export async function labelOf(router: MplsRouter, outbound: RegExp): Promise<number> {
  const found = [...(await zebraLsps(router))].find(([, paths]) => outbound.test(paths));
  if (found === undefined) throw new Error(`${router.name} has no LSP that leads to ${String(outbound)}`);
  return found[0];
}

/** The labels, outermost first, that an edge router puts on packets to its customer's network at the other. */
export async function labelsTo(router: MplsRouter, customer: Customer, prefix: string): Promise<string[]> {
  const routes = await router.bridge.routes();
  const route = routes.find((one) => one.prefix === prefix && one.table === tableOf(customer));
  return (route?.nexthops ?? []).map(({ encap }) => encap ?? 'no label');
}

export async function customerRoute(
  router: MplsRouter,
  customer: Customer,
  prefix: string,
): Promise<RouteView | undefined> {
  return (await router.bridge.routes()).find((one) => one.prefix === prefix && one.table === tableOf(customer));
}

/** From a customer's site at PE1 to the one at PE2. */
export function crossing(
  { topology }: VpnStage,
  customer: Customer,
  family: Family,
  options: { readonly count?: number; readonly ttl?: number } = {},
): Promise<PingResult> {
  return ping(topology.site(customer, 1), siteAddress(2, family), { source: siteAddress(1, family), ...options });
}

/** The command of that. */
export function crossingCommand({ topology }: VpnStage, customer: Customer, family: Family): string {
  const argv = ['ping', '-c', '3', '-I', siteAddress(1, family), siteAddress(2, family)];
  return commandLine(topology.site(customer, 1), argv);
}

/** What the kernels of the three routers forwarded themselves. */
export async function forwardedByLinux(stage: VpnStage): Promise<number> {
  const counts = routersOf(stage).flatMap(({ router }) => FAMILIES.map((family) => forwardedPackets(router, family)));
  return (await Promise.all(counts)).reduce((sum, packets) => sum + packets, 0);
}

/** All customers reach their other sites, IPv4 and IPv6. */
export async function expectCrossings(stage: VpnStage, name: string, timeoutMs = 20_000): Promise<void> {
  for (const customer of CUSTOMERS) {
    for (const family of FAMILIES) {
      await stage.report.expect({
        name: `${name}: ${customer} by IPv${family}`,
        command: crossingCommand(stage, customer, family),
        timeoutMs,
        look: async () => {
          const { sent, received } = await crossing(stage, customer, family);
          return { ok: sent > 0 && received === sent, observed: `${received} of ${sent} answered` };
        },
      });
    }
  }
}

/** The vASIC of an edge router. */
export const vasicOf = ({ topology }: VpnStage, edge: Edge): MplsRouter['vasic'] => topology.edges[edge].vasic;
