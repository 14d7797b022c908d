/**
 * The kernel as a source of neighbors, port addresses and links, and as the one who resolves neighbors for us.
 *
 * Joins the parts: the socket and its reading thread (worker.ts), the conversation (monitor.ts), the mirror that turns
 * messages into changes (mirror.ts), and the resolver that asks for what routes depend on (resolver.ts). All but the
 * reading happens in the caller's event loop.
 */
import type { KernelUpdate } from '../fib/updates';
import type { Logger } from '../observe/log';
import { RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR, RTMGRP_LINK, RTMGRP_NEIGH } from '../netlink/constants';
import { closeNetlink, openNetlink, sendNetlink } from '../sys/netlink-socket';
import { Delays } from './delays';
import { FlapWatch, type FlapView } from './flap-watch';
import { GroupWatch } from './groups';
import { KernelMirror } from './mirror';
import { KernelMonitor } from './monitor';
import { startReader } from './reader';
import { Resolver, type ResolveProgress } from './resolver';

export interface NeighborHandlers {
  update(update: KernelUpdate): void;
  /** After the updates that came together. */
  batchEnd(): void;
}

export interface NeighborCounters {
  readonly links: number;
  readonly addresses: number;
  readonly neighbors: number;
  /** Netlink messages received, updates made of them. */
  readonly messages: number;
  readonly updates: number;
  readonly malformed: number;
  /** Messages that weren't the kernel's. */
  readonly foreign: number;
  readonly overruns: number;
  readonly dumps: number;
  /** Neighbors that routes depend on, and those of them that are not settled. */
  readonly wanted: number;
  readonly unresolved: number;
  readonly resolveRequests: number;
  readonly resolveErrors: number;
  /** The reading thread died and was started again. */
  readonly restarts: number;
}

/** What goes wrong in the kernel's view of the ports. */
export interface KernelTroubles {
  /** When it dropped notifications last (performance.now(), ms), and how often it did. */
  readonly lastOverrun: number | undefined;
  readonly overruns: number;
  /** Neighbors whose hardware address goes to and fro. */
  readonly flapping: readonly FlapView[];
}

export interface NeighborSource {
  /** Resolves after the initial dump of links, addresses and neighbors. Rejects when the kernel can't be asked. */
  start(handlers: NeighborHandlers): Promise<void>;
  /** A route depends on it: resolve it now and keep it fresh. A set, not a count. */
  need(ifindex: number, address: Uint8Array): void;
  release(ifindex: number, address: Uint8Array): void;
  /** It is being used: have the kernel verify it once if it is stale. Many at once get their turn one after the other. */
  verify(ifindex: number, address: Uint8Array): void;
  /** What an operator should look at. */
  troubles(): KernelTroubles;
  /** What was done to resolve it; undefined: it isn't needed. */
  progress(ifindex: number, address: Uint8Array): ResolveProgress | undefined;
  /** Reads the kernel's tables again. */
  resync(): void;
  counters(): NeighborCounters;
  close(): Promise<void>;
}

const RECEIVE_BUFFER_BYTES = 4 << 20;
const REQUESTS_PER_SECOND = 100;
const FLAP_TICK_MS = 1000;
/** A neighbor in use becomes stale every half minute or so: twelve thousand get their turn within a minute. */
const VERIFICATIONS_PER_SECOND = 200;

/** @param options.taps names of the ports' TAPs: neighbors and addresses of other interfaces are not reported */
export function createKernelNeighbors(
  options: { readonly taps: readonly string[]; readonly receiveBufferBytes?: number },
  log: Logger,
): NeighborSource {
  let fd = -1;
  let reader: ReturnType<typeof startReader> | undefined;
  let handlers: NeighborHandlers = { update: () => undefined, batchEnd: () => undefined };
  let updates = 0;
  let pending = false;
  let groupsMayDiffer = false;
  let foreign = 0;
  let resolveRequests = 0;
  let restarts = 0;
  let due: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Infinity;
  let synced: () => void = () => undefined;
  let abandoned: (error: Error) => void = () => undefined;
  let flapTimer: NodeJS.Timeout | undefined;
  const delays = new Delays();

  const mirror = new KernelMirror({
    taps: new Set(options.taps),
    emit(update) {
      updates++;
      pending = true;
      groupsMayDiffer ||= update.kind !== 'neighborAdd' && update.kind !== 'neighborDelete';
      handlers.update(update);
    },
    portAppeared: () => monitor.sync(),
    neighborSeen: (ifindex, address) => resolver.seen(ifindex, address),
    macChanged(ifindex, address, before, mac) {
      flaps.changed(ifindex, address, before, mac);
      flapTimer ??= setInterval(() => {
        flaps.tick();
        if (flaps.size > 0) return;
        clearInterval(flapTimer);
        flapTimer = undefined;
      }, FLAP_TICK_MS).unref();
    },
    linkChanged: (ifindex) => resolver.linkChanged(ifindex),
  });

  const flaps = new FlapWatch({
    now: () => performance.now(),
    probe(ifindex, address) {
      const state = mirror.neighborState(ifindex, address);
      // A probe would take its permanence away.
      if (state === undefined || state === 'permanent' || state === 'noarp') return;
      try {
        monitor.probe(ifindex, address);
      } catch (error) {
        log.debug('a neighbor could not be probed', { ifindex, address, error: String(error) });
      }
    },
  });

  const groups = new GroupWatch({
    ports: () => mirror.ports(),
    emit(update) {
      updates++;
      handlers.update(update);
    },
    changed: () => handlers.batchEnd(),
  });

  const monitor = new KernelMonitor({
    send: (messages) => sendNetlink(fd, messages),
    apply: (message) => mirror.apply(message),
    beginDump: (kind) => mirror.beginDump(kind),
    endDump: (kind) => mirror.endDump(kind),
    synced: () => synced(),
    later: (ms, action) => delays.later(ms, action),
    log,
  });

  const resolver = new Resolver({
    now: () => performance.now(),
    ask(ifindex, address, first) {
      resolveRequests++;
      try {
        monitor.resolve(ifindex, address, first);
      } catch (error) {
        log.debug('a neighbor could not be asked for', { ifindex, address, error: String(error) });
      }
    },
    stateOf: (ifindex, address) => mirror.neighborState(ifindex, address),
    usable: (ifindex) => mirror.isPortUp(ifindex),
    perSecond: REQUESTS_PER_SECOND,
    verifiedPerSecond: VERIFICATIONS_PER_SECOND,
  });

  /** Lets the resolver run, now and when it asks for it. */
  function resolveDue(): void {
    if (reader === undefined) return;
    const wait = resolver.run();
    const at = wait === undefined ? Infinity : performance.now() + wait;
    // A timer that is early enough stays: this runs for every needed neighbor.
    if (timer !== undefined && timerAt <= at) return;
    clearTimeout(timer);
    timer = undefined;
    if (wait === undefined) return;
    timerAt = at;
    timer = setTimeout(() => {
      timer = undefined;
      resolveDue();
    }, wait).unref();
  }

  /** The same, once for all that comes in this turn of the event loop. */
  function resolveSoon(): void {
    due ??= setImmediate(() => {
      due = undefined;
      resolveDue();
    });
  }

  function reported(): void {
    if (pending) {
      pending = false;
      if (groupsMayDiffer) groups.look();
      groupsMayDiffer = false;
      handlers.batchEnd();
    }
    resolveDue();
  }

  return {
    async start(given) {
      handlers = given;
      fd = openNetlink(
        RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
        options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES,
      );
      reader = startReader(fd, {
        receive: (messages) => monitor.receive(messages),
        overrun: () => monitor.overrun(),
        foreign: () => void foreign++,
        reported,
        crashed(error, restartMs) {
          restarts++;
          log.error('netlink reader died; starting another', {
            code: 'kernel-reader-died',
            error: error.message,
            restartMs,
          });
          monitor.restart();
        },
      });
      await new Promise<void>((resolve, reject) => {
        synced = resolve;
        abandoned = reject;
        monitor.sync();
      });
      groups.start();
    },
    need(ifindex, address) {
      resolver.need(ifindex, address);
      resolveSoon();
    },
    verify(ifindex, address) {
      resolver.verify(ifindex, address);
      resolveSoon();
    },
    release: (ifindex, address) => resolver.release(ifindex, address),
    progress: (ifindex, address) => resolver.progress(ifindex, address),
    resync: () => monitor.sync(),
    troubles: () => ({
      lastOverrun: monitor.lastOverrun,
      overruns: monitor.counters.overruns,
      flapping: [...flaps.flapping()],
    }),
    counters: () => ({
      ...mirror.sizes(),
      ...resolver.sizes(),
      ...monitor.counters,
      updates,
      foreign,
      resolveRequests,
      restarts,
    }),
    async close() {
      const ending = reader;
      if (ending === undefined) return;
      reader = undefined;
      abandoned(new Error('closed before the kernel had told everything'));
      clearTimeout(timer);
      clearInterval(flapTimer);
      groups.close();
      delays.clear();
      await ending.close();
      closeNetlink(fd);
    },
  };
}
