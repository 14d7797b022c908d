/** How the views of the control API look as text: one table per list, and the status page. Pure functions. */
import type { LoopView } from '../observe/loop';
import type { Column, Row } from './table';
import { ROUTE_STATES } from './types';
import type {
  EvpnView,
  PathView,
  ListName,
  ListViews,
  LspView,
  NeighborView,
  NexthopView,
  EngineView,
  PortView,
  PuntReasonView,
  RouteView,
  SidView,
  TokenView,
  TrafficView,
  VrfView,
} from './types';
import type { LatencyView, StatusView } from './status-types';

/** A list's columns and how an item fills them. */
export interface Layout<T> {
  readonly columns: readonly Column[];
  row(item: T): Row;
}

const left = (title: string): Column => ({ title });
const right = (title: string): Column => ({ title, right: true });
const dash = (value: string | number | undefined): string => (value === undefined ? '-' : String(value));

const routes: Layout<RouteView> = {
  columns: ['Prefix', 'Table', 'Proto', 'State', 'Nexthop', 'MAC', 'Token', 'Note'].map(left),
  row(route) {
    const protocol = route.origin === 'zebra' ? route.protocol : route.origin;
    const note = [
      ...knownText(route.lastKnown),
      ...(route.reason === undefined ? [] : [route.reason]),
      ...(route.stale === true ? ['stale'] : []),
    ];
    const before = [route.prefix, tableText(route), protocol, route.state];
    return withPaths(before, route.nexthops, route.type === 'unicast' ? '-' : route.type, [
      dash(route.token),
      note.join('; '),
    ]);
  },
};

/** `254`, `1001 red`, `VRF 5`: the default VRF goes without its name. */
export function tableText({ table, vrf, vrfId }: Pick<RouteView, 'table' | 'vrf' | 'vrfId'>): string {
  if (vrfId !== undefined) return `VRF ${vrfId}`;
  return vrf === undefined || vrf === 'default' ? String(table) : `${table} ${vrf}`;
}

const vrfs: Layout<VrfView> = {
  columns: [left('VRF'), right('Table'), left('Ports'), right('Token')].concat(
    ['IPv4', 'IPv6', 'Offloaded', 'Trapped', 'Failed', 'Unresolved', 'Pending', 'Entries'].map(right),
    left('Note'),
  ),
  row(view) {
    const name = view.vrfId === undefined ? dash(view.vrf) : `VRF ${view.vrfId}`;
    const table = view.vrfId === undefined ? String(view.table) : '-';
    const where = [name, table, view.ports.join(' ') || '-', dash(view.token)];
    const { ipv4, ipv6, offloaded, trapped, failed, unresolved, pending, entries } = view;
    const counts = [ipv4, ipv6, offloaded, trapped, failed, unresolved, pending, entries].map(String);
    return [[...where, ...counts, view.reason ?? (view.forwarded ? '' : 'no port is bound to it: Linux forwards')]];
  },
};

const nexthops: Layout<NexthopView> = {
  columns: [left('ID'), left('Type'), left('State'), left('Nexthop'), left('MAC')].concat(
    right('Routes'),
    left('Tokens'),
    left('Note'),
  ),
  row(nexthop) {
    const { content, members } = nexthop;
    const type = members === undefined ? content : `${content} ${members.join('/')}`;
    const before = [dash(nexthop.id), nexthop.kind === 'inline' ? `inline ${type}` : type, nexthop.state];
    const none = content === 'single' || content === 'group' ? '-' : content;
    const tokens = nexthop.tokens.length === 0 ? '-' : nexthop.tokens.join(' ');
    return withPaths(before, nexthop.legs, none, [
      String(nexthop.routes),
      tokens,
      [...knownText(nexthop.lastKnown), nexthop.reason ?? []].flat().join('; '),
    ]);
  },
};

const neighbors: Layout<NeighborView> = {
  columns: ['Interface', 'Address', 'MAC', 'State', 'Source']
    .map(left)
    .concat(['Routes', 'Nexthops'].map(right), left('Token')),
  row(neighbor) {
    const { routes: byRoutes, nexthops: byNexthops } = neighbor.usedBy;
    const text = [neighbor.interface, neighbor.address, dash(neighbor.mac), neighbor.state, neighbor.source];
    return [[...text, String(byRoutes), String(byNexthops), dash(neighbor.token)]];
  },
};

const ports: Layout<PortView> = {
  columns: [right('Port'), left('TAP'), right('Ifindex'), left('MAC'), right('MTU'), left('TAP-state')].concat(
    left('vASIC'),
    ['In-pkts', 'In-bytes', 'In-drops', 'Out-pkts', 'Out-bytes', 'Out-drops', 'Punted', 'Injected', 'Drops'].map(right),
    [left('Engine'), right('Fast'), left('Slow')],
  ),
  row(port) {
    const { punted, injected, drops } = port.punt;
    const names = [String(port.index), port.tap, dash(port.ifindex), dash(port.mac), dash(port.mtu)];
    const states = [port.tapState, port.vasicState];
    const counters = [punted, injected, drops].map(String);
    return [
      [...names, ...states, ...traffic(port.input), ...traffic(port.output), ...counters, ...engine(port.engine)],
    ];
  },
};

const tokens: Layout<TokenView> = {
  columns: [right('Token'), left('Type'), left('Name'), left('Next'), right('Refs'), left('Stands for')],
  row(token) {
    const next = token.next.length === 0 ? '-' : token.next.join(' ');
    return [[String(token.token), token.type, dash(token.name), next, String(token.references), token.purpose]];
  },
};

/** The types of LSPs as FRR's `show mpls table` names them, by the protocol that FPM tells. */
const LSP_TYPES: Readonly<Record<string, string>> = {
  ...{ static: 'Static', ldp: 'LDP', bgp: 'BGP', ospf: 'SR (OSPF)', isis: 'SR (IS-IS)', srte: 'SR-TE' },
};

const lsps: Layout<LspView> = {
  columns: [
    ...[right('Inbound'), left('Type'), left('Nexthop'), left('Outbound'), left('State'), right('Packets')],
    ...[right('Token'), left('Note')],
  ],
  row(lsp) {
    const note = [...(lsp.reason === undefined ? [] : [lsp.reason]), ...(lsp.stale === true ? ['stale'] : [])];
    const [first, ...more] = lsp.legs.map((path) => [lspPathText(path), path.outbound]);
    const state = [lsp.state, dash(lsp.packets), dash(lsp.tokens?.[0]), note.join('; ')];
    return [
      [String(lsp.label), LSP_TYPES[lsp.protocol] ?? lsp.protocol, ...(first ?? ['-', '-']), ...state],
      ...more.map((cells) => ['', '', ...cells, '', '', '', '']),
    ];
  },
};

/** A device that stands for a table is the nexthop, as FRR has it. */
function lspPathText(path: LspView['legs'][number]): string {
  return path.outbound === '-' ? path.interface : pathText(path);
}

const evpn: Layout<EvpnView> = {
  columns: ['MAC', 'VTEP', 'VLAN', 'VNI', 'Interface', 'Note'].map(left),
  row(entry) {
    const to = entry.vtep ?? (entry.nexthopId === undefined ? '-' : `nexthop ${entry.nexthopId}`);
    const note = [...(entry.sticky ? ['sticky'] : []), ...(entry.stale === true ? ['stale'] : [])].join('; ');
    const where = entry.interface === '?' ? `interface ${entry.ifindex}` : entry.interface;
    return [[entry.mac, to, dash(entry.vlan), dash(entry.vni), where, note]];
  },
};

const sids: Layout<SidView> = {
  columns: ['SID', 'Behavior', 'Format', 'VRF', 'Nexthop', 'Note'].map(left),
  row(entry) {
    const { gateway, ifindex } = entry;
    const to = [...(gateway === undefined ? [] : [`via ${gateway}`]), ...(ifindex ? [`interface ${ifindex}`] : [])];
    const note = entry.stale === true ? 'stale' : '';
    return [[entry.sid, entry.behavior, dash(entry.format), dash(entry.vrf), to.join(', ') || '-', note]];
  },
};

const punt: Layout<PuntReasonView> = {
  columns: [left('Reason'), right('Passed'), right('Dropped'), right('Rate'), right('Delivered')],
  row({ reason, passed, dropped, rate, delivered }) {
    return [[reason, dash(passed), dash(dropped), rate === 0 ? '-' : `${rate}/s`, dash(delivered)]];
  },
};

/** The layout of each list. */
export const LAYOUTS: { readonly [N in ListName]: Layout<ListViews[N]> } = {
  routes,
  vrfs,
  nexthops,
  neighbors,
  ports,
  tokens,
  lsps,
  evpn,
  sids,
  punt,
};

/** A row with one line per path; `none` stands where there are no legs. */
function withPaths(before: readonly string[], legs: readonly PathView[], none: string, after: readonly string[]): Row {
  const [first, ...more] = legs.map((path) => [pathText(path), dash(path.mac)]);
  const blank = before.map(() => '');
  const line = [...before, ...(first ?? [none, '-']), ...after];
  return [line, ...more.map((cells) => [...blank, ...cells, ...after.map(() => '')])];
}

/** Why a path isn't used, behind it. */
const NOT_READY: Partial<Record<PathView['state'], string>> = { unresolved: ' unresolved', down: ' link down' };

/** `via 103.30.0.3, tap0`, in the words of FRR's `show ip route`. */
export function pathText(path: PathView): string {
  const to = path.gateway === undefined ? 'directly connected' : `via ${path.gateway}`;
  const where = path.interface === '?' ? `interface ${path.ifindex}` : path.interface;
  const weight = path.weight === 1 ? '' : `, weight ${path.weight}`;
  const encap = path.encap === undefined ? '' : `, ${path.encap}`;
  return `${to}, ${where}${weight}${encap}${NOT_READY[path.state] ?? ''}`;
}

/** That a state is only what was known last; nothing where the vASIC can be asked. */
export function knownText(lastKnown: string | undefined): string[] {
  return lastKnown === undefined ? [] : [`last known: the vASIC can't be asked since ${lastKnown}`];
}

/** Who forwards, how many packets the kernel dealt with, and how many it left to the engine: why most of them. */
function engine(view: EngineView | undefined): string[] {
  if (view === undefined) return ['-', '-', '-'];
  if (view.name !== 'kernel') return [view.name, '-', '-'];
  const slow = Object.entries(view.slow).sort(([, a], [, b]) => b - a);
  const reasons = slow.map(([reason, packets]) => `${reason} ${packets}`).join(', ');
  return [`${view.name} ${view.hook}`, String(view.fast), dash(reasons === '' ? undefined : reasons)];
}

function traffic(counters: TrafficView | undefined): string[] {
  return [dash(counters?.packets), dash(counters?.bytes), dash(counters?.drops)];
}

function latencyText({ p50Ms, p99Ms, maxMs }: LatencyView): string {
  if (p50Ms === undefined || p99Ms === undefined || maxMs === undefined) return '';
  return `, half within ${p50Ms} ms, 99% within ${p99Ms} ms, all within ${maxMs} ms`;
}

/** The lag of the event loop, in a line. */
export function loopText({ meanMs, p99Ms, maxMs, ownMaxMs }: LoopView): string {
  const own = ownMaxMs === undefined ? '' : `, own work ${ms(ownMaxMs)}`;
  return `lag mean ${ms(meanMs)}, 99% ${ms(p99Ms)}, max ${ms(maxMs)}${own}`;
}

/** Of LSPs and labels; nothing where there are none. */
function lspText({ fib: { lsps }, afi: { unknownLabels = 0 } }: StatusView): string[] {
  const all = ROUTE_STATES.reduce((sum, state) => sum + lsps[state], 0);
  const states = ROUTE_STATES.flatMap((state) => (lsps[state] === 0 ? [] : [`${lsps[state]} ${state}`]));
  return [
    ...(all === 0 ? [] : [`${all} LSPs: ${states.join(', ')}`]),
    ...(unknownLabels === 0 ? [] : [`${unknownLabels} packets dropped with a label that nothing is known of`]),
  ];
}

/** The status page. */
export function statusText(status: StatusView): string {
  const { fpm, afi, fib, latency, told, punt, loop } = status;
  const since = (time: string): string => age((Date.parse(status.time) - Date.parse(time)) / 1000);
  const why = fpm.feedbackReason === undefined ? '' : `: ${fpm.feedbackReason}`;
  const feedback = fpm.feedback === undefined || fpm.feedback === fpm.feedbackMode ? '' : ` (${fpm.feedback}${why})`;
  const peer = fpm.peer === undefined ? 'no zebra connected' : `zebra connected from ${fpm.peer}`;
  const instance = afi.instance === undefined ? '' : `, instance ${afi.instance}`;
  const lines: [string, string][] = [
    ['FPM', `${peer} for ${since(fpm.since)}`],
    ['', `listening on ${fpm.listen}, feedback ${fpm.feedbackMode}${feedback}`],
    ['', `${fpm.frames} frames, ${fpm.messages} messages, ${fpm.updates} updates`],
    ['', `${fpm.malformed} malformed, ${fpm.skipped} skipped, ${fpm.statuses} route statuses sent`],
    ['AFI', `${afi.state} for ${since(afi.since)}, server ${afi.server}`],
    ['', `engine ${afi.engine}, sandbox ${afi.sandbox}${instance}`],
    ...(afi.error === undefined ? [] : [['', `last error: ${afi.error}`] satisfies [string, string]]),
    [
      '',
      `${afi.opsSent} operations sent, ${afi.opsFailed} failed, ${afi.opsRetried} tried again, ${afi.opsInFlight} in flight`,
    ],
    ['', `${afi.entries} entries programmed`],
    ['FIB', `${fib.routes} routes (${fib.ipv4} IPv4, ${fib.ipv6} IPv6)`],
    ['', `${fib.offloaded} offloaded, ${fib.trapped} trapped, ${fib.failed} failed`],
    ...knownText(afi.lastKnown).map((text): [string, string] => ['', text]),
    ['', `${fib.unresolved} unresolved, ${fib.pending} pending, ${fib.stale} stale`],
    ['', `${fib.nexthops} nexthops, ${fib.neighbors} neighbors, ${fib.dirty} dirty`],
    ...lspText(status).map((text): [string, string] => ['', text]),
    ['', `${latency.count} changes acknowledged${latencyText(latency)}`],
    ...(told.count === 0
      ? []
      : [['', `${told.count} routes answered to zebra${latencyText(told)}`] satisfies [string, string]]),
    ['Punt', `${punt.mode}: ${punt.punted} punted, ${punt.injected} injected, ${punt.drops} dropped`],
    ...(punt.process === undefined
      ? []
      : [['', `process ${punt.process.pid}, for ${since(punt.process.since)}`] satisfies [string, string]]),
    ['Loop', loopText(loop)],
  ];
  const { audit } = status;
  if (audit !== undefined) {
    const found = audit.layers.map(({ layer, differences }) => `${layer} ${differences ?? 'not compared'}`);
    lines.push(['Audit', `${since(audit.time)} ago, differences: ${found.join(', ')}`]);
  }
  const problems =
    status.problems.length === 0 ? ['No problems.'] : ['Problems:', ...status.problems.map((text) => `  ${text}`)];
  return [
    `fpm2afi ${status.version}, pid ${status.pid}, up ${age(status.uptimeSeconds)}`,
    '',
    ...lines.map(([title, text]) => `${title.padEnd(6)}${text}`),
    '',
    ...problems,
    '',
  ].join('\n');
}

/** Seconds as FRR shows ages: 00:07:17, 1d02h03m, 2w03d04h. */
export function age(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [minutes, hours, days] = [Math.floor(total / 60), Math.floor(total / 3600), Math.floor(total / 86_400)];
  if (days >= 7) return `${Math.floor(days / 7)}w${two(days % 7)}d${two(hours % 24)}h`;
  if (days > 0) return `${days}d${two(hours % 24)}h${two(minutes % 60)}m`;
  return `${two(hours)}:${two(minutes % 60)}:${two(total % 60)}`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
