/**
 * Route status for zebra: a StatusReport becomes an FPM frame with one RTM_NEWROUTE, the same message by which a kernel
 * would tell of offloading. What zebra does with it, measured: docs/fpm-feedback.md.
 *
 * One message per frame, as zebra reads only the first one. No nexthops are repeated: zebra would compare them with its
 * own, and leaves the route's nexthops alone when there are none. No metric either: zebra compares it for kernel routes
 * only, and what it sends as RTA_PRIORITY is a constant.
 */
import type { FeedbackMode } from '../config/types';
import type { RouteStatus, StatusReport } from '../fib/updates';
import { addressLength } from '../net/address';
import {
  AF_INET,
  AF_INET6,
  NLM_F_REQUEST,
  NLMSG_HEADER,
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_TABLE,
  RTM_F_OFFLOAD,
  RTM_F_OFFLOAD_FAILED,
  RTM_F_TRAP,
  RTM_NEWROUTE,
  RTMSG_LEN,
  RTN_UNICAST,
} from '../netlink/constants';
import { FPM_HEADER, FPM_TYPE_NETLINK, FPM_VERSION } from './framing';

/** The most bytes that one status takes: headers, an IPv6 destination, a table attribute. */
export const MAX_STATUS_FRAME = FPM_HEADER + NLMSG_HEADER + RTMSG_LEN + 20 + 8;

/**
 * rtm_flags of each status. A trap alone leaves a protocol waiting that wants to know its routes installed, which is right while
 * a nexthop is unknown; a route that is meant for Linux is as installed as it will ever be.
 */
const FLAGS: Readonly<Record<RouteStatus, number>> = {
  offloaded: RTM_F_OFFLOAD,
  trapped: RTM_F_OFFLOAD | RTM_F_TRAP,
  unresolved: RTM_F_TRAP,
  failed: RTM_F_OFFLOAD_FAILED,
};

/**
 * Writes the frame for one report into `buffer` at `at`, where MAX_STATUS_FRAME bytes must be free.
 *
 * @param mode `vrf` gives the main table as VRF 0, as FRR 10.3 wanted it; every other mode gives kernel table ids
 * @returns the offset behind the frame
 */
export function writeStatus(
  buffer: Buffer,
  at: number,
  report: StatusReport,
  mode: Exclude<FeedbackMode, 'off'>,
): number {
  const size = addressLength(report.family);
  const table = mode === 'vrf' && report.table === RT_TABLE_MAIN ? 0 : report.table;
  const message = at + FPM_HEADER;
  const route = message + NLMSG_HEADER;
  let end = route + RTMSG_LEN;

  buffer.fill(0, message, end);
  buffer.writeUInt16LE(RTM_NEWROUTE, message + 4);
  buffer.writeUInt16LE(NLM_F_REQUEST, message + 6);
  buffer[route] = report.family === 4 ? AF_INET : AF_INET6;
  buffer[route + 1] = report.length;
  buffer[route + 4] = table < 256 ? table : 0;
  buffer[route + 5] = report.protocol;
  buffer[route + 7] = RTN_UNICAST;
  buffer.writeUInt32LE(FLAGS[report.status], route + 8);

  buffer.writeUInt16LE(4 + size, end);
  buffer.writeUInt16LE(RTA_DST, end + 2);
  buffer.set(report.bytes, end + 4);
  end += 4 + size;
  if (table >= 256) {
    buffer.writeUInt16LE(8, end);
    buffer.writeUInt16LE(RTA_TABLE, end + 2);
    buffer.writeUInt32LE(table, end + 4);
    end += 8;
  }

  buffer.writeUInt32LE(end - message, message);
  buffer[at] = FPM_VERSION;
  buffer[at + 1] = FPM_TYPE_NETLINK;
  buffer.writeUInt16BE(end - at, at + 2);
  return end;
}
