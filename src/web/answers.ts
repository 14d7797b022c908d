/** What the page asks for beside its files: questions to the control API, made into what is shown. */
import { ControlError, listPath, requestObject } from '../control/client';
import { LAYOUTS } from '../control/show';
import type { Column, Row } from '../control/table';
import type { RouteView } from '../control/types';

/** Routes shown at a time. */
const MOST_ROUTES = 200;

/** Routes as a table; a row may have several lines. */
export interface RoutesAnswer {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** There are more than these. */
  readonly more: boolean;
}

/** Answers with an object, or rejects with a ControlError that has the daemon's status. */
export type Answer = (socket: string, query: URLSearchParams) => Promise<object>;

export const ANSWERS: ReadonlyMap<string, Answer> = new Map([['routes', routes]]);

async function routes(socket: string, query: URLSearchParams): Promise<RoutesAnswer> {
  // One more than is shown tells whether there are more.
  const path = listPath('routes', { ...Object.fromEntries(query), limit: MOST_ROUTES + 1 });
  const found = (await requestObject(socket, path)) as readonly RouteView[];
  const { columns, row } = LAYOUTS.routes;
  return { columns, rows: found.slice(0, MOST_ROUTES).map(row), more: found.length > MOST_ROUTES };
}

/** The HTTP status for a question that failed: the daemon's own, or that it isn't there. */
export function statusOf(error: unknown): number {
  if (!(error instanceof ControlError)) return 500;
  return error.status ?? (error.absent === undefined ? 502 : 503);
}
