/**
 * An array of struct mmsghdr with one data slot, one name and one control buffer each, for recvmmsg and sendmmsg.
 *
 * Everything is allocated once; the headers hold raw addresses of the other buffers, which this object keeps alive. A
 * slot's data may be preceded by a second piece (`prefix`, e.g. a virtio_net_hdr), as the kernel gathers an iovec of two.
 */
import { MSG_TRUNC, addressOf } from './libc';

/** sizeof(struct mmsghdr): msghdr (56 bytes), msg_len, padding. */
const MMSGHDR = 64;
const MSG_NAME = 0;
const MSG_NAMELEN = 8;
const MSG_IOV = 16;
const MSG_IOVLEN = 24;
const MSG_CONTROL = 32;
const MSG_CONTROLLEN = 40;
const MSG_FLAGS = 48;
const MSG_LEN = 56;
/** sizeof(struct iovec). */
const IOVEC = 16;

/** Sizes in bytes; `headroom` bytes stay free before the received data, `prefixBytes` is the size of the first piece. */
export interface VectorLayout {
  readonly slots: number;
  readonly slotBytes: number;
  readonly headroom?: number;
  readonly prefixBytes?: number;
  readonly nameBytes?: number;
  readonly controlBytes?: number;
}

/** A batch of messages to receive into or to send from. */
export class MessageVector {
  /** The mmsghdr array to pass to the kernel. */
  readonly headers: Buffer;
  readonly slots: readonly Buffer[];
  readonly prefixes: readonly Buffer[];
  readonly names: readonly Buffer[];
  readonly controls: readonly Buffer[];
  private readonly tails: readonly Buffer[];
  /** The header array and the iovecs by 32 and by 64 bits: written for every message. */
  private readonly headerWords: Uint32Array;
  private readonly iovecWords: Uint32Array;
  private readonly iovecAddresses: BigUint64Array;
  private readonly iovecs: Buffer;
  private readonly slotAddresses: readonly bigint[];
  /** Where the data of each slot start that its iovec points to; -1: elsewhere. */
  private readonly starts: Int32Array;
  private readonly layout: Required<VectorLayout>;

  constructor(layout: VectorLayout) {
    const full = { headroom: 0, prefixBytes: 0, nameBytes: 0, controlBytes: 0, ...layout };
    this.layout = full;
    const buffers = (size: number): Buffer[] =>
      size === 0 ? [] : Array.from({ length: full.slots }, () => Buffer.alloc(size));
    this.slots = buffers(full.slotBytes);
    this.prefixes = buffers(full.prefixBytes);
    this.names = buffers(full.nameBytes);
    this.controls = buffers(full.controlBytes);
    this.slotAddresses = this.slots.map(addressOf);
    this.headers = Buffer.alloc(MMSGHDR * full.slots);
    this.iovecs = Buffer.alloc(2 * IOVEC * full.slots);
    this.headerWords = new Uint32Array(this.headers.buffer, this.headers.byteOffset, this.headers.length / 4);
    this.iovecWords = new Uint32Array(this.iovecs.buffer, this.iovecs.byteOffset, this.iovecs.length / 4);
    this.iovecAddresses = new BigUint64Array(this.iovecs.buffer, this.iovecs.byteOffset, this.iovecs.length / 8);
    this.starts = new Int32Array(full.slots).fill(-1);
    this.tails = this.slots.map((_, i) => this.headers.subarray(MMSGHDR * i));
    const iovecs = addressOf(this.iovecs);
    for (let i = 0; i < full.slots; i++) {
      const header = MMSGHDR * i;
      const pieces = full.prefixBytes > 0 ? 2 : 1;
      if (full.nameBytes > 0) this.headers.writeBigUInt64LE(addressOf(this.names[i]!), header + MSG_NAME);
      if (full.controlBytes > 0) this.headers.writeBigUInt64LE(addressOf(this.controls[i]!), header + MSG_CONTROL);
      this.headers.writeBigUInt64LE(iovecs + BigInt(2 * IOVEC * i), header + MSG_IOV);
      this.headers.writeUInt32LE(pieces, header + MSG_IOVLEN);
      if (pieces === 2) {
        this.iovecs.writeBigUInt64LE(addressOf(this.prefixes[i]!), 2 * IOVEC * i);
        this.iovecs.writeUInt32LE(full.prefixBytes, 2 * IOVEC * i + 8);
      }
      this.setData(i, full.headroom, full.slotBytes - full.headroom);
    }
    this.prepareReceive(full.slots);
  }

  private dataIovec(i: number): number {
    return 2 * IOVEC * i + (this.layout.prefixBytes > 0 ? IOVEC : 0);
  }

  private setData(i: number, start: number, length: number): void {
    const at = this.dataIovec(i);
    if (this.starts[i] !== start) {
      this.starts[i] = start;
      this.iovecAddresses[at / 8] = this.slotAddresses[i]! + BigInt(start);
    }
    this.iovecWords[at / 4 + 2] = length;
  }

  /** Sets message i to send `length` bytes at an address in memory that the caller keeps alive until it is sent. */
  prepareSendAt(i: number, address: bigint, length: number): void {
    const at = this.dataIovec(i);
    this.starts[i] = -1;
    this.iovecAddresses[at / 8] = address;
    this.iovecWords[at / 4 + 2] = length;
  }

  /** Resets what the kernel overwrites, for the next recvmmsg over the first `count` slots. */
  prepareReceive(count: number): void {
    const { nameBytes, controlBytes } = this.layout;
    for (let i = 0; i < count; i++) {
      const header = (MMSGHDR * i) / 4;
      this.headerWords[header + MSG_NAMELEN / 4] = nameBytes;
      this.headerWords[header + MSG_CONTROLLEN / 4] = controlBytes;
    }
  }

  /** Sets slot i to send `length` bytes from `start` of its data; `name` is the destination's packed sockaddr. */
  prepareSend(i: number, start: number, length: number, name?: Uint8Array): void {
    this.setData(i, start, length);
    if (name === undefined) return;
    this.names[i]!.set(name);
    this.headerWords[(MMSGHDR * i + MSG_NAMELEN) / 4] = name.length;
  }

  /** The header array from slot i on. */
  from(i: number): Buffer {
    return this.tails[i]!;
  }

  /** Data bytes received in slot i (without the prefix). */
  length(i: number): number {
    return this.headerWords[(MMSGHDR * i + MSG_LEN) / 4]! - this.layout.prefixBytes;
  }

  /** Whether the message in slot i was cut to the slot's size. */
  truncated(i: number): boolean {
    return (this.headerWords[(MMSGHDR * i + MSG_FLAGS) / 4]! & MSG_TRUNC) !== 0;
  }

  /** Control bytes received in slot i. */
  controlLength(i: number): number {
    return this.headerWords[(MMSGHDR * i + MSG_CONTROLLEN) / 4]!;
  }
}
