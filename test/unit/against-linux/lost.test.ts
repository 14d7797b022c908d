/** What zebra 10.7.1 shows of a subnet that it has lost (recorded, shortened), and the routes that lead there. */
import { formatPrefix } from '../../../src/net/address';
import { leadsInto, lostSubnets } from '../../against-linux/lost';

const INTERFACES = {
  tap0: { operationalStatus: 'up', ipAddresses: [{ address: '10.1.0.1/24' }, { address: 'fe80::1/64' }] },
  tap1: {
    operationalStatus: 'up',
    ipAddresses: [
      { address: '10.1.1.1/24' },
      { address: '10.1.1.33/24' },
      { address: '10.9.9.1/24', noPrefixRoute: true },
      { address: '10.9.8.1/32' },
    ],
  },
  tap2: { operationalStatus: 'down', ipAddresses: [{ address: '10.1.2.1/24' }] },
  tap3: { operationalStatus: 'up', ipAddresses: [{ address: '2001:db8:3::1/64' }] },
};

/** A zebra with these connected routes. */
const zebra =
  (...connected: string[]) =>
  (command: string): Promise<string> => {
    if (command === 'show interface json') return Promise.resolve(JSON.stringify(INTERFACES));
    const prefix = /^show ip(?:v6)? route (\S+) json$/.exec(command)![1]!;
    const protocol = connected.includes(prefix) ? 'connected' : 'static';
    return Promise.resolve(JSON.stringify({ [prefix]: [{ protocol }] }));
  };

test('lost: the subnets of interfaces that are up, without a connected route', async () => {
  const lost = await lostSubnets(zebra('10.1.0.0/24', 'fe80::/64', '2001:db8:3::/64'));
  expect(lost.map(formatPrefix)).toEqual(['10.1.1.0/24']);
  expect(await lostSubnets(zebra('10.1.0.0/24', '10.1.1.0/24', 'fe80::/64', '2001:db8:3::/64'))).toEqual([]);
});

test('routes by a nexthop there, one of several too', async () => {
  const lost = await lostSubnets(zebra('10.1.0.0/24', 'fe80::/64'));
  const leads = (text: string): boolean => leadsInto(text, lost);
  expect(leads("only Linux's kernel has: 10.201.0.0/16 via 10.1.1.2 dev tap1 proto 196 metric 20")).toBe(true);
  expect(
    leads('10.9.0.0/16 proto 196 nexthop via 10.1.0.2 dev tap0 weight 1 nexthop via 10.1.1.2 dev tap1 weight 1'),
  ).toBe(true);
  expect(leads('10.9.0.0/16 via inet6 2001:db8:3::2 dev tap3 proto 196')).toBe(true);
  expect(leads('10.9.0.0/16 via 10.1.0.2 dev tap0 proto 196')).toBe(false);
  expect(leads('blackhole 10.9.0.0/16 proto 196')).toBe(false);
});
