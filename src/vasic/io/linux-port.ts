/**
 * A vASIC port on a Linux interface: AF_PACKET below, PortIo above. It follows the interface: link state, MAC and MTU are
 * re-read when the kernel tells of a link change, an interface that goes away is a port that is down, and one that
 * comes back under the same name is attached again (after somebody has isolated it, see isolation.ts), though nobody
 * looked meanwhile and it has the index that it had.
 *
 * Where something else forwards what is received there (a Shortcut), it may have its own way to hand over what it leaves: then
 * AF_PACKET, which would see all frames, only sends.
 *
 * Owner: the dataplane thread.
 */
import { bytesEqual } from '../../net/address';
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import { interfaceState, type InterfaceState } from '../../sys/interface';
import { SysError } from '../../sys/libc';
import { lacks } from '../../sys/rights';
import { PacketSocket, type ReceivedFrame } from '../../sys/packet';
import type { Offload } from '../../net/offload';
import { HEADROOM, type Packet } from '../engine/packet';
import type { PortIo } from '../engine/api';

/** What the kernel didn't carry, since the port was made; the engine's own counters don't know of these. */
export interface LinuxPortDrops {
  received: number;
  sent: number;
  sentBytes: number;
}

/** Where frames are received from. */
export interface FrameSource {
  /** To poll. */
  readonly fd: number;
  /** As PacketSocket.receive(). @throws SysError */
  receive(handler: (frame: ReceivedFrame) => void): boolean;
  /** Frames that the kernel couldn't hand over. */
  drops(): number;
}

/** What forwards before frames get here, and follows the port's interface. */
export interface Shortcut {
  /** The interface is there. Where what is left to the engine comes from; undefined: it is received as ever. @throws Error */
  attach(state: InterfaceState): FrameSource | undefined;
  update(facts: { readonly mtu: number; readonly up: boolean }): void;
  /** It can't go on there as it is, and is to be attached anew. */
  readonly lost?: boolean;
  /** The interface is gone, or nothing is to be forwarded any more. */
  detach(): void;
}

/** A PortIo with its receiving side and its life. */
export interface LinuxPort extends PortIo {
  /** The descriptor to poll; -1 while there is no interface. */
  readonly fd: number;
  /**
   * Opens the interface. False: there is none of that name (yet), or it isn't the one with this index.
   * @throws Error when it isn't an Ethernet interface, SysError EPERM
   */
  attach(ifindex?: number): boolean;
  /** Re-reads the interface, and attaches it again where what it receives from has failed; true when up, MAC, MTU or attachment changed. */
  refresh(): boolean;
  /** Hands over what was received, at most a batch; true when more may be waiting. */
  receive(handler: (packet: Packet) => void): boolean;
  /** Sends what `send` queued. */
  flush(): void;
  drops(): LinuxPortDrops;
  close(): void;
}

const NO_MAC = new Uint8Array(6);

export function createLinuxPort(name: string, log: Logger, shortcut?: Shortcut): LinuxPort {
  let socket: PacketSocket | undefined;
  let source: FrameSource | undefined;
  let ifindex = 0;
  let mac: Uint8Array = NO_MAC;
  let mtu = 1500;
  let up = false;
  /** The shortcut's source failed: it is to be attached again. */
  let failed = false;
  const past: LinuxPortDrops = { received: 0, sent: 0, sentBytes: 0 };

  function detach(): void {
    if (socket === undefined) return;
    socket.readDrops();
    const { stats } = socket;
    past.received += stats.receiveDrops;
    past.sent += stats.sendDrops;
    past.sentBytes += stats.sendDropBytes;
    past.received += source?.drops() ?? 0;
    source = undefined;
    shortcut?.detach();
    socket.close();
    socket = undefined;
    up = false;
    failed = false;
  }

  function attach(only?: number): boolean {
    const state = interfaceState(name);
    if (state === undefined || (only !== undefined && state.ifindex !== only)) return false;
    if (!state.ethernet) throw new Error(`${name} is not an Ethernet interface: a port needs one`);
    source = shortcut?.attach(state);
    try {
      socket = PacketSocket.open(state.ifindex, HEADROOM, source === undefined);
    } catch (error) {
      source = undefined;
      shortcut?.detach();
      if (!(error instanceof SysError) || error.code !== 'EPERM') throw error;
      throw new Error(`cannot have packets of port ${name}: ${lacks('CAP_NET_RAW')}`, { cause: error });
    }
    ifindex = state.ifindex;
    ({ mac, mtu } = state);
    up = state.running;
    log.info(`port ${name} is attached`, { mac, mtu, up });
    return true;
  }

  /** Nobody has to isolate it for that: it is the interface that it was. */
  function attachAgain(): void {
    detach();
    try {
      attach(ifindex);
    } catch (error) {
      log.error(`cannot attach port ${name}: ${errorText(error)}`, { code: 'vasic-port-down' });
    }
  }

  function refresh(): boolean {
    if (socket === undefined) return false;
    const state = interfaceState(name);
    if (state?.ifindex !== ifindex || socket.ifindex !== ifindex) {
      const what =
        state?.ifindex === ifindex
          ? 'went and came back: the port is down until it is isolated and attached again'
          : 'is gone: the port is down until it comes back';
      log.warn(`interface ${name} ${what}`, { code: 'vasic-port-gone' });
      detach();
      return true;
    }
    if (failed || shortcut?.lost === true) {
      attachAgain();
      return true;
    }
    const changed = state.running !== up || state.mtu !== mtu || !bytesEqual(state.mac, mac);
    if (!changed) return false;
    if (state.running !== up) {
      const why = state.admin ? 'no carrier' : 'set down';
      log.info(`port ${name} is ${state.running ? 'up' : `down (${why})`}`);
    }
    if (state.mtu !== mtu) log.info(`port ${name}: MTU is now ${state.mtu} (was ${mtu})`);
    if (!bytesEqual(state.mac, mac)) log.info(`port ${name}: MAC changed`, { from: mac, to: state.mac });
    ({ mac, mtu } = state);
    up = state.running;
    shortcut?.update({ mtu, up });
    return true;
  }

  return {
    name,
    get fd() {
      return source?.fd ?? socket?.fd ?? -1;
    },
    get mac() {
      return mac;
    },
    get mtu() {
      return mtu;
    },
    get up() {
      return up;
    },
    attach,
    refresh,
    receive(handler) {
      if (socket === undefined || failed) return false;
      try {
        return (source ?? socket).receive(handler);
      } catch (error) {
        if (source !== undefined && error instanceof SysError) {
          log.warn(
            `port ${name}: what the kernel leaves to the engine can't be had (${error.message}); attaching again`,
            { code: 'vasic-port-slow' },
          );
          failed = true;
          return false;
        }
        // ENETDOWN: the interface was set down or is gone. Reading the error has cleared it.
        if (!(error instanceof SysError)) throw error;
        log.debug(`receiving on ${name}: ${error.message}`);
        return false;
      }
    },
    send(buffer, offset, length, offload: Offload) {
      if (!up || socket === undefined) return false;
      socket.send(buffer, offset, length, offload);
      return true;
    },
    flush() {
      socket?.flush();
    },
    drops() {
      if (socket === undefined) return past;
      socket.readDrops();
      const { stats } = socket;
      return {
        received: past.received + stats.receiveDrops + (source?.drops() ?? 0),
        sent: past.sent + stats.sendDrops,
        sentBytes: past.sentBytes + stats.sendDropBytes,
      };
    },
    close: detach,
  };
}
