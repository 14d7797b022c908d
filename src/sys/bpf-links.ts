/**
 * What hangs on an interface, whoever hung it there: links by their numbers, the programs of these, and taking a link off. Seeing
 * numbers takes CAP_NET_ADMIN, all else CAP_SYS_ADMIN.
 */
import { bpf, BPF_TCX_INGRESS, objectInfo } from './bpf';
import { libbpf } from './libbpf';
import { addressOf, close, SysError } from './libc';

const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_MAP_GET_FD_BY_ID = 14;
const BPF_PROG_QUERY = 16;
const BPF_LINK_GET_FD_BY_ID = 30;
const BPF_LINK_GET_NEXT_ID = 31;
const BPF_LINK_DETACH = 34;

const BPF_LINK_TYPE_XDP = 6;
const MOST_PROGRAMS = 64;
const MOST_MAPS = 64;

/** A program on an interface, and what it hangs by. */
export interface Hanging {
  readonly by: 'tcx' | 'xdp';
  readonly program: number;
  /** Absent: by no link, or it may not be known. */
  readonly link?: number;
}

/** The programs on an interface of this namespace at tcx and XDP, the first one first. @throws SysError EPERM */
export function hangingAt(ifindex: number): readonly Hanging[] {
  return [...tcxAt(ifindex), ...xdpAt(ifindex)];
}

function tcxAt(ifindex: number): readonly Hanging[] {
  const programs = Buffer.alloc(4 * MOST_PROGRAMS);
  const links = Buffer.alloc(4 * MOST_PROGRAMS);
  const attr = Buffer.alloc(64);
  attr.writeUInt32LE(ifindex, 0);
  attr.writeUInt32LE(BPF_TCX_INGRESS, 4);
  attr.writeBigUInt64LE(addressOf(programs), 16);
  attr.writeUInt32LE(MOST_PROGRAMS, 24);
  attr.writeBigUInt64LE(addressOf(links), 40);
  try {
    bpf(BPF_PROG_QUERY, attr, 'BPF_PROG_QUERY', `tcx at interface ${ifindex}`);
  } catch (error) {
    // No tcx in this kernel, or no such interface.
    if (error instanceof SysError && (error.code === 'EINVAL' || error.code === 'ENODEV')) return [];
    throw error;
  }
  const linkOf = numbers(links, MOST_PROGRAMS);
  return numbers(programs, attr.readUInt32LE(24)).map((program, i) => {
    const link = linkOf[i]!;
    return { by: 'tcx', program, ...(link !== 0 && { link }) };
  });
}

function numbers(bytes: Buffer, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => bytes.readUInt32LE(4 * i));
}

function xdpAt(ifindex: number): readonly Hanging[] {
  const found = Buffer.alloc(4);
  try {
    if (libbpf().xdpQueryId(ifindex, 0, found) < 0) return [];
  } catch {
    return []; // No libbpf.
  }
  const program = found.readUInt32LE(0);
  if (program === 0) return [];
  const link = xdpLink(ifindex, program);
  return [{ by: 'xdp', program, ...(link !== undefined && { link }) }];
}

/** The kernel tells of XDP only the program: its link is looked for among all. */
function xdpLink(ifindex: number, program: number): number | undefined {
  const attr = Buffer.alloc(16);
  try {
    for (;;) {
      bpf(BPF_LINK_GET_NEXT_ID, attr, 'BPF_LINK_GET_NEXT_ID');
      const link = attr.readUInt32LE(4);
      // struct bpf_link_info: type, id, prog_id, and for XDP the interface.
      const is = withObject(BPF_LINK_GET_FD_BY_ID, link, (fd) => {
        const info = objectInfo(fd);
        return [0, 8, 16].map((at) => info.readUInt32LE(at));
      });
      if (is?.[0] === BPF_LINK_TYPE_XDP && is[1] === program && is[2] === ifindex) return link;
      attr.writeUInt32LE(link, 0);
    }
  } catch {
    return undefined; // It was the last one, or this process may not see them.
  }
}

/** The names that a program and its maps were loaded with; undefined: it is gone. @throws SysError EPERM */
export function programNames(id: number): { readonly program: string; readonly maps: readonly string[] } | undefined {
  return withObject(BPF_PROG_GET_FD_BY_ID, id, (fd) => {
    // struct bpf_prog_info
    const maps = Buffer.alloc(4 * MOST_MAPS);
    const info = Buffer.alloc(80);
    info.writeUInt32LE(MOST_MAPS, 52);
    info.writeBigUInt64LE(addressOf(maps), 56);
    objectInfo(fd, info);
    return { program: nameAt(info, 64), maps: numbers(maps, info.readUInt32LE(52)).flatMap(mapName) };
  });
}

function mapName(id: number): string | readonly [] {
  return withObject(BPF_MAP_GET_FD_BY_ID, id, (fd) => nameAt(objectInfo(fd), 24)) ?? [];
}

function nameAt(info: Buffer, at: number): string {
  return info.toString('latin1', at, at + 16).replace(/\0.*$/s, '');
}

/** undefined: there is none of this number any more. @throws SysError EPERM */
function withObject<T>(command: number, id: number, use: (fd: number) => T): T | undefined {
  const attr = Buffer.alloc(16);
  attr.writeUInt32LE(id, 0);
  let fd: number;
  try {
    fd = bpf(command, attr, 'BPF_…_GET_FD_BY_ID');
  } catch (error) {
    if (error instanceof SysError && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

/** Takes a link off its interface at once, whoever has it or its name. @throws SysError EOPNOTSUPP (kernel before 5.9) */
export function detachLink(link: number): void {
  const attr = Buffer.alloc(16);
  attr.writeUInt32LE(link, 0);
  bpf(BPF_LINK_DETACH, attr, 'BPF_LINK_DETACH');
}

/** As detachLink(), by its number. @throws SysError EPERM */
export function detachLinkOf(id: number): void {
  withObject(BPF_LINK_GET_FD_BY_ID, id, detachLink);
}

/** The number of a link's program. @throws SysError */
export function linkProgram(link: number): number {
  return objectInfo(link).readUInt32LE(8);
}
