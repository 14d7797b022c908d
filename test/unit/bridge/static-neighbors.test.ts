import { staticNeighbors } from '../../../src/bridge/static-neighbors';
import type { KernelUpdate } from '../../../src/fib/updates';

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const ADDRESS = Uint8Array.of(10, 1, 1, 2);
const ENTRIES = [
  { tap: 'tap1', address: ADDRESS, mac: MAC },
  { tap: 'tap2', address: Uint8Array.of(10, 1, 2, 2), mac: MAC },
  { tap: 'tap1', address: Uint8Array.of(10, 1, 1, 3), mac: MAC },
];
const link = (name: string, present: boolean): KernelUpdate => ({
  kind: 'link',
  ifindex: 7,
  name,
  present,
  up: true,
  master: 0,
});

test('a TAP that appears brings its neighbors, with its present index', () => {
  const updates = staticNeighbors(ENTRIES, link('tap1', true));
  expect(updates).toHaveLength(2);
  expect(updates[0]).toEqual({
    kind: 'neighborAdd',
    source: 'static',
    ifindex: 7,
    address: ADDRESS,
    mac: MAC,
    state: 'permanent',
  });
  expect(updates[1]).toMatchObject({ address: Uint8Array.of(10, 1, 1, 3) });
});

test('no neighbors of others, of a TAP that goes, or of other news', () => {
  expect(staticNeighbors(ENTRIES, link('eth0', true))).toEqual([]);
  expect(staticNeighbors(ENTRIES, link('tap1', false))).toEqual([]);
  const news: KernelUpdate = { kind: 'neighborDelete', source: 'kernel', ifindex: 7, address: ADDRESS };
  expect(staticNeighbors(ENTRIES, news)).toEqual([]);
});
