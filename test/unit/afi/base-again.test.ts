/** The base graph is written again (another rate limit, an audit's repair), and the connection breaks, or the server refuses it. */
import { VLAN_PORT_SWITCH } from '../../../src/afi/base-tokens';
import { policerToken } from '../../../src/afi/policers';
import { filterTokens } from '../../../src/afi/port-graph';
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

test('a port whose VRF it had to follow meanwhile is in none when the connection is back', async () => {
  const { bed, reload } = await limited();
  bed.vrf(41, 'red', 100).link(3, true, true, { master: 41 }).settle();
  bed.link(0, true, true, { master: 41 });
  reload(7);
  for (const { operation } of bed.queue) bed.server.sandbox.apply(operation);
  cut(bed);
  bed.link(0, true);
  await bed.up();
  expect(bed.packet('192.0.2.9')).toBe('p1 020000000001');
});

test('a group that comes back while its removal waits is taken afterwards', async () => {
  const { bed, reload } = await limited();
  const group = Uint8Array.of(1, 0, 0x5e, 0, 0, 5);
  const groups = (...list: Uint8Array[]): void => bed.fib.applyKernel({ kind: 'groups', ifindex: 10, groups: list });
  const entries = (): number => [...bed.server.sandbox.entriesOf(filterTokens(0).groups)!].length;
  groups(group);
  bed.settle();
  groups();
  bed.programmer.pump();
  bed.answer();
  groups(group);
  reload(7);
  bed.settle();
  expect(entries()).toBe(2);
  groups();
  bed.settle();
  expect(entries()).toBe(1);
});

test("a port that the server refuses from the beginning leaves the others' forwarding alone", async () => {
  const bed = new Bed();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:01').via('192.0.2.0/24', '10.0.1.2@1');
  await bed.open();
  for (let i = 0; i < 100; i++) {
    bed.programmer.pump();
    const next = bed.queue[0]?.operation;
    const isPort3 = next?.kind === 'insert' && next.insert.binds?.some(({ port }) => port === 3) === true;
    if (!bed.answer(isPort3 ? { code: 'internal', message: 'not today' } : undefined)) break;
  }
  expect(bed.packet('192.0.2.9')).toBe('p1 020000000001');
  expect([...bed.programmer.tables.portFailures()]).toEqual([[3, 'internal: not today']]);
  bed.programmer.retry();
  bed.settle();
  expect(bed.packet('192.0.2.9', 3)).toBe('p1 020000000001');
});

test('entries of ports in nodes that all share come back with it', async () => {
  const { bed } = await limited();
  const remove = [...bed.server.sandbox.entriesOf(VLAN_PORT_SWITCH)!];
  bed.server.sandbox.apply({ kind: 'remove', remove: { entries: remove, tokens: [] } });
  bed.programmer.rewrite({ layer: 'base', id: 0 });
  bed.settle();
  expect([...bed.server.sandbox.entriesOf(VLAN_PORT_SWITCH)!]).toEqual(remove);
});
