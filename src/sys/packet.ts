/**
 * AF_PACKET: raw Ethernet frames of one interface, in batches, with the offload metadata that the kernel left undone.
 *
 * With PACKET_VNET_HDR each frame is preceded by a struct virtio_net_hdr: a checksum that is still to be completed, and
 * for segments up to 64 KB their wire size. Passing it on unchanged makes the next device do that work. The kernel takes a
 * VLAN tag out of a received frame; PACKET_AUXDATA tells it and it is put back. Frames leaving the interface aren't seen.
 *
 * PACKET_QDISC_BYPASS isn't used: it was measured to gain nothing on veth, where there is no queueing discipline, it drops
 * instead of queueing on real devices, and it hides what is sent from tcpdump.
 *
 * Owner: whoever opened it, one thread. Received frames lie in slots that the next `receive` overwrites. Small frames to
 * send are copied into a queue that `flush` sends with one call; large ones are sent at once from where they are.
 */
import {
  AF_PACKET,
  POLLERR,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SysError,
  addressOf,
  bind,
  close,
  getsockname,
  getsockopt,
  recvmmsg,
  sendmmsg,
  setsockopt,
  socket,
} from './libc';
import { ETHERTYPE_VLAN } from '../net/ethertypes';
import { noOffload, OFFLOAD_NEEDS_CSUM } from '../net/offload';
import type { Offload } from '../net/offload';
import { MessageVector } from './mmsg';
import { readVnetHeader, VNET_HDR, writeVnetHeader } from './vnet-header';

const ETH_P_ALL = 0x0003;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_STATISTICS = 6;
const PACKET_AUXDATA = 8;
const PACKET_VNET_HDR = 15;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_PROMISC = 1;
const SO_ERROR = 4;
/** In struct sockaddr_ll. */
const SLL_IFINDEX = 4;

/** cmsghdr (16 bytes) and struct tpacket_auxdata (20 bytes), aligned to 8. */
const AUX_CONTROL = 40;
const AUX_STATUS = 16;
const AUX_VLAN_TCI = 32;
const AUX_VLAN_TPID = 34;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const VLAN_TAG = 4;
const MAC_ADDRESSES = 12;

const RECEIVE_SLOTS = 32;
const SEND_SLOTS = 64;
/** Larger frames aren't copied into the send queue. Any frame of an ordinary MTU fits. */
const SEND_SLOT_BYTES = 2048;
const SHORT_FRAME = 128;
/** The longest frame: a 64 KB segment with Ethernet and VLAN headers. */
const MAX_FRAME = 65536 + 64;
const SOCKET_BUFFER_BYTES = 16 << 20;

/** A received frame in its slot; `headroom` bytes (as asked for in `open`) are free before `offset`. */
export interface ReceivedFrame {
  readonly buffer: Buffer;
  offset: number;
  length: number;
  readonly offload: Offload;
}

/** Frames that weren't carried, since the socket was opened. */
export interface PacketStats {
  /** The receive buffer was full (the reader too slow), or the frame longer than 64 KB. */
  receiveDrops: number;
  /** Refused by the kernel after `send` had taken them, and their bytes. */
  sendDrops: number;
  sendDropBytes: number;
  /** Why, the last time; empty when never. */
  lastSendError: string;
}

/** A raw socket on one interface. */
export class PacketSocket {
  readonly stats: PacketStats = { receiveDrops: 0, sendDrops: 0, sendDropBytes: 0, lastSendError: '' };
  private readonly inbox: MessageVector;
  private readonly frames: readonly ReceivedFrame[];
  private readonly outbox = new MessageVector({
    slots: SEND_SLOTS,
    slotBytes: SEND_SLOT_BYTES,
    prefixBytes: VNET_HDR,
  });
  private readonly queuedLengths = new Array<number>(SEND_SLOTS).fill(0);
  private queued = 0;
  private readonly large = new MessageVector({ slots: 1, slotBytes: 1, prefixBytes: VNET_HDR });
  private readonly addresses = new WeakMap<Buffer, bigint>();

  private constructor(
    readonly fd: number,
    private readonly headroom: number,
  ) {
    this.inbox = new MessageVector({
      slots: RECEIVE_SLOTS,
      // A restored VLAN tag must not eat into the headroom promised.
      slotBytes: headroom + VLAN_TAG + MAX_FRAME,
      headroom: headroom + VLAN_TAG,
      prefixBytes: VNET_HDR,
      controlBytes: AUX_CONTROL,
    });
    this.frames = this.inbox.slots.map((buffer) => ({
      buffer,
      offset: 0,
      length: 0,
      offload: noOffload(),
    }));
  }

  /**
   * Binds to the interface with this index, promiscuously.
   * @param headroom bytes to keep free before each received frame
   * @param receives false: it only sends, frames that arrive there are somebody else's
   * @throws SysError: EPERM without CAP_NET_RAW, ENODEV when the interface is gone, ENETDOWN when it is down
   */
  static open(ifindex: number, headroom: number, receives = true): PacketSocket {
    // Protocol 0 until bound: frames of other interfaces never get in.
    const fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
    try {
      setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, 1, 'PACKET_VNET_HDR');
      setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, 1, 'PACKET_AUXDATA');
      setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, 'PACKET_IGNORE_OUTGOING');
      setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
      setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
      const membership = Buffer.alloc(16);
      membership.writeInt32LE(ifindex, 0);
      membership.writeUInt16LE(PACKET_MR_PROMISC, 4);
      setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership, 'PACKET_ADD_MEMBERSHIP');
      const address = Buffer.alloc(20);
      address.writeUInt16LE(AF_PACKET, 0);
      if (receives) address.writeUInt16BE(ETH_P_ALL, 2);
      address.writeInt32LE(ifindex, SLL_IFINDEX);
      bind(fd, address, `interface ${ifindex}`);
      return new PacketSocket(fd, headroom);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /**
   * The interface that it is bound to; -1 once that was removed or moved to another network namespace, though it be back with the same
   * index: the socket is dead then.
   */
  get ifindex(): number {
    return getsockname(this.fd).readInt32LE(SLL_IFINDEX);
  }

  /**
   * Receives what is there, at most one batch; a full batch (true) means more may be waiting. `handler` may overwrite the
   * frame and its headroom; the frame is valid until the next `receive`.
   * @throws SysError ENETDOWN when the interface went down or away
   */
  receive(handler: (frame: ReceivedFrame) => void): boolean {
    const { inbox, frames } = this;
    inbox.prepareReceive(RECEIVE_SLOTS);
    const count = recvmmsg(this.fd, inbox.headers, RECEIVE_SLOTS);
    for (let i = 0; i < count; i++) {
      const length = inbox.length(i);
      if (inbox.truncated(i) || length < MAC_ADDRESSES + 2) {
        this.stats.receiveDrops++;
        continue;
      }
      const frame = frames[i]!;
      frame.offset = this.headroom + VLAN_TAG;
      frame.length = length;
      readVnetHeader(inbox.prefixes[i]!, 0, frame.offload);
      restoreTag(frame, inbox.controls[i]!, inbox.controlLength(i));
      handler(frame);
    }
    return count === RECEIVE_SLOTS;
  }

  /** Takes a frame for sending: copied or sent before this returns. What fails later is in `stats`. */
  send(buffer: Buffer, offset: number, length: number, offload: Offload): void {
    if (length > SEND_SLOT_BYTES) return this.sendLarge(buffer, offset, length, offload);
    const i = this.queued;
    writeVnetHeader(this.outbox.prefixes[i]!, offload);
    copy(buffer, offset, length, this.outbox.slots[i]!);
    this.outbox.prepareSend(i, 0, length);
    this.queuedLengths[i] = length;
    if (++this.queued === SEND_SLOTS) this.flush();
  }

  private sendLarge(buffer: Buffer, offset: number, length: number, offload: Offload): void {
    this.flush();
    let address = this.addresses.get(buffer);
    if (address === undefined) this.addresses.set(buffer, (address = addressOf(buffer)));
    writeVnetHeader(this.large.prefixes[0]!, offload);
    this.large.prepareSendAt(0, address + BigInt(offset), length);
    if (this.push(this.large.headers, 1) === 0) this.stats.sendDropBytes += length;
  }

  /** Sends what is queued. */
  flush(): void {
    const total = this.queued;
    this.queued = 0;
    for (let done = 0; done < total;) {
      const sent = this.push(this.outbox.from(done), total - done);
      if (sent === 0) this.stats.sendDropBytes += this.queuedLengths[done]!;
      done += Math.max(1, sent);
    }
  }

  /** How many of the messages the kernel took; 0: it refused the first one, which is counted. */
  private push(headers: Buffer, count: number): number {
    try {
      const sent = sendmmsg(this.fd, headers, count);
      if (sent > 0) return sent;
      this.stats.lastSendError = 'EAGAIN';
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.stats.lastSendError = error.code;
    }
    this.stats.sendDrops++;
    return 0;
  }

  /** Adds the kernel's count of frames that found the receive buffer full to `stats`. */
  readDrops(): void {
    // The kernel resets its counters at each reading.
    this.stats.receiveDrops += getsockopt(this.fd, SOL_PACKET, PACKET_STATISTICS, 8).readUInt32LE(4);
  }

  /** Clears the pending error that poll(2) shows as POLLERR, e.g. ENETDOWN; its errno, 0 for none. */
  takeError(events: number): number {
    return (events & POLLERR) === 0 ? 0 : getsockopt(this.fd, SOL_SOCKET, SO_ERROR, 4).readInt32LE(0);
  }

  close(): void {
    close(this.fd);
  }
}

/** To the start of `into`. Short frames byte by byte: that takes less time than to make a view of them. */
function copy(from: Buffer, offset: number, length: number, into: Buffer): void {
  if (length > SHORT_FRAME) into.set(from.subarray(offset, offset + length));
  else for (let i = 0; i < length; i++) into[i] = from[offset + i]!;
}

function setBuffer(fd: number, force: number, plain: number): void {
  try {
    setsockopt(fd, SOL_SOCKET, force, SOCKET_BUFFER_BYTES);
  } catch (error) {
    if (!(error instanceof SysError && error.code === 'EPERM')) throw error;
    setsockopt(fd, SOL_SOCKET, plain, SOCKET_BUFFER_BYTES);
  }
}

/** Puts the VLAN tag that the kernel took out (IEEE 802.1Q) back behind the MAC addresses. */
function restoreTag(frame: ReceivedFrame, control: Buffer, length: number): void {
  if (length < AUX_CONTROL - 4) return;
  const status = control.readUInt32LE(AUX_STATUS);
  if ((status & TP_STATUS_VLAN_VALID) === 0) return;
  const tpid = (status & TP_STATUS_VLAN_TPID_VALID) === 0 ? ETHERTYPE_VLAN : control.readUInt16LE(AUX_VLAN_TPID);
  const { buffer, offset, offload } = frame;
  buffer.copyWithin(offset - VLAN_TAG, offset, offset + MAC_ADDRESSES);
  frame.offset = offset - VLAN_TAG;
  frame.length += VLAN_TAG;
  buffer.writeUInt16BE(tpid, frame.offset + MAC_ADDRESSES);
  buffer.writeUInt16BE(control.readUInt16LE(AUX_VLAN_TCI), frame.offset + MAC_ADDRESSES + 2);
  if (offload.hdrLen !== 0) offload.hdrLen += VLAN_TAG;
  if ((offload.flags & OFFLOAD_NEEDS_CSUM) !== 0) offload.csumStart += VLAN_TAG;
}
