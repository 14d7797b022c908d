/**
 * Streams of a real zebra 10.7 on a kernel with MPLS, VRFs and SRv6, recorded in a virtual machine (test/tools/capture-vm.sh):
 * line by line as this decoder reads them, and the label entries against what the kernel and zebra themselves said of them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LspAdd } from '../../../src/fib/updates';
import { FrameReader } from '../../../src/fpm/framing';
import { decodeNetlink } from '../../../src/fpm/netlink/decoder';
import { formatAddress } from '../../../src/net/address';
import { recordStream } from './describe';

const DIRECTORY = join(__dirname, '../../../../test/fixtures/fpm-vm');
const read = (name: string): Buffer => readFileSync(join(DIRECTORY, name));

interface View {
  readonly links: readonly string[];
  readonly kernelLsps: readonly string[];
  readonly lsps: Readonly<
    Record<string, { nexthops: { outLabelStack: number[]; nexthop: string; interface: string }[] }>
  >;
}
const view = JSON.parse(read('frr10.7-vm.json').toString()) as View;

/** The label entries that stand after a stream. */
function lspsAfter(stream: Buffer): Map<number, LspAdd> {
  const lsps = new Map<number, LspAdd>();
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  new FrameReader((_type, buffer, start, end) => {
    decodeNetlink(buffer, start, end, {
      update: (update) => {
        if (update.kind === 'lspAdd') lsps.set(update.label, update);
        if (update.kind === 'lspDelete') lsps.delete(update.label);
      },
      message: () => undefined,
      skipped: fail,
      malformed: fail,
    });
  }).push(stream);
  return lsps;
}

test.each(['frr10.7-vm', 'frr10.7-vm-replay'])('%s, line by line', (name) => {
  const { lines, skipped, malformed } = recordStream(read(`${name}.bin`));
  expect([skipped, malformed]).toEqual([[], []]);
  expect(`${lines.join('\n')}\n`).toBe(read(`${name}.expected.txt`).toString());
});

describe.each(['frr10.7-vm', 'frr10.7-vm-replay'])('%s: label entries', (name) => {
  const lsps = lspsAfter(read(`${name}.bin`));
  const interfaceOf = (ifindex: number): string =>
    /^\d+: (\w+):/.exec(view.links.find((link) => link.startsWith(`${ifindex}: `)) ?? '')?.[1] ?? '?';

  test("are the kernel's", () => {
    const lines = [...lsps.values()].flatMap(({ label, paths }) => {
      const texts = paths.map(({ gateway, ifindex, outLabels }) => {
        const swap = outLabels.length === 0 ? '' : `as to ${outLabels.join('/')} `;
        return `${swap}via inet${gateway!.length === 16 ? '6' : ''} ${formatAddress(gateway!)} dev ${interfaceOf(ifindex)}`;
      });
      if (texts.length === 1) return [`${label} ${texts[0]!} proto static`];
      return [`${label} proto static`, ...texts.map((text) => `nexthop ${text}`)];
    });
    expect(lines.sort()).toEqual(view.kernelLsps.map((line) => line.trim()).sort());
  });
  test("are zebra's", () => {
    const IMPLICIT_NULL = 3;
    const ours = [...lsps.values()].map(({ label, paths }) => [
      String(label),
      paths
        .map((path) => `${path.outLabels.join('/')} ${formatAddress(path.gateway!)} ${interfaceOf(path.ifindex)}`)
        .sort(),
    ]);
    const theirs = Object.entries(view.lsps).map(([label, { nexthops }]) => [
      label,
      nexthops
        .map(({ outLabelStack, nexthop, interface: name }) => {
          return `${outLabelStack.filter((out) => out !== IMPLICIT_NULL).join('/')} ${nexthop} ${name}`;
        })
        .sort(),
    ]);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
  });
});
