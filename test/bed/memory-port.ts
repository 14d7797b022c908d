/** A port without a wire: keeps what is sent for a test to look at. */
import type { PortIo } from '../../src/vasic/engine/api';
import type { Offload } from '../../src/net/offload';

export interface SentFrame {
  readonly frame: Buffer;
  readonly offload: Offload;
}

/** `up`, `mtu` and `full` may be changed at any time; `full` makes send() refuse. */
export interface MemoryPort extends PortIo {
  mtu: number;
  up: boolean;
  full: boolean;
  /** Copies of all frames sent, oldest first. */
  readonly sent: SentFrame[];
}

export function createMemoryPort(options: { name: string; mac: Uint8Array; mtu?: number; up?: boolean }): MemoryPort {
  const { name, mac } = options;
  return {
    name,
    mac,
    mtu: options.mtu ?? 1500,
    up: options.up ?? true,
    full: false,
    sent: [],
    send(buffer, offset, length, offload): boolean {
      if (!this.up || this.full) return false;
      this.sent.push({ frame: Buffer.from(buffer.subarray(offset, offset + length)), offload: { ...offload } });
      return true;
    },
  };
}
