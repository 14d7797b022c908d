/**
 * What the gRPC server (main thread) and the dataplane say to each other. Messages of AFI cross as bytes: only the dataplane
 * decodes them, next to the sandbox. A call (one rpc, by number) is answered by data messages and one `end` or `fail`.
 *
 * Operations and their replies cross in bundles, one ArrayBuffer for what came together: each item is its length (4 bytes,
 * little endian) and its bytes. That makes the cost of a thread crossing small per operation.
 */

/** The rpcs that are calls; Operate streams go by themselves. */
export type CallMethod = 'sandbox' | 'sandboxInfo' | 'nodeInfo' | 'find' | 'watch' | 'test' | 'inject';

export type ToDataplane =
  | {
      readonly kind: 'call';
      readonly call: number;
      readonly method: CallMethod;
      readonly request: Uint8Array;
      /** The client's address. */
      readonly peer: string;
    }
  /** The reader of a call's data takes more (each data message is asked for, the first one excepted). */
  | { readonly kind: 'more'; readonly call: number }
  | { readonly kind: 'cancel'; readonly call: number }
  | { readonly kind: 'operate'; readonly stream: number; readonly bundle: Uint8Array }
  /** The operation stream is over: nothing more comes of it. */
  | { readonly kind: 'gone'; readonly stream: number }
  /** The answer to `detached`: the interface of a port with this index is isolated; absent: there is none that is. */
  | { readonly kind: 'isolated'; readonly port: number; readonly ifindex?: number };

/** `fenced`: a newer session has the sandbox. */
export type FailCode = 'invalid' | 'notFound' | 'internal' | 'fenced';

export type FromDataplane =
  | { readonly kind: 'data'; readonly call: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly call: number }
  | { readonly kind: 'fail'; readonly call: number; readonly code: FailCode; readonly message: string }
  | { readonly kind: 'replies'; readonly stream: number; readonly bundle: Uint8Array }
  /** The stream carried something that isn't an operation, or its session was replaced (`fenced`): it is to end. */
  | {
      readonly kind: 'broken';
      readonly stream: number;
      readonly code: Extract<FailCode, 'invalid' | 'fenced'>;
      readonly message: string;
    };

/** The dataplane as the server sees it: a worker thread's, or in tests one of the same thread. */
export interface Dataplane {
  post(message: ToDataplane): void;
  /** Sets who gets the answers. */
  onMessage(handler: (message: FromDataplane) => void): void;
}

/** One ArrayBuffer holding all the items, so that it can be transferred. */
export function packBundle(items: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const item of items) size += 4 + item.length;
  const bundle = new Uint8Array(size);
  const view = new DataView(bundle.buffer);
  let at = 0;
  for (const item of items) {
    view.setUint32(at, item.length, true);
    bundle.set(item, at + 4);
    at += 4 + item.length;
  }
  return bundle;
}

/** The items of a bundle, as views into it. */
export function unpackBundle(bundle: Uint8Array): Buffer[] {
  const bytes = Buffer.from(bundle.buffer, bundle.byteOffset, bundle.length);
  const items: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    items.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return items;
}
