/** Where a port can't be what Linux says of it, or isn't forwarded by the vASIC because of that: a sentence each, with a remedy. */
import type { Config } from '../config/types';
import type { Interfaces } from '../fib/interfaces';
import { formatMac, sameBytes } from '../net/address';

/** What an operator should look at; `failures`: ports of which the vASIC refused Linux's word. */
export function portProblems(
  config: Pick<Config, 'ports' | 'punt'>,
  interfaces: Interfaces,
  failures: Iterable<readonly [port: number, reason: string]>,
): string[] {
  const refused = new Map(failures);
  return config.ports.flatMap(({ index, tap }) => {
    const list: string[] = [];
    const link = interfaces.byName(tap);
    const rules = interfaces.rules(index);
    if (link === undefined || rules === undefined) {
      const remedy =
        config.punt.mode === 'off'
          ? `ip tuntap add ${tap} mode tap`
          : 'fpm2afi makes it again; the log says why it has not';
      return [`there is no interface ${tap}: nothing leaves by port ${index}, and what comes in is lost; ${remedy}`];
    }
    const reason = refused.get(index);
    if (reason !== undefined) {
      list.push(`the vASIC refused what Linux says of ${tap}, and does at port ${index} what it did before: ${reason}`);
    }
    if (!interfaces.isVasicUp(index) && link.adminDown !== true) {
      list.push(
        `the link of port ${index} (${tap}) is down: is the wire in, is the other end up? For a port that isn't used: ` +
          `ip link set ${tap} down, or "shutdown" in vtysh`,
      );
    }
    if (rules.input === 'discard' && interfaces.isVasicUp(index)) {
      list.push(
        `${tap} is set down: what comes in at port ${index} is discarded, but AFI has no word to take its link down, so its ` +
          `neighbor isn't told; take the link down at the vASIC too, or: ip link set ${tap} up`,
      );
    }
    if (rules.input === 'host') {
      const rate = config.punt.policers.hostPort;
      list.push(
        `${tap} belongs to ${interfaces.nameOf(link.master)}: Linux has all packets of port ${index}` +
          `${rate === 0 ? '' : `, ${rate} a second at most (punt.policers.hostPort)`}; ` +
          `for the vASIC to forward them: ip link set ${tap} nomaster`,
      );
    }
    const own = interfaces.ownOf(index);
    if (link.mtu !== undefined && own.mtu !== undefined && link.mtu > own.mtu) {
      list.push(
        `${tap} has an MTU of ${link.mtu}, port ${index} of the vASIC carries ${own.mtu}: larger packets are lost; ` +
          `ip link set ${tap} mtu ${own.mtu}`,
      );
    }
    const other = own.mac !== undefined && link.mac !== undefined && !sameBytes(own.mac, link.mac);
    if (other && !interfaces.isSettled(index)) {
      list.push(
        `${tap} has the address ${formatMac(link.mac)}, and port ${index} takes frames for ${formatMac(own.mac)}; ` +
          `ip link set ${tap} address ${formatMac(own.mac)}`,
      );
    }
    return list;
  });
}
