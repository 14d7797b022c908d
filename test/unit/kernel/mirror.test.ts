/** The mirror: only changes come out, deletions follow links and dumps. */
import type { KernelUpdate } from '../../../src/fib/updates';
import { formatAddress, parseAddress, parseMac, parsePrefix } from '../../../src/net/address';
import type { AddressMessage, LinkMessage, NeighborMessage } from '../../../src/kernel/decode';
import { KernelMirror } from '../../../src/kernel/mirror';

const link = (over: Partial<LinkMessage> = {}): LinkMessage => ({
  kind: 'link',
  present: true,
  ifindex: 5,
  name: 'tap0',
  up: true,
  mtu: 1500,
  master: 0,
  ...over,
});
const address = (text: string, over: Partial<AddressMessage> = {}): AddressMessage => ({
  kind: 'address',
  present: true,
  ifindex: 5,
  address: parseAddress(text)!,
  length: 24,
  ...over,
});
const neighbor = (text: string, over: Partial<NeighborMessage> = {}): NeighborMessage => ({
  kind: 'neighbor',
  present: true,
  ifindex: 5,
  address: parseAddress(text)!,
  mac: parseMac('02:00:00:00:00:02')!,
  state: 'reachable',
  ...over,
});

function show(update: KernelUpdate): string {
  if (update.kind === 'link') return `link ${update.name} ${update.present ? (update.up ? 'up' : 'down') : 'gone'}`;
  if (update.kind === 'groups') return `groups ${update.groups.length}`;
  const text = formatAddress(update.address);
  if (update.kind === 'neighborAdd') return `+${text} ${update.state} ${update.mac?.at(-1) ?? '-'}`;
  return `${update.kind === 'addressAdd' ? '+addr ' : update.kind === 'addressDelete' ? '-addr ' : '-'}${text}`;
}

function setup(told: (update: KernelUpdate) => void = () => undefined): {
  mirror: KernelMirror;
  out: string[];
  asked: () => number;
  seen: string[];
  changes: string[];
} {
  const changes: string[] = [];
  const out: string[] = [];
  const seen: string[] = [];
  let asked = 0;
  const mirror = new KernelMirror({
    taps: new Set(['tap0', 'tap1']),
    emit(update) {
      out.push(show(update));
      told(update);
    },
    portAppeared: () => asked++,
    neighborSeen: (ifindex, bytes) => seen.push(`${ifindex} ${formatAddress(bytes)}`),
    macChanged: (_ifindex, address, before, mac) => changes.push(`${formatAddress(address)} ${before[5]} to ${mac[5]}`),
    linkChanged: () => undefined,
  });
  return { mirror, out, asked: () => asked, seen, changes };
}

describe('kernel mirror', () => {
  it('tells of an address again whose subnet has a route from now on, or no more', () => {
    const { mirror, out } = setup();
    mirror.apply(link());
    const subnet = parsePrefix('10.0.0.0/24')!;
    for (const over of [{}, { subnet }, { subnet }, {}]) mirror.apply(address('10.0.0.1', over));
    expect(out.filter((line) => line === '+addr 10.0.0.1')).toHaveLength(3);
  });

  it('knows an address with two peers as two: one goes, the other stays', () => {
    const updates: KernelUpdate[] = [];
    const { mirror } = setup((update) => updates.push(update));
    mirror.apply(link());
    const peers = ['10.0.0.2', '10.0.0.3'].map((text) => ({ length: 32, peer: parseAddress(text)! }));
    for (const peer of peers) mirror.apply(address('10.0.0.1', peer));
    mirror.apply(address('10.0.0.1', { ...peers[0]!, present: false }));
    const name = { ifindex: 5, address: parseAddress('10.0.0.1')! };
    expect(updates.slice(1)).toEqual([
      { kind: 'addressAdd', ...name, ...peers[0]! },
      { kind: 'addressAdd', ...name, ...peers[1]! },
      { kind: 'addressDelete', ...name, ...peers[0]! },
    ]);
    expect(mirror.sizes().addresses).toBe(1);
  });

  it('tells of another hardware address, also over a moment without one', () => {
    const { mirror, changes } = setup();
    mirror.apply(link());
    mirror.apply(neighbor('10.0.0.2'));
    mirror.apply(neighbor('10.0.0.2', { state: 'stale' }));
    mirror.apply(neighbor('10.0.0.2', { mac: parseMac('02:00:00:00:00:03')! }));
    const lost = neighbor('10.0.0.2', { state: 'failed', mac: undefined });
    mirror.apply(lost);
    mirror.apply(lost);
    mirror.apply(neighbor('10.0.0.2', { mac: parseMac('02:00:00:00:00:03')! }));
    mirror.apply(lost);
    mirror.apply(neighbor('10.0.0.2'));
    expect(changes).toEqual(['10.0.0.2 2 to 3', '10.0.0.2 3 to 2']);
  });

  it('reports changes once', () => {
    const { mirror, out, seen } = setup();
    mirror.apply(link());
    mirror.apply(link());
    mirror.apply(neighbor('10.0.0.2'));
    mirror.apply(neighbor('10.0.0.2'));
    mirror.apply(neighbor('10.0.0.2', { state: 'stale' }));
    mirror.apply(neighbor('10.0.0.2', { state: 'stale', mac: parseMac('02:00:00:00:00:03')! }));
    mirror.apply(neighbor('10.0.0.2', { present: false }));
    mirror.apply(neighbor('10.0.0.2', { present: false }));
    mirror.apply(address('10.0.0.1'));
    mirror.apply(address('10.0.0.1'));
    mirror.apply(address('10.0.0.1', { broadcast: parseAddress('10.0.0.255')! }));
    mirror.apply(address('10.0.0.1', { present: false }));
    expect(out).toEqual([
      'link tap0 up',
      '+10.0.0.2 reachable 2',
      '+10.0.0.2 stale 2',
      '+10.0.0.2 stale 3',
      '-10.0.0.2',
      '+addr 10.0.0.1',
      '+addr 10.0.0.1',
      '-addr 10.0.0.1',
    ]);
    // The resolver hears of repeated states too.
    expect(seen).toHaveLength(5);
  });

  it('keeps the same address with two lengths, and on two ports, apart', () => {
    const { mirror, out } = setup();
    mirror.apply(link());
    mirror.apply(link({ ifindex: 6, name: 'tap1' }));
    mirror.apply(address('10.0.0.1'));
    mirror.apply(address('10.0.0.1', { length: 32 }));
    mirror.apply(address('10.0.0.1', { length: 32, present: false }));
    mirror.apply(neighbor('10.0.0.2'));
    mirror.apply(neighbor('10.0.0.2', { ifindex: 6 }));
    mirror.apply(neighbor('10.0.0.2', { ifindex: 6, present: false }));
    expect(mirror.sizes()).toEqual({ links: 2, addresses: 1, neighbors: 1 });
    expect(out.slice(2)).toEqual([
      '+addr 10.0.0.1',
      '+addr 10.0.0.1',
      '-addr 10.0.0.1',
      '+10.0.0.2 reachable 2',
      '+10.0.0.2 reachable 2',
      '-10.0.0.2',
    ]);
  });

  it('reports all links, but neighbors and addresses of ports only', () => {
    const { mirror, out } = setup();
    mirror.apply(link({ ifindex: 2, name: 'eth0' }));
    mirror.apply(neighbor('10.0.0.2', { ifindex: 2 }));
    mirror.apply(address('10.0.0.1', { ifindex: 2 }));
    mirror.apply(neighbor('10.0.0.2', { ifindex: 99 }));
    expect(out).toEqual(['link eth0 up']);
    expect(mirror.isPortUp(2)).toBe(false);
  });

  it('a link that goes takes its neighbors and addresses along, before itself', () => {
    const { mirror, out } = setup();
    mirror.apply(link());
    mirror.apply(link({ ifindex: 6, name: 'tap1' }));
    mirror.apply(address('10.0.0.1'));
    mirror.apply(neighbor('10.0.0.2'));
    mirror.apply(neighbor('10.0.1.2', { ifindex: 6 }));
    out.length = 0;
    mirror.apply(link({ present: false }));
    expect(out).toEqual(['-10.0.0.2', '-addr 10.0.0.1', 'link tap0 gone']);
    expect(mirror.isPortUp(5)).toBe(false);
    mirror.apply(link({ present: false }));
    expect(out).toHaveLength(3);
  });

  it('a rename to a port asks for a dump, a rename away deletes', () => {
    const { mirror, out, asked } = setup();
    mirror.apply(link({ name: 'foo' }));
    mirror.apply(neighbor('10.0.0.2'));
    expect(asked()).toBe(0);
    mirror.apply(link());
    expect(asked()).toBe(1);
    mirror.apply(neighbor('10.0.0.2'));
    mirror.apply(link({ name: 'bar' }));
    expect(out).toEqual(['link foo up', 'link tap0 up', '+10.0.0.2 reachable 2', '-10.0.0.2', 'link bar up']);
    expect(asked()).toBe(1);
    expect(mirror.isPortUp(5)).toBe(false);
  });

  it('a dump deletes what it did not show and repeats nothing', () => {
    const { mirror, out } = setup();
    mirror.apply(link());
    mirror.apply(link({ ifindex: 6, name: 'tap1' }));
    mirror.apply(neighbor('10.0.0.2'));
    mirror.apply(neighbor('10.0.0.3'));
    mirror.apply(neighbor('10.0.1.3', { ifindex: 6 }));
    mirror.apply(address('10.0.0.1'));
    out.length = 0;
    mirror.beginDump('link');
    mirror.apply(link());
    mirror.endDump('link');
    expect(out).toEqual(['-10.0.1.3', 'link tap1 gone']);
    mirror.beginDump('address');
    mirror.apply(address('10.0.0.1'));
    mirror.endDump('address');
    mirror.beginDump('neighbor');
    mirror.apply(neighbor('10.0.0.3'));
    // A notification between the dump's parts counts as seen.
    mirror.apply(neighbor('10.0.0.4'));
    mirror.endDump('neighbor');
    expect(out.slice(2)).toEqual(['+10.0.0.4 reachable 2', '-10.0.0.2']);
    // What isn't swept may be missing from a dump that never ended.
    mirror.beginDump('neighbor');
    mirror.apply(neighbor('10.0.0.3'));
    expect(mirror.neighborState(5, parseAddress('10.0.0.4')!)).toBe('reachable');
  });
});
