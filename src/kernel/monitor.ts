/**
 * The rtnetlink conversation: dumps links, addresses and neighbors in this order, follows the notifications, and dumps
 * everything again when the kernel had to drop some. Bytes in, bytes out; the socket and its thread are neighbor.ts's.
 *
 * Only one dump runs on a socket at a time (the kernel refuses a second with EBUSY), so a wish for another is noted and
 * begins when the present one has ended. A dump is asked for after the drop was seen, so it shows whatever was lost.
 */
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';
import { NetlinkFormatError, NetlinkWriter, type NetlinkMessage, readMessages } from '../netlink/codec';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  NDA_DST,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_OVERRUN,
  NTF_USE,
  NUD_PROBE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
} from '../netlink/constants';
import { type KernelMessage, decodeKernelMessage } from './decode';

export interface MonitorOptions {
  /** To the kernel. Throws when it can't be sent. */
  readonly send: (messages: Buffer) => void;
  readonly apply: (message: KernelMessage) => void;
  readonly beginDump: (kind: KernelMessage['kind']) => void;
  readonly endDump: (kind: KernelMessage['kind']) => void;
  /** All three dumps are through. */
  readonly synced: () => void;
  /** Runs `action` after `ms`; for re-dumps, which are spaced. */
  readonly later: (ms: number, action: () => void) => void;
  readonly log: Logger;
}

export interface MonitorCounters {
  messages: number;
  malformed: number;
  /** The kernel dropped notifications. */
  overruns: number;
  /** Complete rounds of the three dumps. */
  dumps: number;
  resolveErrors: number;
}

/** Each dump request's family header is as long as its kind's messages'. */
const DUMPS = [
  { kind: 'link', type: RTM_GETLINK, header: 16 },
  { kind: 'address', type: RTM_GETADDR, header: 8 },
  { kind: 'neighbor', type: RTM_GETNEIGH, header: 12 },
] as const;

/** Pause before a re-dump, so that a kernel which keeps dropping isn't asked without end. */
const REDUMP_MS = 100;
const RETRY_MS = 1000;
const EEXIST = 17;

export class KernelMonitor {
  readonly counters: MonitorCounters = { messages: 0, malformed: 0, overruns: 0, dumps: 0, resolveErrors: 0 };
  /** When the kernel dropped notifications last (performance.now(), ms). */
  lastOverrun: number | undefined;
  private readonly writer = new NetlinkWriter();
  private seq = 0;
  /** The running dump: which of DUMPS, its sequence number, and whether the kernel's table changed under it. */
  private dump: { readonly stage: number; readonly seq: number; interrupted: boolean } | undefined;
  private again = false;
  private waiting = false;

  constructor(private readonly options: MonitorOptions) {}

  /** Asks for everything; also to be called when a thread took notifications with it to its grave. */
  sync(): void {
    if (this.dump !== undefined || this.waiting) this.again = true;
    else this.startDump(0);
  }

  /** The next answers come from a socket that knows of no dump. */
  restart(): void {
    this.dump = undefined;
    this.sync();
  }

  overrun(): void {
    this.counters.overruns++;
    this.lastOverrun = performance.now();
    this.options.log.warn('the kernel dropped neighbor notifications; reading its tables again', {
      code: 'kernel-overrun',
      overruns: this.counters.overruns,
    });
    this.resync(REDUMP_MS);
  }

  /** Messages as received, one or several. */
  receive(messages: Buffer): void {
    try {
      for (const message of readMessages(messages)) this.handle(message);
    } catch (error) {
      this.malformed(error);
    }
  }

  /**
   * Asks the kernel to resolve or re-confirm a neighbor: NTF_USE is what a packet to it would do. `create`: only if it
   * has no such entry.
   */
  resolve(ifindex: number, address: Uint8Array, create: boolean): void {
    const flags = NLM_F_REQUEST | NLM_F_CREATE | (create ? NLM_F_EXCL : NLM_F_REPLACE);
    this.writer
      .reset()
      .begin(RTM_NEWNEIGH, flags, this.nextSeq())
      .u8(address.length === 4 ? AF_INET : AF_INET6)
      .u8(0)
      .u16(0)
      .u32(ifindex)
      .u16(0)
      .u8(NTF_USE)
      .u8(0)
      .attribute(NDA_DST, address)
      .end();
    this.options.send(this.writer.view());
  }

  /** Has the kernel verify the hardware address that it has of a neighbor, however lately that was confirmed. */
  probe(ifindex: number, address: Uint8Array): void {
    this.writer
      .reset()
      .begin(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_REPLACE, this.nextSeq())
      .u8(address.length === 4 ? AF_INET : AF_INET6)
      .u8(0)
      .u16(0)
      .u32(ifindex)
      .u16(NUD_PROBE)
      .u8(0)
      .u8(0)
      .attribute(NDA_DST, address)
      .end();
    this.options.send(this.writer.view());
  }

  private nextSeq(): number {
    this.seq = (this.seq % 0xffffffff) + 1;
    return this.seq;
  }

  private handle(message: NetlinkMessage): void {
    this.counters.messages++;
    const dump = this.dump !== undefined && this.dump.seq === message.seq ? this.dump : undefined;
    if (dump !== undefined && (message.flags & NLM_F_DUMP_INTR) !== 0) dump.interrupted = true;
    switch (message.type) {
      case NLMSG_ERROR: {
        const errno = message.body.length >= 4 ? -message.body.readInt32LE(0) : 0;
        if (dump !== undefined) this.dumpFailed(`errno ${errno}`);
        else if (errno !== 0 && errno !== EEXIST) {
          this.counters.resolveErrors++;
          this.options.log.debug('the kernel refused to resolve a neighbor', { errno });
        }
        return;
      }
      case NLMSG_DONE:
        if (dump !== undefined) this.dumpDone(dump, message.body);
        return;
      case NLMSG_OVERRUN:
        this.overrun();
        return;
      default:
        try {
          const decoded = decodeKernelMessage(message);
          if (decoded !== undefined) this.options.apply(decoded);
        } catch (error) {
          this.malformed(error);
        }
    }
  }

  private malformed(error: unknown): void {
    if (!(error instanceof NetlinkFormatError)) throw error;
    this.counters.malformed++;
    this.options.log.warn('malformed netlink message dropped', { code: 'kernel-malformed', error: error.message });
  }

  private startDump(stage: number): void {
    const { kind, type, header } = DUMPS[stage]!;
    this.dump = { stage, seq: this.nextSeq(), interrupted: false };
    this.options.beginDump(kind);
    this.writer.reset().begin(type, NLM_F_REQUEST | NLM_F_DUMP, this.dump.seq);
    this.writer.u8(AF_UNSPEC).bytes(new Uint8Array(header - 1));
    try {
      this.options.send(this.writer.end().view());
    } catch (error) {
      this.dumpFailed(errorText(error));
    }
  }

  private dumpDone(dump: { readonly stage: number; readonly interrupted: boolean }, body: Buffer): void {
    const result = body.length >= 4 ? body.readInt32LE(0) : 0;
    if (result < 0) {
      this.dumpFailed(`errno ${-result}`);
      return;
    }
    this.dump = undefined;
    if (dump.interrupted) {
      // Entries may have been skipped: nothing can be said of those not seen.
      this.startDump(dump.stage);
      return;
    }
    this.options.endDump(DUMPS[dump.stage]!.kind);
    if (dump.stage + 1 < DUMPS.length) {
      this.startDump(dump.stage + 1);
      return;
    }
    this.counters.dumps++;
    this.options.synced();
    if (this.again) this.resync(REDUMP_MS);
  }

  private dumpFailed(reason: string): void {
    this.options.log.warn('the kernel refused to show its tables; asking again', {
      code: 'kernel-dump-refused',
      reason,
      retryMs: RETRY_MS,
    });
    this.dump = undefined;
    this.resync(RETRY_MS);
  }

  /** One round of dumps after a pause; wishes until it begins are met by it. */
  private resync(ms: number): void {
    if (this.dump !== undefined) {
      this.again = true;
      return;
    }
    if (this.waiting) return;
    this.waiting = true;
    this.options.later(ms, () => {
      this.waiting = false;
      this.again = false;
      if (this.dump === undefined) this.startDump(0);
    });
  }
}
