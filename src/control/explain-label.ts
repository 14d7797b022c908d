/** How the answer of `why LABEL` looks as text. Pure functions. */
import { format, nexthopLines, nodeText, outcomeLines, when, type Line } from './explain';
import type { WhyLabelView } from './explain-types';

/** The page of `fpm2afi why LABEL`. */
export function whyLabelText(view: WhyLabelView): string {
  const { label, lsp, reserved, programmed, nexthop, chain, time } = view;
  const lines: Line[] = [];
  if (reserved !== undefined) lines.push(['reserved', reserved]);
  if (lsp !== undefined) {
    lines.push(['zebra', `${lsp.protocol}${lsp.stale === true ? ', not confirmed since zebra connected' : ''}`]);
    for (const leg of lsp.legs) {
      const gateway = leg.gateway === undefined ? '' : `via ${leg.gateway}, `;
      lines.push(['', `${leg.operation}: ${gateway}${leg.interface}`]);
    }
    lines.push(['', `received ${when(view.received, time)}`]);
  }
  if (nexthop !== undefined) lines.push(...nexthopLines(nexthop, 0, time));
  if (programmed) {
    lines.push(['vASIC', `entry acknowledged ${when(view.acknowledged, time)}`]);
    for (const node of chain) lines.push(['', nodeText(node)]);
  } else lines.push(['vASIC', 'no entry']);
  if (lsp?.packets !== undefined) {
    lines.push(['counted', `${lsp.packets} packets, ${lsp.bytes ?? 0} bytes, by all LSPs that do the same`]);
  }
  lines.push(...outcomeLines(view));
  const state = lsp?.state ?? (reserved === undefined ? 'no LSP' : 'reserved');
  return [`label ${label}: ${state}`, '', ...lines.map(format), ''].join('\n');
}
