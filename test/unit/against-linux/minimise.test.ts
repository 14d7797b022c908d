import { minimise } from '../../against-linux/minimise';
import type { Event } from '../../against-linux/events';

const event = (kind: Event['kind']): Event => ({ kind, actions: [] });
const LATER = performance.now() + 60_000;

describe('minimise', () => {
  const a = event('port-mac');
  const b = event('link-admin');
  const others = Array.from({ length: 9 }, () => event('host-goes'));
  const events = [...others.slice(0, 3), a, ...others.slice(3, 7), b, ...others.slice(7)];

  it('leaves only the events that it takes', async () => {
    const fails = (list: readonly Event[]): Promise<boolean> => Promise.resolve(list.includes(a) && list.includes(b));
    const found = await minimise(events, fails, LATER);
    expect(found).toMatchObject({ events: [a, b], reproduced: true, complete: true });
  });

  it('leaves none where none is needed', async () => {
    const found = await minimise(events, () => Promise.resolve(true), LATER);
    expect(found).toEqual({ events: [], reproduced: true, attempts: 1, complete: true });
  });

  it('says so when it does not come again', async () => {
    const found = await minimise(events, () => Promise.resolve(false), LATER);
    expect(found).toMatchObject({ events, reproduced: false });
  });

  it('gives the shortest list so far when time is over', async () => {
    const fails = (list: readonly Event[]): Promise<boolean> => Promise.resolve(list.includes(a) && list.includes(b));
    const found = await minimise(events, fails, 0);
    expect(found).toMatchObject({ events, reproduced: true, complete: false });
  });
});
