/** The kernel's tables compared with the FIB: each kind of thing missing, surplus, different. */
import { auditKernel, compareKernel } from '../../../src/audit/kernel';
import { Findings } from '../../../src/audit/findings';
import type { KernelMessage } from '../../../src/kernel/decode';
import { parseAddress, parseMac } from '../../../src/net/address';
import { Bed, ifindexOf } from '../../bed/bed';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' };
const TAPS = ['tap0', 'tap1', 'tap2', 'tap3'];

const link = (port: number, up = true): KernelMessage => ({
  ...{ kind: 'link', present: true, ifindex: ifindexOf(port), name: `tap${port}`, up, master: 0 },
});
const address = (port: number, text: string): KernelMessage => {
  const [bytes, length] = text.split('/');
  const base = { ifindex: ifindexOf(port), address: parseAddress(bytes!)!, length: Number(length) };
  return { kind: 'address', present: true, ...base };
};
const neighbor = (
  port: number,
  text: string,
  mac: string,
  state: 'reachable' | 'stale' | 'failed' = 'reachable',
): KernelMessage => {
  const base = { ifindex: ifindexOf(port), address: parseAddress(text)!, mac: parseMac(mac)! };
  return { kind: 'neighbor', present: true, ...base, state };
};
const LINKS = [0, 1, 2, 3].map((port) => link(port));

async function bedOfNeighbors(): Promise<Bed> {
  const bed = await new Bed().up();
  return bed.address(1, '10.0.1.1/24').neighbor(1, '10.0.1.2', MAC.a).neighbor(1, '10.0.1.3', MAC.b).settle();
}
const SAME = [...LINKS, address(1, '10.0.1.1/24'), neighbor(1, '10.0.1.2', MAC.a), neighbor(1, '10.0.1.3', MAC.b)];

const differences = (bed: Bed, messages: readonly KernelMessage[]): string[] =>
  [...compareKernel({ fib: bed.fib, taps: TAPS, neighbors: true }, messages).differences.values()].map(
    ({ kind, what }) => `${kind} ${what}`,
  );

test('the same is no difference, nor is a state that changes nothing', async () => {
  const bed = await bedOfNeighbors();
  const other: KernelMessage = { ...neighbor(1, '10.0.9.9', MAC.a), ifindex: 99 };
  expect(differences(bed, [...SAME, other])).toEqual([]);
  expect(differences(bed, [...SAME.slice(0, -1), neighbor(1, '10.0.1.3', MAC.b, 'stale')])).toEqual([]);
});

test('links, addresses, neighbors', async () => {
  const bed = await bedOfNeighbors();
  const kernel = [
    ...[link(0, false), link(1), link(2)],
    ...[address(1, '10.0.1.1/25'), neighbor(1, '10.0.1.2', MAC.b), neighbor(1, '10.0.1.4', MAC.a)],
  ];
  expect(differences(bed, kernel).sort()).toEqual([
    'differs neighbor 10.0.1.2 on tap1',
    'differs tap0',
    'missing address 10.0.1.1/25 on tap1',
    'missing neighbor 10.0.1.4 on tap1',
    'surplus address 10.0.1.1/24 on tap1',
    'surplus neighbor 10.0.1.3 on tap1',
    'surplus tap3',
  ]);
  expect(differences(bed, [...SAME.slice(0, -1), neighbor(1, '10.0.1.3', MAC.b, 'failed')])).toEqual([
    'differs neighbor 10.0.1.3 on tap1',
  ]);
});

test('an address with two peers is two', async () => {
  const bed = await new Bed().up();
  const own = (peer: string): { ifindex: number; address: Uint8Array; length: number; peer: Uint8Array } => ({
    ...{ ifindex: ifindexOf(1), address: parseAddress('10.0.1.1')!, length: 32, peer: parseAddress(peer)! },
  });
  bed.fib.applyKernel({ kind: 'addressAdd', ...own('10.0.1.2') });
  const both = ['10.0.1.2', '10.0.1.3'].map((peer): KernelMessage => ({
    kind: 'address',
    present: true,
    ...own(peer),
  }));
  expect(differences(bed, [...LINKS, ...both])).toEqual(['missing address 10.0.1.1/32 peer 10.0.1.3 on tap1']);
});

test('only what is still so after a pause is a difference', async () => {
  const bed = await bedOfNeighbors();
  const parts = {
    fib: bed.fib,
    taps: TAPS,
    neighbors: true,
    dump: () => Promise.resolve([...SAME, neighbor(2, '10.0.2.2', MAC.a)]),
  };
  const passing = new Findings('kernel');
  await auditKernel({ ...parts, pause: () => Promise.resolve(void bed.neighbor(2, '10.0.2.2', MAC.a)) }, passing);
  expect([passing.total, passing.compared]).toEqual([0, 8]);
  bed.neighborGone(2, '10.0.2.2');
  const lasting = new Findings('kernel');
  await auditKernel({ ...parts, pause: () => Promise.resolve() }, lasting);
  expect(lasting.total).toBe(1);
});
