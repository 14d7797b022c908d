/** Withdrawals that name no table, asked of a zebra that answers as FRR does. */
import { UnclearDeletes } from '../../../src/bridge/unclear-deletes';
import { formatPrefix, parsePrefix } from '../../../src/net/address';
import { fakeLog } from './fake-log';

const PREFIX = parsePrefix('20.9.0.0/16')!;
const OTHER = parsePrefix('2001:db8::/32')!;
const VRFS = 'vrf red id 9 table 1001\nvrf blue id 10 table 1002\n';
const HAS = { '20.9.0.0/16': [{ protocol: 'static', selected: true, destSelected: true, nexthops: [] }] };
const DEFAULT = 'show ip route 20.9.0.0/16 json';
const RED = 'show ip route vrf red 20.9.0.0/16 json';

/** `answers` by command, none: no route; `during` runs before each of them; undefined: zebra can't be asked. */
function stage(
  answers: Readonly<Record<string, object>> | undefined,
  during: (command: string) => void = () => undefined,
) {
  const world = { now: 0, replayed: true };
  const did: string[] = [];
  const asked: string[] = [];
  const timers: (() => void)[] = [];
  const deletes = new UnclearDeletes({
    open: () =>
      answers === undefined
        ? Promise.reject(new Error('no such socket'))
        : Promise.resolve({
            close: () => void asked.push('close'),
            text: () => Promise.resolve(VRFS),
            async *ask(command: string) {
              asked.push(command);
              during(command);
              yield await Promise.resolve(JSON.stringify(answers[command] ?? {}));
              return 0;
            },
          }),
    withdraw: (table, prefix) => void did.push(`${table} ${formatPrefix(prefix)}`),
    askAgain: () => void did.push('again'),
    replayed: () => world.replayed,
    later: (_ms, action) => {
      timers.push(action);
      return () => void timers.splice(timers.indexOf(action), 1);
    },
    now: () => world.now,
    log: fakeLog().log,
  });
  const run = async (): Promise<void> => {
    timers.shift()?.();
    for (let i = 0; i < 100; i++) await Promise.resolve();
  };
  return { deletes, world, did, asked, timers, run };
}

test('the table in which zebra has the prefix no more loses it, and the others keep it', async () => {
  const { deletes, did, asked, timers, run } = stage({ [DEFAULT]: HAS });
  deletes.add(PREFIX, [254, 1001]);
  deletes.add(PREFIX, [254, 1001]);
  expect(timers).toHaveLength(1);
  await run();
  expect(did).toEqual(['1001 20.9.0.0/16']);
  expect(asked).toEqual([DEFAULT, RED, 'close']);
  deletes.check();
  expect([did.length, timers]).toEqual([1, []]);
});

test('a plain table is asked for as one; a route that covers the prefix is none for it', async () => {
  const covering = { '20.0.0.0/8': HAS['20.9.0.0/16'] };
  const { deletes, did, asked, run } = stage({ [RED]: HAS, [DEFAULT]: covering });
  deletes.add(PREFIX, [254, 1001, 5000]);
  deletes.add(OTHER, [1001, 1002]);
  await run();
  expect(asked).toContain('show ip route table 5000 20.9.0.0/16 longer-prefixes json');
  expect(asked).toContain('show ipv6 route vrf blue 2001:db8::/32 json');
  expect(did).toEqual(['254 20.9.0.0/16', '5000 20.9.0.0/16', '1001 2001:db8::/32', '1002 2001:db8::/32']);
});

test('what zebra sends again meanwhile stays, and what it withdraws again is asked for again', async () => {
  const add = { kind: 'routeAdd', table: 1001, prefix: PREFIX, protocol: 4, metric: 0 } as const;
  let times = 0;
  const at = stage({ [DEFAULT]: HAS }, (command) => {
    if (command !== RED || times++ > 0) return;
    at.deletes.received({ ...add, target: { kind: 'host' } });
    at.deletes.add(PREFIX, [254, 1001]);
  });
  at.deletes.add(PREFIX, [254, 1001]);
  await at.run();
  expect(at.asked).toEqual([DEFAULT, RED, DEFAULT, RED, 'close']);
  expect(at.did).toEqual(['1001 20.9.0.0/16']);

  const { deletes, did, run } = stage({ [DEFAULT]: HAS });
  deletes.add(PREFIX, [254, 1001]);
  deletes.received({ ...add, target: { kind: 'host' } });
  await run();
  expect(did).toEqual([]);
});

test('where zebra can not be asked it sends everything again: when its replay is over, and once a minute at most', async () => {
  const { deletes, world, did, run } = stage(undefined);
  world.replayed = false;
  deletes.add(PREFIX, [254, 1001]);
  await run();
  deletes.check();
  expect(did).toEqual([]);
  world.replayed = true;
  for (let i = 0; i < 3; i++) deletes.check();
  expect(did).toEqual(['again']);
  deletes.close();
  world.now = 59_999;
  deletes.add(PREFIX, [254, 1001]);
  await run();
  deletes.check();
  expect(did).toEqual(['again']);
  world.now = 60_000;
  deletes.check();
  expect(did).toEqual(['again', 'again']);
});

test('so it does where it withdraws too many to ask for each', () => {
  const { deletes, did } = stage({});
  for (let i = 0; i <= 10_000; i++) {
    deletes.add({ family: 4, bytes: Uint8Array.of(20, i >> 8, i & 255, 0), length: 24 }, [254, 1001]);
  }
  deletes.check();
  expect(did).toEqual(['again']);
});

test('a session that ends ends all of it: an answer that comes later is none', async () => {
  const at = stage({}, () => at.deletes.close());
  at.deletes.add(PREFIX, [254, 1001]);
  await at.run();
  at.deletes.check();
  expect([at.did, at.timers]).toEqual([[], []]);
});
