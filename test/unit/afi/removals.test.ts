/** Removals that the vASIC refuses, or whose answer is lost: whoever waits for them goes on. */
import { filterTokens } from '../../../src/afi/port-graph';
import { vrfTokens } from '../../../src/afi/base-tokens';
import { PuntReason, type AftError } from '../../../src/aft/model';
import { Bed, TABLE, ifindexOf } from '../../bed/bed';

const GROUPS = [5, 6].map((last) => Uint8Array.of(1, 0, 0x5e, 0, 0, last));
const RED = 1001;
const RED_DEVICE = 101;
const refusal: AftError = { code: 'internal', message: 'not today' };

/** Port 0 with groups, and a route. */
async function ready(): Promise<Bed> {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:01').via('192.0.2.0/24', '10.0.1.2@1');
  groups(bed, GROUPS);
  return bed.settle();
}

const groups = (bed: Bed, list: readonly Uint8Array[]): void =>
  bed.fib.applyKernel({ kind: 'groups', ifindex: ifindexOf(0), groups: list });
const groupEntries = (bed: Bed): number => [...bed.server.sandbox.entriesOf(filterTokens(0).groups)!].length;
const isRemoval = (bed: Bed): boolean => bed.queue[0]?.operation.kind === 'remove';

/** The server answers until a removal is next. */
function untilRemoval(bed: Bed): void {
  bed.programmer.pump();
  while (!isRemoval(bed)) {
    expect(bed.answer()).toBe(true);
    bed.programmer.pump();
  }
}

/** The server refuses all removals until nothing is left to send. */
function refuseRemovals(bed: Bed): void {
  for (let i = 0; i < 100; i++) {
    bed.programmer.pump();
    if (!bed.answer(isRemoval(bed) ? refusal : undefined)) return bed.report();
  }
  throw new Error('does not settle');
}

/** The server has done what is next, and the answer is lost. */
async function loseAnswer(bed: Bed): Promise<void> {
  bed.server.sandbox.apply(bed.queue[0]!.operation);
  bed.queue.length = 0;
  bed.programmer.down('cut');
  await bed.up();
}

describe('of groups at a port', () => {
  test('the answer is lost: the port is written on', async () => {
    const bed = await ready();
    groups(bed, []);
    untilRemoval(bed);
    await loseAnswer(bed);
    expect(groupEntries(bed)).toBe(1);
    bed.link(0, true, false, { adminDown: true }).settle();
    expect(bed.packet('192.0.2.9')).toBe('dropped');
    bed.vrf(RED_DEVICE, 'red', RED).link(0, true, true, { master: RED_DEVICE }).settle();
    expect(bed.packet('192.0.2.9')).toBe(`punt ${PuntReason.NoRoute}`);
    groups(bed, GROUPS);
    bed.settle();
    expect(groupEntries(bed)).toBe(3);
  });

  test('refused: the port is written on, and they go when that is tried again', async () => {
    const bed = await ready();
    groups(bed, []);
    refuseRemovals(bed);
    expect(groupEntries(bed)).toBe(3);
    bed.link(0, true, false, { adminDown: true });
    refuseRemovals(bed);
    expect(bed.packet('192.0.2.9')).toBe('dropped');
    bed.programmer.retry();
    bed.settle();
    expect(groupEntries(bed)).toBe(1);
  });

  test('frames for groups are taken all the time while Linux begins to take all', async () => {
    const bed = await ready();
    const seen = (): string => {
      const frame = Buffer.alloc(64, 7);
      frame.set(GROUPS[0]!, 0);
      frame.writeUInt16BE(0x88cc, 12);
      return bed.frame(frame);
    };
    const before = seen();
    expect(before).toMatch(/^punt/);
    bed.link(0, true, true, { allMulticast: true });
    untilRemoval(bed);
    expect(seen()).toBe(before);
    bed.settle();
    expect(seen()).toBe(before);
  });
});

test('of an LSP, refused: it is written when it is wanted again, and goes when that is tried again', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:01').settle();
  const gateway = Uint8Array.of(10, 0, 1, 2);
  const add = (...outLabels: number[]): Bed =>
    bed.apply({
      ...{ kind: 'lspAdd', label: 100, protocol: 1 },
      paths: [{ gateway, ifindex: ifindexOf(1), weight: 1, outLabels }],
    });
  add(200).settle();
  bed.apply({ kind: 'lspDelete', label: 100 });
  refuseRemovals(bed);
  expect(bed.fib.lsps.programmed(100)).not.toBe(0);
  const { written } = bed.programmer.tables.lsps;
  add(300);
  refuseRemovals(bed);
  expect(bed.programmer.tables.lsps.written).toBe(written + 1);
  bed.apply({ kind: 'lspDelete', label: 100 });
  refuseRemovals(bed);
  expect(bed.fib.lsps.size).toBe(1);
  bed.programmer.retry();
  bed.settle();
  expect(bed.fib.lsps.size).toBe(0);
});

test('of a VRF, done in part: it is written whole when it is wanted again', async () => {
  const { tree, etherTypes } = vrfTokens(RED, TABLE);
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:01').viaIn(RED, '192.0.2.0/24', '10.0.1.2@1');
  const come = (): Bed => bed.vrf(RED_DEVICE, 'red', RED).link(0, true, true, { master: RED_DEVICE });
  come().settle();
  expect(bed.packet('192.0.2.9')).toBe('p1 020000000001');
  bed.link(0, true).vrf(RED_DEVICE, 'red', undefined);
  const ofVrf = (): boolean => {
    const next = bed.queue[0]?.operation;
    return next?.kind === 'remove' && next.remove.tokens.includes(etherTypes);
  };
  bed.programmer.pump();
  while (!ofVrf()) {
    bed.answer();
    bed.programmer.pump();
  }
  // Somebody has removed an entry meanwhile, so all go one by one; the server keeps the switch.
  const [entry] = [...bed.server.sandbox.entriesOf(etherTypes)!];
  bed.server.sandbox.apply({ kind: 'remove', remove: { entries: [entry!], tokens: [] } });
  bed.answer();
  for (let i = 0; i < 100; i++) {
    bed.programmer.pump();
    const next = bed.queue[0]?.operation;
    if (next === undefined) break;
    bed.answer(next.kind === 'remove' && next.remove.tokens.includes(etherTypes) ? refusal : undefined);
  }
  expect(bed.server.sandbox.find({}).map(({ token }) => token)).not.toContain(tree);
  come().settle();
  expect(bed.packet('192.0.2.9')).toBe('p1 020000000001');
  expect(bed.told.get(`${RED} 192.0.2.0/24`)).toBe('offloaded');
});

test('labels made for a nexthop group that is refused are removed, and that alone is no reason to make them again', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:01').settle();
  const path = (last: number): { gateway: Uint8Array; ifindex: number; weight: number; outLabels: number[] } => ({
    ...{ gateway: Uint8Array.of(10, 0, last, 2), ifindex: ifindexOf(last), weight: 1, outLabels: [100, 200] },
  });
  bed.apply({ kind: 'lspAdd', label: 18, protocol: 1, paths: [path(1), path(2)] });
  let sent = 0;
  for (; sent < 20; sent++) {
    bed.programmer.pump();
    const next = bed.queue[0]?.operation;
    const isGroup = next?.kind === 'insert' && next.insert.nodes.some(({ type }) => type === 'indirect');
    if (!bed.answer(isGroup ? refusal : undefined)) break;
  }
  expect(sent).toBeLessThan(10);
});

describe('of a group', () => {
  test('with a load balancer of which the answer was lost, and the next try refused: it is removed', async () => {
    const bed = await new Bed().up();
    bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:01').neighbor(2, '10.0.2.2', '02:00:00:00:00:02');
    bed.nexthop(1, { kind: 'drop', drop: 'blackhole' }).nexthop(2, '10.0.1.2@1').nexthop(3, '10.0.2.2@2');
    bed.group(4, 1).viaId('192.0.2.0/24', 4).settle();
    const balancers = (): number => bed.server.sandbox.find({}).filter(({ type }) => type === 'loadBalance').length;
    const makesOne = (): boolean => {
      const operation = bed.queue[0]?.operation;
      return operation?.kind === 'insert' && operation.insert.nodes.some(({ type }) => type === 'loadBalance');
    };
    bed.group(4, 2, 3);
    bed.programmer.pump();
    while (!makesOne()) {
      expect(bed.answer()).toBe(true);
      bed.programmer.pump();
    }
    bed.server.sandbox.apply(bed.queue[0]!.operation);
    bed.queue.length = 0;
    bed.programmer.down('cut');
    await bed.open();
    expect(balancers()).toBe(1);
    for (let more = true; more;) {
      bed.programmer.pump();
      more = bed.answer(makesOne() ? refusal : undefined);
    }
    expect(balancers()).toBe(0);
    bed.programmer.retry();
    bed.settle();
    expect(balancers()).toBe(1);
    expect(bed.packet('192.0.2.9')).toMatch(/^p[12] /);
  });
});
