/** How the answers of `why` and `trace` look as text. Pure functions. */
import type { TraceView, WhyPath, WhyNexthop, WhyNode, WhyRoute, WhyView } from './explain-types';
import { age, tableText } from './show';
import { engineLines, outcomeText, stepLines } from './trace-text';

/** Width of the titles at the left. */
const INDENT = 12;

/** A title at the left, or none, and a text. */
export type Line = readonly [title: string, text: string];

/** A moment, and how long ago that is. */
export function when(time: string | undefined, now: string): string {
  if (time === undefined) return '-';
  const ago = (Date.parse(now) - Date.parse(time)) / 1000;
  return `${time} (${ago < 1 ? 'just now' : `${age(ago)} ago`})`;
}

/** The page of `fpm2afi why`. */
export function whyText(view: WhyView): string {
  const { query, routes, decides } = view;
  const [first, ...covering] = routes;
  const asked = first === undefined || (query.includes('/') && first.route.prefix !== query) ? undefined : first;
  const others = asked === undefined ? routes : covering;
  const state = asked === undefined ? 'no route' : asked.route.state;
  const matched = asked === undefined || asked.route.prefix === query ? '' : ` matches ${asked.route.prefix}`;
  const lines: Line[] = asked === undefined ? [] : routeLines(asked, view.time);
  for (const other of others) {
    const here = other.route.prefix === decides ? ' ← decides in the vASIC' : '';
    const entry = other.programmed ? `entry for ${other.route.token ?? '?'}` : 'no entry';
    lines.push(['covered by', `${other.route.prefix} ${whose(other)}, ${other.route.state}, ${entry}${here}`]);
  }
  lines.push(...outcomeLines(view));
  return [`${query}${inTable(view)}${matched}: ${state}`, '', ...lines.map(format), ''].join('\n');
}

/** What becomes of packets, where that stops, and what else there is to know. */
export function outcomeLines({ result, stops, notes }: Pick<WhyView, 'result' | 'stops' | 'notes'>): Line[] {
  return [
    ['packets', result],
    ...(stops === undefined ? [] : [['stops at', `${stops.at}: ${stops.why}`] as const]),
    ...(stops?.remedy === undefined ? [] : [['remedy', stops.remedy] as const]),
    ...notes.map((note) => ['note', note] as const),
  ];
}

/** Where it isn't the default VRF's. */
function inTable(view: Pick<WhyView, 'table' | 'vrf'>): string {
  return view.vrf === 'default' ? '' : ` in table ${tableText(view)}`;
}

/** A line as it is printed. */
export function format([title, text]: Line): string {
  return `${title.padEnd(INDENT)}${text}`.trimEnd();
}

function whose({ route }: WhyRoute): string {
  return route.origin === 'zebra' ? route.protocol : route.origin;
}

function routeLines(route: WhyRoute, now: string): Line[] {
  const { route: view, nexthop } = route;
  const lines: Line[] = [];
  if (view.origin === 'zebra') {
    const id = view.nexthopId === undefined ? 'inline nexthops' : `nexthop id ${view.nexthopId}`;
    const stale = view.stale === true ? ', not confirmed since zebra connected' : '';
    lines.push([
      'zebra',
      `${view.protocol}, table ${tableText(view)}, metric ${view.metric}, ${view.type}, ${id}${stale}`,
    ]);
    lines.push(['', `received ${when(route.received, now)}`]);
  } else {
    const text = {
      neighbor: 'host entry of a known neighbor',
      local: 'address of the router itself',
      connected: "subnet of the interface's address, which zebra has no route for",
    };
    lines.push(['origin', view.origin === 'system' ? 'entry that every router has' : text[view.origin]]);
  }
  if (nexthop !== undefined) lines.push(...nexthopLines(nexthop, 0, now));
  if (route.programmed) {
    lines.push(['vASIC', `entry acknowledged ${when(route.acknowledged, now)}`]);
    for (const node of route.chain) lines.push(['', nodeText(node)]);
  } else lines.push(['vASIC', 'no entry']);
  if (view.origin === 'zebra') {
    const told = view.reported === undefined ? 'nothing yet' : `${view.reported}, ${when(route.reported, now)}`;
    lines.push(['zebra told', told]);
  }
  return lines;
}

/** A nexthop and its members. */
export function nexthopLines(nexthop: WhyNexthop, depth: number, now: string): Line[] {
  const pad = '  '.repeat(depth);
  const acknowledged = nexthop.acknowledged === undefined ? '' : `, acknowledged ${when(nexthop.acknowledged, now)}`;
  const received = nexthop.received === undefined ? '' : `, received ${when(nexthop.received, now)}`;
  const lines: Line[] = [[depth === 0 ? 'nexthop' : '', `${pad}${nexthop.name}${received}${acknowledged}`]];
  if (nexthop.error !== undefined) lines.push(['', `${pad}  refused: ${nexthop.error}`]);
  for (const path of nexthop.legs) {
    lines.push(['', `${pad}  ${pathText(path)}`]);
    if (path.neighbor !== undefined) lines.push(['', `${pad}    ${neighborLine(path, path.neighbor)}`]);
  }
  for (const member of nexthop.members) lines.push(...nexthopLines(member, depth + 1, now));
  return lines;
}

function pathText(path: WhyPath): string {
  const to = path.gateway === undefined ? 'directly connected' : `via ${path.gateway}`;
  const where = path.interface === '?' ? `interface ${path.ifindex}` : path.interface;
  const port =
    path.port === undefined ? 'no port of the vASIC' : `port ${path.port}${path.linkUp ? '' : ', link down'}`;
  return `${to}, ${where} (${port})${path.weight === 1 ? '' : `, weight ${path.weight}`}: ${path.state}`;
}

function neighborLine(path: WhyPath, neighbor: NonNullable<WhyPath['neighbor']>): string {
  const { state, source, asked, nextRequestMs } = neighbor;
  const by = source === undefined ? '' : ` (${source})`;
  const mac = path.mac === undefined ? '' : `, ${path.mac}`;
  const requests =
    asked === undefined || asked === 0 ? '' : `, kernel asked ${asked === 1 ? 'once' : `${asked} times`}`;
  const next = nextRequestMs === undefined || mac !== '' ? '' : `, asks again in ${Math.ceil(nextRequestMs / 1000)} s`;
  return `neighbor ${state === 'none' ? 'not known' : state}${by}${mac}${requests}${next}`;
}

/** A node, indented by its depth. */
export function nodeText(node: WhyNode): string {
  const others = node.others === undefined ? '' : ` (and the same for other ports: ${node.others.join(' ')})`;
  return `${'  '.repeat(node.depth)}${node.token} ${node.type}: ${node.purpose}${others}`;
}

/** The page of `fpm2afi trace`. */
export function traceText(view: TraceView): string {
  return [
    `${view.packet}, in by port ${view.input.port} (${view.input.tap})${inTable(view.input)}`,
    ...['', ...stepLines(view.steps), ''],
    ...[outcomeText(view.outcome), ...engineLines(view.engine), ''],
  ].join('\n');
}
