/** The table of docs/neighbors.md: which of the kernel's neighbors are forwarded to, from the bytes of RTM_NEWNEIGH. */
import { readFileSync } from 'node:fs';
import { NeighborTable } from '../../../src/fib/neighbors';
import { decodeKernelMessage } from '../../../src/kernel/decode';
import { formatMac } from '../../../src/net/address';
import { NetlinkWriter, readMessages } from '../../../src/netlink/codec';
import * as c from '../../../src/netlink/constants';

const NTF_EXT_LEARNED = 0x10;
const NTF_OFFLOADED = 0x20;
const NTF_STICKY = 0x40;
const NTF_ROUTER = 0x80;
const MAC = '02:00:00:00:00:09';

function neighborMessage(bits: number, flags: number, mac?: string): Buffer {
  const writer = new NetlinkWriter().begin(c.RTM_NEWNEIGH, 0).u8(c.AF_INET).u8(0).u16(0).u32(7);
  writer
    .u16(bits)
    .u8(flags)
    .u8(1)
    .attribute(c.NDA_DST, Uint8Array.of(10, 0, 0, 1));
  if (mac !== undefined) writer.attribute(c.NDA_LLADDR, Buffer.from(mac.replaceAll(':', ''), 'hex'));
  return writer.end().toBuffer();
}

/** The MAC that packets to the neighbor get; undefined: none are sent to it. */
function usedMac(bits: number, flags: number, mac?: string): string | undefined {
  const table = new NeighborTable();
  for (const message of readMessages(neighborMessage(bits, flags, mac))) {
    const decoded = decodeKernelMessage(message);
    if (decoded?.kind === 'neighbor') table.add({ ...decoded, kind: 'neighborAdd', source: 'kernel' });
  }
  const used = [...table.all()][0]?.mac;
  return used === undefined ? undefined : formatMac(used);
}

const STATES = [
  ['NONE', 0, false],
  ['INCOMPLETE', c.NUD_INCOMPLETE, false],
  ['REACHABLE', c.NUD_REACHABLE, true],
  ['STALE', c.NUD_STALE, true],
  ['DELAY', c.NUD_DELAY, true],
  ['PROBE', c.NUD_PROBE, true],
  ['FAILED', c.NUD_FAILED, false],
  ['NOARP', c.NUD_NOARP, true],
  ['PERMANENT', c.NUD_PERMANENT, true],
] as const;

describe.each(STATES)('%s', (name, bits, valid) => {
  const expected = valid ? MAC : undefined;

  test(`with a MAC is used: ${valid}`, () => {
    expect(usedMac(bits, 0, MAC)).toBe(expected);
  });

  test('without a MAC is not used', () => {
    expect(usedMac(bits, 0)).toBeUndefined();
  });

  test('with the MAC of a group is not used', () => {
    expect(usedMac(bits, 0, '01:00:5e:00:00:05')).toBeUndefined();
    expect(usedMac(bits, 0, 'ff:ff:ff:ff:ff:ff')).toBeUndefined();
  });

  test('learned by a daemon, offloaded, sticky or a router: the same', () => {
    for (const flag of [NTF_EXT_LEARNED, NTF_OFFLOADED, NTF_STICKY, NTF_ROUTER]) {
      expect(usedMac(bits, flag, MAC)).toBe(expected);
      expect(usedMac(bits, flag)).toBeUndefined();
    }
  });

  test('of the proxy table is no neighbor', () => {
    expect(usedMac(bits, c.NTF_PROXY, MAC)).toBeUndefined();
  });

  test('the table in the documentation says so', () => {
    const row = readFileSync('docs/neighbors.md', 'utf8').match(new RegExp(`^\\| ${name}\\s+\\| (\\w+)`, 'm'));
    expect(row?.[1]).toBe(valid ? 'yes' : 'no');
  });
});
