/**
 * UDP by file descriptor, for the threads that sit in poll(2) instead of Node's event loop: softvasic's dataplane and the
 * punt worker. Datagrams are received and sent in batches (recvmmsg, sendmmsg) over slots that are allocated once.
 *
 * Owner: whoever opened the socket; one thread only. Addresses are packed sockaddrs (net/sockaddr.ts).
 */
import {
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SO_RCVBUF,
  SO_SNDBUF,
  SysError,
  bind,
  close,
  getsockname,
  recvmmsg,
  sendmmsg,
  setsockopt,
  socket,
} from './libc';
import { MessageVector } from './mmsg';
import { formatSockaddr, sockaddr, SOCKADDR_BYTES } from '../net/sockaddr';

/** A UDP payload is at most 65,507 bytes (IPv4). */
const SLOT_BYTES = 65536;
const SLOTS = 32;
const SOCKET_BUFFER_BYTES = 4 << 20;

/** What became of datagrams that weren't carried. */
export interface UdpStats {
  /** Datagrams the kernel refused to send (buffer full, no route, too long). */
  sendDrops: number;
  /** The last refusal's errno name; empty when it never happened. */
  lastSendError: string;
}

/** One bound UDP socket. */
export class UdpSocket {
  readonly stats: UdpStats = { sendDrops: 0, lastSendError: '' };
  private readonly inbox = new MessageVector({ slots: SLOTS, slotBytes: SLOT_BYTES, nameBytes: SOCKADDR_BYTES });
  private readonly outbox = new MessageVector({ slots: SLOTS, slotBytes: SLOT_BYTES, nameBytes: SOCKADDR_BYTES });
  private queued = 0;
  private closed = false;

  private constructor(readonly fd: number) {}

  /**
   * Binds to a numeric local address; port 0 takes any free one.
   * @throws SysError (EADDRINUSE, EADDRNOTAVAIL …) naming the address
   */
  static open(local: { readonly host: string; readonly port: number }): UdpSocket {
    const name = sockaddr(local.host, local.port);
    const fd = socket(name.readUInt16LE(0), SOCK_DGRAM | SOCK_NONBLOCK, 0);
    try {
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
      setsockopt(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
      bind(fd, name, formatSockaddr(name));
      return new UdpSocket(fd);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Goes on with a bound socket of another thread, which must leave it alone meanwhile; closing it stays with its opener. */
  static attach(fd: number): UdpSocket {
    return new UdpSocket(fd);
  }

  /** The local port. */
  get port(): number {
    return getsockname(this.fd).readUInt16BE(2);
  }

  /**
   * Receives what is there, at most one batch (32 datagrams): `handler` gets the slot, the datagram's length (it starts
   * at byte 0) and the sender's packed sockaddr. All three are valid during the call only. Returns how many there were;
   * a full batch means more may be waiting.
   */
  receive(handler: (slot: Buffer, length: number, from: Buffer) => void): number {
    const { inbox } = this;
    inbox.prepareReceive(SLOTS);
    const count = recvmmsg(this.fd, inbox.headers, SLOTS);
    for (let i = 0; i < count; i++) handler(inbox.slots[i]!, inbox.length(i), inbox.names[i]!);
    return Math.max(0, count);
  }

  /** The buffer to write the next datagram into, from byte 0; `commit` queues it. */
  reserve(): Buffer {
    return this.outbox.slots[this.queued]!;
  }

  /** Queues the first `length` bytes of the reserved buffer for `to`; a full queue is flushed at once. */
  commit(length: number, to: Uint8Array): void {
    this.outbox.prepareSend(this.queued, 0, length, to);
    if (++this.queued === SLOTS) this.flush();
  }

  /** Sends what is queued. What the kernel refuses is counted and dropped: hostpath is datagrams. */
  flush(): void {
    const total = this.queued;
    this.queued = 0;
    for (let done = 0; done < total;) {
      let sent: number;
      try {
        sent = sendmmsg(this.fd, this.outbox.from(done), total - done);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        this.stats.lastSendError = error.code;
        this.stats.sendDrops++;
        done++;
        continue;
      }
      if (sent <= 0) {
        this.stats.lastSendError = 'EAGAIN';
        this.stats.sendDrops += total - done;
        return;
      }
      done += sent;
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    close(this.fd);
  }
}
