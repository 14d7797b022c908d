/**
 * Withdrawals that name no table. zebra's older module (`fpm`; seen with 10.7, not with 8.4) sends them so, whatever VRF the route was in (zebra_fpm_netlink.c is done with such a message
 * before it comes to the table). Which one is meant follows where zebra has the prefix in one only.
 */
import type { Prefix } from '../net/address';
import type { RouteGenerations } from './generations';
import type { HostEntries } from './host-entries';
import { newKey, setKey } from './route-key';
import { ROW } from './route-table';
import type { Rows } from './rows';
import { VRF_TABLES } from './updates';

/** Where zebra may have withdrawn a prefix. */
export class Withdrawals {
  private readonly key = newKey();

  constructor(
    private readonly parts: {
      readonly rows: Rows;
      readonly hosts: Pick<HostEntries, 'tablesHaving'>;
      readonly generations: Pick<RouteGenerations, 'isAwaited'>;
    },
  ) {}

  /**
   * The tables in which zebra has the prefix. In a replay those come first in which it has sent it again, as it withdraws nothing that it has not sent:
   * others count only where there is none of these.
   */
  tablesOf({ family, bytes, length }: Prefix): number[] {
    const { rows, hosts, generations } = this.parts;
    const sent: number[] = [];
    const awaited: number[] = [];
    for (const table of hosts.tablesHaving(family, length)) {
      const row = table >= VRF_TABLES ? 0 : rows.routes.find(setKey(this.key, table, bytes, length));
      if (row === 0 || (rows.routes.flags[row]! & ROW.zebra) === 0) continue;
      (generations.isAwaited(row) ? awaited : sent).push(table);
    }
    return sent.length > 0 ? sent : awaited;
  }
}
