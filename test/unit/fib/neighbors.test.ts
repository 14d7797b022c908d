import { isUsable, NeighborTable } from '../../../src/fib/neighbors';
import type { NeighborAdd, NeighborSource, NeighborState } from '../../../src/fib/updates';

const ADDRESS = Uint8Array.of(10, 0, 0, 2);
const mac = (last: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 0, last);
const add = (source: NeighborSource, last: number | undefined, state: NeighborState = 'reachable'): NeighborAdd => ({
  kind: 'neighborAdd',
  source,
  ifindex: 3,
  address: ADDRESS,
  state,
  ...(last === undefined ? {} : { mac: mac(last) }),
});

describe('NeighborTable', () => {
  test('static goes before FPM, FPM before the kernel', () => {
    const table = new NeighborTable();
    expect(table.add(add('kernel', 1))?.mac).toEqual(mac(1));
    expect(table.add(add('fpm', 2))?.mac).toEqual(mac(2));
    expect(table.add(add('kernel', 3))).toBeUndefined();
    expect(table.add(add('static', 4, 'permanent'))?.mac).toEqual(mac(4));
    expect(table.remove('static', 3, ADDRESS)?.mac).toEqual(mac(2));
    expect(table.remove('fpm', 3, ADDRESS)?.mac).toEqual(mac(3));
    expect(table.remove('kernel', 3, ADDRESS)?.mac).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test('a source that has no usable word gives way to one that has', () => {
    const table = new NeighborTable();
    table.add(add('fpm', undefined, 'failed'));
    expect(table.add(add('kernel', 1))).toMatchObject({ mac: mac(1), source: 'kernel', state: 'reachable' });
  });

  test('a MAC of a group is no usable word, whoever says it', () => {
    const table = new NeighborTable();
    for (const source of ['static', 'fpm'] as const) {
      expect(table.add({ ...add(source, 1), mac: Uint8Array.of(1, 0, 0x5e, 0, 0, 5) })).toBeUndefined();
    }
    expect(table.add(add('kernel', 2))).toMatchObject({ mac: mac(2), source: 'kernel' });
    expect(table.add({ ...add('kernel', 2), mac: Uint8Array.of(255, 255, 255, 255, 255, 255) })?.mac).toBeUndefined();
  });

  test('only what changes the hardware address to use is a change', () => {
    const table = new NeighborTable();
    table.add(add('kernel', 1));
    expect(table.add(add('kernel', 1, 'stale'))).toBeUndefined();
    expect(table.find(3, ADDRESS)?.state).toBe('stale');
    expect(table.add(add('kernel', 2, 'stale'))?.mac).toEqual(mac(2));
    expect(table.add(add('kernel', 2, 'failed'))?.mac).toBeUndefined();
  });

  test('keeps its own copy of what it is told', () => {
    const table = new NeighborTable();
    const address = Uint8Array.from(ADDRESS);
    const update = { ...add('kernel', 1), address };
    table.add(update);
    address[3] = 9;
    update.mac![5] = 9;
    expect(table.find(3, ADDRESS)).toMatchObject({ address: ADDRESS, mac: mac(1) });
  });

  test.each([
    ['reachable', true],
    ['stale', true],
    ['delay', true],
    ['probe', true],
    ['permanent', true],
    ['noarp', true],
    ['incomplete', false],
    ['failed', false],
    ['none', false],
  ] as const)('%s is usable: %s', (state, usable) => {
    expect(isUsable(state)).toBe(usable);
  });
});
