/** Withdrawals that name no table, as zebra's module `fpm` sends them. */
import { newKey, setKey } from '../../../src/fib/route-key';
import { ROW } from '../../../src/fib/route-table';
import { NO_TABLE, VRF_TABLES } from '../../../src/fib/updates';
import { parsePrefix } from '../../../src/net/address';
import { Bed, TABLE } from '../../bed/bed';

const VRF = 1001;
const DROP = { kind: 'drop', drop: 'blackhole' } as const;
const PREFIX = '20.9.0.0/16';

const bed = (): Promise<Bed> => new Bed(undefined, { vrfs: [{ name: 'red', table: VRF }] }).vrf(41, 'red', VRF).up();
/** Where zebra's route is. */
const tables = (of: Bed, text = PREFIX): number[] => {
  const { routes } = of.fib.rows;
  const { bytes, length } = parsePrefix(text)!;
  return [TABLE, VRF].filter((table) => {
    const row = routes.find(setKey(newKey(), table, bytes, length));
    return row !== 0 && (routes.flags[row]! & ROW.zebra) !== 0;
  });
};

test('where one table has the prefix, it is that one', async () => {
  const one = await bed();
  one.route(PREFIX, DROP, { table: VRF }).route('20.8.0.0/16', DROP).route('20.9.0.0/24', DROP);
  one.withdraw(PREFIX, NO_TABLE);
  expect([tables(one), tables(one, '20.9.0.0/24'), one.unclear]).toEqual([[], [TABLE], []]);
  one.withdraw('20.8.0.0/16', NO_TABLE).withdraw('20.7.0.0/16', NO_TABLE);
  expect([tables(one, '20.8.0.0/16'), one.unclear]).toEqual([[], []]);
});

test('where several have it, none loses it, and they are told', async () => {
  const both = await bed();
  for (const table of [TABLE, VRF]) both.route(PREFIX, DROP, { table });
  both.route('2001:db8::/32', DROP).withdraw(PREFIX, NO_TABLE);
  expect([tables(both), both.unclear]).toEqual([[TABLE, VRF], [`${PREFIX} ${TABLE} ${VRF}`]]);
  both.withdraw(PREFIX, VRF).withdraw(PREFIX, NO_TABLE);
  expect([tables(both), both.unclear.length]).toEqual([[], 1]);
});

test('in a replay it is one that zebra has sent again, if any is', async () => {
  const again = await bed();
  for (const table of [TABLE, VRF]) again.route(PREFIX, DROP, { table });
  again.fib.beginReplay();
  again.route(PREFIX, DROP, { table: VRF }).withdraw(PREFIX, NO_TABLE);
  expect([tables(again), again.unclear]).toEqual([[TABLE], []]);
  again.withdraw(PREFIX, NO_TABLE);
  expect([tables(again), again.unclear]).toEqual([[], []]);
});

test('routes of protobuf’s VRFs, own subnets and own addresses are none of it', async () => {
  const others = await bed();
  others.connected(1, '20.9.0.1/16').fib.countOwnSubnets();
  others.route(PREFIX, DROP, { table: VRF_TABLES + 3 }).route(PREFIX, DROP, { table: VRF });
  others.withdraw(PREFIX, NO_TABLE);
  expect([tables(others), others.unclear]).toEqual([[], []]);
});
