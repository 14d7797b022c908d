/** `show lsps`: from zebra's bytes to the lines that an operator reads. */
import { LAYOUTS } from '../../../src/control/show';
import type { LspView } from '../../../src/control/types';
import { decodeNetlink } from '../../../src/fpm/netlink/decoder';
import * as c from '../../../src/netlink/constants';
import { lspViews } from '../../../src/views/lsps';
import { Bed, ifindexOf, TABLE } from '../../bed/bed';
import { faultsOf } from '../../schemas';
import { hop, labels, route, via, type attributes } from '../fpm/messages';

type Attributes = Parameters<typeof attributes>[0];

const lsp = (label: number, list: Attributes, type = 24): Buffer =>
  route({ message: type, family: c.AF_MPLS, length: 20, protocol: 193 }, [[c.RTA_DST, labels(label)], ...list]);
const SWAP: Attributes = [[c.RTA_NEWDST, labels(200, 300)], [c.RTA_VIA, via('10.0.1.2')], [c.RTA_OIF, ifindexOf(1)]]; // prettier-ignore
const PATHS: Attributes = [
  [
    c.RTA_MULTIPATH,
    Buffer.concat([
      hop(ifindexOf(1), 0, [[c.RTA_NEWDST, labels(17)], [c.RTA_VIA, via('10.0.1.2')]]), // prettier-ignore
      hop(ifindexOf(2), 0, [[c.RTA_VIA, via('fe80::2')]]),
    ]),
  ],
];

async function bed(): Promise<{ b: Bed; give: (...messages: Buffer[]) => void; views: () => Promise<LspView[]> }> {
  const b = await new Bed().up();
  b.neighbor(1, '10.0.1.2', '02:00:00:00:00:0a').settle();
  return {
    b,
    give: (...messages) => {
      const frame = Buffer.concat(messages);
      decodeNetlink(frame, 0, frame.length, {
        update: (update) => void b.apply(update),
        message: () => undefined,
        skipped: () => undefined,
        malformed: (_reason, _offset, stopgap) => void (stopgap && b.apply(stopgap)),
      });
      b.settle();
    },
    async views() {
      const { tables } = b.programmer;
      const found: LspView[] = [];
      const sources = {
        fib: b.fib,
        tokensOf: (group: number) => tables.nexthops.tokensOf(group),
        countersOf: (group: number) => tables.labelTokensOf(group),
        nodeInfo: (tokens: readonly number[]) => Promise.resolve(b.server.sandbox.nodeInfo([...tokens])),
      };
      for await (const view of lspViews(sources)) found.push(view);
      expect(faultsOf('lsps', found)).toEqual([]);
      return found;
    },
  };
}

/** The cells of a table, without the tokens, which mean nothing here. */
const rows = (views: readonly LspView[]): string[][] =>
  views.flatMap((view) => LAYOUTS.lsps.row(view).map((cells) => [...cells.slice(0, 6), cells[7]!]));

test('the table as FRR has it, with what the vASIC made of it', async () => {
  const { b, give, views } = await bed();
  b.fib.setLabelInput(0, true);
  b.fib.applyKernel({
    ...{ kind: 'link', ifindex: 99, name: 'red', present: true, up: true, mac: new Uint8Array(6), master: 0 },
    vrfTable: TABLE,
  });
  give(lsp(102, SWAP), lsp(101, PATHS), lsp(103, SWAP), lsp(103, [], 25), lsp(80, [[c.RTA_OIF, 99]]));
  give(lsp(104, [[c.RTA_VIA, via('10.0.1.9')], [c.RTA_OIF, ifindexOf(1)]])); // prettier-ignore
  give(lsp(105, SWAP), lsp(105, [[c.RTA_NEWDST, Buffer.alloc(8)]]));
  const frame = Buffer.concat([Buffer.from('32260a2eaaf00202020202028847' + '00066109', 'hex'), Buffer.alloc(40)]);
  give(lsp(106, [[c.RTA_NEWDST, labels(0)], [c.RTA_VIA, via('10.0.1.2')], [c.RTA_OIF, ifindexOf(1)]])); // prettier-ignore
  expect(b.frame(frame)).toBe('p1 02000000000a');
  expect(rows(await views())).toEqual([
    ['80', 'LDP', 'red', '-', 'offloaded', '0', ''],
    ['101', 'LDP', 'via 10.0.1.2, tap1', '17', 'offloaded', '0', ''],
    ['', '', 'via fe80::2, tap2 unresolved', 'implicit-null', '', '', ''],
    ['102', 'LDP', 'via 10.0.1.2, tap1', '200/300', 'offloaded', '1', ''],
    [
      '104',
      'LDP',
      'via 10.0.1.9, tap1 unresolved',
      'implicit-null',
      'unresolved',
      '-',
      'no usable neighbor yet: Linux forwards meanwhile',
    ],
    [
      ...['105', 'LDP', '-', '-', 'trapped', '-'],
      'zebra sent it in a message that could not be read: Linux forwards it',
    ],
    ['106', 'LDP', 'via 10.0.1.2, tap1', 'IPv4 Explicit Null', 'offloaded', '0', ''],
  ]);
  expect(b.fib.lsps.counts()).toEqual({ offloaded: 4, trapped: 1, failed: 0, unresolved: 1, pending: 0 });
  const [lookedUp, , swapped] = await views();
  expect(lookedUp!.legs).toMatchObject([{ interface: 'red', state: 'ready', operation: `pop, table ${TABLE}` }]);
  expect(swapped).toMatchObject({ label: 102, packets: 1, bytes: frame.length });
  expect(swapped!.tokens!.length).toBe(2);
});

test('what a replay lacks is stale, and goes at its end', async () => {
  const { b, give, views } = await bed();
  give(lsp(100, SWAP), lsp(101, PATHS));
  b.fib.beginReplay();
  give(lsp(101, SWAP));
  expect((await views()).map(({ label, stale }) => [label, stale])).toEqual([
    [100, true],
    [101, undefined],
  ]);
  expect(b.fib.endReplay()).toMatchObject({ lsps: 1 });
  expect((await views()).map(({ label }) => label)).toEqual([101]);
});

test('nothing counted where the vASIC tells nothing', async () => {
  const { b, give } = await bed();
  give(lsp(100, SWAP));
  const sources = { fib: b.fib, tokensOf: () => [], countersOf: () => [5000], nodeInfo: () => Promise.resolve([]) };
  for await (const view of lspViews(sources)) expect(view.packets).toBeUndefined();
});
