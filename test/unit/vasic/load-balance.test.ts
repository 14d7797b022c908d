/** Load balancing: flows stay together, spread evenly, and move only when their own path goes. */
import { AftField } from '../../../src/aft/model';
import type { AftNode } from '../../../src/aft/model';
import { entry, ether, ip4, ip4Frame, ip6, tcp, testbed, udp } from './testbed';
import type { Testbed } from './testbed';

const BALANCER = 4000;
const path = (i: number): number => 4001 + i;

/** A balancer with room for `max`, the paths given, each a receive node whose code is its number. */
function balancer(max: number, paths: number[], fields: AftField[] = []): Testbed {
  const bed = testbed();
  const receivers = Array.from({ length: max }, (_, i): AftNode => ({
    type: 'receive',
    token: path(i),
    code: i,
    context: 0,
  }));
  bed.run(
    [...receivers, { type: 'loadBalance', token: BALANCER, max, fields }],
    BALANCER,
    paths.map((i) => entry(BALANCER, i, path(i))),
  );
  return bed;
}

/** The paths that these frames take, in order. */
function pathsOf(bed: Testbed, frames: Buffer[]): number[] {
  bed.punted.length = 0;
  for (const frame of frames) bed.receive(frame);
  return bed.punted.map((punt) => punt.reason);
}

const flows = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => ether(0x0800, ip4(udp(Buffer.alloc(0), 1024 + i, 53))));

function shares(paths: number[], n: number): number[] {
  const counts = Array<number>(n).fill(0);
  for (const i of paths) counts[i]!++;
  return counts;
}

describe('distribution', () => {
  test.each([2, 3, 4, 8, 16])('flows that differ in one port spread over %i paths', (n) => {
    const all = Array.from({ length: n }, (_, i) => i);
    const counts = shares(pathsOf(balancer(n, all), flows(4000)), n);
    const mean = 4000 / n;
    for (const count of counts) expect(Math.abs(count - mean)).toBeLessThan(5 * Math.sqrt(mean));
  });

  test.each<[string, (i: number) => Buffer]>([
    ['IPv4 source', (i) => ether(0x0800, ip4(udp(Buffer.alloc(0)), { from: `10.0.${i >> 8}.${i & 255}` }))],
    ['IPv4 destination', (i) => ether(0x0800, ip4(udp(Buffer.alloc(0)), { to: `10.${i & 255}.${i >> 8}.1` }))],
    ['IPv6 source', (i) => ether(0x86dd, ip6(udp(Buffer.alloc(0)), { from: `2001:db8::${i.toString(16)}` }))],
    ['IPv6 flow label', (i) => ether(0x86dd, ip6(udp(Buffer.alloc(0)), { flow: i }))],
    [
      'TCP port',
      (i) =>
        ether(
          0x0800,
          ip4(
            tcp(Buffer.alloc(0))
              .fill(i & 255, 1, 2)
              .fill(i >> 8, 0, 1),
            { proto: 6 },
          ),
        ),
    ],
  ])('%s alone spreads flows', (_what, frameOf) => {
    const counts = shares(
      pathsOf(
        balancer(4, [0, 1, 2, 3]),
        Array.from({ length: 2000 }, (_, i) => frameOf(i)),
      ),
      4,
    );
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(110);
  });

  test('a balancer behind a balancer still splits what it gets', () => {
    const upper = balancer(2, [0, 1], [AftField.Ip4Saddr, AftField.Ip4Daddr, AftField.L4Sport]);
    const frames = flows(4000);
    const first = pathsOf(upper, frames);
    const lower = pathsOf(
      balancer(3, [0, 1, 2], [AftField.L4Sport]),
      frames.filter((_, i) => first[i] === 0),
    );
    for (const count of shares(lower, 3)) expect(count).toBeGreaterThan(400);
  });
});

describe('flows', () => {
  test('one flow, one path, whatever else is in the packets', () => {
    const bed = balancer(8, [0, 1, 2, 3, 4, 5, 6, 7]);
    const frames = Array.from({ length: 50 }, (_, i) => ip4Frame({ ttl: 1 + i, id: i }, Buffer.alloc(i)));
    expect(new Set(pathsOf(bed, frames)).size).toBe(1);
  });

  test('all fragments of a datagram take one path: ports do not count', () => {
    const bed = balancer(
      16,
      Array.from({ length: 16 }, (_, i) => i),
    );
    for (let port = 0; port < 20; port++) {
      const first = ether(0x0800, ip4(udp(Buffer.alloc(8), port, port), { fragment: 0x2000 }));
      const later = ether(0x0800, ip4(Buffer.alloc(16, port), { fragment: 2 }));
      expect(new Set(pathsOf(bed, [first, later])).size).toBe(1);
    }
    const extension = (offset: number, more: number): Buffer => {
      const header = Buffer.from([17, 0, 0, 0, 0, 0, 0, 9]);
      header.writeUInt16BE((offset << 3) | more, 2);
      return header;
    };
    for (let port = 0; port < 20; port++) {
      const first = ether(
        0x86dd,
        ip6(Buffer.concat([extension(0, 1), udp(Buffer.alloc(8), port, port)]), { next: 44 }),
      );
      const later = ether(0x86dd, ip6(Buffer.concat([extension(2, 0), Buffer.alloc(16, port)]), { next: 44 }));
      expect(new Set(pathsOf(bed, [first, later])).size).toBe(1);
    }
  });

  test('ports behind IPv6 extension headers count', () => {
    const bed = balancer(
      16,
      Array.from({ length: 16 }, (_, i) => i),
      [AftField.L4Sport, AftField.L4Dport],
    );
    const options = Buffer.from([17, 0, 1, 4, 0, 0, 0, 0]);
    const frames = Array.from({ length: 200 }, (_, port) =>
      ether(0x86dd, ip6(Buffer.concat([options, udp(Buffer.alloc(0), port, 1)]), { next: 60 })),
    );
    expect(new Set(pathsOf(bed, frames)).size).toBe(16);
  });
});

describe('paths', () => {
  test('when a path goes only its flows move, and they spread over the rest', () => {
    const bed = balancer(4, [0, 1, 2, 3]);
    const frames = flows(2000);
    const before = pathsOf(bed, frames);
    expect(bed.tryRemove({ entries: [entry(BALANCER, 2, 0)] })).toBeUndefined();
    const after = pathsOf(bed, frames);
    const moved = after.filter((_, i) => before[i] === 2);
    after.forEach((to, i) => before[i] !== 2 && expect(to).toBe(before[i]));
    const counts = shares(moved, 4);
    expect(counts[2]).toBe(0);
    for (const i of [0, 1, 3]) expect(counts[i]).toBeGreaterThan(100);
    bed.insert({ entries: [entry(BALANCER, 2, path(2))] });
    expect(pathsOf(bed, frames)).toEqual(before);
  });

  test('room for many, few there: only those are used, evenly', () => {
    const counts = shares(pathsOf(balancer(128, [5, 77]), flows(2000)), 128);
    expect(counts[5]! + counts[77]!).toBe(2000);
    expect(Math.abs(counts[5]! - 1000)).toBeLessThan(160);
  });

  test('no paths: dropped', () => {
    const bed = balancer(4, []);
    bed.receive(ip4Frame());
    expect(bed.sandbox.drops()).toEqual({ noLegs: 1 });
  });
});
