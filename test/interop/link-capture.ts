/**
 * What is on the links between the vASIC's ports and their neighbors, as one tcpdump in the vASIC's namespace sees it on all ports
 * at once. One capture for the whole run; a check looks at what came since it began.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { items, numberAt, textAt } from '../../lab/json';
import type { LabNode } from '../../lab/node';
import { logLines, waitForLine } from '../../lab/process';
import { SLOTS } from '../../lab/traffic';
import { readPacket, type LabelledPacket } from './labelled-packet';

/** A packet on a link, or at an interface of the node that was captured on. */
export interface LinkPacket extends LabelledPacket {
  readonly ifname: string;
  /** Sent by the node that was captured on. */
  readonly out: boolean;
}

export interface LinkCapture {
  /** How many packets there are so far: where to look on from. */
  readonly mark: () => number;
  readonly since: (mark: number) => readonly LinkPacket[];
  /** Ends it; how many packets found no room in its buffer, or undefined where tcpdump doesn't say. */
  readonly close: () => Promise<number | undefined>;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** LINKTYPE_LINUX_SLL2: type of protocol, reserved, interface, type of hardware, type of packet, address. */
const COOKED_HEADER = 20;
const OUTGOING = 4;

/** Captures labelled and ICMP packets at the interfaces of a node that are there now and that `chosen` takes; returns when it listens. */
export async function captureLinks(node: LabNode, chosen: (ifname: string) => boolean): Promise<LinkCapture> {
  const names = new Map<number, string>();
  for (const one of items(JSON.parse(await node.must(['ip', '-j', 'link', 'show'])) as unknown))
    if (chosen(textAt(one, 'ifname'))) names.set(numberAt(one, 'ifindex') ?? -1, textAt(one, 'ifname'));
  const file = join(node.dir, 'links.pcap');
  const filter = ['ether proto 0x8847', 'or icmp', 'or icmp6'].join(' ');
  const argv = [
    'tcpdump',
    '-i',
    'any',
    '-y',
    'LINUX_SLL2',
    '-n',
    '-U',
    '--immediate-mode',
    ...SLOTS,
    '-Z',
    'root',
    '-w',
  ];
  const started = node.start('tcpdump-links', [...argv, file, filter]);
  await waitForLine(started.logFile, /listening on/, 0, 10_000);
  const packets = (): readonly LinkPacket[] => readCapture(file, names);
  const close = async (): Promise<number | undefined> => {
    await started.kill('SIGINT');
    const said = logLines(started.logFile).flatMap((line) => /^(\d+) packets? dropped by kernel/.exec(line)?.[1] ?? []);
    return said.length === 0 ? undefined : Number(said[0]);
  };
  return { mark: () => packets().length, since: (mark) => packets().slice(mark), close };
}

/** The packets of a file that may still be written to: an unfinished record at its end doesn't count. */
function readCapture(file: string, names: ReadonlyMap<number, string>): readonly LinkPacket[] {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const found: LinkPacket[] = [];
  let at = FILE_HEADER;
  while (at + RECORD_HEADER <= bytes.length) {
    const record = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + bytes.readUInt32LE(at + 8));
    if (record.length < bytes.readUInt32LE(at + 8)) break;
    at += RECORD_HEADER + record.length;
    const ifname = names.get(record.readUInt32BE(4));
    const packet = readPacket(record, COOKED_HEADER, record.readUInt16BE(0));
    if (ifname !== undefined && packet !== undefined) found.push({ ...packet, ifname, out: record[10] === OUTGOING });
  }
  return found;
}
