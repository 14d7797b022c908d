/** Gateways of paths are kept once, and are the right ones however many there are. */
import { copyPath, Gateways } from '../../../src/fib/nexthop-paths';

const gateway = (host: number): Uint8Array => Uint8Array.of(10, 0, host >> 8, host);

test('paths by one gateway share its address, and none of the bytes that they were told with', () => {
  const gateways = new Gateways();
  const told = gateway(1);
  const [one, other] = [1, 2].map((ifindex) => copyPath({ ifindex, weight: 1, gateway: told }, gateways));
  told.fill(0);
  expect(one!.gateway).toEqual(gateway(1));
  expect(other!.gateway).toBe(one!.gateway);
});

test('with more of them than are kept each path has its own still', () => {
  const gateways = new Gateways();
  const copies = Array.from({ length: 10_000 }, (_, i) =>
    copyPath({ ifindex: 1, weight: 1, gateway: gateway(i) }, gateways),
  );
  copies.forEach((copy, i) => expect(copy.gateway).toEqual(gateway(i)));
  expect(copyPath({ ifindex: 1, weight: 1, gateway: gateway(9_999) }, gateways).gateway).toBe(copies[9_999]!.gateway);
});
