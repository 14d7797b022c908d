/**
 * The program finds in the pages in front of a large IPv4 table what the table's prefixes say: where routes are few and where each leaf has another one,
 * where longer prefixes lie within, and in a page's groups that have their leaves elsewhere.
 */
import type { AftNode, Token } from '../../../src/aft/model';
import * as layout from '../../../src/vasic/kernel/layout';
import { finishIpv4 } from '../../bed/ipv4-header';
import { insert, PORTS, remove, routeTo } from '../../fuzz/kernel/graph-parts';
import { openJudge, type KernelJudge } from '../../fuzz/kernel/judge';
import { frameTo, header, leadOn, route, ROUTED, TREE } from '../../fuzz/kernel/routed-graph';
import { sandboxOn } from '../../fuzz/kernel/tables';
import type { Sandbox } from '../../../src/vasic/engine/api';

jest.setTimeout(120_000);

const NEIGHBORS = 3;
const FIRST_HEAD = 40_000;
const head = (neighbor: number): Token => FIRST_HEAD + 2 * neighbor;

/** 10.0.0.0/18: each /24 another neighbor than the one before. Behind: one in five, and two host routes in one of them. */
const DENSE = 64;
const ROUTES = 6000;
const neighborOf = (n: number): number | undefined =>
  n < DENSE ? n % NEIGHBORS : n % 5 === 0 ? (n / 5) % NEIGHBORS : undefined;
const HOST_IN = 100;

let judge: KernelJudge;
let sandbox: Sandbox;

function must(fault: unknown): void {
  expect(fault).toBeUndefined();
}

function hostRoute(last: number): ReturnType<typeof routeTo> {
  return routeTo(TREE, { bytes: Uint8Array.of(10, 0, HOST_IN, last), length: 32 }, head(2));
}

beforeAll(() => {
  judge = openJudge('tc');
  sandbox = sandboxOn(judge.options.tables);
  for (let port = 0; port < PORTS; port++) judge.options.setPort(port, { mtu: 1500, up: true });
  must(sandbox.apply(insert(ROUTED)));
  const nodes = Array.from({ length: NEIGHBORS }, (_, neighbor): AftNode[] => [
    { ...header(0x40 + neighbor), token: head(neighbor) + 1 },
    leadOn(head(neighbor), head(neighbor) + 1),
  ]).flat();
  must(sandbox.apply(insert({ nodes })));
  const entries = Array.from({ length: ROUTES }, (_, n) => n).flatMap((n) => {
    const neighbor = neighborOf(n);
    return neighbor === undefined ? [] : [route(n, head(neighbor))];
  });
  must(sandbox.apply(insert({ entries })));
  must(sandbox.apply(insert({ entries: [hostRoute(7), hostRoute(9)] })));
  // Elsewhere, so that the page that waits for its last change comes.
  must(sandbox.apply(insert({ entries: [routeTo(TREE, { bytes: Uint8Array.of(90, 0, 0, 0), length: 24 }, head(0))] })));
});

afterAll(() => judge.close());

/** Who gets a packet to this address in the nth /24; undefined: nobody. */
function sentTo(n: number, host = 7): number | undefined {
  const frame = Buffer.from(frameTo(n));
  frame[33] = host;
  frame.writeUInt16BE(0, 24);
  finishIpv4(frame, 14);
  const trial = judge.forwarder.testRun('tc', 0, frame);
  return trial.outcome === 'sent' ? trial.frame[5]! - 0x40 : undefined;
}

/** The group of the nth /24. */
function groupOf(n: number): number {
  const { heap } = judge.options.words();
  const { globals } = judge.forwarder;
  const root = globals[layout.GLOBAL_PORTS + layout.PORT_SHORT_ROOT4]!;
  const leaf = (10 << 16) | n;
  const page = heap[heap[root + layout.ROOT_LEAVES]! + (leaf >>> layout.AHEAD_PAGE_BITS)]!;
  expect(page).toBeGreaterThan(0);
  const number = (leaf >>> layout.GROUP_BITS) & (layout.LEAF_PAGE_WORDS / layout.GROUP_WORDS - 1);
  return page + number * layout.GROUP_WORDS;
}

const isElsewhere = (n: number): boolean => (judge.options.words().heap[groupOf(n)]! & 1) === 0;

test('each destination goes where its prefix leads', () => {
  expect(isElsewhere(0)).toBe(true);
  expect(isElsewhere(DENSE)).toBe(false);
  for (let n = 0; n < ROUTES; n++) {
    if (n !== HOST_IN) expect([n, sentTo(n)]).toEqual([n, neighborOf(n)]);
  }
  expect([7, 8, 9].map((host) => sentTo(HOST_IN, host))).toEqual([2, neighborOf(HOST_IN), 2]);
});

test('and where it leads after changes, in a group that gets its leaves elsewhere and in one that takes them back', () => {
  const odd = Array.from({ length: DENSE }, (_, i) => i).filter((n) => n % 2 === 1);
  must(
    sandbox.apply(
      remove(
        odd.concat(0).map((n) => route(n, head(0))),
        [],
      ),
    ),
  );
  must(
    sandbox.apply(insert({ entries: [route(0, head(1)), ...odd.map((n) => route(DENSE + n, head(n % NEIGHBORS)))] })),
  );
  for (let n = 2; n < DENSE; n += 2) must(sandbox.apply(insert({ entries: [route(n, head(1))] })));
  must(sandbox.apply(insert({ entries: odd.map((n) => route(n, head(1))) })));
  expect(isElsewhere(0)).toBe(false);
  expect(isElsewhere(DENSE)).toBe(true);
  for (let n = 0; n < DENSE; n++) {
    expect([n, sentTo(n)]).toEqual([n, 1]);
    const behind = n % 2 === 1 ? n % NEIGHBORS : neighborOf(DENSE + n);
    if (DENSE + n !== HOST_IN) expect([DENSE + n, sentTo(DENSE + n)]).toEqual([DENSE + n, behind]);
  }
});
