/**
 * The stage: a router with zebra and staticd, its vASIC, and proxies at both connections.
 *
 *   zebra ── FPM proxy ── fpm2afi ── afi0 ── between (AFI proxy) ── afi0 ── softvasic p0 … p2 ── ours0 … ours2  wire
 *   └──────────── router ────────────┴────────── mgmt0 ───────────── vasic ┘        p3 ── west,  p4 ── east
 *
 * Every link is one that the run made, so each can lose packets, go down or be renamed.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTS, portName, PORTS, subnet4, subnet6, wireName } from '../against-linux/plan';
import type { Heard, WireCommand, WireFrame } from '../against-linux/wire';
import { startFrr, type Frr } from '../../lab/frr';
import type { Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { portMac, portName as vasicPort, VASIC_MGMT, vrouterMac } from '../../lab/plan';
import { waitForLine } from '../../lab/process';
import { AFI_PORT, type Bridge, type Program } from '../../lab/programs';
import { buildRouter, startPrograms } from '../../lab/router';
import { waitFor } from '../../lab/wait';
import { initialWorld, staticLines } from './changes';
import { AFI_FAR, AFI_NEAR, AFI_PROXY_PORT, EAST, far, FPM_PROXY_PORT, WEST } from './plan';
import { startProxy, type RunningProxy } from './running-proxy';

export interface Stage {
  readonly router: LabNode;
  readonly vasic: LabNode;
  readonly between: LabNode;
  readonly wire: LabNode;
  /** The hosts of ports 3 and 4. */
  readonly west: LabNode;
  readonly east: LabNode;
  readonly frr: Frr;
  readonly bridge: Bridge;
  readonly softvasic: Program;
  readonly afi: RunningProxy;
  readonly fpm: RunningProxy;
  /** The bridge's control socket. */
  readonly control: string;
  readonly tell: (command: WireCommand) => void;
  /** Sends frames into ports, and collects what comes out of them until all is quiet. */
  readonly exchange: (frames: readonly WireFrame[]) => Promise<readonly Heard[]>;
}

/** Neighbors of the ports that change are looked at every few seconds, so that what the kernel believes is what is true soon. */
const NEIGHBORS = { base_reachable_time_ms: 4000, retrans_time_ms: 200, delay_first_probe_time: 1 };
/** Those of the stream keep their places. */
const STREAM_REACHABLE_MS = 600_000;

const SYSCTLS = {
  'net.ipv4.icmp_ratelimit': 0,
  'net.ipv6.conf.all.keep_addr_on_down': 1,
  'net.ipv6.conf.default.keep_addr_on_down': 1,
};

const QUIET_MS = 250;
const SETTINGS = [
  `afi.server=${AFI_NEAR.proxy}:${AFI_PROXY_PORT}`,
  ...['fpm.sweep.idle=1s', 'fpm.sweep.minimum=3s', 'fpm.sweep.maximum=15s'],
];

function configuration(): string {
  const { statics } = initialWorld();
  const ports = [...PORTS, WEST, EAST];
  return [
    `fpm address 127.0.0.1 port ${FPM_PROXY_PORT}`,
    ...ports.flatMap((port) => [
      `interface ${portName(port)}`,
      ` ip address ${subnet4(port)}.1/24`,
      ` ipv6 address ${subnet6(port)}::1/64`,
    ]),
    ...[WEST, EAST].map((port) => `ip route ${far(port)}/32 ${subnet4(port)}.2`),
    ...[...statics].flatMap(([prefix, ways]) => staticLines(prefix, ways)),
    '',
  ].join('\n');
}

/** West or east: a host on a port of its own. */
async function host(lab: Lab, vasic: LabNode, name: string, port: number): Promise<LabNode> {
  const node = await lab.node(name);
  await link(
    { node: vasic, ifname: vasicPort(port), mac: portMac(port) },
    { node, ifname: 'veth', mac: vrouterMac(port), addresses: [`${subnet4(port)}.2/24`] },
  );
  await node.must(['ip', 'address', 'add', `${far(port)}/32`, 'dev', 'lo']);
  await node.must(['ip', 'route', 'add', 'default', 'via', `${subnet4(port)}.1`]);
  // The stream's ends needn't ask for the router: what is lost is lost in the router.
  const gateway = ['ip', 'neighbor', 'replace', `${subnet4(port)}.1`, 'lladdr', portMac(port), 'dev', 'veth'];
  await node.must([...gateway, 'nud', 'permanent']);
  return node;
}

/** Builds it; returns when all programs run. */
export async function openStage(lab: Lab): Promise<Stage> {
  const { router, vasic } = await buildRouter(lab, true);
  await router.sysctl(SYSCTLS);
  const between = await lab.node('between');
  const wire = await lab.node('wire');
  await wire.sysctl({ 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv6.conf.default.disable_ipv6': 1 });
  await link(
    { node: router, ifname: 'afi0', addresses: [`${AFI_NEAR.bridge}/30`] },
    { node: between, ifname: 'near', addresses: [`${AFI_NEAR.proxy}/30`] },
  );
  await link(
    { node: between, ifname: 'far', addresses: [`${AFI_FAR.proxy}/30`] },
    { node: vasic, ifname: 'afi0', addresses: [`${AFI_FAR.vasic}/30`] },
  );
  await between.must(['ip', 'route', 'add', `${VASIC_MGMT}/32`, 'via', AFI_FAR.vasic]);
  for (const port of PORTS) {
    await link(
      { node: vasic, ifname: vasicPort(port), mac: portMac(port) },
      { node: wire, ifname: wireName('ours', port), mac: `02:00:00:00:01:0${port}` },
    );
  }
  const west = await host(lab, vasic, 'west', WEST);
  const east = await host(lab, vasic, 'east', EAST);

  const afi = await startProxy(
    between,
    'afi-proxy',
    `${AFI_NEAR.proxy}:${AFI_PROXY_PORT}`,
    `${VASIC_MGMT}:${AFI_PORT}`,
  );
  const fpm = await startProxy(router, 'fpm-proxy', `127.0.0.1:${FPM_PROXY_PORT}`, '127.0.0.1:2620');
  const wireProgram = join(__dirname, '../against-linux/wire-program.js');
  const program = wire.start('wire', [process.execPath, wireProgram, 'ours'], { stdin: true });
  await waitForLine(program.logFile, /^ready/, 0, 10_000);
  const tell = (command: WireCommand): void => program.tell(JSON.stringify(command));
  for (const address of HOSTS) tell({ kind: 'host', address, generation: 0, announce: false });

  const ports = [...PORTS, WEST, EAST];
  const { softvasic, bridge } = await startPrograms({ router, vasic }, { ports, settings: SETTINGS });
  const frr = await startFrr(lab, router, {
    config: configuration(),
    daemons: ['staticd'],
    zebraArgs: ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'],
  });
  await setNeighborTimes(router);

  let exchanges = 0;
  return {
    ...{ router, vasic, between, wire, west, east, frr, bridge, softvasic, afi, fpm, tell },
    control: join(router.dir, 'fpm2afi.sock'),
    exchange: async (frames) => {
      const answer = join(wire.dir, `answer-${exchanges++}.json`);
      tell({ kind: 'exchange', frames, quietMs: QUIET_MS, answer });
      await waitFor(() => existsSync(answer), { timeoutMs: 60_000, everyMs: 10, what: 'the wire to be quiet' });
      const heard = JSON.parse(readFileSync(answer, 'utf8')) as readonly Heard[];
      rmSync(answer);
      return heard;
    },
  };
}

/** How the kernel looks after its neighbors. A TAP that is made anew has the kernel's own times. */
export async function setNeighborTimes(router: LabNode): Promise<void> {
  const script = [...PORTS, WEST, EAST].flatMap((port) =>
    ['ipv4', 'ipv6'].flatMap((family) => {
      const folder = `/proc/sys/net/${family}/neigh/${portName(port)}`;
      const times = PORTS.includes(port) ? NEIGHBORS : { base_reachable_time_ms: STREAM_REACHABLE_MS };
      const lines = Object.entries(times).map(([name, value]) => `echo ${value} >${folder}/${name}`);
      return [`[ ! -d ${folder} ] || { ${[...lines, `echo 0 >${folder}/locktime`].join('; ')}; }`];
    }),
  );
  await router.exec(['sh', '-c', script.join('\n')]);
}
