/**
 * `fpm2afi/netlink`: rtnetlink messages as zebra writes them (and, for the most part, the kernel), decoded and written, for
 * programs that aren't fpm2afi; kept by the rules of semantic versioning (docs/library.md). Pure: no sockets, no state.
 *
 * Everything else in the rooms below it may change from one release to the next.
 *
 * @module fpm2afi/netlink
 */
export { decodeNetlink, type DecoderSink } from './decoder';
export {
  NetlinkFormatError,
  NetlinkWriter,
  eachAttribute,
  readMessages,
  type NetlinkMessage,
} from '../../netlink/codec';
/** The numbers of linux/rtnetlink.h, linux/nexthop.h, linux/neighbour.h and their likes, by their names there. */
export * as constants from '../../netlink/constants';
export { formatAddress, formatPrefix, parseAddress, parsePrefix, type Family, type Prefix } from '../../net/address';
export type * from '../../fib/updates';
