import { StaticNeighbors } from '../../../src/bridge/static-neighbors';
import type { KernelUpdate, LinkChange, NeighborUpdate } from '../../../src/fib/updates';
import { formatAddress, formatMac, parseAddress, parseMac } from '../../../src/net/address';
import { Bed, ifindexOf } from '../../bed/bed';

const MAC = '02:00:00:00:00:01';
const OTHER = '02:00:00:00:00:02';
const entry = (tap: string, address: string, mac = MAC) => ({
  ...{ tap, address: parseAddress(address)!, mac: parseMac(mac)! },
});
const ENTRIES = [entry('tap1', '10.1.1.2'), entry('tap2', '10.1.2.2'), entry('tap1', '10.1.1.3')];
const link = (name: string, present: boolean, ifindex = 7): LinkChange => ({
  ...{ kind: 'link', ifindex, name, present, up: true, master: 0 },
});

const show = (updates: readonly NeighborUpdate[]): string[] =>
  updates.map((update) => {
    const name = `${update.ifindex} ${formatAddress(update.address)}`;
    return update.kind === 'neighborAdd' ? `+${name} ${formatMac(update.mac!)}` : `-${name}`;
  });

test('a TAP that appears brings its neighbors, with its present index, and those that there are already once', () => {
  const neighbors = new StaticNeighbors(ENTRIES);
  const updates = neighbors.follow(link('tap1', true));
  expect(show(updates)).toEqual([`+7 10.1.1.2 ${MAC}`, `+7 10.1.1.3 ${MAC}`]);
  expect(updates[0]).toMatchObject({ source: 'static', state: 'permanent' });
  expect(neighbors.follow({ ...link('tap1', true), up: false })).toEqual([]);
});

test('no neighbors of others, or of other news', () => {
  const neighbors = new StaticNeighbors(ENTRIES);
  expect(neighbors.follow(link('eth0', true))).toEqual([]);
  expect(neighbors.follow(link('tap1', false))).toEqual([]);
  const news: KernelUpdate = { kind: 'neighborDelete', source: 'kernel', ifindex: 7, address: ENTRIES[0]!.address };
  expect(neighbors.follow(news)).toEqual([]);
});

test('a TAP that goes takes them along', () => {
  const neighbors = new StaticNeighbors(ENTRIES);
  neighbors.follow(link('tap1', true));
  expect(show(neighbors.follow(link('tap1', false)))).toEqual(['-7 10.1.1.2', '-7 10.1.1.3']);
  expect(neighbors.follow(link('tap1', false))).toEqual([]);
  expect(show(neighbors.follow(link('tap1', true, 8)))).toEqual([`+8 10.1.1.2 ${MAC}`, `+8 10.1.1.3 ${MAC}`]);
});

test('one that gets another name has the neighbors of that', () => {
  const neighbors = new StaticNeighbors(ENTRIES);
  neighbors.follow(link('tap1', true));
  expect(show(neighbors.follow(link('tap2', true)))).toEqual(['-7 10.1.1.2', '-7 10.1.1.3', `+7 10.1.2.2 ${MAC}`]);
  expect(show(neighbors.follow(link('eth0', true)))).toEqual(['-7 10.1.2.2']);
});

test('another configuration: what is gone, what has another address, what is new; what stays is not told again', () => {
  const neighbors = new StaticNeighbors([...ENTRIES, entry('tap1', '10.1.1.4')]);
  neighbors.follow(link('tap1', true));
  const after = [entry('tap1', '10.1.1.2'), entry('tap1', '10.1.1.3', OTHER), entry('tap1', '10.1.1.5')];
  expect(show(neighbors.reload(after, [link('tap1', true)]))).toEqual([
    ...['-7 10.1.1.4', `+7 10.1.1.3 ${OTHER}`, `+7 10.1.1.5 ${MAC}`],
  ]);
});

test('an entry that is taken out while its TAP has another name is out when it has its name again', () => {
  const neighbors = new StaticNeighbors(ENTRIES);
  for (const name of ['tap1', 'eth0']) neighbors.follow(link(name, true));
  expect(neighbors.reload([], [])).toEqual([]);
  expect(neighbors.follow(link('tap1', true))).toEqual([]);
});

test('however often a TAP is made anew, nothing is left of it', async () => {
  const bed = await new Bed().up();
  const neighbors = new StaticNeighbors([entry('tap1', '10.1.1.2')]);
  const follow = (update: LinkChange): void => {
    bed.fib.applyKernel(update);
    for (const neighbor of neighbors.follow(update)) bed.fib.applyKernel(neighbor);
  };
  follow(link('tap1', false, ifindexOf(1)));
  for (let ifindex = 100; ifindex < 110; ifindex++) {
    follow(link('tap1', true, ifindex));
    expect(bed.fib.neighbors.size).toBe(1);
    follow(link('tap1', false, ifindex));
  }
  expect(bed.fib.neighbors.size).toBe(0);
});
