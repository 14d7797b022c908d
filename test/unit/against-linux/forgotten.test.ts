import { isForgotten, trackedBy } from '../../against-linux/forgotten';

/** As zebra 10.7.1 showed it. */
const NHT = `VRF default:
 Resolve via default: on
10.1.0.2
 resolved via kernel, prefix 0.0.0.0/0
 via 10.1.2.4, tap2 (vrf default), weight 1
 Client list: static(fd 32)
10.1.2.2
 resolved via connected, prefix 10.1.2.0/24
 is directly connected, tap2 (vrf default), weight 1
 Client list: static(fd 32)
10.1.9.9
 unresolved
 Client list: static(fd 32)
`;

/** A zebra with these routes: prefix → its nexthops. */
const zebra =
  (routes: Record<string, readonly object[]>) =>
  (command: string): Promise<string> => {
    if (command === 'show ip nht') return Promise.resolve(NHT);
    const prefix = /^show ip route (\S+) json$/.exec(command)![1]!;
    const nexthops = routes[prefix];
    return Promise.resolve(JSON.stringify(nexthops === undefined ? {} : { [prefix]: [{ selected: true, nexthops }] }));
  };

const recursive = [
  { ip: '10.1.0.2', recursive: true },
  { ip: '10.1.2.4', resolver: true },
];

test('by what a nexthop is resolved, in zebra’s words', () => {
  expect(['10.1.0.2', '10.1.2.2', '10.1.9.9', '10.1.0.3'].map((ip) => trackedBy(NHT, ip))).toEqual([
    '0.0.0.0/0',
    '10.1.2.0/24',
    undefined,
    undefined,
  ]);
});

test('forgotten: no such route, or one by a route that isn’t there', async () => {
  expect(await isForgotten(zebra({}), '10.77.0.0/16')).toBe(true);
  expect(await isForgotten(zebra({ '10.77.0.0/16': recursive }), '10.77.0.0/16')).toBe(true);
});

test('not forgotten: all is there', async () => {
  const all = { '10.77.0.0/16': recursive, '0.0.0.0/0': [{ ip: '10.1.2.4' }] };
  expect(await isForgotten(zebra(all), '10.77.0.0/16')).toBe(false);
  expect(await isForgotten(zebra({ '10.77.0.0/16': [{ ip: '10.1.9.9' }] }), '10.77.0.0/16')).toBe(false);
});
