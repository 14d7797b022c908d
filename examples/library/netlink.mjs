// Writes a route as rtnetlink has it, and reads it again. Usage: node netlink.mjs
import { NetlinkWriter, constants, decodeNetlink, formatAddress, formatPrefix } from 'fpm2afi/netlink';

const { RTM_NEWROUTE, RTA_DST, RTA_GATEWAY, RTA_OIF, RTN_UNICAST, AF_INET, RT_TABLE_MAIN } = constants;
const route = new NetlinkWriter()
  .bytes(Uint8Array.of(AF_INET, 24, 0, 0, RT_TABLE_MAIN, 186, 0, RTN_UNICAST, 0, 0, 0, 0)) // struct rtmsg: 186 is bgp
  .attribute(RTA_DST, Uint8Array.of(198, 51, 100, 0))
  .attribute(RTA_GATEWAY, Uint8Array.of(192, 0, 2, 1))
  .attributeU32(RTA_OIF, 7)
  .toBuffer();
const header = new NetlinkWriter()
  .u32(16 + route.length)
  .u16(RTM_NEWROUTE)
  .u16(0)
  .u32(0)
  .u32(0)
  .toBuffer();
const message = Buffer.concat([header, route]);

decodeNetlink(message, 0, message.length, {
  update({ kind, prefix, target }) {
    for (const { gateway, ifindex } of target.paths)
      console.log(`${kind} ${formatPrefix(prefix)} via ${formatAddress(gateway)} dev ${ifindex}`);
  },
  message: (type) => console.log(`message of type ${type}`),
  skipped: (reason) => console.log(`skipped: ${reason}`),
  malformed: (reason, offset) => console.log(`malformed at ${offset}: ${reason}`),
});
