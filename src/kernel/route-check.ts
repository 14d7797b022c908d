/**
 * The conversation with the kernel about routes that zebra has from it. FPM doesn't say when one of them is gone, and the kernel
 * doesn't always: routes that a link, an address or a nexthop object takes along go without a message. So the kernel's
 * news, and what zebra sends, only say that there is something to check; a check reads the kernel's tables.
 *
 * A table of a million of zebra's own routes takes the kernel a fifth of a second to go through, whatever it shows of it. So
 * it is asked for each suspect first, which costs microseconds, and for parts of the tables and whole ones only where suspects
 * are left: whole ones twice, as a table that changes while it is read may skip some.
 * Bytes in, bytes out; the socket and its threads are route-watch.ts's.
 */
import { errorText } from '../net/error-text';
import { AttributeTable, readU16, readU32 } from '../netlink/attributes';
import { NetlinkFormatError, NetlinkWriter } from '../netlink/codec';
import {
  AF_UNSPEC,
  NHA_ID,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER,
  NLMSG_OVERRUN,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_GETNEXTHOP,
  RTM_NEWLINK,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
  RTN_LOCAL,
  RT_TABLE_LOCAL,
} from '../netlink/constants';
import type { Logger } from '../observe/log';
import { ROUTE_PROTOCOL_AT, isZebras } from './foreign';
import { leadsOf, type RouteLeads } from './route-leads';
import { nexthopIdOf, readRoute } from './route-message';
import {
  dumpsFor,
  writeRouteDump,
  writeRouteQuestion,
  type RouteDump,
  type SuspectRoute,
  type SuspectScope,
} from './route-requests';

/** zebra's routes from the kernel that may be gone (src/fib/kernel-routes.ts says what each means). */
export interface SuspectRoutes {
  lost(table: number, address: Uint8Array, length: number): boolean;
  lostAny(): boolean;
  lostNexthop(id: number): boolean;
  begin(): { readonly missingNexthops: readonly number[] };
  /** Suspects to be asked for one by one, at most so many. */
  some(most: number): readonly SuspectRoute[];
  left(): readonly SuspectScope[];
  confirm(table: number, address: Uint8Array, length: number, protocol: number, leads: RouteLeads): void;
  confirmAddress(vrf: number | undefined, address: Uint8Array): void;
  end(): number;
  abandon(): void;
}

export interface RouteCheckOptions {
  readonly suspects: SuspectRoutes;
  /** To the kernel. Throws when it can't be sent. */
  readonly send: (messages: Buffer) => void;
  /** The same for what takes the kernel long, in a thread of its own; calls `failed` when it can't be sent. */
  readonly sendAside: (messages: Buffer, failed: (reason: string) => void) => void;
  /** The kernel's word on a nexthop object: RTM_NEWNEXTHOP or RTM_DELNEXTHOP, and where its struct nhmsg lies. */
  readonly nexthop: (type: number, buffer: Buffer, start: number, end: number) => void;
  /** A check has removed so many routes. */
  readonly removed: (routes: number) => void;
  /** Runs `action` after `ms`. */
  readonly later: (ms: number, action: () => void) => void;
  readonly log: Logger;
}

export interface RouteCheckCounters {
  messages: number;
  malformed: number;
  overruns: number;
  /** Checks that were finished, routes asked for, tables or parts of them that were read, and routes found to be gone. */
  checks: number;
  asked: number;
  dumps: number;
  removed: number;
}

/** News comes in bursts; and a check may have to wait a little for what the next one would be for. */
const NEWS_MS = 20;
/** zebra sends a nexthop soon after the route that names it, or not at all; and its replay is better checked as one. */
const SENT_MS = 1000;
const RETRY_MS = 1000;
/** Dumps of one kind that the kernel's own changes may spoil, in a row. */
const MAX_SPOILED = 5;
const ENOENT = 2;

/** Answers wait in the socket, 1 KiB each; and the kernel gives them while the request is sent. */
const MAX_ASKED = 500;

/** A check that runs: the question or dump under way, and the dumps that may follow. */
interface Running {
  readonly todo: RouteDump[];
  /** Undefined while single routes are asked for, with the numbers `questions` and, for the last one, `seq`. */
  dump: RouteDump | undefined;
  readonly questions: number;
  seq: number;
  spoiled: boolean;
  repeats: number;
}

export class RouteCheck {
  readonly counters: RouteCheckCounters = {
    messages: 0,
    malformed: 0,
    overruns: 0,
    checks: 0,
    asked: 0,
    dumps: 0,
    removed: 0,
  };
  private readonly writer = new NetlinkWriter();
  private readonly attributes = new AttributeTable();
  private seq = 0;
  private running: Running | undefined;
  /** Timers that will begin a check, by their delay. */
  private readonly waiting = new Set<number>();
  private again = false;

  constructor(private readonly options: RouteCheckOptions) {}

  /** zebra sent a route that it has from the kernel. */
  routeSent(): void {
    this.checkIn(SENT_MS);
  }

  /** The kernel had to drop news. */
  overrun(): void {
    this.counters.overruns++;
    this.options.log.warn('the kernel dropped news of its routes; those that zebra has from it are checked', {
      code: 'kernel-overrun',
      overruns: this.counters.overruns,
    });
    this.newsOf(this.options.suspects.lostAny());
    // The answer that is waited for may be among them. The parts of a dump never are.
    if (this.running !== undefined && this.running.dump === undefined) this.next();
  }

  /** The next answers come to a reader that knows of no dump. */
  restart(): void {
    this.abandon();
    this.newsOf(this.options.suspects.lostAny());
  }

  /** Asks for a nexthop object; the answer comes as news do. */
  askNexthops(ids: readonly number[]): void {
    for (const id of ids) {
      this.writer.reset().begin(RTM_GETNEXTHOP, NLM_F_REQUEST, this.nextSeq());
      this.writer.u32(AF_UNSPEC).u32(0).attributeU32(NHA_ID, id).end();
      try {
        this.options.send(this.writer.view());
      } catch (error) {
        this.options.log.warn('the kernel could not be asked for a nexthop', {
          code: 'kernel-dump-refused',
          id,
          reason: errorText(error),
        });
      }
    }
  }

  /** Messages as received, one or several. */
  receive(buffer: Buffer): void {
    let at = 0;
    while (buffer.length - at >= NLMSG_HEADER) {
      const length = readU32(buffer, at);
      if (length < NLMSG_HEADER || length > buffer.length - at) {
        this.counters.malformed++;
        return;
      }
      this.counters.messages++;
      try {
        this.message(buffer, at, at + length);
      } catch (error) {
        if (!(error instanceof NetlinkFormatError)) throw error;
        this.counters.malformed++;
      }
      at += (length + 3) & ~3;
    }
  }

  private message(buffer: Buffer, at: number, end: number): void {
    const { suspects } = this.options;
    const type = readU16(buffer, at + 4);
    const body = at + NLMSG_HEADER;
    switch (type) {
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        if (at + ROUTE_PROTOCOL_AT >= end || isZebras(buffer[at + ROUTE_PROTOCOL_AT]!)) return;
        if (type === RTM_DELROUTE) {
          readRoute(this.attributes, buffer, body, end, (table, address, length) =>
            this.newsOf(suspects.lost(table, address, length)),
          );
        } else if (this.isAnswer(buffer, at)) this.shown(buffer, body, end);
        else if ((readU16(buffer, at + 6) & NLM_F_REPLACE) !== 0) this.replaced(buffer, body, end);
        return;
      case RTM_NEWNEXTHOP:
      case RTM_DELNEXTHOP:
        this.options.nexthop(type, buffer, body, end);
        if (type === RTM_DELNEXTHOP) this.newsOf(suspects.lostNexthop(nexthopIdOf(this.attributes, buffer, body, end)));
        return;
      case RTM_NEWLINK:
      case RTM_DELLINK:
        if (body < end && buffer[body] === AF_UNSPEC) this.newsOf(suspects.lostAny());
        return;
      case RTM_DELADDR:
        this.newsOf(suspects.lostAny());
        return;
      case NLMSG_OVERRUN:
        this.overrun();
        return;
      case NLMSG_DONE:
      case NLMSG_ERROR:
        if (this.running?.seq !== readU32(buffer, at + 8)) return;
        if (this.running.dump === undefined) this.next();
        else this.dumpDone(buffer, at, end);
        return;
      default:
        return;
    }
  }

  /** Whether a route is shown because it was asked for: by itself, or as a part of a table. */
  private isAnswer(buffer: Buffer, at: number): boolean {
    const { running } = this;
    if (running === undefined) return false;
    const flags = readU16(buffer, at + 6);
    const seq = readU32(buffer, at + 8);
    if (running.dump === undefined) return seq === running.seq || seq === running.questions;
    if (running.seq !== seq || (flags & NLM_F_MULTI) === 0) return false;
    if ((flags & NLM_F_DUMP_INTR) !== 0) running.spoiled = true;
    return true;
  }

  /** The kernel shows a route that is no one of zebra's. */
  private shown(buffer: Buffer, body: number, end: number): void {
    const { suspects } = this.options;
    readRoute(this.attributes, buffer, body, end, (table, address, length, protocol) => {
      const inVrf = table !== RT_TABLE_LOCAL;
      if (inVrf) suspects.confirm(table, address, length, protocol, leadsOf(this.attributes, buffer[body + 7]!));
      // The local addresses of a VRF are in the VRF's own table.
      if (buffer[body + 7] === RTN_LOCAL && length === 8 * address.length) {
        suspects.confirmAddress(inVrf ? table : undefined, address);
      }
    });
  }

  /**
   * A route took another's place. zebra sends the new one, unless it passes over it (its interface has no carrier, say): then the
   * old one would stay. It gets the time to.
   */
  private replaced(buffer: Buffer, body: number, end: number): void {
    readRoute(this.attributes, buffer, body, end, (table, address, length) => {
      if (this.options.suspects.lost(table, address, length)) this.checkIn(SENT_MS);
    });
  }

  // ---- checks -----------------------------------------------------------------------------------------------------

  private newsOf(something: boolean): void {
    if (something) this.checkIn(NEWS_MS);
  }

  private checkIn(ms: number): void {
    if (this.waiting.has(ms)) return;
    this.waiting.add(ms);
    this.options.later(ms, () => {
      this.waiting.delete(ms);
      if (this.running !== undefined) this.again = true;
      else this.check();
    });
  }

  private check(): void {
    const { suspects } = this.options;
    this.again = false;
    const { missingNexthops } = suspects.begin();
    this.askNexthops(missingNexthops);
    const todo = dumpsFor(suspects.left());
    if (todo.length === 0) return;
    this.running = {
      todo,
      dump: undefined,
      questions: this.nextSeq(),
      seq: this.nextSeq(),
      spoiled: false,
      repeats: 0,
    };
    this.askRoutes(this.running);
  }

  private askRoutes({ questions, seq }: Running): void {
    const routes = this.options.suspects.some(MAX_ASKED);
    if (routes.length === 0) return this.next();
    this.writer.reset();
    routes.forEach((route, i) => {
      const isLast = i + 1 === routes.length;
      writeRouteQuestion(this.writer, route, isLast ? seq : questions, isLast);
    });
    this.counters.asked += routes.length;
    try {
      this.options.send(this.writer.view());
    } catch (error) {
      this.failed(errorText(error));
    }
  }

  /** The next dump that suspects are left for; else the end. */
  private next(): void {
    const running = this.running!;
    const left = this.options.suspects.left();
    for (let dump = running.todo.shift(); dump !== undefined; dump = running.todo.shift()) {
      const { table, ip6 } = dump.scope;
      if (!left.some((scope) => scope.table === table && scope.ip6 === ip6)) continue;
      running.dump = dump;
      running.repeats = 0;
      this.startDump();
      return;
    }
    this.running = undefined;
    this.counters.checks++;
    const removed = this.options.suspects.end();
    this.counters.removed += removed;
    if (removed > 0) {
      this.options.log.info('routes that zebra had from the kernel are gone there; removed', { routes: removed });
      this.options.removed(removed);
    }
    if (this.again) this.checkIn(NEWS_MS);
  }

  private startDump(): void {
    const running = this.running!;
    running.seq = this.nextSeq();
    running.spoiled = false;
    writeRouteDump(this.writer.reset(), running.dump!, running.seq);
    this.options.sendAside(Buffer.from(this.writer.view()), (reason) => {
      if (this.running === running) this.failed(reason);
    });
  }

  private dumpDone(buffer: Buffer, at: number, end: number): void {
    const running = this.running!;
    const body = at + NLMSG_HEADER;
    const result = end - body >= 4 ? buffer.readInt32LE(body) : 0;
    const isSpoiled = running.spoiled || (readU16(buffer, at + 6) & NLM_F_DUMP_INTR) !== 0;
    // There is no such table: it is empty.
    if (result < 0 && result !== -ENOENT) this.failed(`errno ${-result}`);
    else if (!isSpoiled) {
      this.counters.dumps++;
      this.next();
    } else if (++running.repeats < MAX_SPOILED) this.startDump();
    else this.failed('its tables change too fast');
  }

  private failed(reason: string): void {
    this.options.log.warn('the kernel could not be asked for its routes; asking again', {
      code: 'kernel-dump-refused',
      reason,
      retryMs: RETRY_MS,
    });
    this.abandon();
    this.checkIn(RETRY_MS);
  }

  private abandon(): void {
    if (this.running === undefined) return;
    this.running = undefined;
    this.options.suspects.abandon();
  }

  private nextSeq(): number {
    this.seq = (this.seq % 0xffffffff) + 1;
    return this.seq;
  }
}
