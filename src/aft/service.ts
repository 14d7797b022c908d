/**
 * The gRPC service fpm2afi.afi.Afi (proto/afi/afi.proto) as grpc-js method definitions: paths and codecs, twice. The
 * client's side is typed (`AFI_METHODS`); the server's passes bytes through (`AFI_RAW_SERVICE`), as softvasic hands them to
 * its dataplane thread undecoded.
 */
import { logVerbosity, setLogVerbosity, type MethodDefinition } from '@grpc/grpc-js';
import * as wire from './wire';

/** Messages of many entries are large; a client accepts up to this many bytes. */
export const MAX_MESSAGE_BYTES = 64 << 20;
/** A server up to these: the largest operation (100,000 entries) has a third of it, and each open call may have it in memory. */
export const MAX_REQUEST_BYTES = 16 << 20;

const SERVICE = 'fpm2afi.afi.Afi';

/** Keeps grpc-js from writing to stderr by itself: what happens is logged here. GRPC_VERBOSITY, when set, is obeyed. */
export function quietGrpc(): void {
  if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);
}

interface Codec<Message> {
  readonly encode: (message: Message) => Buffer;
  readonly decode: (bytes: Buffer) => Message;
}

function method<Request, Reply>(
  name: string,
  streams: { readonly request: boolean; readonly response: boolean },
  request: Codec<Request>,
  reply: Codec<Reply>,
): MethodDefinition<Request, Reply> {
  return {
    path: `/${SERVICE}/${name}`,
    originalName: name,
    requestStream: streams.request,
    responseStream: streams.response,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: reply.encode,
    responseDeserialize: reply.decode,
  };
}

const UNARY = { request: false, response: false };
const SERVER_STREAM = { request: false, response: true };
const BIDIRECTIONAL = { request: true, response: true };

const sandboxReply: Codec<wire.SandboxReply> = { encode: wire.encodeSandboxReply, decode: wire.decodeSandboxReply };
const sandboxName: Codec<wire.SandboxName> = { encode: wire.encodeSandboxName, decode: wire.decodeSandboxName };

/** The rpcs with typed messages. Decoders throw WireError, which grpc-js turns into a failed call. */
export const AFI_METHODS = {
  sandbox: method<wire.SandboxRequest, wire.SandboxReply>(
    'Sandbox',
    UNARY,
    { encode: wire.encodeSandboxRequest, decode: wire.decodeSandboxRequest },
    sandboxReply,
  ),
  operate: method<wire.OperationMessage, wire.OperationReply>(
    'Operate',
    BIDIRECTIONAL,
    { encode: wire.encodeOperation, decode: wire.decodeOperation },
    { encode: wire.encodeOperationReply, decode: wire.decodeOperationReply },
  ),
  find: method<wire.FindMessage, wire.FindReply>(
    'Find',
    SERVER_STREAM,
    { encode: wire.encodeFind, decode: wire.decodeFind },
    { encode: wire.encodeFindReply, decode: wire.decodeFindReply },
  ),
  nodeInfo: method<wire.NodeInfoMessage, readonly wire.NodeInfo[]>(
    'NodeInfo',
    UNARY,
    { encode: wire.encodeNodeInfoRequest, decode: wire.decodeNodeInfoRequest },
    { encode: wire.encodeNodeInfoReply, decode: wire.decodeNodeInfoReply },
  ),
  test: method<wire.TestMessage, wire.TestReply>(
    'Test',
    UNARY,
    { encode: wire.encodeTest, decode: wire.decodeTest },
    { encode: wire.encodeTestReply, decode: wire.decodeTestReply },
  ),
  inject: method<wire.InjectMessage, wire.InjectReply>(
    'Inject',
    UNARY,
    { encode: wire.encodeInject, decode: wire.decodeInject },
    { encode: wire.encodeInjectReply, decode: wire.decodeInjectReply },
  ),
  sandboxInfo: method<wire.SandboxName, wire.SandboxReply>('SandboxInfo', UNARY, sandboxName, sandboxReply),
  watch: method<wire.SandboxName, wire.PortEvent>('Watch', SERVER_STREAM, sandboxName, {
    encode: wire.encodePortEvent,
    decode: wire.decodePortEvent,
  }),
} as const;

const bytes: Codec<Buffer> = { encode: (message) => message, decode: (message) => message };

/** The same rpcs with messages as bytes. */
export const AFI_RAW_SERVICE = {
  sandbox: method('Sandbox', UNARY, bytes, bytes),
  operate: method('Operate', BIDIRECTIONAL, bytes, bytes),
  find: method('Find', SERVER_STREAM, bytes, bytes),
  nodeInfo: method('NodeInfo', UNARY, bytes, bytes),
  test: method('Test', UNARY, bytes, bytes),
  inject: method('Inject', UNARY, bytes, bytes),
  sandboxInfo: method('SandboxInfo', UNARY, bytes, bytes),
  watch: method('Watch', SERVER_STREAM, bytes, bytes),
} as const;
