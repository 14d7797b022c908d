/** The vASIC knows first that a port's link is gone: the kernel may take a second to tell of the TAP's lost carrier. */
import { Bed } from '../../bed/bed';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' };

test('a port that the vASIC calls down is left at once, by as few operations for 10 routes as for 2000', async () => {
  const counts: number[][] = [];
  for (const routes of [10, 2000]) {
    const bed = await new Bed(undefined, { batch: 1000 }).up();
    bed.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b);
    bed.nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2').group(3, 1, 2);
    for (let i = 0; i < routes; i++) bed.viaId(`20.${i >> 8}.${i & 255}.0/24`, 3);
    bed.settle();
    const outs = () => new Set(Array.from({ length: 40 }, (_, i) => bed.packet('20.0.1.1', 0, { sport: 2000 + i })));
    expect(outs().size).toBe(2);

    const down = bed.operationsFor(() => bed.fib.portChanged(1, false));
    expect([...outs()]).toEqual([`p2 ${MAC.b.replaceAll(':', '')}`]);
    // The kernel's word comes later and changes nothing; nor does its "up" while the vASIC still says "down".
    expect(bed.operationsFor(() => bed.link(1, true, false))).toEqual([]);
    expect(bed.operationsFor(() => bed.link(1, true, true))).toEqual([]);
    expect(outs().size).toBe(1);

    const up = bed.operationsFor(() => bed.fib.portChanged(1, true));
    expect(outs().size).toBe(2);
    expect(bed.operationsFor(() => bed.fib.portChanged(1, true))).toEqual([]);
    counts.push([down.length, up.length]);
  }
  expect(counts[1]).toEqual(counts[0]);
});

test('both must be up: the vASIC first, the TAP last', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', MAC.a).via('20.0.0.0/24', '10.0.1.2@1').settle();
  bed.fib.portChanged(1, false);
  bed.link(1, true, false).settle();
  expect(bed.packet('20.0.0.1')).toMatch(/^punt/);
  bed.fib.portChanged(1, true);
  expect(bed.settle().packet('20.0.0.1')).toMatch(/^punt/);
  expect(bed.link(1, true, true).settle().packet('20.0.0.1')).toMatch(/^p1/);
});
