/** zebra's routes compared with the FIB, with a zebra that answers as FRR 10.7 does. */
import { Findings } from '../../../src/audit/findings';
import { auditZebra, type ZebraRepairs } from '../../../src/audit/zebra';
import { tablesOf, vrfOf } from '../../../src/audit/zebra-table';
import { parsePrefix, prefixContains } from '../../../src/net/address';
import { Bed, ifindexOf, TABLE } from '../../bed/bed';

type Route = Readonly<Record<string, unknown>>;
type Table = Map<string, Route[]>;

const via = (gateway: string, port: number): Route => ({
  ip: gateway,
  interfaceIndex: ifindexOf(port),
  active: true,
  fib: true,
});
const route = (nexthops: Route[], more: Route = {}): Route[] => [
  { protocol: 'static', selected: true, destSelected: true, installed: true, offloaded: true, nexthops, ...more },
];

/** Answers `show ip(v6) route PREFIX [longer-prefixes] json`, in pieces. */
function zebra(table: Table, asked: string[] = []): { ask(command: string): AsyncIterable<string> } {
  return {
    async *ask(command) {
      asked.push(command);
      const [, family, text, longer] = /^show (ip|ipv6) route (\S+)( longer-prefixes)? json$/.exec(command)!;
      const within = parsePrefix(text!)!;
      const found = [...table].filter(([name]) => {
        const prefix = parsePrefix(name)!;
        if (longer === undefined) return name === text;
        return (
          (family === 'ip') === (prefix.family === 4) &&
          prefix.length >= within.length &&
          prefixContains(within, prefix.bytes)
        );
      });
      const answer = JSON.stringify(Object.fromEntries(found));
      for (let at = 0; at < answer.length; at += 100) yield await Promise.resolve(answer.slice(at, at + 100));
    },
  };
}

async function bedAndTable(): Promise<{ bed: Bed; table: Table }> {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:0a').neighbor(2, '10.0.2.2', '02:00:00:00:00:0b');
  bed
    .via('20.0.0.0/16', '10.0.1.2@1', '10.0.2.2@2')
    .via('20.1.0.0/16', '10.0.1.2@1')
    .via('2001:db8::/32', '10.0.1.2@1');
  bed.route('20.2.0.0/16', { kind: 'drop', drop: 'blackhole' });
  bed.settle();
  bed.later(5);
  const table: Table = new Map([
    [
      '20.0.0.0/16',
      route(
        [via('10.0.9.9', 0), via('10.0.2.2', 2), via('10.0.1.2', 1)].map((hop, i) => ({ ...hop, recursive: i === 0 })),
      ),
    ],
    [
      '20.1.0.0/16',
      [{ protocol: 'bgp', nexthops: [] }, ...route([via('10.0.1.2', 1), { ...via('10.0.2.2', 2), active: false }])],
    ],
    ['20.2.0.0/16', route([{ unreachable: true, blackhole: true, active: true }])],
    ['2001:db8::/32', route([via('10.0.1.2', 1)])],
  ]);
  return { bed, table };
}

async function audit(
  bed: Bed,
  table: Table,
  { pause = () => undefined, asked = [] }: { pause?: () => void; asked?: string[] } = {},
): Promise<{ shown: string[]; repairs: ZebraRepairs; compared: number }> {
  const findings = new Findings('zebra');
  const parts = { fib: bed.fib, table: TABLE, vty: zebra(table, asked), feedback: true, now: () => 1000 };
  const repairs = await auditZebra({ ...parts, pause: () => Promise.resolve(pause()) }, findings);
  const view = findings.view();
  if (view.state !== 'compared') throw new Error('not compared');
  return { shown: view.shown.map(({ kind, what }) => `${kind} ${what}`).sort(), repairs, compared: view.compared };
}

test('the same table is no difference', async () => {
  const { bed, table } = await bedAndTable();
  expect(await audit(bed, table)).toEqual({ shown: [], compared: 4, repairs: { resend: false, report: [] } });
});

test('missing, surplus, other paths: zebra has to send again', async () => {
  const { bed, table } = await bedAndTable();
  table.set('20.3.0.0/16', route([via('10.0.1.2', 1)], { queued: true, offloaded: undefined }));
  table.delete('20.2.0.0/16');
  table.set('20.0.0.0/16', route([via('10.0.1.2', 1)]));
  const { shown, repairs } = await audit(bed, table);
  expect(shown).toEqual(['differs 20.0.0.0/16', 'missing 20.3.0.0/16', 'surplus 20.2.0.0/16']);
  expect(repairs).toEqual({ resend: true, report: [] });
});

test('a path of an interface that is down, which zebra left without a word, is no difference', async () => {
  const { bed, table } = await bedAndTable();
  table.set('20.0.0.0/16', route([{ ...via('10.0.1.2', 1), active: false }, via('10.0.2.2', 2)]));
  expect((await audit(bed, table)).shown).toEqual(['differs 20.0.0.0/16']);
  bed.link(1, true, false);
  bed.settle();
  expect((await audit(bed, table)).shown).toEqual([]);
  // One that zebra has not handed on is none of it.
  table.set('20.0.0.0/16', route([{ ...via('10.0.1.2', 1), active: false, fib: false }, via('10.0.2.2', 2)]));
  expect((await audit(bed, table)).shown).toEqual(['differs 20.0.0.0/16']);
});

test("a kernel's route over a link that is down, which zebra passes over as Linux does not, is no difference", async () => {
  const { bed, table } = await bedAndTable();
  const paths = [{ gateway: Uint8Array.of(10, 0, 3, 2), ifindex: ifindexOf(3), weight: 1 }];
  bed.route('20.5.0.0/16', { kind: 'paths', paths }, { protocol: 2 });
  bed.settle();
  bed.later(5);
  table.set('20.5.0.0/16', [{ protocol: 'kernel', nexthops: [{ ...via('10.0.3.2', 3), active: false, fib: false }] }]);
  expect((await audit(bed, table)).shown).toEqual(['surplus 20.5.0.0/16']);
  bed.link(3, true, false);
  bed.settle();
  expect((await audit(bed, table)).shown).toEqual([]);
});

test('a status that zebra has not is told again, and nothing else', async () => {
  const { bed, table } = await bedAndTable();
  table.set('20.1.0.0/16', route([via('10.0.1.2', 1)], { offloaded: false }));
  const { shown, repairs } = await audit(bed, table);
  expect([shown, repairs.resend, repairs.report.length]).toEqual([['differs 20.1.0.0/16'], false, 1]);
  bed.told.clear();
  for (const row of repairs.report) bed.fib.status.reportAgain(row);
  bed.settle();
  expect([...bed.told]).toEqual([['20.1.0.0/16', 'offloaded']]);
});

test('what was on its way makes no difference', async () => {
  const { bed, table } = await bedAndTable();
  table.set('20.3.0.0/16', route([via('10.0.1.2', 1)]));
  table.delete('20.2.0.0/16');
  const pause = (): void => void bed.via('20.3.0.0/16', '10.0.1.2@1').withdraw('20.2.0.0/16').settle();
  expect((await audit(bed, table, { pause })).shown).toEqual([]);
});

test('a large table is asked for in portions, all of them together everything', async () => {
  const bed = await new Bed(undefined, { batch: 5000 }).up();
  const table: Table = new Map();
  for (let i = 0; i < 12_000; i++) {
    const prefix = `${20 + (i % 5)}.${i % 200}.${(i >> 8) & 255}.${i & 255}/32`;
    bed.route(prefix, { kind: 'drop', drop: 'blackhole' });
    table.set(prefix, route([{ unreachable: true, active: true }]));
  }
  bed.settle();
  const asked: string[] = [];
  const { shown, compared } = await audit(bed, table, { asked });
  expect([shown, compared]).toEqual([[], table.size]);
  expect(asked.filter((command) => command.includes(' longer-prefixes ')).length).toBeGreaterThan(1);
});

test('the VRF of a table', () => {
  const answer = 'vrf blue id 5 table 1001\nvrf red id 6 table 10012 (configured)\nvrf gone inactive\n';
  expect([1001, 10012, 12].map((table) => vrfOf(answer, table))).toEqual(['blue', 'red', undefined]);
});

test('each table is asked for as zebra calls it: the default VRF, the VRF of the table, a plain table', async () => {
  const asked: string[] = [];
  const vty = {
    text: () => Promise.resolve('vrf red id 7 table 1001\nvrf default id 0 table 254\n'),
    async *ask(command: string) {
      asked.push(command);
      yield await Promise.resolve('{}');
      return 0;
    },
  };
  const inTable = await tablesOf(vty);
  for (const table of [254, 1001, 2002]) {
    for await (const text of inTable(table).ask('show ip route 10.0.0.0/8 longer-prefixes json'))
      expect(text).toBe('{}');
    for await (const text of inTable(table).ask('show ipv6 route 2001:db8::/32 json')) expect(text).toBe('{}');
  }
  expect(asked).toEqual([
    'show ip route 10.0.0.0/8 longer-prefixes json',
    'show ipv6 route 2001:db8::/32 json',
    'show ip route vrf red 10.0.0.0/8 longer-prefixes json',
    'show ipv6 route vrf red 2001:db8::/32 json',
    'show ip route table 2002 10.0.0.0/8 longer-prefixes json',
    'show ipv6 route table 2002 2001:db8::/32 longer-prefixes json',
  ]);
});

test('a route of another table is compared with its own rows, and named with its table', async () => {
  const { bed } = await bedAndTable();
  bed.viaIn(7, '20.9.0.0/16', '10.0.1.2@1').settle();
  const findings = new Findings('zebra');
  const parts = { fib: bed.fib, feedback: false, now: () => 1000, pause: () => Promise.resolve() };
  await auditZebra(
    { ...parts, table: 7, vty: zebra(new Map([['20.8.0.0/16', route([via('10.0.1.2', 1)])]])) },
    findings,
  );
  const view = findings.view();
  expect(view.state === 'compared' && view.shown.map(({ kind, what }) => `${kind} ${what}`).sort()).toEqual([
    'missing 20.8.0.0/16 table 7',
    'surplus 20.9.0.0/16 table 7',
  ]);
});
