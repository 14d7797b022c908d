/**
 * `fpm2afi/vasic`: the software vASIC as a library, kept by the rules of semantic versioning (docs/library.md). `createSandbox` is the
 * forwarding engine by itself: operations and frames in, frames out, no I/O. `startVasic` puts an AFI server in front of one, over
 * ports of the caller's making: a vASIC for tests of an AFI client, with no root, no interfaces and no thread.
 *
 * Everything else in the room may change from one release to the next.
 *
 * @module fpm2afi/vasic
 */
import { noOffload } from '../net/offload';
import { nullLogger, type Logger } from '../observe/log';
import type { PortIo, Sandbox } from './engine/api';
import { packetOf } from './engine/packet';
import { createSandbox } from './engine/sandbox/sandbox';
import { createInProcessDataplane } from './server/in-process';
import { startAfiServer } from './server/server';

export { createSandbox } from './engine/sandbox/sandbox';
export { inputPortToken, outputPortToken } from './engine/ports';
export { packetOf, type Packet } from './engine/packet';
export type { DropCounters, FindRequest, HostSink, PortIo, Sandbox, SandboxOptions } from './engine/api';
export type { TestOutcome, TestReply, TestStep } from '../aft/wire';
export type { Offload } from '../net/offload';
export * from '../aft/model';

/** Frames of a vASIC as a library; the bytes are good during the call only. */
export interface VasicHandlers {
  /** A frame leaves by an output port. */
  sent?(port: number, frame: Uint8Array): void;
  /** A packet goes to the host: by which input port it came, and why (PuntReason). */
  punted?(port: number, reason: number, frame: Uint8Array): void;
}

/** What a vASIC is made of; every one but the ports has a default. */
export interface VasicSettings extends VasicHandlers {
  /** In the order of their indexes; `mac` is six bytes, `mtu` without the Ethernet header (1500). */
  readonly ports: readonly { readonly name: string; readonly mac: Uint8Array; readonly mtu?: number }[];
  /** Where AFI clients connect; 127.0.0.1 and any free TCP port. */
  readonly host?: string;
  readonly port?: number;
  /** Engine and name of its one sandbox; trio and green. */
  readonly engine?: string;
  readonly sandbox?: string;
  /** Most entries in all trees together; one more is refused with `full`. */
  readonly maxEntries?: number;
  /** Who is told what goes on; nobody. */
  readonly log?: Logger;
}

/** A running vASIC. */
export interface Vasic {
  /** The TCP port that AFI clients connect to. */
  readonly port: number;
  /** A frame comes in; it is sent, punted or dropped before this returns. Dropped while no client has allocated the sandbox. */
  receive(port: number, frame: Uint8Array): void;
  /** Sets a port's link; clients hear of it. */
  setLink(port: number, up: boolean): void;
  /** Ends all connections and the sandbox. */
  close(): void;
}

/**
 * Starts one; resolves when clients can connect.
 * @throws Error naming the address when it can't be listened on
 */
export async function startVasic(settings: VasicSettings): Promise<Vasic> {
  const name = { engine: settings.engine ?? 'trio', name: settings.sandbox ?? 'green' };
  const ports = settings.ports.map((port, index) => {
    const { name: called, mac, mtu = 1500 } = port;
    const send: PortIo['send'] = function (this: PortIo, buffer, offset, length) {
      if (!this.up) return false;
      settings.sent?.(index, buffer.subarray(offset, offset + length));
      return true;
    };
    return { name: called, mac, mtu, up: true, send };
  });
  const makeSandbox = (instance: string): Sandbox =>
    createSandbox({
      ...{ id: 1, engine: name.engine, name: name.name, instance, ports },
      host: {
        punt: (_sandbox, port, reason, frame, offset, length) =>
          settings.punted?.(port, reason, frame.subarray(offset, offset + length)),
      },
      ...(settings.maxEntries === undefined ? {} : { maxEntries: settings.maxEntries }),
    });
  const log = settings.log ?? nullLogger;
  const dataplane = createInProcessDataplane({ sandbox: name, ports: ports.length, makeSandbox, log });
  const listen = { host: settings.host ?? '127.0.0.1', port: settings.port ?? 0 };
  const server = await startAfiServer(listen, dataplane, log);
  const portAt = (index: number): (typeof ports)[number] => {
    const port = ports[index];
    if (port === undefined) throw new RangeError(`no port ${index}: there are ${ports.length}`);
    return port;
  };
  return {
    port: server.port,
    receive(index, frame) {
      portAt(index);
      dataplane.host.sandbox?.receive(index, packetOf(frame, noOffload()));
    },
    setLink(index, up) {
      portAt(index).up = up;
      dataplane.host.portChanged(index, up);
    },
    close() {
      server.close();
      dataplane.host.sandbox?.close();
    },
  };
}
