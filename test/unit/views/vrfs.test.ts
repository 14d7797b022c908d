/** What is shown of VRFs, and which table a question is about. */
import { vrfTokens } from '../../../src/afi/base-tokens';
import { LAYOUTS } from '../../../src/control/show';
import { listRoutes } from '../../../src/views/route-rows';
import { RouteViews } from '../../../src/views/routes';
import { tableAsked, vrfViews } from '../../../src/views/vrfs';
import { Bed, Server, TABLE } from '../../bed/bed';
import { faultsOf } from '../../schemas';

const RED = 1001;
const DEVICE = 101;
const MAC = '02:00:00:00:00:01';

async function stage(): Promise<Bed> {
  const bed = new Bed(new Server(), { vrfs: [{ name: 'spare', table: 3 }] });
  bed.vrf(DEVICE, 'red', RED).link(0, true, true, { master: DEVICE }).neighbor(1, '10.0.1.2', MAC);
  bed
    .via('20.0.0.0/16', '10.0.1.2@1')
    .viaIn(RED, '20.0.0.0/16', '10.0.1.2@1')
    .viaIn(RED, '2001:db8::/32', '10.0.1.9@1');
  bed.viaIn(77, '20.0.0.0/16', '10.0.1.2@1');
  await bed.up();
  return bed;
}

test('each table that ports are bound to, that is named, or that routes are in', async () => {
  const bed = await stage();
  const views = await vrfViews(bed.fib, bed.programmer, (port) => `tap${port}`);
  expect(faultsOf('vrfs', views)).toEqual([]);
  const none = { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 };
  // Four entries are in every tree: multicast (two), broadcast, link-local.
  expect(views).toEqual([
    {
      ...{ ...none, table: TABLE, vrf: 'default', forwarded: true, token: 1088, ports: ['tap1', 'tap2', 'tap3'] },
      ...{ ipv4: 1, ipv6: 0, offloaded: 1, entries: 5 },
    },
    {
      ...{ ...none, table: 3, vrf: 'spare', forwarded: true, token: vrfTokens(3, TABLE).tree, ports: [] },
      ...{ ipv4: 0, ipv6: 0, entries: 4 },
    },
    {
      ...{ ...none, table: RED, vrf: 'red', forwarded: true, token: vrfTokens(RED, TABLE).tree, ports: ['tap0'] },
      ...{ ipv4: 1, ipv6: 1, offloaded: 1, unresolved: 1, entries: 6 },
    },
    { ...none, table: 77, forwarded: false, ports: [], ipv4: 1, ipv6: 0, trapped: 1, entries: 0 },
  ]);
  expect(LAYOUTS.vrfs.row(views[3]!)[0]).toEqual([
    '-',
    '77',
    '-',
    '-',
    '1',
    '0',
    '0',
    '1',
    '0',
    '0',
    '0',
    '0',
    'no port is bound to it: Linux forwards',
  ]);
});

test('a VRF by its name is its table; one that there is none of is named with those that there are', async () => {
  const { fib } = await stage();
  expect([tableAsked(fib, {}), tableAsked(fib, { vrf: 'red' }), tableAsked(fib, { table: 9 })]).toEqual([
    undefined,
    RED,
    9,
  ]);
  expect(tableAsked(fib, { vrf: 'default' })).toBe(TABLE);
  expect(() => tableAsked(fib, { vrf: 'blue' })).toThrow('vrf: there is no VRF blue, but default, spare, red');
  expect(() => tableAsked(fib, { vrf: 'red', table: 5 })).toThrow('VRF red has table 1001, not 5');
});

test('routes are filtered by table and by VRF, listed and looked up; each says which it is in', async () => {
  const bed = await stage();
  const views = new RouteViews(bed.fib, bed.programmer);
  const found = async (filter: Parameters<typeof listRoutes>[2]): Promise<string[]> => {
    const names: string[] = [];
    for await (const rows of listRoutes(bed.fib, views, filter)) {
      for (const { prefix, rest } of rows) names.push(`${prefix} ${rest.table} ${rest.vrf ?? '-'}`);
    }
    return names;
  };
  const longest = Uint8Array.of(20, 0, 0, 1);
  expect(await found({ vrf: 'red' })).toEqual(['20.0.0.0/16 1001 red', '2001:db8::/32 1001 red']);
  expect(await found({ table: 77 })).toEqual(['20.0.0.0/16 77 -']);
  expect(await found({ longest, vrf: 'red' })).toEqual(['20.0.0.0/16 1001 red']);
  expect(await found({ longest })).toEqual(['20.0.0.0/16 254 default', '20.0.0.0/16 1001 red', '20.0.0.0/16 77 -']);
});
