/**
 * Which of the kernel's routes are zebra's own, by their protocol, and a filter that keeps the news of those away: of a million
 * BGP routes that zebra puts into the kernel this process needs to hear nothing.
 */
import { NLM_F_MULTI, NLM_F_REPLACE, RTM_DELROUTE, RTM_NEWROUTE } from '../netlink/constants';

/** RTPROT_ZEBRA, RTPROT_BABEL; the others of FRR from RTPROT_BGP to RTPROT_SRTE (FRR's zebra/rt_netlink.h). */
const ZEBRA = 11;
const BABEL = 42;
const FIRST = 186;
const LAST = 198;

/** Whether routes of this protocol are put into the kernel by zebra. */
export function isZebras(protocol: number): boolean {
  return (protocol >= FIRST && protocol <= LAST) || protocol === ZEBRA || protocol === BABEL;
}

/** Where the protocol lies in a message: rtm_protocol. */
export const ROUTE_PROTOCOL_AT = 16 + 5;

/** Instructions of classic BPF (linux/filter.h): load a byte, load two in network order, compare, give a result. */
const LOAD_BYTE = 0x30;
const LOAD_SHORT = 0x28;
const IF_EQUAL = 0x15;
const IF_ABOVE = 0x25;
const IF_AT_LEAST = 0x35;
const IF_BITS = 0x45;
const RETURN = 0x06;

/** Where a jump goes. */
type Label = 'keep' | 'drop' | 'protocol';
type Line =
  | { readonly label: Label }
  | { readonly code: number; readonly value: number; readonly then?: Label; readonly otherwise?: Label };

/** Message types are in host order, and loaded in network order. */
const swapped = (type: number): number => ((type & 0xff) << 8) | (type >> 8);

const LINES: readonly Line[] = [
  // Parts of a dump come many in a datagram, of which only the first is seen here.
  { code: LOAD_BYTE, value: 6 },
  { code: IF_BITS, value: NLM_F_MULTI, then: 'keep' },
  { code: LOAD_SHORT, value: 4 },
  { code: IF_EQUAL, value: swapped(RTM_DELROUTE), then: 'protocol' },
  { code: IF_EQUAL, value: swapped(RTM_NEWROUTE), otherwise: 'keep' },
  // A new route takes something away where it replaces another: nlmsg_flags, their second byte.
  { code: LOAD_BYTE, value: 7 },
  { code: IF_BITS, value: NLM_F_REPLACE >> 8, then: 'protocol' },
  // What was asked for comes without flags; news of a route have some.
  { code: LOAD_SHORT, value: 6 },
  { code: IF_EQUAL, value: 0, otherwise: 'drop' },
  { label: 'protocol' },
  { code: LOAD_BYTE, value: ROUTE_PROTOCOL_AT },
  { code: IF_EQUAL, value: ZEBRA, then: 'drop' },
  { code: IF_EQUAL, value: BABEL, then: 'drop' },
  { code: IF_ABOVE, value: LAST, then: 'keep' },
  { code: IF_AT_LEAST, value: FIRST, then: 'drop' },
  { label: 'keep' },
  { code: RETURN, value: 0xffff_ffff },
  { label: 'drop' },
  { code: RETURN, value: 0 },
];

/** The program for the socket (sys/netlink-socket.ts): dumps, routes that aren't zebra's and were asked for or are
 * lost or replaced, other news of any kind. */
export function foreignFilter(): Buffer {
  const labels = new Map<Label, number>();
  const code: Exclude<Line, { label: Label }>[] = [];
  for (const line of LINES) {
    if ('label' in line) labels.set(line.label, code.length);
    else code.push(line);
  }
  const program = Buffer.alloc(8 * code.length);
  const jump = (from: number, to: Label | undefined): number => (to === undefined ? 0 : labels.get(to)! - from - 1);
  code.forEach((line, i) => {
    program.writeUInt16LE(line.code, 8 * i);
    program.writeUInt8(jump(i, line.then), 8 * i + 2);
    program.writeUInt8(jump(i, line.otherwise), 8 * i + 3);
    program.writeUInt32LE(line.value, 8 * i + 4);
  });
  return program;
}
