/**
 * What becomes of a packet's labels on its way to a neighbor, as a value: labels pushed on an IP packet, and for packets that
 * come with a label, that one swapped for others or taken off. Label 3, implicit null, stands for no label, and is never kept.
 */
import { stackText } from '../net/labels';

/** On the label stack of a packet, before it goes to the neighbor. */
export interface LabelAction {
  readonly op: 'push' | 'swap' | 'pop';
  /** Outermost first: what is pushed, or takes the place of the top label; none for `pop`. */
  readonly labels: readonly number[];
}

const IMPLICIT_NULL = 3;
/** Labels below this are reserved (RFC 3032, RFC 7274). */
export const FIRST_UNRESERVED_LABEL = 16;

const POP: LabelAction = { op: 'pop', labels: [] };

function onTheWire(labels: readonly number[]): readonly number[] {
  return labels.includes(IMPLICIT_NULL) ? labels.filter((label) => label !== IMPLICIT_NULL) : labels;
}

/** What a nexthop with these labels does to an IP packet; undefined: nothing. */
export function pushOf(labels: readonly number[]): LabelAction | undefined {
  const pushed = onTheWire(labels);
  return pushed.length === 0 ? undefined : { op: 'push', labels: pushed };
}

/** What an LSP's path with these outgoing labels does to a packet with its label. */
export function lspActionOf(outLabels: readonly number[]): LabelAction {
  const out = onTheWire(outLabels);
  return out.length === 0 ? POP : { op: 'swap', labels: out };
}

/** In words: `label 16/17` is pushed, as FRR writes it; `swap 200/300`, `pop`. */
export function describeLabelAction({ op, labels }: LabelAction): string {
  const stack = stackText(labels);
  return op === 'push' ? `label ${stack}` : op === 'swap' ? `swap ${stack}` : 'pop';
}

/** One text for one action; empty for none. */
export function labelActionKey(action: LabelAction | undefined): string {
  return action === undefined ? '' : `${action.op} ${action.labels.join('/')}`;
}

/** Whether packets fare the same by both. */
export function labelActionsEqual(a: LabelAction | undefined, b: LabelAction | undefined): boolean {
  return a === b || labelActionKey(a) === labelActionKey(b);
}
