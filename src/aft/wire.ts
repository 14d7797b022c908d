/**
 * AFI messages on the wire: what the rpcs of proto/afi/afi.proto carry, to and from values. Pure functions over bytes,
 * shared by the bridge's transport and softvasic's server. protobufjs does the encoding, from the schema (schema.ts); what is
 * here and in parts.ts and node-kinds.ts says how values look as messages. Malformed bytes throw a WireError; unknown fields
 * are skipped. The Operate stream's messages are in operation-codec.ts.
 */
import type { AftEntry, AftError, AftNode, AftPort, AftPortEngine, AftSandboxInfo, NodeInfo, Token } from './model';
import { node } from './node-kinds';
import { errorMessage, errorOf, type ErrorMessage } from './operation-codec';
import { optionalCount, optionalOwner, optionalTakeOver, type AfiOwner, type TakeOver } from './owner';
import * as part from './parts';
import { batchOf } from './prefix-batch';
import { encodePrefixes } from './prefix-codec';
import { WireError } from './protobuf-io';
import { decodeMessage, encodeMessage } from './schema';

export { WireError } from './protobuf-io';
export {
  decodeOperation,
  decodeOperationReply,
  encodeOperation,
  encodeOperationReply,
  peekOperationId,
  type OperationMessage,
  type OperationReply,
} from './operation-codec';

export * from './packet-messages';

export type { AfiOwner, TakeOver };

/** Engine and name of a sandbox, e.g. trio:green. */
export interface SandboxName {
  readonly engine: string;
  readonly name: string;
  /** Of the session whose Watch this is. */
  readonly epoch?: number;
}

export type SandboxAction = 'alloc' | 'open' | 'release' | 'close';

export interface SandboxRequest {
  readonly action: SandboxAction;
  readonly sandbox: SandboxName;
  /** Both 0: as many as the vASIC has. */
  readonly inputPorts: number;
  readonly outputPorts: number;
  /** Absent: a client that knows no epochs. */
  readonly owner?: AfiOwner;
  /** The epoch after which an OPEN's session comes. */
  readonly after?: number;
  readonly takeOver?: TakeOver;
}

/** `info` comes with success, `error` with failure; the epoch and its holder with both. */
export type SandboxReply = ({ readonly info: AftSandboxInfo } | { readonly error: AftError }) & {
  /** Of the session that may write; absent: the server knows no epochs. */
  readonly epoch?: number;
  readonly holder?: AfiOwner;
};

/** Empty conditions match everything; with `entriesOf` the entries of that container are listed instead of nodes. */
export interface FindMessage {
  readonly sandboxId: number;
  readonly tokens?: readonly Token[];
  readonly name?: string;
  readonly type?: string;
  readonly entriesOf?: Token;
}

export interface FindReply {
  readonly nodes: readonly AftNode[];
  readonly entries: readonly AftEntry[];
}

export interface NodeInfoMessage {
  readonly sandboxId: number;
  readonly tokens: readonly Token[];
}

export type { NodeInfo };

export interface PortEvent {
  readonly index: number;
  readonly up: boolean;
}

const NAME: part.Shape<SandboxName> = { engine: part.text, name: part.text, epoch: optionalCount };
/** An absent name is empty. */
const name: part.Part<SandboxName> = {
  to: (value) => part.toMessage(NAME, value),
  from: (raw) => part.fromMessage(NAME, raw ?? { engine: '', name: '', epoch: 0 }),
};

export function encodeSandboxName(sandbox: SandboxName): Buffer {
  return encodeMessage('AfiSandboxName', part.toMessage(NAME, sandbox));
}

export function decodeSandboxName(bytes: Buffer): SandboxName {
  return decodeMessage('AfiSandboxName', bytes, (message) => part.fromMessage(NAME, message));
}

const REQUEST: part.Shape<SandboxRequest> = {
  action: part.choice('sandbox action', ['alloc', 'open', 'release', 'close']),
  sandbox: name,
  inputPorts: part.uint32,
  outputPorts: part.uint32,
  owner: optionalOwner,
  after: optionalCount,
  takeOver: optionalTakeOver,
};

export function encodeSandboxRequest(request: SandboxRequest): Buffer {
  return encodeMessage('AfiSandboxRequest', part.toMessage(REQUEST, request));
}

export function decodeSandboxRequest(bytes: Buffer): SandboxRequest {
  return decodeMessage('AfiSandboxRequest', bytes, (message) => part.fromMessage(REQUEST, message));
}

/** A hardware address; absent when empty. */
const mac: part.Part<Uint8Array | undefined> = {
  to: (value) => value && part.bytes.to(value),
  from(raw) {
    const address = part.bytes.from(raw);
    if (address.length !== 0 && address.length !== 6) throw new WireError(`port MAC of ${address.length} bytes`);
    return address.length === 6 ? address : undefined;
  },
};

/** A count that reads as 0 where it is absent. */
const counter: part.Part<number | undefined> = {
  to: (value) => (value === 0 ? undefined : value),
  from: part.count.from,
};

const SLOW: part.Shape<AftPortEngine['slow'][number]> = { reason: part.text, packets: part.count };
const ENGINE: part.Shape<AftPortEngine> = {
  name: part.text,
  hook: part.text,
  packets: part.count,
  slow: part.many(part.nested('slow packets', SLOW)),
};
const engine: part.Part<AftPortEngine | undefined> = {
  to: (value) => value && part.toMessage(ENGINE, value),
  from: (raw) => (raw === null || raw === undefined ? undefined : part.fromMessage(ENGINE, raw)),
};

const PORT: part.Shape<Omit<AftPort, 'up' | 'mtu'>> = {
  index: part.uint32,
  name: part.text,
  token: part.token,
  mac,
  packets: counter,
  bytes: counter,
  drops: counter,
  engine,
};

interface PortMessage {
  /** Own properties when present. */
  readonly up: boolean;
  readonly mtu: number;
}

const port: part.Part<AftPort> = {
  to: (value) => ({ ...part.toMessage(PORT, value), up: value.up, mtu: value.mtu }),
  from(raw) {
    const { up, mtu } = raw as PortMessage;
    return {
      ...part.fromMessage(PORT, raw),
      ...(Object.hasOwn(raw as object, 'up') && { up }),
      ...(Object.hasOwn(raw as object, 'mtu') && { mtu }),
    };
  },
};

const INFO: part.Shape<Omit<AftSandboxInfo, 'engine' | 'name'>> = {
  id: part.uint32,
  inputPorts: part.many(port),
  outputPorts: part.many(port),
  instance: part.text,
  nodes: part.count,
  entries: part.count,
};

const SESSION: part.Shape<Pick<SandboxReply, 'epoch' | 'holder'>> = { epoch: optionalCount, holder: optionalOwner };

export function encodeSandboxReply(reply: SandboxReply): Buffer {
  const session = part.toMessage(SESSION, reply);
  if ('error' in reply) return encodeMessage('AfiSandboxReply', { error: errorMessage(reply.error), ...session });
  const { info } = reply;
  const { engine, name: own } = info;
  const sandbox = name.to({ engine, name: own });
  return encodeMessage('AfiSandboxReply', { ok: true, sandbox, ...part.toMessage(INFO, info), ...session });
}

interface SandboxReplyMessage {
  readonly ok: boolean;
  readonly error?: ErrorMessage | null;
  readonly sandbox?: unknown;
}

export function decodeSandboxReply(bytes: Buffer): SandboxReply {
  return decodeMessage('AfiSandboxReply', bytes, (message: SandboxReplyMessage) => ({
    ...part.fromMessage(SESSION, message),
    ...(message.ok
      ? { info: { ...part.fromMessage(INFO, message), ...name.from(message.sandbox) } }
      : { error: errorOf(message.error) }),
  }));
}

const FIND: part.Shape<FindMessage> = {
  sandboxId: part.uint32,
  tokens: {
    to: (value) => value,
    from: (raw) => ((raw as number[]).length === 0 ? undefined : part.tokens.from(raw)),
  },
  name: part.optionalText,
  type: part.optionalText,
  entriesOf: {
    to: (value) => (value === 0 ? undefined : value),
    from: (raw) => (raw === 0 ? undefined : (raw as number)),
  },
};

export function encodeFind(request: FindMessage): Buffer {
  return encodeMessage('AfiFindRequest', part.toMessage(FIND, request));
}

export function decodeFind(bytes: Buffer): FindMessage {
  return decodeMessage('AfiFindRequest', bytes, (message) => part.fromMessage(FIND, message));
}

const FOUND: part.Shape<FindReply> = { nodes: part.many(node), entries: part.many(part.entry) };

/** The tag of AfiFindReply's entries. */
const FOUND_ENTRIES = 0x12;

/** A bridge that restarts has a million routes listed: they go the short way (prefix-codec.ts), with the same bytes. */
export function encodeFindReply(reply: FindReply): Buffer {
  const batch = batchOf(reply.entries);
  if (batch === undefined) return encodeMessage('AfiFindReply', part.toMessage(FOUND, reply));
  const nodes = encodeMessage('AfiFindReply', part.toMessage(FOUND, { nodes: reply.nodes, entries: [] }));
  return Buffer.concat([nodes, encodePrefixes(FOUND_ENTRIES, batch, true)]);
}

export function decodeFindReply(bytes: Buffer): FindReply {
  return decodeMessage('AfiFindReply', bytes, (message) => part.fromMessage(FOUND, message));
}

const NODE_INFO_REQUEST: part.Shape<NodeInfoMessage> = { sandboxId: part.uint32, tokens: part.tokens };

export function encodeNodeInfoRequest(request: NodeInfoMessage): Buffer {
  return encodeMessage('AfiNodeInfoRequest', part.toMessage(NODE_INFO_REQUEST, request));
}

export function decodeNodeInfoRequest(bytes: Buffer): NodeInfoMessage {
  return decodeMessage('AfiNodeInfoRequest', bytes, (message) => part.fromMessage(NODE_INFO_REQUEST, message));
}

const NODE_INFO: part.Shape<NodeInfo> = {
  token: part.token,
  found: part.flag,
  packets: part.count,
  bytes: part.count,
  drops: part.count,
  entries: part.count,
  references: part.count,
  counted: part.flag,
};

export function encodeNodeInfoReply(nodes: readonly NodeInfo[]): Buffer {
  return encodeMessage('AfiNodeInfoReply', { nodes: nodes.map((one) => part.toMessage(NODE_INFO, one)) });
}

export function decodeNodeInfoReply(bytes: Buffer): NodeInfo[] {
  return decodeMessage('AfiNodeInfoReply', bytes, ({ nodes }: { readonly nodes: readonly unknown[] }) =>
    nodes.map((one) => part.fromMessage(NODE_INFO, one)),
  );
}

const PORT_EVENT: part.Shape<PortEvent> = { index: part.uint32, up: part.flag };

export function encodePortEvent(event: PortEvent): Buffer {
  return encodeMessage('AfiPortEvent', part.toMessage(PORT_EVENT, event));
}

export function decodePortEvent(bytes: Buffer): PortEvent {
  return decodeMessage('AfiPortEvent', bytes, (message) => part.fromMessage(PORT_EVENT, message));
}
