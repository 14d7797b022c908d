/**
 * Memory that this process shares with the kernel: a BPF map's values, mapped at an address of the process (mmap(2)) and seen as
 * an ordinary typed array. Reading and writing it costs what other memory costs.
 *
 * A range of addresses is reserved for as large as the map may become. When it is made anew with more room it takes the old one's
 * place there, so arrays made before stay valid and see the new map. They must not be used once the range was released.
 */
import koffi from 'koffi';
import { SysError } from './libc';

const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
/** MAP_FAILED, as an unsigned number. */
const FAILED = 2n ** 64n - 1n;

const lib = koffi.load('libc.so.6');
const c = {
  // Addresses as numbers: MAP_FAILED is none that koffi could make a pointer of.
  mmap: lib.func('uint64_t mmap(uint64_t addr, size_t length, int prot, int flags, int fd, int64_t offset)'),
  munmap: lib.func('int munmap(uint64_t addr, size_t length)'),
};

function map(at: bigint, bytes: number, protection: number, flags: number, fd: number, what: string): bigint {
  const address = BigInt(c.mmap(at, bytes, protection, flags, fd, 0) as number | bigint);
  if (address === FAILED) throw new SysError('mmap', koffi.errno(), what);
  return address;
}

/** A reserved range of addresses with, at its start, a map. */
export class MappedMemory {
  private readonly address: bigint;

  /** Reserves room for so many bytes, which costs no memory. @throws SysError ENOMEM */
  constructor(private readonly reserved: number) {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    this.address = map(0n, reserved, PROT_NONE, flags, -1, `of ${reserved} bytes`);
  }

  /**
   * Puts the first `bytes` of a map there, in place of what was. `bytes` as they are: the kernel rounds up to pages.
   * @throws SysError EPERM (the map isn't one that can be mapped), EINVAL (it is smaller), ENOMEM
   */
  place(fd: number, bytes: number): ArrayBuffer {
    if (bytes > this.reserved) throw new Error(`a map of ${bytes} bytes for which ${this.reserved} were reserved`);
    map(this.address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 'of a BPF map');
    return koffi.view(this.address, bytes);
  }

  /** Arrays on it must not be touched any more. */
  release(): void {
    c.munmap(this.address, this.reserved);
  }
}
