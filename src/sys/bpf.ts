/**
 * bpf(2) itself, for what libbpf 1.1 has no function: links that attach a program to an interface until their descriptor is closed,
 * and test runs of a program on a frame. Structures are parts of `union bpf_attr` (linux/bpf.h).
 */
import koffi from 'koffi';
import { SysError, addressOf } from './libc';

const NUMBERS: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
const BPF_MAP_UPDATE_ELEM = 2;
const BPF_OBJ_PIN = 6;
const BPF_OBJ_GET = 7;
const BPF_PROG_TEST_RUN = 10;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_LINK_CREATE = 28;
const BPF_LINK_UPDATE = 29;

/** Of the attribute of pins, whose path lies behind it. */
const PIN_BYTES = 16;

const BPF_XDP = 37;
/** linux/bpf.h: enum bpf_attach_type */
export const BPF_TCX_INGRESS = 46;
/** linux/if_link.h */
const XDP_FLAGS_SKB_MODE = 1 << 1;
const XDP_FLAGS_DRV_MODE = 1 << 2;

const lib = koffi.load('libc.so.6');
const syscall = lib.func('long syscall(long number, int command, void *attr, uint32_t size)');

/** One call; what it returned. @throws SysError named after the command */
export function bpf(command: number, attr: Uint8Array, call: string, detail = '', size = attr.length): number {
  const number = NUMBERS[process.arch];
  if (number === undefined) throw new Error(`bpf(2) is not known here on ${process.arch}`);
  const result = Number(syscall(number, command, attr, size) as number | bigint);
  if (result < 0) throw new SysError(call, koffi.errno(), detail);
  return result;
}

/** Where a link hangs a program: XDP by the driver, XDP in the stack, or tcx before all tc filters (kernel 6.6). */
export type LinkPoint = 'xdp' | 'xdp-generic' | 'tcx';

/**
 * Attaches a program to an interface; the descriptor of the link, which detaches when closed.
 * @throws SysError EBUSY (another XDP program is there), EOPNOTSUPP (the driver has no XDP), EINVAL (no tcx in this kernel), EPERM
 */
export function createLink(program: number, ifindex: number, point: LinkPoint): number {
  const attr = Buffer.alloc(32);
  attr.writeUInt32LE(program, 0);
  attr.writeUInt32LE(ifindex, 4);
  attr.writeUInt32LE(point === 'tcx' ? BPF_TCX_INGRESS : BPF_XDP, 8);
  attr.writeUInt32LE(point === 'xdp' ? XDP_FLAGS_DRV_MODE : point === 'xdp-generic' ? XDP_FLAGS_SKB_MODE : 0, 12);
  return bpf(BPF_LINK_CREATE, attr, 'BPF_LINK_CREATE', `${point} at interface ${ifindex}`);
}

/** Puts another program in the place of the link's; no packet finds none. @throws SysError */
export function updateLink(link: number, program: number): void {
  const attr = Buffer.alloc(16);
  attr.writeUInt32LE(link, 0);
  attr.writeUInt32LE(program, 4);
  bpf(BPF_LINK_UPDATE, attr, 'BPF_LINK_UPDATE');
}

function pathAttr(path: string, fd: number): Buffer {
  const size = 16;
  const attr = Buffer.alloc(size + Buffer.byteLength(path) + 1);
  attr.writeBigUInt64LE(addressOf(attr) + BigInt(size), 0);
  attr.writeUInt32LE(fd, 8);
  attr.write(path, size);
  return attr;
}

/**
 * Gives a link, map or program a name in a BPF file system; it stays as long as the name does, whoever ends.
 * @throws SysError EEXIST, ENOENT (no such folder), EPERM (no BPF file system, or one of another user)
 */
export function pinObject(path: string, fd: number): void {
  bpf(BPF_OBJ_PIN, pathAttr(path, fd), 'BPF_OBJ_PIN', path, PIN_BYTES);
}

/** A descriptor of what has this name. @throws SysError ENOENT */
export function pinnedObject(path: string): number {
  return bpf(BPF_OBJ_GET, pathAttr(path, 0), 'BPF_OBJ_GET', path, PIN_BYTES);
}

/** The interface that a link hangs on; 0: it is gone, and the link hangs nowhere. @throws SysError */
export function linkInterface(link: number): number {
  // struct bpf_link_info: type, id, prog_id, and for XDP and tcx the interface behind it.
  return objectInfo(link).readUInt32LE(16);
}

/** How many entries a map has at most. @throws SysError */
export function mapEntries(map: number): number {
  // struct bpf_map_info: type, id, key_size, value_size, max_entries.
  return objectInfo(map).readUInt32LE(16);
}

/** Stores a value of a map whose keys are numbers. `value`: all of it. @throws SysError ENOMEM, E2BIG (no such key) */
export function setElement(map: number, key: number, value: NodeJS.ArrayBufferView): void {
  const keyWord = Uint32Array.of(key);
  const attr = Buffer.alloc(32);
  attr.writeUInt32LE(map, 0);
  attr.writeBigUInt64LE(addressOf(keyWord), 8);
  attr.writeBigUInt64LE(addressOf(value), 16);
  bpf(BPF_MAP_UPDATE_ELEM, attr, 'BPF_MAP_UPDATE_ELEM', `key ${key}`);
}

/** The first bytes of struct bpf_link_info, bpf_map_info or bpf_prog_info. `info`: with what is asked for in it. @throws SysError */
export function objectInfo(fd: number, info = Buffer.alloc(64)): Buffer {
  const attr = Buffer.alloc(16);
  attr.writeUInt32LE(fd, 0);
  attr.writeUInt32LE(info.length, 4);
  attr.writeBigUInt64LE(addressOf(info), 8);
  bpf(BPF_OBJ_GET_INFO_BY_FD, attr, 'BPF_OBJ_GET_INFO_BY_FD');
  return info;
}

/** What a test run came to. */
export interface TestRun {
  /** What the program returned: XDP_… or TC_ACT_…. */
  readonly verdict: number;
  /** The frame as the program left it. */
  readonly frame: Buffer;
  /** Nanoseconds of one run, on average. */
  readonly nanoseconds: number;
}

/** Room for what a program may put in front of a frame. */
const OUT_SPARE = 256;

/**
 * Runs a program on a frame, `repeat` times (each on what the one before left). `context`: the first bytes of its struct xdp_md or
 * __sk_buff. Nothing is sent. @throws SysError EINVAL for a frame that is shorter than an Ethernet header
 */
export function testRun(program: number, frame: Uint8Array, repeat = 1, context?: Uint8Array): TestRun {
  const out = Buffer.alloc(frame.length + OUT_SPARE);
  const attr = Buffer.alloc(80);
  attr.writeUInt32LE(program, 0);
  attr.writeUInt32LE(frame.length, 8);
  attr.writeUInt32LE(out.length, 12);
  attr.writeBigUInt64LE(addressOf(frame), 16);
  attr.writeBigUInt64LE(addressOf(out), 24);
  attr.writeUInt32LE(repeat, 32);
  if (context !== undefined) {
    attr.writeUInt32LE(context.length, 40);
    attr.writeBigUInt64LE(addressOf(context), 48);
  }
  bpf(BPF_PROG_TEST_RUN, attr, 'BPF_PROG_TEST_RUN');
  return {
    verdict: attr.readUInt32LE(4),
    frame: out.subarray(0, attr.readUInt32LE(12)),
    nanoseconds: attr.readUInt32LE(36),
  };
}

const BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1;

/** What runLiveFrames() takes at most. */
export const LIVE_FRAMES_MAX = 2 ** 31 - 1;

/**
 * Runs an XDP program `repeat` times on frames of the length of `frame`, and does with them what it says: what it redirects is sent, after each
 * `batch` (at most 256), when whoever receives on this core has its turn as well. The frames are recycled as the receiver left them, so the program
 * has to write all of them anew. Before the first and after the last the call waits for the kernel (synchronize_rcu), 10 ms and more. Kernel 5.18.
 * @throws SysError EINTR when a signal came, which ends it after a batch
 */
export function runLiveFrames(program: number, frame: Uint8Array, repeat: number, batch: number): void {
  const attr = Buffer.alloc(80);
  attr.writeUInt32LE(program, 0);
  attr.writeUInt32LE(frame.length, 8);
  attr.writeBigUInt64LE(addressOf(frame), 16);
  attr.writeUInt32LE(repeat, 32);
  attr.writeUInt32LE(BPF_F_TEST_XDP_LIVE_FRAMES, 64);
  attr.writeUInt32LE(batch, 72);
  bpf(BPF_PROG_TEST_RUN, attr, 'BPF_PROG_TEST_RUN', 'with live frames');
}
