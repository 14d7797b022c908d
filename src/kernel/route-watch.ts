/**
 * Watches the kernel for routes that zebra has from it: the socket and its reading thread for route-check.ts. A socket of its
 * own, as its filter would keep nothing from the neighbors' one, and a burst of the one must not make the other drop.
 */
import { errorText } from '../net/error-text';
import {
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV4_ROUTE,
  RTMGRP_IPV6_IFADDR,
  RTMGRP_IPV6_ROUTE,
  RTMGRP_LINK,
  RTMGRP_NEXTHOP,
} from '../netlink/constants';
import type { Logger } from '../observe/log';
import {
  closeNetlink,
  filterNetlink,
  limitDumps,
  openNetlink,
  sendNetlink,
  sendNetlinkAside,
} from '../sys/netlink-socket';
import { foreignFilter } from './foreign';
import { startReader } from './reader';
import { Delays } from './delays';
import { RouteCheck, type RouteCheckOptions } from './route-check';

const GROUPS =
  RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_NEXTHOP;
const RECEIVE_BUFFER_BYTES = 4 << 20;

export interface RouteWatch {
  /** zebra sent a route that it has from the kernel. */
  routeSent(): void;
  /** Asks for nexthop objects; what the kernel knows comes to `nexthop`. */
  askNexthops(ids: readonly number[]): void;
  close(): Promise<void>;
}

function openSocket(): number {
  const fd = openNetlink(GROUPS, RECEIVE_BUFFER_BYTES);
  try {
    filterNetlink(fd, foreignFilter());
    limitDumps(fd);
    return fd;
  } catch (error) {
    closeNetlink(fd);
    throw error;
  }
}

/** Starts watching. @throws SysError when there can be no such socket */
export function startRouteWatch(
  options: Pick<RouteCheckOptions, 'suspects' | 'nexthop' | 'removed'>,
  log: Logger,
): RouteWatch {
  const fd = openSocket();
  const delays = new Delays();
  let sending = Promise.resolve();
  const check = new RouteCheck({
    ...options,
    send: (messages) => sendNetlink(fd, messages),
    sendAside(messages, failed) {
      sending = sendNetlinkAside(fd, messages).catch((error: unknown) => failed(errorText(error)));
    },
    later: (ms, action) => delays.later(ms, action),
    log,
  });
  const reader = startReader(fd, {
    receive: (messages) => check.receive(messages),
    overrun: () => check.overrun(),
    foreign: () => undefined,
    reported: () => undefined,
    crashed(error, restartMs) {
      log.error('the reader of routes died; starting another', {
        code: 'kernel-reader-died',
        error: error.message,
        restartMs,
      });
      check.restart();
    },
  });

  return {
    routeSent: () => check.routeSent(),
    askNexthops: (ids) => check.askNexthops(ids),
    async close() {
      delays.clear();
      await reader.close();
      await sending;
      closeNetlink(fd);
    },
  };
}
