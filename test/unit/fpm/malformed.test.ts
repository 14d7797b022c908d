/** A message that can't be read about something that zebra sent before: what zebra sent of it before doesn't go on. */
import { decodeNetlink } from '../../../src/fpm/netlink/decoder';
import { decodeProtobuf, fpmMessageType } from '../../../src/fpm/protobuf/decoder';
import * as c from '../../../src/netlink/constants';
import { malformedProblem } from '../../../src/views/unsupported';
import { Bed } from '../../bed/bed';
import { describeUpdate } from './describe';
import { attributes, nexthop, neighbor, route, u16 } from './messages';

const DST = [c.RTA_DST, '192.0.2.0'] as const;
const UNREADABLE = 'unsupported: zebra sent it in a message that could not be read';
const HALF_A_LABEL = [
  [c.RTA_OIF, 3],
  [c.RTA_ENCAP_TYPE, u16(1)],
  [c.RTA_ENCAP, attributes([[1, new Uint8Array(6)]])],
] as const;

/** The stopgaps of a payload's malformed messages; what else is in it is to be as good as ever. */
function stopgaps(payload: Buffer, decode = decodeNetlink): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  decode(payload, 0, payload.length, {
    update: (update) => void found.push(`update ${describeUpdate(update)}`),
    message: () => undefined,
    skipped: (reason) => void found.push(`skipped ${reason}`),
    malformed: (_reason, _offset, stopgap) => void found.push(stopgap && describeUpdate(stopgap)),
  });
  return found;
}

/** With bytes behind its attributes that are none: a length of 9 where 4 bytes are left. */
function broken(message: Buffer): Buffer {
  const bytes = Buffer.concat([message, Buffer.of(9, 0, 2, 0)]);
  bytes.writeUInt32LE(bytes.length, 0);
  return bytes;
}

test('a route whose target can not be read, and the rest of the batch', () => {
  const good = route({}, [
    [c.RTA_DST, '198.51.100.0'],
    [c.RTA_NH_ID, 1],
  ]);
  expect(
    stopgaps(Buffer.concat([route({ protocol: 188 }, [DST, [c.RTA_PRIORITY, 20], ...HALF_A_LABEL]), good])),
  ).toEqual([
    `routeAdd 192.0.2.0/24 table 254 proto 188 metric 20 → ${UNREADABLE}`,
    'update routeAdd 198.51.100.0/24 table 254 proto 186 metric 0 → nexthop 1',
  ]);
});

test('attributes that do not fit behind the destination; the table must be known', () => {
  const message = route({}, [DST]);
  expect(stopgaps(broken(message))).toEqual([`routeAdd 192.0.2.0/24 table 254 proto 186 metric 0 → ${UNREADABLE}`]);
  expect(stopgaps(broken(route({ table: 0 }, [DST])))).toEqual([undefined]);
  expect(stopgaps(broken(route({ table: 0 }, [DST, [c.RTA_TABLE, 1000]])))).toEqual([
    `routeAdd 192.0.2.0/24 table 1000 proto 186 metric 0 → ${UNREADABLE}`,
  ]);
  expect(stopgaps(broken(route({ message: c.RTM_DELROUTE }, [DST])))).toEqual(['routeDelete 192.0.2.0/24 table 254']);
});

test('which route it is can not be read, or it is none for us', () => {
  for (const message of [
    route({ length: 33 }, [DST]),
    route({}, [[c.RTA_NH_ID, 1]]),
    route({}, [DST, [c.RTA_TABLE, u16(7)]]),
    broken(route({}, [])),
    route({ family: 28, length: 20 }, []),
  ]) {
    expect(stopgaps(message)).toEqual([undefined]);
  }
  for (const header of [{ tos: 8 }, { sourceLength: 24 }, { rtmFlags: c.RTM_F_CLONED }, { family: 7 }]) {
    expect(stopgaps(broken(route(header, [DST])))).toEqual([
      header.family === 7 ? expect.stringMatching(/^skipped/) : undefined,
    ]);
  }
});

test('nexthop ids, label entries, neighbors', () => {
  const group = [c.NHA_GROUP, new Uint8Array(12)] as const;
  expect(stopgaps(nexthop([[c.NHA_ID, 9], group]))).toEqual([`nexthopAdd 9 family 2 proto 11 → ${UNREADABLE}`]);
  expect(stopgaps(nexthop([group]))).toEqual([undefined]);
  expect(stopgaps(broken(nexthop([[c.NHA_ID, 9]], c.RTM_DELNEXTHOP)))).toEqual(['nexthopDelete 9']);
  const label = [c.RTA_DST, Uint8Array.of(0, 0x06, 0x41, 0)] as const;
  expect(stopgaps(broken(route({ family: 28, length: 20 }, [label])))).toEqual([expect.stringMatching(/^lspAdd 100 /)]);
  const mac = [c.NDA_LLADDR, new Uint8Array(8)] as const;
  expect(stopgaps(neighbor([[c.NDA_DST, '10.0.0.2'], mac]))).toEqual([expect.stringMatching(/10\.0\.0\.2.*none/)]);
});

describe('protobuf', () => {
  const type = fpmMessageType();
  const ADD = {
    vrfId: 0,
    addressFamily: 1,
    subAddressFamily: 1,
    key: { prefix: { length: 20, bytes: Buffer.from([10, 1, 0xff]) } },
    protocol: 9,
    metric: 50,
    nexthops: [{ ifId: { index: 3 }, address: { v4: { value: 0x0a000002 } } }],
  };
  const bytesOf = (changes: object): Buffer =>
    Buffer.from(type.encode(type.fromObject({ type: 1, addRoute: { ...ADD, ...changes } })).finish());
  const added = (metric: number): string =>
    `routeAdd 10.1.240.0/20 table 254 proto 186 metric ${metric} → ${UNREADABLE}`;

  test('a nexthop that can not be, and one that is cut', () => {
    expect(stopgaps(bytesOf({ nexthops: [{ ifId: { index: 0x80000000 } }] }), decodeProtobuf)).toEqual([added(50)]);
    expect(stopgaps(bytesOf({}).subarray(0, -3), decodeProtobuf)).toEqual([added(0)]);
  });

  test('wherever it is cut, it is that route or none', () => {
    const whole = bytesOf({ vrfId: 5 });
    const table5 = added(0).replace('254', String(0x80000005));
    for (let length = 3; length < whole.length; length++) {
      const [stopgap] = stopgaps(whole.subarray(0, length), decodeProtobuf);
      if (stopgap !== undefined) expect(stopgap.replace('proto 11', 'proto 186')).toBe(table5);
    }
  });
});

test('an offloaded route and nexthop go to the host, which is a problem until zebra sends them again', async () => {
  const bed = await new Bed().neighbor(1, '10.0.1.2', '02:00:00:00:00:09').up();
  const give = (message: Buffer): void => {
    decodeNetlink(message, 0, message.length, {
      update: (update) => void bed.apply(update),
      message: () => undefined,
      skipped: () => undefined,
      malformed: (_reason, _offset, stopgap) => void (stopgap && bed.apply(stopgap)),
    });
    bed.settle();
  };
  bed.via('192.0.2.0/24', '10.0.1.2@1').nexthop(9, '10.0.1.2@1').viaId('198.51.100.0/24', 9).settle();
  expect(malformedProblem(bed.fib)).toBeUndefined();
  give(route({}, [DST, ...HALF_A_LABEL]));
  give(
    nexthop([
      [c.NHA_ID, 9],
      [c.NHA_GROUP, new Uint8Array(12)],
    ]),
  );
  for (const address of ['192.0.2.9', '198.51.100.9']) expect(bed.packet(address)).toMatch(/^punt/);
  expect(malformedProblem(bed.fib)).toMatch(/^zebra sent 1 route and 1 nexthop in messages/);
  bed.via('192.0.2.0/24', '10.0.1.2@1').nexthop(9, '10.0.1.2@1').settle();
  for (const address of ['192.0.2.9', '198.51.100.9']) expect(bed.packet(address)).toMatch(/^p1/);
  expect(malformedProblem(bed.fib)).toBeUndefined();
});
