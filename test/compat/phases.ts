/** What happens to the routes of one family, step by step; after each step zebra and fpm2afi have to agree. */
import { connectedAgain } from './reconnect';
import type { Stage } from './topology';
import type { Family, ZebraTable } from './zebra-table';

export interface Phase {
  readonly name: string;
  readonly act: (stage: Stage) => Promise<void>;
  /** zebra's table shows that the step has reached it. */
  readonly reached: (table: ZebraTable) => boolean;
}

interface Words {
  readonly ip: 'ip' | 'ipv6';
  /** The prefix of that number: 10.N.0.0/16, 2001:db8:N::/48. */
  readonly prefix: (n: number) => string;
  readonly peer: (port: number) => string;
  readonly loopback: (n: number) => string;
}

const WORDS: Readonly<Record<Family, Words>> = {
  ipv4: {
    ip: 'ip',
    prefix: (n) => `10.${n}.0.0/16`,
    peer: (port) => `10.1.${port}.2`,
    loopback: (n) => `10.0.255.${n}/32`,
  },
  ipv6: {
    ip: 'ipv6',
    prefix: (n) => `2001:db8:${n}::/48`,
    peer: (port) => `2001:db8:${port}::2`,
    loopback: (n) => `2001:db8:ff::${n === 0 ? '' : n}/128`,
  },
};

/** Statics, OSPF and BGP as the configuration has them; then replaced, withdrawn, grown, and replayed. */
export function phases(family: Family): readonly Phase[] {
  const { ip, prefix, peer, loopback } = WORDS[family];
  const announce = (stage: Stage, port: number, line: string) =>
    configure(stage.peers[port]!.vtysh, ['router bgp 65001', `address-family ${family} unicast`, line]);
  const hops = (table: ZebraTable, n: number): number => table.get(prefix(n))?.hops.length ?? 0;
  const leavesBy = (table: ZebraTable, n: number, ifname: string): boolean =>
    table.get(prefix(n))?.hops.every((hop) => hop.endsWith(ifname)) === true && hops(table, n) === 1;
  return [
    {
      name: 'static, OSPF and BGP routes',
      act: () => Promise.resolve(),
      reached: (table) =>
        [0, 1, 10, 11].every((n) => table.has(loopback(n))) &&
        [20, 100].every((n) => hops(table, n) === 2) &&
        [30, 31, 40, 50, 60, 70, 71, 101, 102].every((n) => table.has(prefix(n))),
    },
    {
      name: 'replacement: other nexthop, unreachable to unicast, ECMP to one',
      act: async (stage) => {
        await configure(stage.frr.vtysh, [
          `${ip} route ${prefix(70)} ${peer(1)}`,
          `no ${ip} route ${prefix(70)} ${peer(0)}`,
          // staticd has no route with a nexthop and without at the same time.
          `no ${ip} route ${prefix(31)} reject`,
          `${ip} route ${prefix(31)} ${peer(0)}`,
        ]);
        await announce(stage, 0, `no network ${prefix(100)}`);
      },
      reached: (table) =>
        leavesBy(table, 70, 'tap1') && leavesBy(table, 100, 'tap1') && table.get(prefix(31))?.kind === 'unicast',
    },
    {
      name: 'withdrawal: static, OSPF, BGP',
      act: async (stage) => {
        await configure(stage.frr.vtysh, [`no ${ip} route ${prefix(71)} ${peer(0)}`]);
        await announce(stage, 0, `no network ${prefix(101)}`);
        await configure(stage.peers[1]!.vtysh, ['interface lo', `no ${ip} address ${loopback(11)}`]);
      },
      reached: (table) => ![prefix(71), prefix(101), loopback(11)].some((gone) => table.has(gone)),
    },
    {
      name: 'growth: BGP back, one to ECMP, blackhole to unicast',
      act: async (stage) => {
        await announce(stage, 0, `network ${prefix(100)}`);
        await announce(stage, 0, `network ${prefix(101)}`);
        await configure(stage.frr.vtysh, [
          `no ${ip} route ${prefix(30)} blackhole`,
          `${ip} route ${prefix(30)} ${peer(0)}`,
          `${ip} route ${prefix(32)} blackhole`,
        ]);
      },
      reached: (table) =>
        hops(table, 100) === 2 &&
        leavesBy(table, 101, 'tap0') &&
        leavesBy(table, 30, 'tap0') &&
        table.get(prefix(32))?.kind === 'blackhole',
    },
    {
      name: 'FPM reconnect, with changes while it was away',
      act: (stage) =>
        connectedAgain(stage, () =>
          configure(stage.frr.vtysh, [
            `${ip} route ${prefix(80)} ${peer(0)}`,
            `no ${ip} route ${prefix(70)} ${peer(1)}`,
            `no ${ip} route ${prefix(20)} ${peer(0)}`,
          ]),
        ),
      reached: (table) => table.has(prefix(80)) && !table.has(prefix(70)) && leavesBy(table, 20, 'tap1'),
    },
  ];
}

/** Configuration lines, one command of vtysh. */
export async function configure(vtysh: (command: string) => Promise<string>, lines: readonly string[]): Promise<void> {
  await vtysh(['configure terminal', ...lines].join('\n'));
}
