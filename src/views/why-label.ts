/**
 * The story of one label: what zebra's LSP does, what its nexthops resolve to, the nodes made for it, what was acknowledged, and
 * where it stops. zebra reads no status for LSPs, so there is none to tell of.
 */
import { LABEL_TABLE } from '../afi/label-graph';
import type { WhyLabelView } from '../control/explain-types';
import type { LspView } from '../control/types';
import { FIRST_UNRESERVED_LABEL } from '../fib/label-actions';
import type { Lsp } from '../fib/lsps';
import { TARGET_UNKNOWN } from '../fib/route-table';
import { diagnose } from './diagnosis';
import { TRAP_TEXT } from './routes';
import { unusedPaths } from './why';
import { allPaths, chainOf, optional, wayText, whyNexthop, type WhyContext, type WhyOptions } from './why-parts';
import { isoTime } from '../observe/moment';

/** What the reserved labels mean to this router; those that aren't here are dropped. */
const RESERVED: ReadonlyMap<number, string> = new Map([
  [0, 'IPv4 explicit null: taken off, and the packet behind it looked up in the default VRF'],
  [1, 'router alert: goes to the host'],
  [2, 'IPv6 explicit null: taken off, and the packet behind it looked up in the default VRF'],
  [3, 'implicit null: never on the wire; such packets are dropped'],
  [7, 'entropy label indicator: never on top; such packets are dropped'],
]);

/** Answers a query; `view` is the LSP as `show lsps` has it, where zebra has one. */
export function whyLabelView(
  options: WhyOptions,
  label: number,
  view: LspView | undefined,
  context: WhyContext,
): WhyLabelView {
  const lsp = options.fib.lsps.get(label);
  const programmed = lsp?.programmed ?? 0;
  const group = lsp?.wanted;
  const reserved = label < FIRST_UNRESERVED_LABEL ? (RESERVED.get(label) ?? 'reserved: dropped') : undefined;
  const at = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : isoTime(ms));
  return {
    label,
    time: isoTime(performance.now()),
    ...optional('lsp', view),
    ...optional('reserved', reserved),
    programmed: programmed !== 0,
    ...optional('received', lsp?.zebra === undefined ? undefined : at(lsp.receivedAt)),
    ...optional('acknowledged', programmed === 0 ? undefined : at(lsp?.acknowledgedAt)),
    ...optional('nexthop', group && whyNexthop(options, group)),
    chain: chain(options, programmed, context),
    result: reserved ?? resultOf(options, programmed, context),
    ...optional('stops', stopOf(options, label, lsp, context)),
    notes: group?.intent.kind === 'forward' ? unusedPaths(options, group) : [],
  };
}

function chain(options: WhyOptions, programmed: number, context: WhyContext): WhyLabelView['chain'] {
  if (programmed === 0 || programmed === TARGET_UNKNOWN) return [];
  const uses = new Map([...options.programmer.tables.tokens()].map((use) => [use.token, use]));
  return chainOf(options, { container: LABEL_TABLE, groupId: programmed }, uses, context);
}

function resultOf(options: WhyOptions, programmed: number, context: WhyContext): string {
  const { known } = context;
  if (known !== undefined) {
    const before = `the vASIC ${known.why} since ${known.since.toISOString()}; when it was asked last: `;
    return before + resultOf(options, programmed, { ...context, known: undefined });
  }
  if (programmed === 0) return 'the vASIC knows no such label: it drops such packets and counts them';
  if (programmed === TARGET_UNKNOWN)
    return 'the vASIC has an entry of an earlier life of this bridge; it is written again';
  const acked = options.fib.rows.nexthops.get(programmed)?.acked;
  switch (acked?.kind) {
    case 'forward':
      return `the vASIC forwards them: ${acked.paths.map((path) => wayText(options.fib, path)).join('; ')}`;
    case 'lookup':
      return `the vASIC takes the label off and looks them up in table ${acked.table}`;
    case 'drop':
      return 'the vASIC discards them';
    case 'punt':
      return `the vASIC hands them to the host, with their labels: ${TRAP_TEXT[acked.reason]}`;
    case undefined:
      return 'written, or waiting to be, and not acknowledged';
  }
}

function stopOf(options: WhyOptions, label: number, lsp: Lsp | undefined, context: WhyContext): WhyLabelView['stops'] {
  const { fib, programmer, kernelNeighbors } = options;
  const state = lsp && fib.lsps.stateOf(lsp);
  if (label < FIRST_UNRESERVED_LABEL)
    return state === undefined ? undefined : { at: 'rule', why: fib.lsps.failureOf(lsp!)! };
  if (lsp === undefined || state === undefined) {
    const remedy = 'in vtysh: "show mpls table"; LSPs come over FPM only where "show mpls status" says enabled';
    return { at: 'zebra', why: 'zebra has sent no LSP for it', remedy };
  }
  const { wanted } = lsp;
  const legs = wanted === undefined ? [] : allPaths(options, wanted);
  return diagnose({
    ...{ state, failure: fib.lsps.failureOf(lsp), isForwarded: true, ...context, kernelNeighbors, legs },
    table:
      legs.map(({ ifindex }) => fib.interfaces.lookupTable(ifindex)).find((one) => one !== undefined) ??
      fib.vrfs.defaultTable,
    inFlight: programmer.operationsInFlight,
    trap: wanted?.intent.kind === 'punt' ? wanted.intent.reason : undefined,
    detail: wanted?.content.kind === 'fixed' ? wanted.content.detail : undefined,
    nexthopId: undefined,
  });
}
