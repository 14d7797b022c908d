/**
 * One run of the part `memory`, in the router's namespace: plays zebra's stream to a bridge and reads what it and its vASIC hold
 * then. `node memory-run.js JSON` (RunOptions) prints one JSON line (Sample) for each step.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { sleep, waitFor } from '../../lab/wait';
import { AFI_METHODS } from '../../src/aft/service';
import type { AftSandboxInfo } from '../../src/aft/model';
import { requestStatus } from '../../src/control/client';
import type { Place } from './bare-router';
import { makePrefixes } from './prefixes';
import { residentBytes } from './replay';
import { makeStream } from './stream';

export interface RunOptions extends Place {
  readonly routes: number;
  readonly groups: number;
  readonly paths: number;
  /** How often everything comes and goes. */
  readonly rounds: number;
  /** How long nothing happens before a sample is taken. */
  readonly settleMs: number;
}

export interface Sample {
  /** `empty` before the first route, `full` with every route acknowledged and reported, `gone` after withdrawing all. */
  readonly step: 'empty' | 'full' | 'gone';
  readonly round: number;
  readonly bridgeBytes: number;
  readonly vasicBytes: number;
  readonly routes: number;
  readonly nexthops: number;
  /** Entries that the bridge has acknowledged, and what the vASIC itself counts. */
  readonly acknowledged: number;
  readonly vasicEntries: number;
  readonly vasicNodes: number;
  readonly loopMaxMs: number;
}

async function main(options: RunOptions): Promise<void> {
  const server = new grpc.Client(options.afi, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  const sample = async (step: Sample['step'], round: number): Promise<void> => {
    await sleep(options.settleMs);
    const [bridgeBytes, vasicBytes] = [residentBytes(options.bridgePid), residentBytes(options.vasicPid)];
    const { fib, afi, loop } = await requestStatus(options.control);
    const { entries, nodes } = await sandboxInfo(server);
    const line: Sample = {
      step,
      round,
      bridgeBytes,
      vasicBytes,
      routes: fib.routes,
      nexthops: fib.nexthops,
      acknowledged: afi.entries,
      vasicEntries: entries,
      vasicNodes: nodes,
      loopMaxMs: loop.maxMs,
    };
    console.log(JSON.stringify(line));
  };
  const reached = (routes: number, statuses: number): Promise<true> =>
    waitFor(
      async () => {
        const { fib, fpm, afi } = await requestStatus(options.control);
        const quiet = fib.routes === routes && fib.pending === 0 && fib.dirty === 0 && afi.opsInFlight === 0;
        return quiet && fpm.statuses >= statuses ? true : undefined;
      },
      { timeoutMs: 120_000, everyMs: 250, what: `${routes} routes in the bridge and acknowledged` },
    );

  const stream = {
    prefixes: makePrefixes(options.routes),
    nexthops: options.gateways,
    groups: { count: options.groups, paths: options.paths },
    ports: options.ports.length,
    ifindexOf: (port: number) => Number(readFileSync(`/sys/class/net/${options.ports[port]!}/ifindex`, 'utf8')),
  };
  const announce = makeStream(stream);
  const withdraw = makeStream({ ...stream, withdraw: true });
  const zebra = connect(options.fpm, '127.0.0.1');
  await once(zebra, 'connect');
  zebra.resume();
  // This stream has no connected subnets. The kernel's count in their place once zebra has said something and had its time (fpm.sweep.minimum),
  // each neighbor with an entry.
  const first = { ...stream, prefixes: makePrefixes(1) };
  await play(zebra, makeStream(first));
  await play(zebra, makeStream({ ...first, withdraw: true }));
  await waitFor(
    async () => ((await requestStatus(options.control)).afi.entries >= options.gateways ? true : undefined),
    {
      timeoutMs: 90_000,
      everyMs: 250,
      what: 'entries of the neighbors on connected subnets',
    },
  );
  await sample('empty', 0);
  for (let round = 0; round < options.rounds; round++) {
    await play(zebra, announce);
    await reached(options.routes, options.routes * (round + 1));
    await sample('full', round);
    await play(zebra, withdraw);
    await reached(0, 0);
    await sample('gone', round);
  }
  zebra.destroy();
  server.close();
}

/** Sends it all, as fast as it is taken. */
export async function play(zebra: Socket, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) if (!zebra.write(chunk)) await once(zebra, 'drain');
}

/** What the AFI server counts in the sandbox. */
export function sandboxInfo(server: grpc.Client): Promise<AftSandboxInfo> {
  const { path, requestSerialize, responseDeserialize } = AFI_METHODS.sandboxInfo;
  const name = { engine: 'trio', name: 'green' };
  return new Promise((resolve, reject) => {
    server.makeUnaryRequest(path, requestSerialize, responseDeserialize, name, (error, reply) => {
      if (error !== null) reject(error);
      else if (reply === undefined || !('info' in reply)) reject(new Error('the AFI server has no sandbox'));
      else resolve(reply.info);
    });
  });
}

if (require.main === module) {
  main(JSON.parse(process.argv[2]!) as RunOptions).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
