/** What of zebra's routes a replay has confirmed, over however many reconnects. */
import { Bed } from '../../bed/bed';

async function ready(): Promise<Bed> {
  const bed = new Bed();
  bed.via('10.1.1.0/24', '@1').via('10.2.0.0/16', '10.1.1.5@1').via('10.3.0.0/16', '10.1.1.5@1');
  bed.neighbor(1, '10.1.1.5', '02:00:00:00:00:05');
  return bed.up();
}

test('the standing of a replay counts what it confirmed and what ending it would remove', async () => {
  const bed = await ready();
  expect(bed.fib.replayStanding()).toEqual({ confirmed: 3, unconfirmed: 0 });
  bed.fib.beginReplay();
  bed.via('10.2.0.0/16', '10.1.1.5@1').via('10.9.0.0/16', '10.1.1.5@1');
  expect(bed.fib.replayStanding()).toEqual({ confirmed: 2, unconfirmed: 2 });
  expect(bed.fib.endReplay().routes).toBe(2);
  expect(bed.fib.replayStanding()).toEqual({ confirmed: 2, unconfirmed: 0 });
});

test('what was not confirmed stays unconfirmed, however often zebra reconnects', async () => {
  const bed = await ready();
  for (let i = 0; i < 600; i++) {
    bed.fib.beginReplay();
    expect([i, bed.fib.replayStanding().unconfirmed]).toEqual([i, 3]);
  }
  bed.via('10.2.0.0/16', '10.1.1.5@1');
  expect(bed.fib.replayStanding()).toEqual({ confirmed: 1, unconfirmed: 2 });
});

test('what a replay confirms, and what is new, counts once; what is sent again in it does not, nor what is withdrawn', async () => {
  const bed = await ready();
  bed.fib.beginReplay();
  const { confirmed } = bed.fib;
  const count = (): number => bed.fib.confirmed - confirmed;
  bed.via('10.2.0.0/16', '10.1.1.5@1').via('10.9.0.0/16', '10.1.1.5@1');
  expect(count()).toBe(2);
  bed.via('10.2.0.0/16', '10.1.1.6@1').via('10.9.0.0/16', '10.1.1.6@1').withdraw('10.3.0.0/16');
  expect(count()).toBe(2);
  const lsp = { kind: 'lspAdd', label: 100, protocol: 193, paths: [] } as const;
  const sid = { kind: 'sidAdd', sid: new Uint8Array(16), behavior: 'End' } as const;
  for (const update of [lsp, sid]) bed.apply(update).apply(update);
  expect(count()).toBe(4);
});
