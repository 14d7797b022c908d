/** The base graph is written again (another rate limit, an audit's repair), and the connection breaks, or the server refuses it. */
import { policerToken } from '../../../src/afi/policers';
import { PuntReason } from '../../../src/aft/model';
import { Bed } from '../../bed/bed';

async function limited(): Promise<{ bed: Bed; reload: (limit: number) => void; rate: () => number | undefined }> {
  const limits: Partial<Record<PuntReason, number>> = { [PuntReason.Glean]: 1000 };
  const bed = await new Bed(undefined, { limits }).up();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:01').via('192.0.2.0/24', '10.0.1.2@1').settle();
  const reload = (limit: number): void => {
    limits[PuntReason.Glean] = limit;
    bed.programmer.rewrite({ layer: 'base', id: 0 });
  };
  const rate = (): number | undefined => {
    const [node] = bed.server.sandbox.find({}).filter(({ token }) => token === policerToken(PuntReason.Glean, 0));
    return node?.type === 'policer' ? node.rate : undefined;
  };
  return { bed, reload, rate };
}

const cut = (bed: Bed): void => {
  bed.queue.length = 0;
  bed.programmer.down('cut');
};

test.each([false, true])(
  'the connection breaks before the answer (applied: %s): it is written again',
  async (applied) => {
    const { bed, reload, rate } = await limited();
    reload(7);
    if (applied) bed.server.sandbox.apply(bed.queue[0]!.operation);
    cut(bed);
    await bed.open();
    expect(bed.programmer.ready).toBe(false);
    bed.settle();
    expect([bed.programmer.ready, rate()]).toEqual([true, 7]);
    const before = bed.sent.length;
    cut(bed);
    await bed.up();
    expect(bed.sent).toHaveLength(before);
  },
);

test('asked for while one is under way: the newest is written', async () => {
  const { bed, reload, rate } = await limited();
  reload(7);
  reload(8);
  bed.settle();
  expect([bed.programmer.ready, rate()]).toEqual([true, 8]);
});

test('asked for while the connection is down: written when it is back', async () => {
  const { bed, reload, rate } = await limited();
  cut(bed);
  reload(7);
  await bed.up();
  expect([bed.programmer.ready, rate()]).toEqual([true, 7]);
});

test('refused, and the connection breaks: it is tried again with the next', async () => {
  const { bed, reload, rate } = await limited();
  reload(7);
  bed.answer({ code: 'internal', message: 'not today' });
  expect(bed.programmer.failure).toBe('internal: not today');
  cut(bed);
  await bed.up();
  expect([bed.programmer.failure, rate()]).toEqual([undefined, 7]);
  expect(bed.packet('192.0.2.9')).toBe('p1 020000000001');
});
