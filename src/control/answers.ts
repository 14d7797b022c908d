/**
 * Every answer of the control API by the name of its path, `/v1/<name>`: what the programs of others read, here and by `--json`. Its JSON
 * Schemas in schemas/v1 are made of these types by scripts/make-schemas.mjs (`npm run schemas`), their descriptions of the comments.
 */
import type { AuditView } from './audit-types';
import type { TraceView, WhyAnswer } from './explain-types';
import type { GraphView } from './graph-types';
import type { MonitorEvent } from './monitor-types';
import type { DebugView, ReloadView, StatusView } from './status-types';
import type { TopView } from './top-model';
import type { ListName, ListViews, RouteSummaryView } from './types';

/** What is answered whole, and asked for by GET. */
export const WHOLE = ['status', 'summary', 'why', 'trace', 'graph', 'audit', 'debug'] as const;
export type WholeName = (typeof WHOLE)[number];

/** What each of these is. */
export interface WholeViews {
  readonly status: StatusView;
  readonly summary: RouteSummaryView;
  readonly why: WhyAnswer;
  readonly trace: TraceView;
  readonly graph: GraphView;
  readonly audit: AuditView;
  readonly debug: readonly DebugView[];
}

/** All of them. With `?stream=1`, and by `--jsonl`, a list is one item a line. */
export type Answers = WholeViews & {
  readonly [List in ListName]: readonly ListViews[List][];
} & {
  /** One line; there is no end of them. */
  readonly monitor: MonitorEvent;
  /** One line of `fpm2afi top`, which makes it of several answers; there is no such path. */
  readonly top: TopView;
  /** Of POST. */
  readonly reload: ReloadView;
};
