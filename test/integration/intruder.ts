/**
 * An intruder, run in a namespace of intruders.test.ts: `intruder.js KIND TARGET [SECONDS]`, TARGET being HOST:PORT or the path of a
 * socket. Says in a line of JSON what came of it, and ends after so long.
 */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeHostpathHeader, HOSTPATH_HEADER } from '../../src/hostpath/header';

const CROWD = 1000;
const MIB = 1 << 20;

interface Result {
  /** Connections that were made, and of those the ones that the other side ended. */
  connected: number;
  ended: number;
  /** Bytes that the other side took. */
  sent: number;
  said?: string;
}

function open(target: string, result: Result): Socket {
  const [host, port] = target.split(':');
  const socket = target.startsWith('/') ? connect(target) : connect(Number(port), host);
  socket.on('connect', () => result.connected++);
  socket.on('error', () => undefined);
  socket.on('close', () => result.ended++);
  socket.resume();
  return socket;
}

/** So many connections that say a little, or nothing. */
async function crowd(target: string, seconds: number, say: string): Promise<Result> {
  const result: Result = { connected: 0, ended: 0, sent: 0 };
  const sockets: Socket[] = [];
  for (let i = 0; i < CROWD; i++) {
    const socket = open(target, result);
    if (say !== '') socket.write(say, () => (result.sent += say.length));
    sockets.push(socket);
    if (i % 50 === 49) await sleep(5);
  }
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until) {
    await sleep(500);
    // A byte at a time, to all that are there still.
    if (say !== '') for (const socket of sockets) if (!socket.destroyed) socket.write('x', () => result.sent++);
  }
  return result;
}

/** One connection that sends as much as is taken, at most 512 MiB. */
async function flood(target: string, seconds: number, head: Buffer): Promise<Result> {
  const result: Result = { connected: 0, ended: 0, sent: 0 };
  const socket = open(target, result);
  const chunk = Buffer.alloc(64 * 1024, 'a');
  socket.write(head);
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until && !socket.destroyed && result.sent < 512 * MIB) {
    const taken = socket.write(chunk, () => (result.sent += chunk.length));
    if (taken) continue;
    await Promise.race([
      new Promise((resolve) => socket.once('drain', resolve)),
      new Promise((resolve) => socket.once('close', resolve)),
      sleep(200),
    ]);
  }
  return result;
}

/** An FPM header that promises 64 KiB, of which a byte comes now and then. */
async function promise(target: string, seconds: number): Promise<Result> {
  const result: Result = { connected: 0, ended: 0, sent: 0 };
  const socket = open(target, result);
  socket.write(Buffer.from([1, 1, 0xff, 0xff]));
  for (const until = Date.now() + seconds * 1000; Date.now() < until && !socket.destroyed; await sleep(200)) {
    socket.write('x', () => result.sent++);
  }
  return result;
}

/** A message of gRPC that is much too long. */
async function giant(target: string): Promise<Result> {
  const result: Result = { connected: 0, ended: 0, sent: 0 };
  const Client = grpc.makeGenericClientConstructor({}, 'x');
  const client = new Client(target.startsWith('/') ? `unix:${target}` : target, grpc.credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  });
  const same = (bytes: Buffer): Buffer => bytes;
  result.said = await new Promise((resolve) => {
    client.makeUnaryRequest('/fpm2afi.afi.Afi/Sandbox', same, same, Buffer.alloc(100 * MIB), (error) =>
      resolve(error === null ? 'taken' : `${error.code} ${error.details}`),
    );
  });
  client.close();
  return result;
}

/** Operation streams, one after the other, each with what is no operation. */
async function streams(target: string): Promise<Result> {
  const result: Result = { connected: 0, ended: 0, sent: 0 };
  const Client = grpc.makeGenericClientConstructor({}, 'x');
  const client = new Client(target.startsWith('/') ? `unix:${target}` : target, grpc.credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  for (let i = 0; i < CROWD; i++) {
    await new Promise<void>((resolve) => {
      const stream = client.makeBidiStreamRequest('/fpm2afi.afi.Afi/Operate', same, same);
      stream.on('data', () => undefined);
      stream.on('error', () => resolve());
      stream.on('end', () => resolve());
      stream.write(Buffer.from([0xff, 0xff, 0xff]));
      result.sent++;
    });
    result.ended++;
  }
  client.close();
  return result;
}

/** Hostpath datagrams from a stranger: nothing, cut headers, headers that lie, whole packets. */
async function datagrams(target: string): Promise<Result> {
  const result: Result = { connected: 0, ended: 0, sent: 0 };
  const [host, port] = target.split(':');
  const socket = createSocket('udp4');
  const frame = Buffer.alloc(HOSTPATH_HEADER + 64, 0xff);
  for (let i = 0; i < 3000; i++) {
    const length = [frame.length, 10, 65535, 0][i % 4]!;
    encodeHostpathHeader(frame, {
      ...{ direction: i % 3 === 0 ? 'punt' : 'inject', reason: i % 256, length, sandbox: 1, port: i % 7 },
    });
    const bytes = i % 5 === 0 ? frame.subarray(0, i % (HOSTPATH_HEADER + 1)) : frame;
    await new Promise((resolve) => socket.send(bytes, Number(port), host, resolve));
    result.sent++;
  }
  socket.close();
  return result;
}

async function main([kind, target = '', seconds = '5']: readonly string[]): Promise<Result> {
  const time = Number(seconds);
  switch (kind) {
    case 'crowd':
      return crowd(target, time, '');
    case 'loris':
      return crowd(target, time, 'GET / HTTP/1.1\r\nx: ');
    case 'preface':
      return crowd(target, time, 'PRI * HTTP/2.0\r\n');
    case 'headers':
      return flood(target, time, Buffer.from('GET /v1/status HTTP/1.1\r\nx: '));
    case 'body':
      return flood(
        target,
        time,
        Buffer.from('POST /v1/audit HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000000\r\n\r\n'),
      );
    case 'bytes':
      return flood(target, time, Buffer.alloc(0));
    case 'promise':
      return promise(target, time);
    case 'giant':
      return giant(target);
    case 'streams':
      return streams(target);
    case 'datagrams':
      return datagrams(target);
    default:
      throw new Error(`no intruder ${String(kind)}`);
  }
}

void main(process.argv.slice(2)).then((result) => {
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
});
