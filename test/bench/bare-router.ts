/** A bridge and a vASIC without a zebra, and neighbors that Linux knows: for streams that are played to it. */
import { join } from 'node:path';
import type { Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { portName, tapName, VASIC_MGMT } from '../../lab/plan';
import { AFI_PORT, type BridgeOptions } from '../../lab/programs';
import { buildRouter, startPrograms } from '../../lab/router';
import { formatAddress } from '../../src/net/address';
import { gatewayOf } from './stream';
import { FPM_PORT, neighborMac, PORTS } from './topology';

const GATEWAYS = 64;

/** Where everything is that a run needs, as values: it is another process, in the router's namespace. */
export interface Place {
  readonly bridgePid: number;
  readonly vasicPid: number;
  /** The bridge's control socket, FPM port, and the AFI server's address. */
  readonly control: string;
  readonly fpm: number;
  readonly afi: string;
  /** TAPs, by port. */
  readonly ports: readonly string[];
  readonly gateways: number;
}

/** Builds it; returns when both programs run. */
export async function bareRouter(
  lab: Lab,
  options: BridgeOptions = { ports: Array.from({ length: PORTS }, (_, port) => port) },
): Promise<{ readonly router: LabNode; readonly place: Place }> {
  const { ports } = options;
  const { router, vasic } = await buildRouter(lab, false);
  for (const port of ports) {
    await link({ node: vasic, ifname: portName(port) }, { node: vasic, ifname: `n${port}` });
  }
  const { softvasic, bridge } = await startPrograms({ router, vasic }, options);
  for (const port of ports) {
    await router.must(['ip', 'address', 'add', `10.${port}.0.1/16`, 'dev', tapName(port)]);
    await router.must(['ip', 'link', 'set', tapName(port), 'up']);
  }
  const lines = Array.from({ length: GATEWAYS }, (_, hop) => {
    const { port, address } = gatewayOf(hop, ports.length);
    return `neigh replace ${formatAddress(address)} lladdr ${neighborMac(hop)} dev ${tapName(port)} nud permanent`;
  });
  await router.must(['sh', '-c', `printf '%s\\n' "$0" | ip -batch -`, lines.join('\n')]);
  const place: Place = {
    bridgePid: bridge.process().pid,
    vasicPid: softvasic.process().pid,
    control: join(router.dir, 'fpm2afi.sock'),
    fpm: FPM_PORT,
    afi: `${VASIC_MGMT}:${AFI_PORT}`,
    ports: ports.map(tapName),
    gateways: GATEWAYS,
  };
  return { router, place };
}
