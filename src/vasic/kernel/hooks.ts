/**
 * Where the BPF programs hang: which hook a port gets, and hanging a program on it. Links by descriptor (XDP, tcx) go away with this
 * process, however it ends. Kernels before 6.6 have no tcx: there it is a filter of the clsact queueing discipline, in the place of the
 * one that isolates the port (io/isolation.ts), so that the next start puts that back.
 */
import { createLink, updateLink, type LinkPoint } from '../../sys/bpf';
import { interfaceDriver } from '../../sys/interface';
import { SysError, close, errnoName } from '../../sys/libc';
import { libbpf } from '../../sys/libbpf';

/** How packets of a port get to the program. */
export type PortMode = 'xdp' | 'xdp-generic' | 'tc';

/** Segments of up to 64 KB come whole from these, which XDP would make them cut. */
const WHOLE_SEGMENTS: readonly string[] = ['veth', 'virtio_net', 'tun'];

/** The hook for a port of this interface: tc, or XDP where the card's driver may have it. @throws SysError ENODEV */
export function preferredMode(name: string): PortMode {
  const driver = interfaceDriver(name);
  return driver === undefined || WHOLE_SEGMENTS.includes(driver) ? 'tc' : 'xdp';
}

/**
 * Which packets are lost where a port of this interface has a mode though the kernel takes it; undefined: none. A veth has native XDP, but its
 * other end takes what is redirected only while that has NAPI, which can't be seen from here, and what comes in has lost the note that its
 * checksum is still to be completed.
 */
export function lostBy(mode: PortMode, name: string): string | undefined {
  if (mode !== 'xdp' || driverOf(name) !== 'veth') return undefined;
  return (
    'from XDP to XDP a veth loses all packets that leave by it while GRO is off at its other end (there: ethtool -K DEV gro on), ' +
    'and those whose sender left the checksum to its interface (there: ethtool -K DEV tx off) arrive with a wrong one'
  );
}

/** Undefined: it has none, or is just gone. */
function driverOf(name: string): string | undefined {
  try {
    return interfaceDriver(name);
  } catch {
    return undefined;
  }
}

/** A program hanging on an interface. */
export interface Hook {
  readonly mode: PortMode;
  /** `tcx`, `clsact`, or the mode. */
  readonly by: LinkPoint | 'clsact';
  /** The descriptor of its link; a filter has none. */
  readonly link?: number;
  /** Puts another program in its place, between two packets; false: its interface is gone, which isn't news yet. @throws Error */
  replace(program: number): boolean;
  /** Takes it off; nothing happens where the interface is gone. */
  remove(): void;
}

/**
 * Hangs a program on an interface.
 * @param isolated the interface's clsact filter is io/isolation.ts's to remove
 * @throws SysError EBUSY (another XDP program is there), EOPNOTSUPP (the driver has no XDP), EPERM; Error for clsact
 */
export function hang(program: number, ifindex: number, mode: PortMode, isolated: boolean): Hook {
  if (mode !== 'tc') return linkHook(createLink(program, ifindex, mode), mode, mode);
  try {
    return linkHook(createLink(program, ifindex, 'tcx'), mode, 'tcx');
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== 'EINVAL') throw error;
    return filterHook(program, ifindex, isolated);
  }
}

function linkHook(link: number, mode: PortMode, by: LinkPoint): Hook {
  return { mode, by, link, replace: (program) => replaceAt(link, program), remove: () => close(link) };
}

/** The kernel takes a link off an interface that goes: it hangs nowhere then (ENOLINK). */
function replaceAt(link: number, program: number): boolean {
  try {
    updateLink(link, program);
    return true;
  } catch (error) {
    if (error instanceof SysError && error.code === 'ENOLINK') return false;
    throw error;
  }
}

/** A link that another process made. */
export function adoptedHook(link: number, by: LinkPoint): Hook {
  return linkHook(link, by === 'tcx' ? 'tc' : by, by);
}

const BPF_TC_INGRESS = 1;
const BPF_TC_EGRESS = 2;
const BPF_TC_F_REPLACE = 1;
const EEXIST = 17;
const ENODEV = 19;
/** Those of io/isolation.ts's filter. */
const HANDLE = 1;
const PRIORITY = 1;

/** struct bpf_tc_hook */
function tcHook(ifindex: number, points: number): Buffer {
  const hook = Buffer.alloc(24);
  hook.writeBigUInt64LE(24n, 0);
  hook.writeInt32LE(ifindex, 8);
  hook.writeUInt32LE(points, 12);
  return hook;
}

/** struct bpf_tc_opts; program 0: none. */
function tcOptions(program: number): Buffer {
  const options = Buffer.alloc(32);
  options.writeBigUInt64LE(32n, 0);
  options.writeInt32LE(program, 8);
  options.writeUInt32LE(program === 0 ? 0 : BPF_TC_F_REPLACE, 12);
  options.writeUInt32LE(HANDLE, 20);
  options.writeUInt32LE(PRIORITY, 24);
  return options;
}

function filterHook(program: number, ifindex: number, isolated: boolean): Hook {
  const lib = libbpf();
  const ingress = tcHook(ifindex, BPF_TC_INGRESS);
  const both = tcHook(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
  const made = lib.tcHookCreate(ingress);
  if (made < 0 && made !== -EEXIST) throw clsactError(ifindex, -made);
  const attach = (next: number): boolean => {
    const result = lib.tcAttach(ingress, tcOptions(next));
    if (result === -ENODEV) return false;
    if (result < 0) throw clsactError(ifindex, -result);
    return true;
  };
  if (!attach(program)) throw clsactError(ifindex, ENODEV);
  return {
    mode: 'tc',
    by: 'clsact',
    replace: attach,
    remove() {
      if (made === 0) lib.tcHookDestroy(both);
      else if (!isolated) lib.tcDetach(ingress, tcOptions(0));
    },
  };
}

function clsactError(ifindex: number, errno: number): Error {
  return new Error(`no clsact filter can be set at interface ${ifindex}: ${errnoName(errno)}`);
}
