/** What the text of a view says while the vASIC can't be asked. */
import { LAYOUTS, statusText } from '../../../src/control/show';
import { NEXTHOPS, ROUTES, STATUS } from './backend';

const SINCE = '2026-01-02T11:59:00.000Z';
const NOTE = `last known: the vASIC can't be asked since ${SINCE}`;

test('a route and a nexthop note that their state is what was known last', () => {
  const [route, nexthop] = [ROUTES[0]!, NEXTHOPS[0]!];
  expect(LAYOUTS.routes.row(route).flat().join('|')).not.toContain('last known');
  expect(
    LAYOUTS.routes
      .row({ ...route, lastKnown: SINCE })
      .flat()
      .join('|'),
  ).toContain(NOTE);
  expect(
    LAYOUTS.nexthops
      .row({ ...nexthop, lastKnown: SINCE })
      .flat()
      .join('|'),
  ).toContain(NOTE);
});

test('so does the status page, where it counts routes', () => {
  expect(statusText(STATUS)).not.toContain('last known');
  expect(statusText({ ...STATUS, afi: { ...STATUS.afi, lastKnown: SINCE } })).toMatch(/offloaded, .*\n +last known/);
});
