/** An operation as it comes from a client, decoded, or what to say about it. */
import * as wire from '../../aft/wire';
import type { Logger } from '../../observe/log';

export type Decoded =
  | { readonly message: wire.OperationMessage }
  /** Malformed: the answer. */
  | { readonly reply: wire.OperationReply }
  /** Not an operation: nobody to answer. */
  | { readonly broken: string };

/** Decodes an AfiOperation; malformed ones with an id are logged. Never throws for what is in the bytes. */
export function decodeWork(bytes: Buffer, log: Logger): Decoded {
  try {
    return { message: wire.decodeOperation(bytes) };
  } catch (error) {
    if (!(error instanceof wire.WireError)) throw error;
    const id = wire.peekOperationId(bytes);
    // Without an id the stream ends, and the server says so.
    if (id === undefined) return { broken: `not an AfiOperation: ${error.message}` };
    log.warn('refused a malformed operation', {
      code: 'vasic-operation-malformed',
      id,
      bytes: bytes.length,
      reason: error.message,
    });
    return { reply: { id, error: { code: 'invalid', message: `malformed operation: ${error.message}` } } };
  }
}
