/**
 * LSPs and VPN routes in number: time and resident memory by entry of bridge and vASIC, with a stream like zebra's played by vpn-run.ts, and the
 * operations of a core neighbor's failover under all of them.
 */
import { join } from 'node:path';
import { exactly, tenth, type Figure } from '../../lab/figure';
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
      say(`${count} ${WHAT[kind].what}`);
      found(vpnFigures(kind, count, await measured(kind, count, say)));
    }
  },
};
