/** The packet pump over plain arrays: what is carried where, what is dropped and counted as what. */
import { decodeHostpathHeader, encodeHostpathHeader } from '../../../src/hostpath/header';
import type { HostpathHeader } from '../../../src/hostpath/header';
import { CounterTable, type PortDrop } from '../../../src/punt/counters';
import { ANY_SANDBOX, BATCH, createPump } from '../../../src/punt/pump';
import { sockaddr } from '../../../src/net/sockaddr';

const VASIC = sockaddr('127.0.0.16', 9002);
const PORTS = [
  { index: 0, tap: 'tap0' },
  { index: 7, tap: 'tap7' },
];

function setup(vasic = VASIC) {
  const received: { bytes: Buffer; from: Buffer }[] = [];
  const sent: { bytes: Buffer; to: string }[] = [];
  const written: { slot: number; frame: string }[] = [];
  const waiting: Buffer[][] = [[], []];
  const drops: string[] = [];
  let tapResult: 'written' | PortDrop = 'written';
  let sandbox = ANY_SANDBOX;
  let queue: typeof sent = [];
  let room = Infinity;
  const slot = Buffer.alloc(65536);
  const stats = { sendDrops: 0, lastSendError: 'EAGAIN' };
  const counters = CounterTable.create(2);
  const pump = createPump({
    udp: {
      stats,
      receive(handler) {
        const batch = received.splice(0, BATCH);
        for (const { bytes, from } of batch) {
          // A slot keeps what it held before, as in the real one.
          bytes.copy(slot);
          handler(slot, bytes.length, from);
        }
        return batch.length;
      },
      reserve: () => slot,
      commit: (length, to) =>
        queue.push({ bytes: Buffer.from(slot.subarray(0, length)), to: Buffer.from(to).toString('hex') }),
      flush() {
        const taken = queue.splice(0, room);
        sent.push(...taken);
        stats.sendDrops += queue.length;
        queue = [];
      },
    },
    taps: {
      read(at, buffer) {
        const frame = waiting[at]!.shift();
        return frame === undefined ? -1 : frame.copy(buffer);
      },
      write(at, frame) {
        if (tapResult === 'written') written.push({ slot: at, frame: frame.toString('hex') });
        return tapResult;
      },
    },
    ports: PORTS.map((port) => port.index),
    vasic,
    counters,
    sandbox: () => sandbox,
    dropped: (cause, detail) => drops.push(`${cause}: ${detail()}`),
  });
  return {
    pump,
    received,
    sent,
    written,
    waiting,
    drops,
    setTapResult: (result: 'written' | PortDrop) => (tapResult = result),
    setSandbox: (id: number) => (sandbox = id),
    setRoom: (datagrams: number) => (room = datagrams),
    counters: () => counters.snapshot(PORTS, 0),
  };
}

const FRAME = Buffer.from('ffffffffffff02000000000108060001080006040001', 'hex');

function datagram(over: Partial<HostpathHeader> = {}, frame = FRAME): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), frame]);
  encodeHostpathHeader(bytes, { direction: 'punt', reason: 2, length: bytes.length, sandbox: 3, port: 7, ...over });
  return bytes;
}

describe('punt', () => {
  it('writes the frame to the TAP of its port', () => {
    const { pump, received, written, counters, drops } = setup();
    received.push({ bytes: datagram(), from: VASIC });
    received.push({ bytes: datagram({ port: 0, reason: 8 }, FRAME.subarray(0, 14)), from: VASIC });
    expect(pump.punt()).toBe(2);
    expect(written).toEqual([
      { slot: 1, frame: FRAME.toString('hex') },
      { slot: 0, frame: FRAME.toString('hex', 0, 14) },
    ]);
    expect(counters()).toMatchObject({
      ports: [
        { index: 0, tap: 'tap0', punted: 1, puntedBytes: 14 },
        { index: 7, tap: 'tap7', punted: 1, puntedBytes: FRAME.length },
      ],
      reasons: [
        { reason: 2, packets: 1 },
        { reason: 8, packets: 1 },
      ],
    });
    expect(drops).toEqual([]);
  });

  it.each([
    ['foreignSender', datagram(), sockaddr('127.0.0.17', 9002)],
    ['foreignSender', datagram(), sockaddr('127.0.0.16', 9003)],
    ['malformedHeader', datagram().subarray(0, 7), VASIC],
    ['malformedHeader', datagram({ length: 31 }), VASIC],
    ['wrongDirection', datagram({ direction: 'inject' }), VASIC],
    ['unknownPort', datagram({ port: 1 }), VASIC],
    ['shortFrame', datagram({ length: 21 }), VASIC],
    ['shortFrame', datagram({ length: 8 }), VASIC],
  ] as const)('drops and counts: %s', (cause, bytes, from) => {
    const { pump, received, written, counters, drops } = setup();
    received.push({ bytes, from });
    pump.punt();
    expect(written).toEqual([]);
    expect(counters().drops).toEqual({ ...setup().counters().drops, [cause]: 1 });
    expect(drops).toHaveLength(1);
    expect(drops[0]).toMatch(new RegExp(`^${cause}: .`));
  });

  it('compares IPv6 senders without what the kernel adds', () => {
    const { pump, received, written } = setup(sockaddr('::1', 9002));
    const from = sockaddr('::1', 9002);
    from.writeUInt32LE(5, 24);
    received.push({ bytes: datagram(), from }, { bytes: datagram(), from: sockaddr('::2', 9002) });
    pump.punt();
    expect(written).toHaveLength(1);
  });

  it('counts by cause what the TAP does not take', () => {
    const { pump, received, setTapResult, counters, drops } = setup();
    for (const result of ['tapDown', 'tapDown', 'tapFull', 'tapError'] as const) {
      setTapResult(result);
      received.push({ bytes: datagram(), from: VASIC });
      pump.punt();
    }
    expect(counters().ports[1]).toMatchObject({ punted: 0, drops: { tapDown: 2, tapFull: 1, tapError: 1 } });
    expect(counters().reasons).toEqual([]);
    expect(drops).toEqual(['tapDown: port 7', 'tapDown: port 7', 'tapFull: port 7', 'tapError: port 7']);
  });
});

describe('inject', () => {
  it('sends each frame behind a header with its port', () => {
    const { pump, waiting, sent, counters } = setup();
    waiting[1]!.push(FRAME);
    expect(pump.inject(1)).toBe(1);
    expect(pump.inject(0)).toBe(0);
    expect(sent).toHaveLength(1);
    expect(sent[0]!.to).toBe(VASIC.toString('hex'));
    expect(decodeHostpathHeader(sent[0]!.bytes)).toEqual({
      direction: 'inject',
      reason: 0,
      length: 8 + FRAME.length,
      sandbox: 0,
      port: 7,
    });
    expect(sent[0]!.bytes.subarray(8)).toEqual(FRAME);
    expect(counters().ports[1]).toMatchObject({ injected: 1, injectedBytes: FRAME.length });
  });

  it('takes a bounded batch from one TAP', () => {
    const { pump, waiting, sent } = setup();
    waiting[0]!.push(...Array<Buffer>(BATCH + 5).fill(FRAME));
    expect(pump.inject(0)).toBe(BATCH);
    expect(sent).toHaveLength(BATCH);
    expect(pump.inject(0)).toBe(5);
  });

  it('counts what the socket refuses for the port it came from', () => {
    const { pump, waiting, sent, setRoom, counters, drops } = setup();
    setRoom(2);
    waiting[0]!.push(FRAME, FRAME, FRAME, FRAME);
    pump.inject(0);
    expect(sent).toHaveLength(2);
    expect(counters().ports[0]).toMatchObject({
      injected: 2,
      injectedBytes: 2 * FRAME.length,
      drops: { socketFull: 2 },
    });
    expect(counters().ports[1]).toMatchObject({ injected: 0, drops: { socketFull: 0 } });
    expect(drops).toEqual(['socketFull: port 0: EAGAIN']);
  });

  it('drops a frame that no datagram can hold, and goes on', () => {
    const { pump, waiting, sent, counters } = setup();
    waiting[0]!.push(Buffer.alloc(65528), FRAME);
    expect(pump.inject(0)).toBe(2);
    expect(sent).toHaveLength(1);
    expect(counters().ports[0]!.drops.tooLong).toBe(1);
  });
});

describe('sandbox', () => {
  it('is the one heard of, until the owner names one; then others are dropped', () => {
    const { pump, received, waiting, sent, setSandbox, written, counters } = setup();
    const injectedInto = (): number => {
      waiting[0]!.push(FRAME);
      pump.inject(0);
      return sent.at(-1)!.bytes.readUInt16BE(4);
    };
    received.push({ bytes: datagram({ sandbox: 3 }), from: VASIC });
    pump.punt();
    expect(injectedInto()).toBe(3);
    setSandbox(4);
    expect(injectedInto()).toBe(4);
    received.push({ bytes: datagram({ sandbox: 3 }), from: VASIC }, { bytes: datagram({ sandbox: 4 }), from: VASIC });
    pump.punt();
    expect(written).toHaveLength(2);
    expect(counters().drops.unknownSandbox).toBe(1);
  });
});
