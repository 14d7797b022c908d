/** Checks of the kernel's routes against a scripted kernel. */
import { RouteCheck } from '../../../src/kernel/route-check';
import type { KernelPath, RouteLeads } from '../../../src/kernel/route-leads';
import { formatAddress, formatPrefix, parseAddress } from '../../../src/net/address';
import { NetlinkWriter, eachAttribute, readMessages } from '../../../src/netlink/codec';
import { nullLogger } from '../../../src/observe/log';

const [ERROR, DONE, NEWLINK, NEWROUTE, DELROUTE, DELNEXTHOP] = [2, 3, 16, 24, 25, 105];
const [MULTI, INTR] = [2, 0x10];
const BOOT = 3;
const BGP = 186;

/** Where a route leads, unless it is nowhere at all. */
function leadsText(leads: RouteLeads): string {
  if (leads.kind !== 'paths') return `, ${leads.kind}`;
  const text = ({ gateway, ifindex }: KernelPath): string => `${gateway ? formatAddress(gateway) : ''}@${ifindex}`;
  return leads.paths.map((path) => `, ${text(path)}`).join('');
}

/** A dump, or a question for the entry that an address matches. */
function routeRequest(flags: number, body: Buffer): string {
  const attributes = new Map<number, Buffer>();
  eachAttribute(body, 12, (type, start, end) => attributes.set(type, body.subarray(start, end)));
  if ((flags & 0x300) !== 0) {
    return `table ${attributes.get(15)!.readUInt32LE(0)} family ${body[0]} protocol ${body[5]}`;
  }
  const FIB_MATCH = 0x2000;
  expect([body.readUInt32LE(8), body[1]]).toEqual([FIB_MATCH, 8 * attributes.get(1)!.length]);
  const by = attributes.has(4) ? ` by ${attributes.get(4)!.readUInt32LE(0)}` : '';
  return `match ${formatAddress(attributes.get(1)!)}${by}${(flags & 4) !== 0 ? ', last' : ''}`;
}

/** A suspect by its prefix; what is confirmed and lost is noted as text. */
function setup(
  scopes: { table: number; ip6: boolean }[] = [{ table: 254, ip6: false }],
  routes: { prefix: string; ifindex?: number }[] = [],
) {
  let left = [...scopes];
  const events: string[] = [];
  const requests: { seq: number; text: string }[] = [];
  const timers: { ms: number; action: () => void }[] = [];
  let refusal: string | undefined;
  function send(bytes: Buffer): void {
    for (const { seq, flags, type, body } of readMessages(bytes)) {
      requests.push({ seq, text: type === 26 ? routeRequest(flags, body) : `nexthop ${body.readUInt32LE(12)}` });
    }
  }
  const named = (address: Uint8Array, length: number): string => formatPrefix({ bytes: address, length });
  const check = new RouteCheck({
    suspects: {
      lost: (table, address, length) => events.push(`lost ${table} ${named(address, length)}`) > 0,
      lostAny: () => events.push('lost any') > 0,
      lostNexthop: (id) => events.push(`lost nexthop ${id}`) > 0,
      begin: () => {
        left = [...scopes];
        events.push('begin');
        return { missingNexthops: [] };
      },
      some: (most) =>
        routes.slice(0, most).map(({ prefix, ...rest }) => {
          const [address, length] = prefix.split('/');
          return { address: parseAddress(address!)!, length: Number(length), ...rest };
        }),
      left: () => left,
      confirm: (table, address, length, protocol, leads) =>
        events.push(`${table} ${named(address, length)} by ${protocol}${leadsText(leads)}`),
      confirmAddress: (vrf, address) =>
        events.push(`address ${formatAddress(address)}${vrf === undefined ? '' : ` of table ${vrf}`}`),
      end: () => events.push('end') * 0 + left.length,
      abandon: () => events.push('abandon'),
    },
    send,
    sendAside(bytes, failed) {
      if (refusal === undefined) send(bytes);
      else failed(refusal);
    },
    nexthop: (type) => events.push(`nexthop ${type}`),
    removed: (count) => events.push(`removed ${count}`),
    later: (ms, action) => timers.push({ ms, action }),
    log: nullLogger,
  });
  return {
    check,
    events,
    requests,
    timers,
    timer(): void {
      timers.shift()!.action();
    },
    confirmAll: () => (left = []),
    refuse: (reason: string | undefined) => (refusal = reason),
    /** Ends the dump that runs. */
    done(flags = 0, result = 0, type = DONE): void {
      check.receive(
        new NetlinkWriter()
          .begin(type, MULTI | flags, requests.at(-1)!.seq)
          .u32(result)
          .end()
          .toBuffer(),
      );
    },
    show: (prefix: string, protocol: number, table?: number) =>
      check.receive(route(NEWROUTE, prefix, protocol, { seq: requests.at(-1)!.seq, flags: MULTI, table })),
  };
}

function answer(type: number, seq: number, result = 0): Buffer {
  return new NetlinkWriter().begin(type, 0, seq).u32(result).end().toBuffer();
}

function route(
  type: number,
  prefix: string,
  protocol: number,
  options: {
    seq?: number;
    flags?: number;
    table?: number | undefined;
    kind?: number;
    more?: (writer: NetlinkWriter) => void;
  } = {},
): Buffer {
  const [address, length] = prefix.split('/');
  const bytes = parseAddress(address!)!;
  const { seq = 0, flags = 0, table = 254, kind = 1 } = options;
  const writer = new NetlinkWriter().begin(type, flags, seq);
  writer
    .u8(bytes.length === 4 ? 2 : 10)
    .u8(Number(length))
    .u16(0);
  writer
    .u8(table < 256 ? table : 0)
    .u8(protocol)
    .u8(0)
    .u8(kind)
    .u32(0);
  writer.attributeU32(15, table);
  if (bytes.some((byte) => byte !== 0)) writer.attribute(1, bytes);
  options.more?.(writer);
  return writer.end().toBuffer();
}

test('a lost route brings a check; what the kernel shows is confirmed, and with nothing left it ends early', () => {
  const { check, events, requests, timer, show, done, confirmAll } = setup();
  check.receive(route(DELROUTE, '198.51.100.0/24', BOOT));
  check.receive(route(DELROUTE, '198.51.100.0/24', BOOT));
  timer();
  expect(requests.map(({ text }) => text)).toEqual(['table 254 family 2 protocol 3']);
  show('198.51.100.0/24', BOOT);
  show('0.0.0.0/0', BOOT);
  show('198.51.101.0/24', BGP);
  confirmAll();
  done();
  expect(events).toEqual([
    'lost 254 198.51.100.0/24',
    'lost 254 198.51.100.0/24',
    'begin',
    '254 198.51.100.0/24 by 3',
    '254 0.0.0.0/0 by 3',
    'end',
  ]);
  expect(check.counters).toMatchObject({ checks: 1, dumps: 1, removed: 0 });
});

describe('suspects asked for one by one', () => {
  const THREE = [{ prefix: '0.0.0.0/0', ifindex: 7 }, { prefix: '10.0.1.0/30' }, { prefix: '10.0.1.1/32' }];

  test('what the answers confirm needs no table to be read', () => {
    const { check, events, requests, timer, confirmAll } = setup([{ table: 254, ip6: false }], THREE);
    check.routeSent();
    timer();
    expect(requests.map(({ text }) => text)).toEqual([
      'match 0.0.165.165 by 7',
      'match 10.0.1.1',
      'match 10.0.1.1, last',
    ]);
    const [first, , last] = requests.map(({ seq }) => seq);
    check.receive(route(NEWROUTE, '0.0.0.0/0', BOOT, { seq: first }));
    check.receive(route(NEWROUTE, '198.51.100.0/24', BOOT, { seq: last! + 1 }));
    check.receive(route(NEWROUTE, '198.51.101.0/24', BGP, { seq: first }));
    check.receive(route(NEWROUTE, '10.0.1.1/32', 2, { seq: last, table: 255, kind: 2 }));
    expect(events).toEqual(['begin', '254 0.0.0.0/0 by 3', 'address 10.0.1.1']);
    confirmAll();
    check.receive(answer(ERROR, last!));
    expect(events.at(-1)).toBe('end');
    expect(check.counters).toMatchObject({ checks: 1, asked: 3, dumps: 0, removed: 0 });
  });

  test('where the kernel has no answer, or one that was lost, tables are read', () => {
    for (const lost of [false, true]) {
      const { check, requests, timer, done } = setup([{ table: 254, ip6: false }], THREE);
      check.routeSent();
      timer();
      const NETUNREACH = -101 >>> 0;
      check.receive(answer(ERROR, requests[0]!.seq, NETUNREACH));
      expect(requests).toHaveLength(3);
      if (lost) check.overrun();
      else check.receive(answer(ERROR, requests[2]!.seq, NETUNREACH));
      expect(requests.at(-1)!.text).toBe('table 254 family 2 protocol 3');
      check.receive(answer(ERROR, requests[2]!.seq, NETUNREACH));
      expect(requests).toHaveLength(4);
      done();
      expect(requests).toHaveLength(5);
    }
  });

  test('of IPv6, an address that is none of the router’s', () => {
    const { check, requests, timer } = setup(
      [{ table: 1000, ip6: true }],
      [{ prefix: 'fe80::/64', ifindex: 5 }, { prefix: '::/0' }],
    );
    check.routeSent();
    timer();
    expect(requests.map(({ text }) => text)).toEqual(['match fe80::a5a5 by 5', 'match ::a5a5, last']);
  });
});

test('a dump that can’t be asked for is asked for again later', () => {
  const { check, events, requests, timers, timer, refuse } = setup();
  refuse('no room');
  check.routeSent();
  timer();
  expect([events.at(-1), requests.length, timers.map(({ ms }) => ms)]).toEqual(['abandon', 0, [1000]]);
  refuse(undefined);
  timer();
  expect(requests).toHaveLength(1);
});

test('a suspect that no part shows is removed after the whole table was read twice', () => {
  const { events, requests, timer, check, done } = setup();
  check.receive(route(DELROUTE, '198.51.100.0/24', BOOT));
  timer();
  for (let i = 0; i < 8; i++) {
    expect(events).not.toContain('end');
    done();
  }
  expect(requests.map(({ text }) => text.replace('family 2 ', ''))).toEqual([
    'table 254 protocol 3',
    'table 254 protocol 4',
    'table 254 protocol 2',
    'table 254 protocol 16',
    'table 254 protocol 9',
    'table 255 protocol 0',
    'table 254 protocol 0',
    'table 254 protocol 0',
  ]);
  expect(events.slice(-2)).toEqual(['end', 'removed 1']);
});

test('both families, tables beyond 255, and the router’s addresses', () => {
  const { check, events, requests, timer, done, show } = setup([{ table: 1000, ip6: true }]);
  check.receive(route(DELROUTE, '2001:db8::/32', BOOT, { table: 1000 }));
  timer();
  expect(requests.at(-1)!.text).toBe('table 1000 family 10 protocol 3');
  show('2001:db8::/32', BOOT, 1000);
  for (let i = 0; i < 5; i++) done();
  expect(requests.at(-1)!.text).toBe('table 255 family 10 protocol 0');
  const { seq } = requests.at(-1)!;
  check.receive(route(NEWROUTE, '2001:db8::1/128', 2, { seq, flags: MULTI, table: 255, kind: 2 }));
  check.receive(route(NEWROUTE, '2001:db8::/128', 2, { seq, flags: MULTI, table: 255, kind: 4 }));
  expect(events.slice(-2)).toEqual(['1000 2001:db8::/32 by 3', 'address 2001:db8::1']);
});

test('a table that does not exist is empty; a dump that the kernel’s changes spoiled is repeated, and given up at last', () => {
  const { check, events, requests, timers, timer, done } = setup();
  check.overrun();
  timer();
  done(0, -2 >>> 0, ERROR);
  expect(requests).toHaveLength(2);
  for (let i = 0; i < 5; i++) done(INTR);
  expect(requests).toHaveLength(6);
  expect(events.at(-1)).toBe('abandon');
  expect(timers.map(({ ms }) => ms)).toEqual([1000]);
  timer();
  expect(requests).toHaveLength(7);
});

test('a loss while a check runs brings another one; zebra’s own routes, and answers to others, none', () => {
  const { check, events, requests, timers, timer, done, confirmAll } = setup();
  check.receive(route(DELROUTE, '198.51.101.0/24', BGP));
  check.receive(route(NEWROUTE, '198.51.101.0/24', BOOT));
  expect(timers).toHaveLength(0);
  check.routeSent();
  timer();
  check.receive(route(NEWROUTE, '198.51.101.0/24', BOOT, { seq: requests[0]!.seq + 1, flags: MULTI }));
  check.receive(route(DELROUTE, '198.51.100.0/24', BOOT));
  timer();
  expect(events).toEqual(['begin', 'lost 254 198.51.100.0/24']);
  confirmAll();
  done();
  timer();
  expect(events.filter((event) => event === 'begin')).toHaveLength(2);
});

test('links and nexthop objects take routes along without a word', () => {
  const { check, events, requests } = setup();
  check.receive(new NetlinkWriter().begin(NEWLINK, 0).u32(0).u32(5).u32(0).u32(0).end().toBuffer());
  check.receive(new NetlinkWriter().begin(DELNEXTHOP, 0).u32(2).u32(0).attributeU32(1, 540).end().toBuffer());
  expect(events).toEqual(['lost any', 'nexthop 105', 'lost nexthop 540']);
  check.askNexthops([540]);
  expect(requests.at(-1)!.text).toBe('nexthop 540');
});

test('nothing that comes makes it throw', () => {
  const { check } = setup();
  const whole = route(DELROUTE, '198.51.100.0/24', BOOT);
  for (let length = 0; length < whole.length; length++) {
    const cut = Buffer.from(whole.subarray(0, length));
    check.receive(cut);
    if (length < 16) continue;
    cut.writeUInt32LE(length, 0);
    check.receive(cut);
  }
  expect(check.counters.malformed).toBeGreaterThan(0);
});

test('a route that took another’s place is a suspect; the check leaves zebra the time to send the new one', () => {
  const { check, events, timers } = setup();
  const REPLACE = 0x100;
  check.receive(route(NEWROUTE, '198.51.100.0/24', BOOT, { flags: REPLACE }));
  check.receive(route(NEWROUTE, '198.51.101.0/24', BOOT));
  check.receive(route(NEWROUTE, '198.51.102.0/24', BGP, { flags: REPLACE }));
  expect(events).toEqual(['lost 254 198.51.100.0/24']);
  expect(timers.map(({ ms }) => ms)).toEqual([1000]);
});

test('where a route of a dump leads is told: gateway, interface, several, none, to nowhere, by an object alone', () => {
  const { check, events, requests, timer } = setup();
  check.receive(route(DELROUTE, '198.51.100.0/24', BOOT));
  timer();
  const [OIF, GATEWAY, MULTIPATH, VIA, NH_ID] = [4, 5, 9, 18, 30];
  const show = (kind: number, more: (writer: NetlinkWriter) => void): void =>
    check.receive(route(NEWROUTE, '20.0.0.0/24', BOOT, { seq: requests.at(-1)!.seq, flags: MULTI, kind, more }));
  const hop = Buffer.from('1000000003000000080005000a000102', 'hex');
  const link = Buffer.from('0800000004000000', 'hex');
  show(1, (writer) => writer.attributeU32(OIF, 3).attribute(GATEWAY, parseAddress('10.0.1.2')!));
  show(1, (writer) => writer.attributeU32(OIF, 3));
  const via = Buffer.concat([Buffer.from([10, 0]), parseAddress('fe80::2')!]);
  show(1, (writer) => writer.attributeU32(OIF, 3).attribute(VIA, via));
  show(1, (writer) => writer.attribute(MULTIPATH, Buffer.concat([hop, link])));
  show(6, (writer) => writer.attributeU32(OIF, 1));
  show(1, (writer) => writer.attributeU32(NH_ID, 540));
  show(1, (writer) => writer.attributeU32(NH_ID, 540).attributeU32(OIF, 3));
  expect(events.slice(2).map((event) => event.split(' by 3')[1])).toEqual([
    ', 10.0.1.2@3',
    ', @3',
    ', fe80::2@3',
    ', 10.0.1.2@3, @4',
    ', drop',
    ', unknown',
    ', @3',
  ]);
});
