/**
 * A control socket in front of a table, as a process of its own: the listing's side of fpm2afi without zebra and without a network.
 * `node listing-daemon.js SOCKET ROUTES NEXTHOPS` makes the routes in no order, has them all acknowledged, and says `ready`.
 */
import { Programmer } from '../../src/afi/programmer';
import { startControlServer } from '../../src/control/server';
import { Fib } from '../../src/fib/fib';
import { nullLogger } from '../../src/observe/log';
import { listRoutes } from '../../src/views/route-rows';
import { RouteViews } from '../../src/views/routes';
import { fakeBackend } from '../unit/control/backend';
import { addressBytes, makePrefixes } from './prefixes';

const TABLE = 254;
const IFINDEX = 10;
const PORTS = 4;
/** Odd and no multiple of five: stepping by it visits every row of a table whose size is a power of ten. */
const STRIDE = 7_919_777;

async function main(socket: string, count: number, nexthops: number): Promise<void> {
  const ports = Array.from({ length: PORTS }, (_, index) => index);
  const fib = new Fib({
    table: TABLE,
    ports: new Map(ports.map((index) => [`tap${index}`, index])),
    onWork: () => undefined,
    onReport: () => undefined,
    onNeed: () => undefined,
    now: () => performance.now(),
  });
  const acknowledged: number[] = [];
  const programmer = new Programmer({
    source: fib.forwarding,
    transport: {
      send: (id) => {
        acknowledged.push(id);
        return true;
      },
      readNodes: () => Promise.resolve([]),
      async *readEntries() {
        yield await Promise.resolve([]);
      },
    },
    batch: 1000,
    inFlight: 4,
    ports: ports.map((index) => ({ index, mac: undefined })),
    limits: {},
    log: nullLogger,
  });
  const settle = (): void => {
    for (programmer.pump(); acknowledged.length > 0; programmer.pump()) {
      for (const id of acknowledged.splice(0)) programmer.ack(id, undefined);
    }
    while (fib.status.takeReport() !== undefined);
  };
  const port = (index: number): object => ({ index, name: `p${index}`, token: 512 + index, up: true });
  await programmer.up({
    ...{ id: 1, engine: 'trio', name: 'green', instance: '1' },
    inputPorts: ports.map((index) => ({ ...port(index), token: 1 + index })),
    outputPorts: ports.map(port),
  } as unknown as Parameters<Programmer['up']>[0]);
  for (const index of ports) {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
    const link = { kind: 'link', ifindex: IFINDEX + index, name: `tap${index}`, present: true, up: true } as const;
    fib.applyKernel({ ...link, mac, master: 0 });
  }
  for (let id = 1; id <= nexthops; id++) {
    const gateway = Uint8Array.of(10, id % PORTS, id >> 8, id & 0xff);
    const ifindex = IFINDEX + (id % PORTS);
    const mac = Uint8Array.of(2, 1, 0, 0, id >> 8, id & 0xff);
    fib.applyKernel({ kind: 'neighborAdd', source: 'kernel', state: 'reachable', ifindex, address: gateway, mac });
    const content = { kind: 'path', path: { gateway, ifindex, weight: 1 } } as const;
    fib.applyFpm({ kind: 'nexthopAdd', id, family: 2, protocol: 186, content });
  }
  const { addresses, lengths } = makePrefixes(count);
  for (let i = 0; i < count; i++) {
    const at = (i * STRIDE) % count;
    const prefix = { family: 4, bytes: addressBytes(addresses[at]!), length: lengths[at]! } as const;
    const target = { kind: 'nexthopId', id: 1 + (at % nexthops) } as const;
    fib.applyFpm({ kind: 'routeAdd', table: TABLE, prefix, protocol: 186, metric: 20, target });
    if (i % 10_000 === 0) settle();
  }
  settle();
  const views = new RouteViews(fib, programmer);
  await startControlServer(
    socket,
    { ...fakeBackend(), routes: (filter) => listRoutes(fib, views, filter) },
    nullLogger,
  );
  globalThis.gc?.();
  process.stdout.write('ready\n');
}

const [socket, count, nexthops] = process.argv.slice(2);
void main(socket!, Number(count), Number(nexthops));
