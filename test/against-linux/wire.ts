/** What the harness and the program on the wire (wire-program.ts) say to each other: one JSON object a line. */
import type { Side } from './plan';

export type WireCommand =
  /** A host begins to answer, with this generation of its MAC addresses, or ceases to. */
  | {
      readonly kind: 'host';
      readonly address: string;
      readonly generation: number | undefined;
      readonly announce: boolean;
    }
  /** Sends each frame to both routers, then collects until nothing came for `quietMs`; the answer goes to a file. */
  | {
      readonly kind: 'exchange';
      readonly frames: readonly WireFrame[];
      readonly quietMs: number;
      readonly answer: string;
    };

export interface WireFrame {
  readonly port: number;
  readonly hex: string;
}

/** A frame that a router sent. */
export interface Heard extends WireFrame {
  readonly side: Side;
}
