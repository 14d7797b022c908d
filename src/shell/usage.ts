import { OperatorError } from '../net/error-text';

/** What was typed can't be understood; the message says what, and what would be understood. */
export class UsageError extends OperatorError {}
