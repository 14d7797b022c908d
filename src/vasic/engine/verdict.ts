/** The outcome of one change to the graph: how to undo it, or why it was refused. */
import type { AftErrorCode } from '../../aft/model';

export type Refusal = { readonly error: { readonly code: AftErrorCode; readonly message: string } };
export type Change = { readonly undo: () => void } | Refusal;

export function accept(undo: () => void): Change {
  return { undo };
}

export function refuse(code: AftErrorCode, message: string): Refusal {
  return { error: { code, message } };
}
