/** Memory: resident bytes of bridge and vASIC by size of table and number of nexthop groups, and what is left when all is withdrawn. */
import { join } from 'node:path';
import { labId, openLab, type Lab } from '../../demo/lab/lab';
import { link } from '../../demo/lab/node';
import { AFI_PORT, startBridge, startSoftvasic } from '../../demo/lab/programs';
import { formatAddress } from '../../src/net/address';
import type { RunOptions, Sample } from './memory-run';
import { gatewayOf } from './stream';
import { FPM_PORT, neighborMac, PORTS, ROUTER_MGMT, tapName, VASIC_MGMT } from './topology';

const GATEWAYS = 64;
const LEGS = 4;

export type MemoryRun = Pick<RunOptions, 'routes' | 'groups' | 'rounds' | 'settleMs'>;

/** A bridge and a vASIC of their own, fed with a made-up zebra's stream. */
export async function runMemory(lab: Lab, run: MemoryRun): Promise<readonly Sample[]> {
  const router = await lab.node('router');
  const vasic = await lab.node('vasic');
  await link(
    { node: router, ifname: 'mgmt0', addresses: [`${ROUTER_MGMT}/24`] },
    { node: vasic, ifname: 'mgmt0', addresses: [`${VASIC_MGMT}/24`] },
  );
  const indexes = Array.from({ length: PORTS }, (_, port) => port);
  for (const port of indexes) {
    await link({ node: vasic, ifname: `p${port}` }, { node: vasic, ifname: `n${port}` });
  }
  const ports = indexes.map((port) => `p${port}`);
  const softvasic = await startSoftvasic(vasic, { address: VASIC_MGMT, client: ROUTER_MGMT, ports });
  const taps = indexes.map(tapName);
  const bridge = await startBridge(router, { vasic: VASIC_MGMT, address: ROUTER_MGMT, taps });
  for (const port of indexes) {
    await router.must(['ip', 'address', 'add', `10.${port}.0.1/16`, 'dev', tapName(port)]);
    await router.must(['ip', 'link', 'set', tapName(port), 'up']);
  }
  const lines = Array.from({ length: GATEWAYS }, (_, hop) => {
    const { port, address } = gatewayOf(hop, PORTS);
    return `neigh replace ${formatAddress(address)} lladdr ${neighborMac(hop)} dev ${tapName(port)} nud permanent`;
  });
  await router.must(['sh', '-c', `printf '%s\\n' "$0" | ip -batch -`, lines.join('\n')]);
  const options: RunOptions = {
    ...run,
    bridgePid: bridge.process().pid,
    vasicPid: softvasic.process().pid,
    control: join(router.dir, 'fpm2afi.sock'),
    fpm: FPM_PORT,
    afi: `${VASIC_MGMT}:${AFI_PORT}`,
    gateways: GATEWAYS,
    legs: LEGS,
    ports: taps,
  };
  const argv = [process.execPath, join(__dirname, 'memory-run.js'), JSON.stringify(options)];
  const output = await router.must(argv, { timeoutMs: 600_000 });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Sample);
}

if (require.main === module) {
  void (async () => {
    const [routes, groups, rounds, settleMs] = process.argv.slice(2).map(Number) as [number, number, number, number];
    const lab = await openLab(labId('memory'), { logDir: 'out/memory-logs' });
    try {
      for (const s of await runMemory(lab, { routes, groups, rounds, settleMs })) console.log(JSON.stringify(s));
    } finally {
      await lab.close();
    }
  })();
}
