/**
 * A helper process of softvasic.test: runs inside a network namespace (as `ip netns exec NS node …`) and does there what the
 * test asks over Node's IPC channel. Each request gets one answer; what happens by itself is sent as events.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { errorText } from '../../src/net/error-text';
import type { AftError, AftOperation, AftSandboxInfo, Token } from '../../src/aft/model';
import { createGrpcTransport, type AfiTransport } from '../../src/afi/transport';
import type { NodeInfo, TestReply } from '../../src/aft/wire';
import { nullLogger } from '../../src/observe/log';
import { interfaceState } from '../../src/sys/interface';
import { PacketSocket } from '../../src/sys/packet';

export type Request =
  | { readonly op: 'afi'; readonly ports: number; readonly server: string }
  | { readonly op: 'apply'; readonly operation: AftOperation }
  | { readonly op: 'info' }
  | { readonly op: 'test'; readonly port: number; readonly frame: Uint8Array }
  | { readonly op: 'nodeInfo'; readonly tokens: readonly Token[] }
  /** Receives hostpath datagrams on UDP 8001 as `punt` events. */
  | { readonly op: 'hostpath' }
  | { readonly op: 'inject'; readonly datagram: Uint8Array }
  | { readonly op: 'rawSend'; readonly interface: string; readonly frame: Uint8Array }
  /** Captures on an interface; each IPv4 UDP or VLAN frame received becomes a `frame` event until `stopSniffing`. */
  | { readonly op: 'sniff'; readonly interface: string }
  | { readonly op: 'stopSniffing' }
  | { readonly op: 'udpListen'; readonly port: number }
  | { readonly op: 'udpSend'; readonly to: string; readonly port: number; readonly ttl: number; readonly text: string }
  /** Answers the bytes received to the one client that comes, then ends. */
  | { readonly op: 'tcpSink'; readonly port: number }
  | { readonly op: 'tcpSend'; readonly to: string; readonly port: number; readonly bytes: number }
  /** `answered` with the errno name of a TCP connection attempt, `silence` after a while. */
  | { readonly op: 'tcpProbe'; readonly to: string; readonly waitMs: number };

export type Answer = {
  readonly kind: 'answer';
  readonly id: number;
  readonly error?: string;
  readonly value?: AftSandboxInfo | NodeInfo[] | TestReply | AftError | string;
};

export type AgentEvent =
  | { readonly kind: 'up'; readonly instance: string }
  | { readonly kind: 'down'; readonly reason: string }
  | { readonly kind: 'port'; readonly index: number; readonly up: boolean }
  | { readonly kind: 'punt'; readonly datagram: Uint8Array }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  | { readonly kind: 'udp'; readonly text: string };

const tell = (message: Answer | AgentEvent): void => void process.send!(message);

let transport: AfiTransport | undefined;
let hostpath: Socket | undefined;
let nextOperation = 1;
const acks = new Map<number, (error: AftError | undefined) => void>();

function startAfi(ports: number, server: string): void {
  const [host, port] = server.split(':') as [string, string];
  transport = createGrpcTransport(
    {
      server: { host, port: Number(port) },
      engine: 'trio',
      sandbox: 'green',
      takeOver: 'restart',
      owner: { id: 'test', name: 'test' },
      timeoutMs: 2000,
      batch: 1000,
      inFlight: 16,
      reconnectMs: { min: 50, max: 500 },
      ports,
    },
    nullLogger,
  );
  transport.start({
    up: (info) => tell({ kind: 'up', instance: info.instance }),
    down: (reason) => tell({ kind: 'down', reason }),
    ack(id, error) {
      acks.get(id)?.(error);
      acks.delete(id);
    },
    port: (index, up) => tell({ kind: 'port', index, up }),
  });
}

let stopSniffing: () => void = () => undefined;

function sniff(name: string): void {
  const socket = PacketSocket.open(interfaceState(name)!.ifindex, 0);
  const take = (): boolean =>
    socket.receive(({ buffer, offset, length }) => {
      const bytes = Uint8Array.from(buffer.subarray(offset, offset + length));
      const type = (bytes[12]! << 8) | bytes[13]!;
      if (type === 0x8100 || (type === 0x0800 && bytes[23] === 17)) tell({ kind: 'frame', bytes });
    });
  const timer = setInterval(() => {
    while (take());
  }, 10);
  stopSniffing = () => {
    clearInterval(timer);
    socket.close();
  };
}

function tcpSend(to: string, port: number, bytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunk = Buffer.alloc(256 << 10, 'softvasic');
    const socket = connect(port, to);
    let left = bytes;
    const pump = (): void => {
      while (left > 0) {
        const part = chunk.subarray(0, Math.min(left, chunk.length));
        left -= part.length;
        if (!socket.write(part)) return;
      }
      socket.end();
    };
    socket.on('connect', pump);
    socket.on('drain', pump);
    let reply = '';
    socket.on('data', (data) => (reply += data.toString()));
    socket.on('end', () => resolve(reply));
    socket.on('error', reject);
  });
}

function tcpSink(port: number): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let bytes = 0;
      socket.on('data', (data) => (bytes += data.length));
      socket.on('end', () => {
        socket.end(String(bytes));
        server.close();
      });
    });
    server.on('error', reject);
    server.listen(port, () => resolve(undefined));
  });
}

function tcpProbe(to: string, waitMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(9, to);
    const timer = setTimeout(() => {
      socket.destroy();
      resolve('silence');
    }, waitMs);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(error.code ?? 'error');
    });
  });
}

async function serve(request: Request): Promise<Answer['value']> {
  switch (request.op) {
    case 'afi':
      return (startAfi(request.ports, request.server), undefined);
    case 'apply':
      return new Promise((resolve) => {
        const id = nextOperation++;
        acks.set(id, resolve);
        transport!.send(id, request.operation);
      });
    case 'info':
      return transport!.sandboxInfo();
    case 'test':
      return transport!.test(request.port, request.frame);
    case 'nodeInfo':
      return transport!.nodeInfo(request.tokens);
    case 'hostpath':
      hostpath = createSocket('udp4', (datagram) => tell({ kind: 'punt', datagram: Uint8Array.from(datagram) }));
      return new Promise((resolve) => hostpath!.bind(8001, '127.0.0.1', () => resolve(undefined)));
    case 'inject':
      return new Promise((resolve, reject) => {
        hostpath!.send(request.datagram, 9002, '127.0.0.1', (error) => (error ? reject(error) : resolve(undefined)));
      });
    case 'sniff':
      return (sniff(request.interface), undefined);
    case 'rawSend': {
      const socket = PacketSocket.open(interfaceState(request.interface)!.ifindex, 0);
      const frame = Buffer.from(request.frame);
      socket.send(frame, 0, frame.length, { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 });
      socket.flush();
      socket.close();
      return undefined;
    }
    case 'stopSniffing':
      return (stopSniffing(), undefined);
    case 'udpListen': {
      const socket = createSocket('udp4', (data) => tell({ kind: 'udp', text: data.toString() }));
      return new Promise((resolve) => socket.bind(request.port, () => resolve(undefined)));
    }
    case 'udpSend': {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve) => socket.bind(() => resolve()));
      socket.setTTL(request.ttl);
      return new Promise((resolve, reject) => {
        socket.send(request.text, request.port, request.to, (error) => {
          socket.close();
          if (error) reject(error);
          else resolve(undefined);
        });
      });
    }
    case 'tcpSink':
      return tcpSink(request.port);
    case 'tcpSend':
      return tcpSend(request.to, request.port, request.bytes);
    case 'tcpProbe':
      return tcpProbe(request.to, request.waitMs);
  }
}

process.on('message', ({ id, request }: { id: number; request: Request }) => {
  serve(request).then(
    (value) => tell({ kind: 'answer', id, ...(value === undefined ? undefined : { value }) }),
    (error: unknown) => tell({ kind: 'answer', id, error: errorText(error) }),
  );
});
// The test is gone.
process.on('disconnect', () => process.exit(0));
