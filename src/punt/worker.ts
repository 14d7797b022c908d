/**
 * The punt worker: a thread in a blocking poll(2) loop over the hostpath socket and the TAPs. It shares with the bridge
 * only counters and the sandbox id, so nothing that the bridge is busy with delays a punted packet. Its descriptors are
 * the owner's (punt.ts), which also opens and closes them.
 */
import { nameThread, POLLERR, POLLHUP, POLLIN, POLLNVAL, PollSet, SysError } from '../sys/libc';
import { pollThreadContext } from '../sys/poll-thread';
import { raiseThreadPriority } from '../sys/priority';
import { readFrame, writeFrame } from '../sys/tap';
import { UdpSocket } from '../sys/udp';
import { CounterTable, type PortDrop, type PuntDrop } from './counters';
import { type FrameIo, createPump } from './pump';

export interface PuntWorkerData {
  readonly udpFd: number;
  /** Packed sockaddr. */
  readonly vasic: Uint8Array;
  /** In the order of the configuration. */
  readonly taps: readonly { readonly fd: number; readonly index: number }[];
  readonly counters: SharedArrayBuffer;
  /** One Int32: the sandbox id or ANY_SANDBOX. */
  readonly sandbox: SharedArrayBuffer;
}

export type PuntWorkerReport =
  /** The TAP at this slot is gone or broken; it is not polled any more. */
  | { readonly kind: 'tapLost'; readonly slot: number; readonly detail: string }
  /** The thread has no priority over other processes. */
  | { readonly kind: 'noPriority'; readonly detail: string }
  /** Packets are being dropped; at most one report per cause in a while. */
  | { readonly kind: 'drops'; readonly cause: PuntDrop | PortDrop; readonly detail: string };

const REPORT_EVERY_MS = 10_000;

const { wakeup, data, report } = pollThreadContext<PuntWorkerData, PuntWorkerReport>();
const lost = new Set<number>();

function lose(slot: number, detail: string): void {
  if (lost.has(slot)) return;
  lost.add(slot);
  report({ kind: 'tapLost', slot, detail });
}

const taps: FrameIo = {
  read(slot, buffer) {
    try {
      return readFrame(data.taps[slot]!.fd, buffer);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      lose(slot, error.message);
      return -1;
    }
  },
  write(slot, frame) {
    if (lost.has(slot)) return 'tapError';
    try {
      return writeFrame(data.taps[slot]!.fd, frame, frame.length) ? 'written' : 'tapFull';
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.code === 'EIO') return 'tapDown';
      if (error.code === 'EBADFD') lose(slot, error.message);
      return 'tapError';
    }
  },
};

const reportedAt = new Map<string, number>();

function dropped(cause: PuntDrop | PortDrop, detail: () => string): void {
  const now = performance.now();
  if (now - (reportedAt.get(cause) ?? -Infinity) < REPORT_EVERY_MS) return;
  reportedAt.set(cause, now);
  report({ kind: 'drops', cause, detail: detail() });
}

const sandboxWord = new Int32Array(data.sandbox);
const pump = createPump({
  udp: UdpSocket.attach(data.udpFd),
  taps,
  ports: data.taps.map((tap) => tap.index),
  vasic: Buffer.from(data.vasic),
  counters: new CounterTable(data.counters),
  sandbox: () => Atomics.load(sandboxWord, 0),
  dropped,
});

/** The descriptors worth polling, first the wake-up and the socket, then the TAPs at `slots`. */
function pollSet(): { readonly set: PollSet; readonly slots: readonly number[] } {
  const slots = data.taps.map((_, slot) => slot).filter((slot) => !lost.has(slot));
  return { set: new PollSet([wakeup.fd, data.udpFd, ...slots.map((slot) => data.taps[slot]!.fd)]), slots };
}

nameThread('punt');
const fault = raiseThreadPriority();
if (fault !== undefined) report({ kind: 'noPriority', detail: fault });
let { set, slots } = pollSet();
while (!wakeup.stopped) {
  set.wait(-1);
  if (set.events(0) !== 0) wakeup.drain();
  if (set.events(1) !== 0) pump.punt();
  slots.forEach((slot, i) => {
    const events = set.events(i + 2);
    if ((events & POLLIN) !== 0) pump.inject(slot);
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) !== 0) lose(slot, 'the device is gone');
  });
  if (lost.size + slots.length > data.taps.length) ({ set, slots } = pollSet());
}
