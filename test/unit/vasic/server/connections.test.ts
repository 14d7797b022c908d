/** How many connections and calls an AFI server has at a time, and who gets a place. */
import { Connections, MAX_CALLS, MAX_CONNECTIONS } from '../../../../src/vasic/server/connections';

/** So many connections, c0 and on; those that were ended are noted, and leave. */
function crowded(count: number) {
  const connections = new Connections();
  const ended: string[] = [];
  const come = (name: string): boolean =>
    connections.admit(name, () => {
      ended.push(name);
      connections.left(name);
    });
  for (let i = 0; i < count; i++) expect(come(`c${i}`)).toBe(true);
  return { connections, ended, come };
}

test('a newcomer gets the place of the oldest connection that has no call open', () => {
  const { connections, ended, come } = crowded(MAX_CONNECTIONS);
  expect(connections.began('c0')).toBe(true);
  expect(come('new')).toBe(true);
  expect(ended).toEqual(['c1']);
  expect(connections.size).toBe(MAX_CONNECTIONS);
});

test('whose call is over is idle again; with a call open each, there is no place', () => {
  const { connections, ended, come } = crowded(MAX_CONNECTIONS);
  for (let i = 0; i < MAX_CALLS; i++) expect(connections.began(`c${i}`)).toBe(true);
  // No more calls than so many, whoever asks.
  expect(connections.began(`c${MAX_CALLS}`)).toBe(false);
  connections.over('c0');
  expect(come('new')).toBe(true);
  expect(ended).toEqual(['c0']);
  expect(connections.began('new')).toBe(true);
});

test('those that leave make room', () => {
  const { connections, ended, come } = crowded(MAX_CONNECTIONS);
  connections.left('c5');
  expect(connections.size).toBe(MAX_CONNECTIONS - 1);
  expect(come('new')).toBe(true);
  expect(ended).toEqual([]);
});
