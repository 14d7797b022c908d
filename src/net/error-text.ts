/** What was thrown, in words. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A failure that is told to the operator as it is: its message is whole sentences, and no programming error. */
export class OperatorError extends Error {}

/** What was typed can't be understood; the message says what, and what would be understood. */
export class UsageError extends OperatorError {}

/** For yargs's `fail`: it gives a message with usage errors (for checks an error too), and an error alone when a command failed. */
export function throwUsage(message: string | null, error: Error | undefined): never {
  if (message === null || message === '') throw error ?? new UsageError('wrong usage');
  throw new UsageError(message);
}
