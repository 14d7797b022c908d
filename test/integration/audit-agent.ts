/**
 * What makes differences behind the bridge's back, for audit.test: runs in the router's namespace. `vasic`: a second AFI client
 * applies the operations given as JSON. `fpm`: stands between zebra and the bridge, and swallows zebra's frames while a file exists.
 */
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { AftOperation } from '../../src/aft/model';
import { AFI_METHODS, quietGrpc } from '../../src/aft/service';
import type { OperationReply } from '../../src/aft/wire';
import { parseAddress } from '../../src/net/address';

/** Bytes are given as `{ address: TEXT }`. */
function revive(_key: string, value: unknown): unknown {
  const address = (value as { address?: unknown } | null)?.address;
  return typeof address === 'string' ? parseAddress(address) : value;
}

/** Applies operations in the bridge's name: with the epoch of its session, as an ordinary client would be refused. */
function vasic(server: string, operations: readonly AftOperation[]): void {
  const client = new grpc.Client(server, grpc.credentials.createInsecure());
  const { sandboxInfo, operate } = AFI_METHODS;
  const fail = (text: string): void => {
    process.stderr.write(`${text}\n`);
    process.exit(1);
  };
  const name = { engine: 'trio', name: 'green' };
  client.makeUnaryRequest(
    sandboxInfo.path,
    sandboxInfo.requestSerialize,
    sandboxInfo.responseDeserialize,
    name,
    (fault, reply) => {
      if (fault !== null || reply === undefined || !('info' in reply)) return fail(String(fault));
      const { info, epoch = 0 } = reply;
      const stream = client.makeBidiStreamRequest(operate.path, operate.requestSerialize, operate.responseDeserialize);
      const next = (at: number): void => {
        const operation = operations[at];
        if (operation === undefined) process.exit(0);
        stream.write({ sandboxId: info.id, id: at + 1, epoch, operation });
      };
      stream.on('error', (error: Error) => fail(error.message));
      stream.on('data', ({ id, error }: OperationReply) => {
        if (error !== undefined) fail(`${error.code}: ${error.message}`);
        next(id);
      });
      next(0);
    },
  );
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
quietGrpc();
if (what === 'vasic') vasic(args[0]!, JSON.parse(args[1]!, revive) as AftOperation[]);
else fpm(Number(args[0]), Number(args[1]), args[2]!);
