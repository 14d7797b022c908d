/** The rtnetlink conversation against a scripted kernel. */
import { nullLogger } from '../../../src/observe/log';
import { KernelMonitor } from '../../../src/kernel/monitor';
import { NetlinkWriter, readMessages } from '../../../src/netlink/codec';
import { captured } from './kernel-fixture';

const DONE = 3;
const ERROR = 2;
const DUMP_INTR = 0x10;
const NAMES: Readonly<Record<number, string>> = { 18: 'links', 22: 'addresses', 30: 'neighbors', 28: 'use' };

interface Request {
  readonly name: string;
  readonly flags: number;
  readonly seq: number;
  readonly body: Buffer;
}

function setup() {
  const requests: Request[] = [];
  const events: string[] = [];
  const timers: { ms: number; action: () => void }[] = [];
  let refuse = 0;
  const monitor = new KernelMonitor({
    send(bytes) {
      if (refuse-- > 0) throw new Error('no buffers');
      for (const m of readMessages(bytes)) {
        requests.push({ name: NAMES[m.type] ?? '?', flags: m.flags, seq: m.seq, body: Buffer.from(m.body) });
      }
    },
    apply: (message) => events.push(message.kind),
    beginDump: (kind) => events.push(`begin ${kind}`),
    endDump: (kind) => events.push(`end ${kind}`),
    synced: () => events.push('synced'),
    later: (ms, action) => timers.push({ ms, action }),
    log: nullLogger,
  });
  const answer = (type: number, result: number, flags = 0, seq = requests.at(-1)!.seq): void =>
    monitor.receive(
      new NetlinkWriter()
        .begin(type, flags | 2, seq)
        .u32(result)
        .end()
        .toBuffer(),
    );
  return {
    monitor,
    requests,
    events,
    timers,
    answer,
    refuseSends: (count: number) => (refuse = count),
    names: () => requests.map((request) => request.name),
    /** Runs the one timer that waits. */
    timer(): number {
      expect(timers).toHaveLength(1);
      const { ms, action } = timers.pop()!;
      action();
      return ms;
    },
    finishRound() {
      for (let i = 0; i < 3; i++) answer(DONE, 0);
    },
  };
}

describe('kernel monitor', () => {
  it('dumps links, addresses, neighbors, one after the other', () => {
    const { monitor, requests, names, events, answer } = setup();
    monitor.sync();
    expect(names()).toEqual(['links']);
    expect(requests[0]).toMatchObject({ flags: 0x301 });
    // A notification in between is no answer.
    monitor.receive(captured('ip neighbor add 10.9.0.2 dev v0 lladdr 02:00:00:00:00:02 nud reachable'));
    answer(DONE, 0, 0, 999);
    expect(names()).toEqual(['links']);
    answer(DONE, 0);
    answer(DONE, 0);
    expect(names()).toEqual(['links', 'addresses', 'neighbors']);
    expect(events).not.toContain('synced');
    answer(DONE, 0);
    expect(events).toEqual([
      'begin link',
      'neighbor',
      'end link',
      'begin address',
      'end address',
      'begin neighbor',
      'end neighbor',
      'synced',
    ]);
    expect(requests.map(({ body }) => body.length)).toEqual([16, 8, 12]);
  });

  it('repeats a dump that the kernel marks as interrupted, without sweeping', () => {
    const { monitor, names, events, answer } = setup();
    monitor.sync();
    answer(DONE, 0, DUMP_INTR);
    expect(names()).toEqual(['links', 'links']);
    expect(events).toEqual(['begin link', 'begin link']);
    answer(DONE, 0);
    expect(events).toContain('end link');
  });

  it('an overrun brings a new round, after a pause; several bring one', () => {
    const { monitor, names, timer, timers, finishRound, events } = setup();
    monitor.sync();
    finishRound();
    monitor.overrun();
    monitor.overrun();
    expect(names()).toHaveLength(3);
    expect(timer()).toBeGreaterThan(0);
    expect(names().slice(3)).toEqual(['links']);
    finishRound();
    expect(events.filter((event) => event === 'synced')).toHaveLength(2);
    expect(timers).toHaveLength(0);
    expect(monitor.counters).toMatchObject({ overruns: 2, dumps: 2 });
  });

  it('an overrun during a dump lets that end first: the kernel runs one at a time', () => {
    const { monitor, names, timer, timers, finishRound } = setup();
    monitor.sync();
    monitor.overrun();
    expect(names()).toEqual(['links']);
    expect(timers).toHaveLength(0);
    finishRound();
    timer();
    expect(names().slice(3)).toEqual(['links']);
    finishRound();
    expect(timers).toHaveLength(0);
  });

  it('asks again when the kernel refuses a dump or it cannot be sent', () => {
    const { monitor, names, timer, answer, events, refuseSends, finishRound } = setup();
    monitor.sync();
    answer(ERROR, -16 >>> 0);
    timer();
    answer(DONE, -4 >>> 0);
    refuseSends(1);
    timer();
    timer();
    expect(names()).toEqual(['links', 'links', 'links']);
    expect(events).not.toContain('end link');
    finishRound();
    expect(events.at(-1)).toBe('synced');
  });

  it('asks for resolution as a packet to the neighbor would, and counts refusals', () => {
    const { monitor, requests, answer, events } = setup();
    monitor.resolve(7, Uint8Array.of(10, 0, 0, 2), true);
    // NTF_USE, NUD_NONE; CREATE|EXCL.
    expect(requests[0]).toMatchObject({ name: 'use', flags: 0x601 });
    expect(requests[0]!.body.toString('hex')).toBe('02000000' + '07000000' + '0000' + '0100' + '08000100' + '0a000002');
    monitor.resolve(7, new Uint8Array(16).fill(0x20), false);
    expect(requests[1]).toMatchObject({ flags: 0x501 });
    expect(requests[1]!.body[0]).toBe(10);
    answer(ERROR, -17 >>> 0);
    expect(monitor.counters.resolveErrors).toBe(0);
    answer(ERROR, -19 >>> 0);
    expect(monitor.counters.resolveErrors).toBe(1);
    expect(events).toEqual([]);
  });

  it('drops and counts what is malformed, and goes on', () => {
    const { monitor, events } = setup();
    const good = captured('ip neighbor del 10.9.0.2 dev v0');
    const short = new NetlinkWriter().begin(28, 0).u8(2).end().toBuffer();
    monitor.receive(Buffer.concat([short, good]));
    expect(monitor.counters.malformed).toBe(1);
    expect(events).toEqual(['neighbor', 'neighbor']);
    monitor.receive(good.subarray(0, 40));
    expect(monitor.counters.malformed).toBe(2);
  });
});
