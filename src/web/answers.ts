/** What the page asks for beside its files: questions to the control API, made into what is shown. */
import { ControlError, listPath, requestObject } from '../control/client';
import { traceText, whyText } from '../control/explain';
import { whyLabelText } from '../control/explain-label';
import type { TraceView, WhyAnswer } from '../control/explain-types';
import { graphSvg } from '../control/graph-text';
import { chainGraph, chainOf, traceGraph, type PathGraph } from '../control/path-graph';
import { LAYOUTS } from '../control/show';
import type { Column, Row } from '../control/table';
import type { RouteView } from '../control/types';

/** Routes shown at a time. */
const MOST_ROUTES = 200;

/** Routes as a table. */
export interface RoutesAnswer {
  readonly columns: readonly Column[];
  /** A row may have several lines; `why` is the question for its story. */
  readonly rows: readonly { readonly lines: Row; readonly why: Readonly<Record<string, string>> }[];
  /** There are more than these. */
  readonly more: boolean;
}

/** A story as the command line tells it, and a picture (SVG) of the nodes in it; absent: the vASIC has none. */
export interface StoryAnswer {
  readonly text: string;
  readonly picture?: string;
}

/** Answers with an object, or rejects with a ControlError that has the daemon's status. */
export type Answer = (socket: string, query: URLSearchParams) => Promise<object>;

export const ANSWERS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['routes', routes],
  ['why', why],
  ['trace', trace],
]);

async function routes(socket: string, query: URLSearchParams): Promise<RoutesAnswer> {
  // One more than is shown tells whether there are more.
  const path = listPath('routes', { ...Object.fromEntries(query), limit: MOST_ROUTES + 1 });
  const found = (await requestObject(socket, path)) as readonly RouteView[];
  const { columns, row } = LAYOUTS.routes;
  const rows = found.slice(0, MOST_ROUTES).map((route) => {
    const table: Record<string, string> = route.vrfId === undefined ? { table: String(route.table) } : {};
    return { lines: row(route), why: { where: route.prefix, ...table } };
  });
  return { columns, rows, more: found.length > MOST_ROUTES };
}

async function askWhy(socket: string, query: URLSearchParams): Promise<WhyAnswer> {
  return (await requestObject(socket, `/v1/why?${query.toString()}`)) as WhyAnswer;
}

async function why(socket: string, query: URLSearchParams): Promise<StoryAnswer> {
  const answer = await askWhy(socket, query);
  const text = 'label' in answer ? whyLabelText(answer) : whyText(answer);
  return { text, ...pictureOf(chainGraph(chainOf(answer))) };
}

async function trace(socket: string, query: URLSearchParams): Promise<StoryAnswer> {
  const view = (await requestObject(socket, `/v1/trace?${query.toString()}`)) as TraceView;
  const [label] = query.get('labels')?.split('/') ?? [];
  const where = {
    where: label ?? query.get('dst') ?? '',
    ...(label === undefined && { table: String(view.input.table) }),
  };
  // What the packet could have passed is there for the picture only.
  const chain = await askWhy(socket, new URLSearchParams(where)).then(chainOf, () => []);
  return { text: traceText(view), ...pictureOf(traceGraph(view, chain)) };
}

function pictureOf({ graph, path }: PathGraph): Pick<StoryAnswer, 'picture'> {
  return graph.nodes.length === 0 ? {} : { picture: graphSvg(graph, { path, down: true }) };
}

/** The HTTP status for a question that failed: the daemon's own, or that it isn't there. */
export function statusOf(error: unknown): number {
  if (!(error instanceof ControlError)) return 500;
  return error.status ?? (error.absent === undefined ? 502 : 503);
}
