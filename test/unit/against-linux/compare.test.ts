import { differs, outcomes, prepare, signature, type Sent } from '../../against-linux/compare';
import type { FrameSpec } from '../../against-linux/frame';
import { explain } from '../../against-linux/intended';
import type { Heard } from '../../against-linux/wire';

const SPEC: FrameSpec = {
  kind: 'routed',
  port: 0,
  dstMac: '32:26:0a:2e:aa:f0',
  srcMac: '02:00:04:00:00:02',
  packet: {
    ...{ family: 4, src: '10.200.0.0', spread: true, dst: '10.50.1.1', ttl: 64 },
    body: { proto: 'udp', port: 9, length: 32 },
  },
};
const sent = prepare(SPEC, 7);

/** An ICMP error from 10.1.0.1 that quotes the header and eight bytes. */
function icmpError(of: Sent, type: number, identification: number): string {
  const ip = Buffer.from('45c000380000000040010000', 'hex');
  ip.writeUInt16BE(identification, 4);
  const quoted = of.frames[0]!.subarray(14, 42);
  const icmp = Buffer.from([type, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from('02000400000232260a2eaaf00800', 'hex'),
    ...[ip, Buffer.from([10, 1, 0, 1]), quoted.subarray(12, 16), icmp, quoted],
  ]).toString('hex');
}

const heard = (side: 'linux' | 'ours', hex: string, port = 0): Heard => ({ side, port, hex });
const forwarded = sent.frames[0]!.toString('hex');
const only = (list: readonly Heard[], all: readonly Sent[] = [sent]) => outcomes(list, all)[0]!;

describe('outcomes', () => {
  it('are equal where the same came out of both', () => {
    expect(differs(only([heard('linux', forwarded, 1), heard('ours', forwarded, 1)]))).toBe(false);
  });

  it('differ by the port', () => {
    const one = only([heard('linux', forwarded, 1), heard('ours', forwarded, 2)]);
    expect(differs(one)).toBe(true);
    expect(signature(one)).toBe('routed IPv4: Linux forwarded, ours forwarded');
  });

  it('differ where one is sent twice', () => {
    const one = only([heard('linux', forwarded), heard('ours', forwarded), heard('ours', forwarded)]);
    expect([one.onlyLinux.length, one.onlyOurs.length, one.both.length]).toEqual([0, 1, 1]);
  });

  it('know errors by what they quote, whatever their identification', () => {
    const one = only([heard('linux', icmpError(sent, 3, 1)), heard('ours', icmpError(sent, 3, 2))]);
    expect(one.both.map(({ words }) => words)).toEqual(['ICMP 3/1']);
  });

  it('leave out what belongs to nothing that was sent', () => {
    const other = prepare(SPEC, 8).frames[0]!.toString('hex');
    expect(differs(only([heard('ours', other)]))).toBe(false);
  });
});

describe('intended differences', () => {
  it('take redirects, and nothing else beside them', () => {
    const list = [heard('linux', icmpError(sent, 5, 1)), heard('linux', forwarded), heard('ours', forwarded)];
    expect(explain(only(list))).toMatchObject({ left: { onlyLinux: [], onlyOurs: [] }, by: ['no ICMP redirects'] });
    const { left } = explain(only(list.slice(0, 2)));
    expect(left.onlyLinux.map(({ words }) => words)).toEqual(['forwarded']);
  });

  it('take another path only where there are several', () => {
    const balanced = prepare({ ...SPEC, packet: { ...SPEC.packet, dst: '10.77.1.1' } as FrameSpec['packet'] }, 9);
    const frame = balanced.frames[0]!.toString('hex');
    const two = [heard('linux', frame, 0), heard('ours', frame, 1)];
    expect(differs(explain(only(two, [balanced])).left)).toBe(false);
    const apart = [heard('linux', forwarded, 0), heard('ours', forwarded, 1)];
    expect(differs(explain(only(apart)).left)).toBe(true);
  });
});
