/** What zebra doesn't replay, asked of a zebra that answers as FRR 10.7 does. */
import { PlainTables } from '../../../src/bridge/plain-tables';
import { NO_TABLE, type RouteAdd } from '../../../src/fib/updates';
import { formatAddress, formatPrefix, parsePrefix } from '../../../src/net/address';
import { fakeLog } from './fake-log';

const TABLE = 1001;

const route = (nexthops: readonly object[], protocol = 'static', more: object = {}): object => ({
  ...{ protocol, selected: true, destSelected: true, nexthops },
  ...more,
});
const via = (ip: string, more: object = {}): object => ({ ip, interfaceIndex: 11, active: true, fib: true, ...more });

interface Stage {
  readonly plain: PlainTables;
  readonly applied: readonly RouteAdd[];
  readonly asked: readonly string[];
  readonly read: readonly number[];
  readonly timers: readonly (() => void)[];
  readonly lines: readonly (readonly [string, object | undefined])[];
  /** Lets the next timer run, and what follows. */
  readonly run: () => Promise<void>;
}

/** A zebra, and the clock; `during` runs when it is asked, before it answers. */
function stage(
  answers: Readonly<Record<string, object>>,
  { during = () => undefined, fails = 0 }: { during?: () => void; fails?: number } = {},
): Stage {
  const applied: RouteAdd[] = [];
  const asked: string[] = [];
  const read: number[] = [];
  const timers: (() => void)[] = [];
  let failures = fails;
  const { log, lines } = fakeLog();
  const plain = new PlainTables({
    tables: () => [TABLE],
    open: () => {
      if (failures-- > 0) return Promise.reject(new Error('no such socket'));
      return Promise.resolve({
        close: () => undefined,
        async *ask(command: string) {
          asked.push(command);
          during();
          yield await Promise.resolve(JSON.stringify(answers[command] ?? {}));
        },
      });
    },
    apply: (update) => applied.push(update),
    read: (table) => read.push(table),
    later: (_ms, action) => {
      timers.push(action);
      return () => void timers.splice(timers.indexOf(action), 1);
    },
    log,
  });
  const run = async (): Promise<void> => {
    timers.shift()?.();
    for (let i = 0; i < 50; i++) await Promise.resolve();
  };
  return { plain, applied, asked, read, timers, run, lines };
}

const IP4 = `show ip route table ${TABLE} 0.0.0.0/0 longer-prefixes json`;
const IP6 = `show ipv6 route table ${TABLE} ::/0 longer-prefixes json`;

/** An update as `PREFIX protocol target`. */
function text({ table, prefix, protocol, target }: RouteAdd): string {
  const paths =
    target.kind === 'paths'
      ? target.paths.map((p) => `${p.gateway === undefined ? '' : formatAddress(p.gateway)}@${p.ifindex}*${p.weight}`)
      : [target.kind === 'drop' ? target.drop : target.kind];
  return `${table} ${formatPrefix(prefix)} ${protocol} ${paths.join(' ')}`;
}

test('routes become updates as FPM would bring them; the sweep waits until all were read', async () => {
  const { plain, applied, asked, read, run } = stage({
    [IP4]: {
      '192.0.2.0/24': [route([via('10.0.0.2', { weight: 3 }), via('10.0.0.9', { active: false })])],
      '10.0.0.0/24': [route([{ directlyConnected: true, interfaceIndex: 11, active: true }], 'connected')],
      '198.51.100.0/24': [route([{ unreachable: true, active: true }])],
      '203.0.113.0/24': [route([via('10.0.0.2', { labels: [16] })])],
      '203.0.114.0/24': [route([via('10.0.0.2')], 'static', { selected: false })],
    },
    [IP6]: { '2001:db8::/32': [route([via('fe80::2')], 'ospf6')] },
  });
  expect(plain.waitingFor).toBeUndefined();
  plain.begin();
  expect(plain.waitingFor).toBe("zebra's answer about table 1001");
  await run();
  expect(asked).toEqual([IP4, IP6]);
  expect(applied.map(text)).toEqual([
    '1001 192.0.2.0/24 196 10.0.0.2@11*3',
    '1001 10.0.0.0/24 2 @11*1',
    '1001 198.51.100.0/24 196 blackhole',
    '1001 2001:db8::/32 188 fe80::2@11*1',
  ]);
  expect(read).toEqual([TABLE]);
  expect(plain.waitingFor).toBeUndefined();
});

test.each([TABLE, NO_TABLE])(
  'what comes over FPM while zebra answers is newer than the answer: table %i',
  async (table) => {
    const answer = { '192.0.2.0/24': [route([via('10.0.0.2')])], '198.51.100.0/24': [route([via('10.0.0.2')])] };
    const on = { now: (): void => undefined };
    const { plain, applied, run } = stage({ [IP4]: answer }, { during: () => void on.now() });
    on.now = () => plain.received({ kind: 'routeDelete', table, prefix: parsePrefix('192.0.2.0/24')! });
    plain.begin();
    await run();
    expect(applied.map(({ prefix }) => formatPrefix(prefix))).toEqual(['198.51.100.0/24']);
  },
);

test('a zebra that does not answer is asked again, a few times; then nothing is waited for, and nothing taken as read', async () => {
  const later = stage({ [IP4]: { '192.0.2.0/24': [route([via('10.0.0.2')])] } }, { fails: 2 });
  later.plain.begin();
  for (let i = 0; i < 3; i++) await later.run();
  expect([later.applied.length, later.read]).toEqual([1, [TABLE]]);

  const never = stage({}, { fails: 100 });
  never.plain.begin();
  for (let i = 0; i < 10; i++) await never.run();
  expect([never.read, never.plain.waitingFor, never.timers]).toEqual([[], undefined, []]);
  expect(never.lines.filter(([message]) => message.includes('can not be asked'))).toHaveLength(1);
});

test('the session ends while zebra answers: the answer is dropped', async () => {
  const on = { now: (): void => undefined };
  const { plain, applied, read, run } = stage(
    { [IP4]: { '192.0.2.0/24': [route([via('10.0.0.2')])] } },
    { during: () => void on.now() },
  );
  on.now = () => plain.close();
  plain.begin();
  await run();
  expect([applied, read, plain.waitingFor]).toEqual([[], [], undefined]);
});
