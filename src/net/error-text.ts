/** What was thrown, in words. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A failure that is told to the operator as it is: its message is whole sentences, and no programming error. */
export class OperatorError extends Error {}
