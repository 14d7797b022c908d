/** zebra's LSPs as the control API shows them: what becomes of each label, and what the vASIC made of it. */
import type { NodeInfo, Token } from '../aft/model';
import type { LspView } from '../control/types';
import type { Fib } from '../fib/fib';
import { describeLabelAction, lspActionOf } from '../fib/label-actions';
import type { Lsp } from '../fib/lsps';
import type { NexthopPath } from '../fib/updates';
import { stackText } from '../net/labels';
import { protocolName } from '../net/protocol';
import { TRAP_TEXT } from './routes';
import { describeUnsupported, pathView } from './unsupported';

/** What is asked of the vASIC and of those who program it. */
export interface LspSources {
  readonly fib: Fib;
  /** The tokens of a nexthop group's nodes, the one that entries point at first; none where the vASIC has none. */
  readonly tokensOf: (group: number) => readonly Token[];
  /** The nodes that count what passes a group's paths. */
  readonly countersOf: (group: number) => readonly Token[];
  /** Counters of nodes; none where the vASIC can't be asked. */
  readonly nodeInfo: (tokens: readonly Token[]) => Promise<readonly NodeInfo[]>;
}

/** So many are asked about together. */
const PORTION = 500;

/** Every LSP of zebra, in the order of labels. */
export async function* lspViews(sources: LspSources): AsyncGenerator<LspView> {
  const { fib } = sources;
  const labels = [...fib.lsps.all()].flatMap(({ zebra, label }) => (zebra === undefined ? [] : [label]));
  labels.sort((a, b) => a - b);
  for (let at = 0; at < labels.length; at += PORTION) {
    const lsps = labels.slice(at, at + PORTION).flatMap((label) => fib.lsps.get(label) ?? []);
    const counted = await countedBy(sources, lsps);
    for (const lsp of lsps) {
      const view = lspView(sources, lsp, counted);
      if (view !== undefined) yield view;
    }
  }
}

/** One LSP with its counters; undefined: zebra wants none. */
export async function lspNow(sources: LspSources, label: number): Promise<LspView | undefined> {
  const lsp = sources.fib.lsps.get(label);
  return lsp && lspView(sources, lsp, await countedBy(sources, [lsp]));
}

/** What the nodes counted that these LSPs pass; nothing of those that the vASIC hasn't. */
async function countedBy(sources: LspSources, lsps: readonly Lsp[]): Promise<ReadonlyMap<Token, NodeInfo>> {
  const tokens = new Set(lsps.flatMap((lsp) => countersOf(sources, lsp)));
  const infos = tokens.size === 0 ? [] : await sources.nodeInfo([...tokens]);
  return new Map(infos.filter((info) => info.found && info.counted).map((info) => [info.token, info]));
}

function countersOf({ countersOf: counters }: LspSources, { wanted }: Lsp): readonly Token[] {
  return wanted === undefined ? [] : counters(wanted.id);
}

/** One LSP as it is shown, with what its nodes counted; undefined: zebra wants none. */
function lspView(sources: LspSources, lsp: Lsp, counted: ReadonlyMap<Token, NodeInfo>): LspView | undefined {
  const { fib, tokensOf } = sources;
  const { zebra, label, wanted } = lsp;
  const state = fib.lsps.stateOf(lsp);
  if (zebra === undefined || state === undefined) return undefined;
  const reason = reasonOf(lsp, fib);
  const counters = countersOf(sources, lsp);
  const tokens = wanted === undefined ? [] : [...tokensOf(wanted.id), ...counters];
  const infos = counters.flatMap((token) => counted.get(token) ?? []);
  const sum = (value: (info: NodeInfo) => number): number => infos.reduce((total, info) => total + value(info), 0);
  return {
    label,
    protocol: protocolName(zebra.protocol),
    legs: zebra.paths.map((path) => ({ ...pathView(fib, path, path.weight), ...workOf(fib, path) })),
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(infos.length === 0 ? {} : { packets: sum(({ packets }) => packets), bytes: sum(({ bytes }) => bytes) }),
    ...(tokens.length === 0 ? {} : { tokens }),
    ...(fib.lsps.isStale(lsp) ? { stale: true } : {}),
  };
}

/** What its path does to labels, in words; one that looks the packet up behind them needs no neighbor. */
function workOf(
  fib: Fib,
  path: NexthopPath,
): Pick<LspView['legs'][number], 'operation' | 'outbound'> & { state?: 'ready' } {
  const { gateway, ifindex, outLabels = [] } = path;
  const table = gateway === undefined ? fib.interfaces.lookupTable(ifindex) : undefined;
  const action = lspActionOf(outLabels);
  if (table !== undefined && action.op === 'pop')
    return { operation: `pop, table ${table}`, outbound: '-', ...(fib.vrfs.has(table) ? { state: 'ready' } : {}) };
  const outbound = action.op === 'pop' ? 'implicit-null' : stackText(action.labels);
  return { operation: describeLabelAction(action), outbound };
}

function reasonOf(lsp: Lsp, fib: Fib): string | undefined {
  const failure = fib.lsps.failureOf(lsp);
  if (failure !== undefined) return failure;
  const { wanted } = lsp;
  if (wanted?.intent.kind !== 'punt') return undefined;
  return describeUnsupported(wanted) ?? TRAP_TEXT[wanted.intent.reason];
}
