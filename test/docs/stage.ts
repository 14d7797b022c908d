/**
 * The router that the documents' commands are tried on: four hosts behind ports, static routes of each kind that there is something to be said of, LSPs, and
 * a VRF.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import type { Lab } from '../../lab/lab';
import { tapName } from '../../lab/plan';
import { waitFor } from '../../lab/wait';

const REFUSED = '10.66.0.0/16';
const RED = 1001;
/** zebra numbers nexthops as it learns of them: with these first, groups have their paths in the same order in every run. */
const FIRST = ['ip route 10.9.1.1/32 10.1.1.2', 'ipv6 route 2001:db8:9:1::1/128 2001:db8:1::2'];
const STATICS = [
  'ip route 10.20.0.0/16 10.1.1.2',
  'ip route 10.20.0.0/16 10.1.2.2',
  'ip route 10.40.0.0/16 10.1.1.99',
  `ip route ${REFUSED} 10.1.1.2`,
  'ip route 0.0.0.0/0 10.1.2.2',
  'ipv6 route 2001:db8:20::/48 2001:db8:1::2',
  'ipv6 route 2001:db8:20::/48 2001:db8:2::2',
  'vrf red',
  ` ip route 10.9.3.1/32 ${hostAddress(3)}`,
  'exit-vrf',
];
const LSPS = [`mpls lsp 100 ${hostAddress(1)} 200`, `mpls lsp 101 ${hostAddress(1)} implicit-null`];

/** Files that commands of the documents read, beside what the documents themselves show. */
const BROKEN = `fpm:
  lisen: 127.0.0.1:2620
afi:
  server: 128.0.0.16:50051
punt:
  vasic: 128.0.0.16:9002
ports:
  - { index: 0, tap: tap0 }
  - { index: 1, tap: tap0 }
`;

export interface Stage extends HostsTopology {
  /** Where commands run. */
  readonly folder: string;
  /** FRR's root folder. */
  readonly frrRoot: string;
}

/** Builds it, with more settings of fpm2afi, and waits until all is as the documents have it. */
export async function buildStage(lab: Lab, settings: readonly string[] = []): Promise<Stage> {
  const topology = await buildHostsTopology(lab, {
    ...{ hosts: 4, ip6: true, refuse: [REFUSED], config: FIRST, portTables: { 3: RED } },
    mpls: { vrfs: [{ name: 'red', table: RED, taps: [tapName(3)] }] },
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s', ...settings],
  });
  const { router, bridge, frr } = topology;
  const firstAre = async (): Promise<boolean> =>
    (await bridge.routes()).filter(
      ({ prefix, state }) => FIRST.some((line) => line.includes(prefix)) && state === 'offloaded',
    ).length === 2;
  await waitFor(firstAre, { timeoutMs: 30_000, what: 'the first routes in the vASIC' });
  await frr.vtysh(['configure terminal', ...STATICS, ...LSPS].join('\n'));
  await waitFor(
    async () => {
      const routes = await bridge.routes();
      const state = (prefix: string): string | undefined => routes.find((route) => route.prefix === prefix)?.state;
      const legs = ['10.20.0.0/16', '2001:db8:20::/48'].flatMap(
        (prefix) => routes.find((route) => route.prefix === prefix)?.nexthops ?? [],
      );
      const why = await router.must(['fpm2afi', 'why', '10.40.1.2']);
      return (
        legs.length === 4 &&
        legs.every((leg) => leg.state === 'ready') &&
        ['10.20.0.0/16', '0.0.0.0/0', '10.9.3.1/32'].every((prefix) => state(prefix) === 'offloaded') &&
        state(REFUSED) === 'failed' &&
        why.includes('no ARP answer')
      );
    },
    { timeoutMs: 60_000, what: 'the static routes in the vASIC' },
  );
  const folder = join(router.dir, 'docs');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'broken.yaml'), BROKEN);
  return { ...topology, folder, frrRoot: lab.frrRoot };
}
