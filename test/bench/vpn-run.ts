/**
 * One run of the part `vpn`, in the router's namespace: plays LSPs, VPN routes of many VRFs, or plain routes of one table to compare them with, to
 * a bridge as zebra would send them; then a neighbor that they lead to gets another address. `node vpn-run.js JSON` (VpnRunOptions) prints one JSON line (VpnResult).
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { sleep, waitFor } from '../../lab/wait';
import { ZebraFrames } from '../../lab/zebra-frames';
import { requestStatus } from '../../src/control/client';
import type { StatusView } from '../../src/control/status-types';
import { formatAddress } from '../../src/net/address';
import type { Place } from './bare-router';
import { play } from './memory-run';
import { residentBytes } from './replay';
import { gatewayOf } from './stream';

export interface VpnRunOptions extends Place {
  readonly kind: 'lsps' | 'routes' | 'plain';
  /** How many of them. */
  readonly count: number;
  /** The VRFs' kernel tables. */
  readonly tables: readonly number[];
  readonly settleMs: number;
}

/** What all of them took. */
export interface VpnResult {
  readonly seconds: number;
  readonly bridgeBytes: number;
  readonly vasicBytes: number;
  /** Operations when a core neighbor got another MAC address, under all of them. */
  readonly failover: number;
  /** The bridge's event loop, at most this late. */
  readonly loopMaxMs: number;
}

const FIRST_LABEL = 1000;
const FIRST_OUTGOING = 500_000;
const FIRST_ID = 100;
const FIRST_VPN_LABEL = 300_000;
const TRANSPORT_LABEL = 16;
const CHUNK = 65536;
const TIMEOUT_MS = 300_000;

const chunksOf = (whole: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(whole.length / CHUNK) }, (_, i) => whole.subarray(i * CHUNK, (i + 1) * CHUNK));

/** LSPs, each with an outgoing label of its own, by all gateways in turn. */
function lspStream({ count, gateways, ports }: VpnRunOptions, ifindexes: readonly number[]): Buffer[] {
  const frames = new ZebraFrames();
  for (let i = 0; i < count; i++) {
    const { port, address } = gatewayOf(i % gateways, ports.length);
    frames.lsp(FIRST_LABEL + i, [FIRST_OUTGOING + i], address, ifindexes[port]!);
  }
  return chunksOf(frames.take());
}

/** The same /24s in every VRF, behind the VRF's label and a transport label, all by the first gateway. */
function vpnStream({ count, tables, ports }: VpnRunOptions, ifindexes: readonly number[]): Buffer[] {
  const frames = new ZebraFrames();
  const { port, address } = gatewayOf(0, ports.length);
  for (const [i] of tables.entries())
    frames.nexthop(FIRST_ID + i, address, ifindexes[port]!, [TRANSPORT_LABEL, FIRST_VPN_LABEL + i]);
  const each = Math.floor(count / tables.length);
  for (const [i, table] of tables.entries())
    for (let n = 0; n < each; n++) frames.route(Uint8Array.of(20 + (n >> 16), n >> 8, n, 0), 24, FIRST_ID + i, table);
  return chunksOf(frames.take());
}

/** Plain routes of the main table, without labels, all by the first gateway. */
function plainStream({ count, ports }: VpnRunOptions, ifindexes: readonly number[]): Buffer[] {
  const { port, address } = gatewayOf(0, ports.length);
  const frames = new ZebraFrames().nexthop(FIRST_ID, address, ifindexes[port]!);
  for (let n = 0; n < count; n++) frames.route(Uint8Array.of(20 + (n >> 16), n >> 8, n, 0), 24, FIRST_ID);
  return chunksOf(frames.take());
}

const STREAMS = { lsps: lspStream, routes: vpnStream, plain: plainStream } as const;

async function main(options: VpnRunOptions): Promise<void> {
  const ifindexes = options.ports.map((tap) => Number(readFileSync(`/sys/class/net/${tap}/ifindex`, 'utf8')));
  const status = (): Promise<StatusView> => requestStatus(options.control);
  const { kind, count } = options;
  const stream = STREAMS[kind](options, ifindexes);
  const offloaded = ({ fib }: StatusView): number => (kind === 'lsps' ? fib.lsps.offloaded : fib.offloaded);
  const zebra = connect(options.fpm, '127.0.0.1');
  await once(zebra, 'connect');
  zebra.resume();
  await sleep(options.settleMs);
  const sizes = (): [number, number] => [residentBytes(options.bridgePid), residentBytes(options.vasicPid)];
  const empty = sizes();
  const target = offloaded(await status()) + count;
  const began = performance.now();
  await play(zebra, stream);
  await waitFor(async () => offloaded(await status()) >= target, {
    timeoutMs: TIMEOUT_MS,
    everyMs: 250,
    what: 'all of it programmed',
  });
  const seconds = (performance.now() - began) / 1000;
  await sleep(options.settleMs);
  const [bridgeBytes, vasicBytes] = sizes().map((bytes, i) => bytes - empty[i]!) as [number, number];
  const before = (await status()).afi.opsSent;
  const { port, address } = gatewayOf(0, options.ports.length);
  const argv = ['neigh', 'replace', formatAddress(address), 'lladdr', '02:00:00:00:77:01', 'dev', options.ports[port]!];
  execFileSync('ip', [...argv, 'nud', 'permanent']);
  const moved = async (): Promise<boolean> => {
    const { afi } = await status();
    return afi.opsSent > before && afi.opsInFlight === 0;
  };
  await waitFor(moved, { timeoutMs: TIMEOUT_MS, what: "the neighbor's new address" });
  await sleep(options.settleMs);
  const { afi, loop } = await status();
  const failover = afi.opsSent - before;
  const result: VpnResult = { seconds, bridgeBytes, vasicBytes, failover, loopMaxMs: loop.maxMs };
  console.log(JSON.stringify(result));
  zebra.destroy();
}

if (require.main === module) {
  main(JSON.parse(process.argv[2]!) as VpnRunOptions).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
