/**
 * A proxy for stream sockets that can be told to misbehave as networks and peers do. One fault at a time holds for all its connections,
 * and for new ones, until it is healed. It passes half-closed connections and resets on, so that both ends see what they would without it.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../src/net/reset';
import type { Endpoint } from '../../src/net/endpoint';
import { Pipe, type Pace } from './pipe';

export type ProxyFault =
  /** Everything takes so much longer, both ways. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing arrives either way; connections are taken, and stay. */
  | { readonly kind: 'stall' }
  /** So many bytes each `ms`, both ways. */
  | { readonly kind: 'trickle'; readonly bytes: number; readonly ms: number }
  /** What the server answers is lost; connections that lost some are cut when this is healed, as their streams have holes. */
  | { readonly kind: 'mute' }
  /**
   * Connections that are open carry nothing, and the server isn't told when the client goes; new ones work. When this is healed, the server
   * gets all of it: an old connection speaks after a newer one.
   */
  | { readonly kind: 'late' }
  /** Connections are reset, and new ones too. */
  | { readonly kind: 'refuse' };

const PASS: Pace = { kind: 'pass' };

/** What client and server get under a fault. */
function paces(fault: ProxyFault | undefined): { readonly up: Pace; readonly down: Pace } {
  switch (fault?.kind) {
    case undefined:
    case 'refuse':
      return { up: PASS, down: PASS };
    case 'delay':
    case 'trickle':
      return { up: fault, down: fault };
    case 'stall':
      return { up: { kind: 'hold' }, down: { kind: 'hold' } };
    case 'mute':
      return { up: PASS, down: { kind: 'drop' } };
    case 'late':
      return { up: { kind: 'keep' }, down: { kind: 'keep' } };
  }
}

class Connection {
  private readonly up: Pipe;
  private readonly down: Pipe;
  private isLate = false;
  private isGone = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    fault: ProxyFault | undefined,
    private readonly closed: () => void,
  ) {
    // `late` is for connections that were open before it.
    const { up, down } = paces(fault?.kind === 'late' ? undefined : fault);
    this.up = new Pipe(client, server, up);
    this.down = new Pipe(server, client, down);
    client.on('error', () => undefined).on('close', () => this.clientGone());
    server.on('error', () => undefined).on('close', () => this.close());
  }

  setFault(fault: ProxyFault | undefined): void {
    if (fault === undefined && this.down.dropped > 0) {
      this.close();
      return;
    }
    this.isLate = fault?.kind === 'late';
    const { up, down } = paces(fault);
    this.up.setPace(up);
    this.down.setPace(down);
    // What waited is on its way; then the server hears that the client is gone.
    if (!this.isLate && this.isGone) this.up.end();
  }

  /** Bytes of the client's that wait. */
  get held(): number {
    return this.up.held;
  }

  /** Resets both ends. */
  close(): void {
    this.up.close();
    this.down.close();
    for (const socket of [this.client, this.server]) resetSocket(socket);
    this.closed();
  }

  private clientGone(): void {
    this.isGone = true;
    if (this.isLate) return;
    if (this.up.held > 0) this.up.end();
    else this.close();
  }
}

export class FaultProxy {
  private readonly connections = new Set<Connection>();
  private fault: ProxyFault | undefined;
  private readonly listener: Server;

  private constructor(private readonly to: Endpoint) {
    this.listener = createServer({ allowHalfOpen: true }, (client) => {
      if (this.fault?.kind === 'refuse') {
        resetSocket(client);
        return;
      }
      const server = connect({ ...this.to, allowHalfOpen: true });
      const connection: Connection = new Connection(client, server, this.fault, () => {
        this.connections.delete(connection);
      });
      this.connections.add(connection);
    });
  }

  /** Listens at `at` (port 0: any) for the server at `to`. Rejects when it can't. */
  static async listen(at: Endpoint, to: Endpoint): Promise<FaultProxy> {
    const proxy = new FaultProxy(to);
    await new Promise<void>((resolve, reject) => {
      proxy.listener.once('error', reject);
      proxy.listener.listen(at, resolve);
    });
    return proxy;
  }

  /** The TCP port that it listens at. */
  get port(): number {
    const address = this.listener.address();
    if (address === null || typeof address === 'string') throw new Error('it listens at no TCP port');
    return address.port;
  }

  /** Connections that are open. */
  get size(): number {
    return this.connections.size;
  }

  /** Bytes of clients that wait. */
  get held(): number {
    return [...this.connections].reduce((sum, { held }) => sum + held, 0);
  }

  /** Begins a fault, in place of the one before. */
  set(fault: ProxyFault): void {
    this.fault = fault;
    if (fault.kind === 'refuse') this.cut();
    else for (const connection of [...this.connections]) connection.setFault(fault);
  }

  /** Ends the fault. */
  heal(): void {
    this.fault = undefined;
    for (const connection of [...this.connections]) connection.setFault(undefined);
  }

  /** Resets all connections. */
  cut(): void {
    for (const connection of [...this.connections]) connection.close();
  }

  close(): void {
    this.listener.close();
    this.cut();
  }
}
