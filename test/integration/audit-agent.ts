/**
 * What makes differences behind the bridge's back, for audit.test: runs in the router's namespace. `vasic`: a second AFI client
 * applies the operations given as JSON. `fpm`: stands between zebra and the bridge, and swallows zebra's frames while a file exists.
 */
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createGrpcTransport } from '../../src/afi/transport';
import type { AftOperation } from '../../src/aft/model';
import { parseAddress } from '../../src/net/address';
import { nullLogger } from '../../src/observe/log';

/** Bytes are given as `{ address: TEXT }`. */
function revive(_key: string, value: unknown): unknown {
  const address = (value as { address?: unknown } | null)?.address;
  return typeof address === 'string' ? parseAddress(address) : value;
}

function vasic(server: string, ports: number, operations: readonly AftOperation[]): void {
  const [host = '', port] = server.split(':');
  const reconnectMs = { min: 50, max: 500 };
  const config = { engine: 'trio', sandbox: 'green', timeoutMs: 5000, batch: 1, inFlight: 1, reconnectMs, ports };
  const transport = createGrpcTransport({ ...config, server: { host, port: Number(port) } }, nullLogger);
  const next = (at: number): void => {
    const operation = operations[at];
    if (operation === undefined) process.exit(0);
    transport.send(at + 1, operation);
  };
  transport.start({
    up: () => next(0),
    down: () => undefined,
    port: () => undefined,
    ack(id, error) {
      if (error !== undefined) {
        process.stderr.write(`${error.code}: ${error.message}\n`);
        process.exit(1);
      }
      next(id);
    },
  });
}

/** Version, type, length of the whole frame. */
const FPM_HEADER = 4;

function fpm(listen: number, to: number, swallowWhile: string): void {
  createServer((zebra) => {
    const bridge = connect(to, '127.0.0.1');
    let pending = Buffer.alloc(0);
    zebra.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= FPM_HEADER && pending.length >= pending.readUInt16BE(2)) {
        const length = pending.readUInt16BE(2);
        if (!existsSync(swallowWhile)) bridge.write(pending.subarray(0, length));
        pending = pending.subarray(length);
      }
    });
    bridge.on('data', (chunk: Buffer) => zebra.write(chunk));
    for (const [one, other] of [
      [zebra, bridge],
      [bridge, zebra],
    ] as const) {
      one.on('close', () => other.destroy()).on('error', () => other.destroy());
    }
  }).listen(listen, '127.0.0.1');
}

const [what, ...args] = process.argv.slice(2);
if (what === 'vasic') vasic(args[0]!, Number(args[1]), JSON.parse(args[2]!, revive) as AftOperation[]);
else fpm(Number(args[0]), Number(args[1]), args[2]!);
