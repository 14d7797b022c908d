/**
 * Which ports take packets with MPLS labels: what the configuration says of the port, or of all ports; else what Linux does at
 * the port's TAP. A kernel without MPLS has no word on it, and then all ports do.
 */
import type { Config } from '../config/types';

export interface LabelInputParts {
  readonly ports: Config['ports'];
  readonly input: Config['mpls']['input'];
  /** Linux's word on an interface; undefined: it has no MPLS. */
  readonly takesLabels: (name: string) => boolean | undefined;
  /** A port takes labels, or doesn't. May be told again what it knows. */
  readonly tell: (port: number, takes: boolean) => void;
}

/** How often Linux is looked at. */
export const LABEL_INPUT_POLL_MS = 2000;

/** Tells what is true of each port now. */
export function reviewLabelInput({ ports, input, takesLabels, tell }: LabelInputParts): void {
  for (const { index, tap, mpls } of ports)
    tell(index, mpls ?? (input === 'auto' ? (takesLabels(tap) ?? true) : input === 'all'));
}
