/**
 * A BGP speaker that announces made-up tables to a bgpd and changes them, as lines on its standard input say: one command (FeederCommand)
 * each, as JSON, answered by one line (FeederAnswer) when everything it means has been taken by TCP. Says `{"ready":true}` when the
 * session is established. `node feeder.js BGPD LOCAL-ADDRESS LOCAL-AS PEER PORTS`: PEER is the number of this one among several that
 * announce the same table with different nexthops, over so many PORTS. Ends with its standard input.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { errorText } from '../../src/net/error-text';
import { parseAddress } from '../../src/net/address';
import { Announcements } from './announcements';
import { KEEPALIVE, keepaliveMessage, messageReader, NOTIFICATION, OPEN, openMessage } from './bgp';
import { sleep } from '../../lab/wait';

/** What a feeder can be told. */
export type FeederCommand =
  | { readonly do: 'announce'; readonly family: 4 | 6; readonly routes: number; readonly nexthops: number }
  /** Everything that is announced. */
  | { readonly do: 'withdraw'; readonly family: 4 | 6 }
  | {
      readonly do: 'churn';
      readonly family: 4 | 6;
      /** So many random changes, most of them of a nexthop, the rest withdrawals and prefixes that return. */
      readonly changes: number;
      /** Evenly paced; 0: as fast as TCP takes them. */
      readonly perSecond: number;
      readonly seed: number;
    };

export interface FeederAnswer {
  readonly did: FeederCommand['do'];
  readonly family: 4 | 6;
  /** Prefixes of the family that are announced now. */
  readonly announced: number;
  /** When the first update was written and the last one taken, in milliseconds of the machine's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
}

const PORT = 179;
const RETRY_MS = 500;
const WRITE_BYTES = 32 * 1024;
const PACE_MS = 5;

interface Link {
  readonly socket: Socket;
  readonly as: number;
  readonly peer: number;
  readonly ports: number;
}

const tables = new Map<4 | 6, Announcements>();

/** Writes what is due of `updates`; returns when TCP has taken all of it. */
async function write(socket: Socket, updates: Iterable<Buffer>): Promise<void> {
  let held: Buffer[] = [];
  let bytes = 0;
  for (const update of updates) {
    held.push(update);
    bytes += update.length;
    if (bytes < WRITE_BYTES) continue;
    if (!socket.write(Buffer.concat(held))) await once(socket, 'drain');
    held = [];
    bytes = 0;
  }
  await new Promise((resolve) => socket.write(Buffer.concat(held), resolve));
}

function* take(changes: Generator<Buffer, never>, count: number): Generator<Buffer> {
  for (let i = 0; i < count; i++) yield changes.next().value;
}

async function churn(socket: Socket, table: Announcements, command: FeederCommand & { do: 'churn' }): Promise<void> {
  const { changes, perSecond, seed } = command;
  const source = table.changes(seed);
  if (perSecond === 0) return write(socket, take(source, changes));
  const started = performance.now();
  for (let done = 0; done < changes;) {
    const due = Math.min(changes, Math.floor(((performance.now() - started) * perSecond) / 1000));
    if (due > done) await write(socket, take(source, due - done));
    done = due;
    await sleep(PACE_MS);
  }
}

async function obey({ socket, ...link }: Link, command: FeederCommand): Promise<FeederAnswer> {
  const { family } = command;
  if (command.do === 'announce') {
    const { routes, nexthops } = command;
    if ((tables.get(family)?.announced ?? 0) > 0) throw new Error('announced already: withdraw first');
    tables.set(family, new Announcements({ ...link, family, routes, nexthops }));
  }
  const table = tables.get(family);
  if (table === undefined) throw new Error(`nothing of IPv${family} was announced`);
  const startedAt = Date.now();
  if (command.do === 'announce') await write(socket, table.announceAll());
  else if (command.do === 'withdraw') await write(socket, table.withdrawAll());
  else await churn(socket, table, command);
  return { did: command.do, family, announced: table.announced, startedAt, endedAt: Date.now() };
}

async function serve(link: Link): Promise<void> {
  console.log(JSON.stringify({ ready: true }));
  for await (const line of createInterface(process.stdin)) {
    const answer = await obey(link, JSON.parse(line) as FeederCommand).catch((error: unknown) => ({
      error: errorText(error),
    }));
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
}

/** Connects, again and again until bgpd takes it, and serves from then on; a session that ends ends the process. */
function main(): void {
  const [host = '', localAddress = '', ...numbers] = process.argv.slice(2);
  const [as, peer, ports] = numbers.map(Number) as [number, number, number];
  const attempt = (): void => {
    let established = false;
    const socket = connect({ port: PORT, host, localAddress }, () => {
      socket.write(openMessage(as, parseAddress(localAddress)!));
    });
    const read = messageReader((type) => {
      if (type === NOTIFICATION) console.error('bgpd ended the session with a NOTIFICATION');
      if (type === OPEN) socket.write(keepaliveMessage());
      if (type !== KEEPALIVE || established) return;
      established = true;
      void serve({ socket, as, peer, ports });
    });
    socket.on('data', read);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (established) process.exit(1);
      setTimeout(attempt, RETRY_MS);
    });
  };
  attempt();
}

main();
