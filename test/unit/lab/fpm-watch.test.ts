/** Routes read from tcpdump's hexadecimal output of the FPM connection. */
import { sights } from '../../../lab/fpm-watch';
import { MAX_STATUS_FRAME, writeStatus } from '../../../src/fpm/status';
import { parseAddress } from '../../../src/net/address';

function segment(sourcePort: number, payload: Buffer, atSeconds: string): readonly string[] {
  const headers = Buffer.alloc(52);
  headers[0] = 0x45;
  headers[20 + 12] = 8 << 4;
  const hex = Buffer.concat([headers, payload]).toString('hex');
  const dump = hex.match(/.{1,32}/g)!.map((line, i) => {
    const words = line.match(/.{1,4}/g)!.join(' ');
    return `\t0x${(i * 16).toString(16).padStart(4, '0')}:  ${words}`;
  });
  return [
    `${atSeconds} IP 127.0.0.1.${sourcePort} > 127.0.0.1.${sourcePort === 2620 ? 40000 : 2620}: Flags [P.]`,
    ...dump,
  ];
}

function frame(status: 'offloaded' | 'trapped', address: string): Buffer {
  const buffer = Buffer.alloc(MAX_STATUS_FRAME);
  const bytes = parseAddress(address)!;
  const report = { table: 254, family: 4 as const, bytes, length: 24, protocol: 196, status };
  return buffer.subarray(0, writeStatus(buffer, 0, report, 'table'));
}

test('routes of both directions, with time and status, several frames in a segment', () => {
  const lines = [
    'listening on lo, link-type EN10MB',
    ...segment(40000, frame('trapped', '10.70.1.0'), '1000.250000'),
    ...segment(2620, Buffer.concat([frame('trapped', '10.70.2.0'), frame('offloaded', '10.70.1.0')]), '1000.300000'),
  ];
  expect(sights(lines)).toEqual([
    { prefix: '10.70.1.0/24', atMs: 1_000_250, from: 'zebra', offloaded: false },
    { prefix: '10.70.2.0/24', atMs: 1_000_300, from: 'fpm2afi', offloaded: false },
    { prefix: '10.70.1.0/24', atMs: 1_000_300, from: 'fpm2afi', offloaded: true },
  ]);
});
