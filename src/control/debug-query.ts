/** What `fpm2afi debug` asks the daemon for. */
import { RequestError } from './filter';
import type { DebugQuery } from './status-types';

/** The query of the control API: `component=fpm&on=true`. @throws RequestError */
export function parseDebug(query: URLSearchParams): DebugQuery {
  const component = query.get('component');
  const on = query.get('on');
  if (component === null || component === '') throw new RequestError(400, 'component: which one?');
  if (on !== 'true' && on !== 'false') throw new RequestError(400, `on: ${String(on)} is neither true nor false`);
  return { component, on: on === 'true' };
}
