/**
 * What a route costs in many tables and in one, in bytes: of the FIB and the programmer, with a vASIC that acknowledges everything and keeps
 * nothing; and of the vASIC's own graph, where the same is kept by a sandbox. Each is measured in a process of its own.
 *
 *   node --expose-gc dist/test/tools/vrf-memory.js [ROUTES [TABLES]]      1,000,000 routes, in 1 table and in 100
 */
import { execFileSync } from 'node:child_process';
import { Programmer } from '../../src/afi/programmer';
import type { AftOperation } from '../../src/aft/model';
import { Fib } from '../../src/fib/fib';
import { nullLogger } from '../../src/observe/log';
import { createSandbox } from '../../src/vasic/engine/sandbox/sandbox';
import { createMemoryPort } from '../bed/memory-port';

const FIRST_TABLE = 1000;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);

interface Measured {
  readonly bytes: number;
  readonly seconds: number;
}

function used(): number {
  global.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** So many routes, shared out to so many tables, all by one neighbor, a /24 each. */
async function measure(routes: number, tables: number, withVasic: boolean): Promise<Measured> {
  const vrfs = Array.from({ length: tables }, (_, i) => ({ name: `v${i}`, table: FIRST_TABLE + i }));
  const port = createMemoryPort({ name: 'p0', mac: MAC });
  const sandbox = createSandbox({
    ...{ id: 1, engine: 'trio', name: 'green', instance: '1', ports: [port], host: { punt: () => undefined } },
  });
  const nothing = (): void => undefined;
  const fib = new Fib({
    ...{ table: 254, ports: new Map([['tap0', 0]]), vrfs, onWork: nothing, onReport: nothing, onNeed: nothing },
    now: () => 0,
  });
  let waiting: { id: number; operation: AftOperation }[] = [];
  const programmer = new Programmer({
    source: fib.forwarding,
    transport: {
      send: (id, operation) => waiting.push({ id, operation }) > 0,
      readNodes: () => Promise.resolve([]),
      async *readEntries() {
        yield* await Promise.resolve([]);
      },
    },
    ...{ batch: 1000, inFlight: 16, ports: [{ index: 0, mac: MAC }], limits: {}, log: nullLogger },
  });
  const settle = (): void => {
    for (programmer.pump(); waiting.length > 0; programmer.pump()) {
      const answered = waiting;
      waiting = [];
      for (const { id, operation } of answered) {
        programmer.ack(id, withVasic ? sandbox.apply(operation) : undefined);
      }
    }
    while (fib.status.takeReport() !== undefined);
  };
  fib.applyKernel({ kind: 'link', ifindex: 10, name: 'tap0', present: true, up: true, mac: MAC, master: 0 });
  const gateway = Uint8Array.of(10, 0, 0, 2);
  fib.applyKernel({
    kind: 'neighborAdd',
    source: 'kernel',
    ifindex: 10,
    address: gateway,
    mac: MAC,
    state: 'permanent',
  });
  const path = { ifindex: 10, weight: 1, gateway };
  fib.applyFpm({ kind: 'nexthopAdd', id: 1, family: 2, protocol: 11, content: { kind: 'path', path } });
  await programmer.up(sandbox.info());
  settle();
  const before = used();
  const began = performance.now();
  const bytes = new Uint8Array(4);
  const each = Math.floor(routes / tables);
  for (const { table } of vrfs) {
    for (let i = 0; i < each; i++) {
      bytes.set([20 + (i >> 16), i >> 8, i, 0]);
      fib.applyFpm({
        ...{ kind: 'routeAdd', table, prefix: { family: 4, bytes, length: 24 }, protocol: 186, metric: 20 },
        target: { kind: 'nexthopId', id: 1 },
      });
      if (i % 1000 === 999) settle();
    }
  }
  settle();
  const seconds = (performance.now() - began) / 1000;
  return { bytes: used() - before, seconds };
}

async function main(): Promise<void> {
  const [routes = '1000000', tables = '100', one] = process.argv.slice(2);
  if (one !== undefined) {
    console.log(JSON.stringify(await measure(Number(routes), Number(tables), one === 'vasic')));
    return;
  }
  for (const part of ['bridge', 'vasic']) {
    for (const count of ['1', tables]) {
      const argv = ['--expose-gc', __filename, routes, count, part];
      const { bytes, seconds } = JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as Measured;
      const per = (bytes / Number(routes)).toFixed(1);
      console.log(
        `${part === 'bridge' ? 'FIB and programmer' : 'the same with a sandbox'}: ${routes} routes in ${count} tables: ` +
          `${per} bytes a route, ${seconds.toFixed(1)} s`,
      );
    }
  }
}

void main();
