/** The labelled packets of the data-plane bench meet what its table has for them: otherwise they would be dropped or punted, and the figures mean nothing. */
import { ZebraFrames } from '../../../lab/zebra-frames';
import type { FpmUpdate } from '../../../src/fib/updates';
import { FrameReader } from '../../../src/fpm/framing';
import { decodeNetlink } from '../../../src/fpm/netlink/decoder';
import { formatAddress, formatPrefix } from '../../../src/net/address';
import { read16, sumBytes } from '../../../src/net/checksum';
import { fillLabelled, LABEL_CASES, labelledCounts, writeLabelled, type LabelCase } from '../../bench/labelled';
import { FRAME_BYTES } from '../../bench/flood-frames';

const GATEWAYS = 4;
const PORT_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const [PORT, LOOPBACK] = [7, 1];

/** What the bridge is told. */
function told(): readonly FpmUpdate[] {
  const frames = new ZebraFrames();
  const gateways = Array.from({ length: GATEWAYS }, (_, i) => Uint8Array.of(10, 0, 0, 2 + i));
  writeLabelled(frames, { gateways, ifindex: PORT, loopback: LOOPBACK });
  const updates: FpmUpdate[] = [];
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  const sink = {
    // The decoder fills one object anew.
    update: (update: FpmUpdate) => void updates.push(structuredClone(update)),
    message: () => undefined,
    skipped: fail,
    malformed: fail,
  };
  new FrameReader((_type, buffer, start, end) => decodeNetlink(buffer, start, end, sink)).push(frames.take());
  return updates;
}

const updates = told();
const lsps = updates.flatMap((update) => (update.kind === 'lspAdd' ? [update] : []));
const routes = updates.flatMap((update) => (update.kind === 'routeAdd' ? [update] : []));

function framesOf(kind: LabelCase): readonly Buffer[] {
  const slots = Array.from({ length: 50 }, () => Buffer.alloc(FRAME_BYTES, 0xff));
  fillLabelled(slots, kind, PORT_MAC, { routes: 10, gateways: GATEWAYS });
  return slots;
}

test('the bench waits for as many as it writes', () => {
  expect(labelledCounts(GATEWAYS)).toEqual({ routes: routes.length, lsps: lsps.length });
});

test.each(LABEL_CASES)('frames of %s are 64 bytes of sound IPv4, each of its own flow', (kind) => {
  const frames = framesOf(kind);
  const ip = kind === 'push' || kind === 'vpn' ? 14 : 18;
  for (const frame of frames) {
    expect(read16(frame, 12)).toBe(ip === 14 ? 0x0800 : 0x8847);
    expect(read16(frame, ip + 2)).toBe(FRAME_BYTES - ip);
    expect(sumBytes(frame, ip, ip + 20)).toBe(0xffff);
  }
  expect(new Set(frames.map((frame) => read16(frame, ip + 20))).size).toBe(frames.length);
});

test.each([
  ['swap', 1],
  ['egress', 0],
] as const)('labels of %s are of LSPs that leave with %d label', (kind, outgoing) => {
  const labels = new Set(framesOf(kind).map((frame) => frame.readUInt32BE(14) >>> 12));
  const meant = lsps.filter(({ label }) => labels.has(label));
  expect(meant.length).toBe(labels.size);
  for (const { paths } of meant) {
    expect(paths.map(({ outLabels, gateway }) => [outLabels.length, gateway !== undefined])).toEqual([
      [outgoing, outgoing > 0],
    ]);
  }
});

test.each([
  ['push', 1],
  ['vpn', 2],
] as const)('destinations of %s are in routes behind %d labels', (kind, count) => {
  const nets = new Set(
    framesOf(kind).map((frame) => `${formatAddress(Uint8Array.of(...frame.subarray(30, 33), 0))}/24`),
  );
  const depths = routes
    .filter(({ prefix }) => nets.has(formatPrefix(prefix)))
    .map(({ target }) => updates.find((one) => one.kind === 'nexthopAdd' && 'id' in target && one.id === target.id))
    .map((nexthop) => JSON.stringify(nexthop));
  expect(depths.length).toBe(nets.size);
  for (const text of depths) expect(text).toMatch(new RegExp(`"labels":\\[\\d+(,\\d+){${count - 1}}\\]`));
});
