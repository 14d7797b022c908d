/**
 * LSPs and VPN routes in number: time and resident memory by entry of bridge and vASIC, with a stream like zebra's played by vpn-run.ts, and the
 * operations of a core neighbor's failover under all of them. Each beside as many plain IPv4 routes of one table, in the same run.
 */
import { join } from 'node:path';
import { exactly, hundredth, tenth, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { bareRouter } from './bare-router';
import type { BenchPart } from './part';
import { PORTS } from './topology';
import type { VpnResult, VpnRunOptions } from './vpn-run';

const LSPS = 100_000;
const ROUTES = 1_000_000;
const VRFS = 100;
const FIRST_TABLE = 1001;
/** Of all of these with `--quick`. */
const QUICK = 10;
const SETTLE_MS = 3000;
const TIMEOUT_MS = 900_000;

type Kind = VpnRunOptions['kind'];
const WHAT: Readonly<Record<Kind, { readonly count: number; readonly what: string }>> = {
  lsps: { count: LSPS, what: 'LSPs, each with an outgoing label of its own' },
  routes: { count: ROUTES, what: `routes in ${VRFS} VRFs, behind two labels` },
  plain: { count: ROUTES, what: 'plain routes in one table' },
};

/** Time and memory of so many of a kind. */
export function vpnFigures(kind: Kind, count: number, result: VpnResult): Figure[] {
  const { seconds, bridgeBytes, vasicBytes, failover, loopMaxMs } = result;
  const some = `${count.toLocaleString('en')} ${WHAT[kind].what}`;
  const figure = (name: string, what: string, unit: string, value: number): Figure => ({
    ...{ name: `vpn.${kind}.${name}`, what, unit, value: tenth(value) },
  });
  return [
    figure('seconds', `${some}: from the first byte to the last acknowledgement`, 's', seconds),
    figure('time', `the same, for each`, 'µs', (1e6 * seconds) / count),
    figure('bridge', `resident memory of fpm2afi for each of ${some}`, 'B', bridgeBytes / count),
    figure('vasic', `resident memory of softvasic for each of ${some}`, 'B', vasicBytes / count),
    figure('loop', "lag of fpm2afi's event loop, at most", 'ms', loopMaxMs),
    {
      ...figure(
        'failover',
        `operations when a core neighbor below them gets another MAC address`,
        'operations',
        failover,
      ),
      ...exactly(1, failover),
    },
  ];
}

/** What one of a kind takes, by what one of as many plain routes does. */
export function vpnRatios(kind: Kind, result: VpnResult, plain: VpnResult): Figure[] {
  const ratio = (name: keyof VpnResult, what: string): Figure => ({
    ...{ name: `vpn.${kind}.${name}.ratio`, what: `${what}: one of ${WHAT[kind].what}, by a plain route` },
    ...{ unit: '×', value: hundredth(result[name] / plain[name]) },
  });
  return [
    ratio('seconds', 'time'),
    ratio('bridgeBytes', "fpm2afi's memory"),
    ratio('vasicBytes', "softvasic's memory"),
  ];
}

async function measured(kind: Kind, count: number, say: (line: string) => void): Promise<VpnResult> {
  const lab = await openLab(labId('vpnbench'), { logDir: 'out/vpn-bench-logs', say });
  try {
    const vrfs = Array.from({ length: VRFS }, (_, i) => ({ name: `v${i}`, table: FIRST_TABLE + i }));
    const ports = Array.from({ length: PORTS }, (_, port) => port);
    const { router, place } = await bareRouter(lab, { ports, vrfs });
    const tables = vrfs.map(({ table }) => table);
    const argument: VpnRunOptions = { ...place, kind, count, tables, settleMs: SETTLE_MS };
    const argv = [process.execPath, join(__dirname, 'vpn-run.js'), JSON.stringify(argument)];
    return JSON.parse(await router.must(argv, { timeoutMs: TIMEOUT_MS })) as VpnResult;
  } finally {
    await lab.close();
  }
}

export const vpn: BenchPart = {
  name: 'vpn',
  title: 'LSPs, and VPN routes in a hundred VRFs',
  measure: async ({ quick }, found, say) => {
    for (const kind of ['lsps', 'routes'] as const) {
      const count = quick ? WHAT[kind].count / QUICK : WHAT[kind].count;
      const run = async (one: Kind): Promise<VpnResult> => {
        say(`${count} ${WHAT[one].what}`);
        return measured(one, count, say);
      };
      const plain = await run('plain');
      found(vpnFigures('plain', count, plain).map((one) => ({ ...one, name: `${one.name}.${count}` })));
      const result = await run(kind);
      found([...vpnFigures(kind, count, result), ...vpnRatios(kind, result, plain)]);
    }
  },
};
