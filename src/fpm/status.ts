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

/** rtm_flags of each status. */
const FLAGS: Readonly<Record<RouteStatus, number>> = {
  offloaded: RTM_F_OFFLOAD,
  trapped: RTM_F_TRAP,
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

  put32(buffer, message + 4, RTM_NEWROUTE | (NLM_F_REQUEST << 16));
  put32(buffer, message + 8, 0);
  put32(buffer, message + 12, 0);
  put32(buffer, route, (report.family === 4 ? AF_INET : AF_INET6) | (report.length << 8));
  put32(buffer, route + 4, (table < 256 ? table : 0) | (report.protocol << 8) | (RTN_UNICAST << 24));
  put32(buffer, route + 8, FLAGS[report.status]);

  put32(buffer, end, (4 + size) | (RTA_DST << 16));
  for (let i = 0; i < size; i++) buffer[end + 4 + i] = report.bytes[i]!;
  end += 4 + size;
  if (table >= 256) {
    put32(buffer, end, 8 | (RTA_TABLE << 16));
    put32(buffer, end + 4, table);
    end += 8;
  }

  put32(buffer, message, end - message);
  buffer[at] = FPM_VERSION;
  buffer[at + 1] = FPM_TYPE_NETLINK;
  buffer[at + 2] = (end - at) >> 8;
  buffer[at + 3] = end - at;
  return end;
}

/** Little endian, as the netlink words are; a million statuses are written byte by byte faster than through Buffer's methods. */
function put32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
}
