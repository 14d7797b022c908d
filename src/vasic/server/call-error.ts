import type { FailCode } from './dataplane-protocol';

/** A call that cannot be answered, with what its client is told. */
export class CallError extends Error {
  constructor(
    readonly code: FailCode,
    message: string,
  ) {
    super(message);
  }
}
