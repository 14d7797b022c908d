/**
 * AFI messages on the wire: what the rpcs of proto/afi/afi.proto carry, to and from values. Pure functions over bytes,
 * shared by the bridge's transport and softvasic's server. Malformed bytes throw a WireError (see protobuf-reader.ts); unknown
 * fields are skipped. The Operate stream's messages are in wire-operation.ts, the AFT model's in wire-aft.ts and wire-nodes.ts.
 */
import type { AftEntry, AftError, AftNode, AftPort, AftSandboxInfo, Token, NodeInfo } from './model';
import { Reader } from './protobuf-reader';
import { readEntry, writeEntry } from './wire-aft';
import { readNode, writeNode } from './wire-nodes';
import { eachField, encode, nested, readError, writeError, writer } from './wire-operation';

export { WireError } from './protobuf-reader';
export {
  decodeOperation,
  decodeOperationReply,
  encodeOperation,
  encodeOperationReply,
  peekOperationId,
  type OperationMessage,
  type OperationReply,
} from './wire-operation';
export {
  decodeTest,
  decodeTestReply,
  encodeTest,
  encodeTestReply,
  type TestMessage,
  type TestOutcome,
  type TestReply,
  type TestStep,
} from './wire-trace';

/** Engine and name of a sandbox, e.g. trio:green. */
export interface SandboxName {
  readonly engine: string;
  readonly name: string;
}

export type SandboxAction = 'alloc' | 'open' | 'release' | 'close';

export interface SandboxRequest {
  readonly action: SandboxAction;
  readonly sandbox: SandboxName;
  readonly inputPorts: number;
  readonly outputPorts: number;
}

/** `info` comes with success, `error` with failure. */
export type SandboxReply = { readonly info: AftSandboxInfo } | { readonly error: AftError };

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

const ACTIONS: readonly SandboxAction[] = ['alloc', 'open', 'release', 'close'];
function writeName(field: number, sandbox: SandboxName): void {
  const mark = writer.begin(field);
  writer.string(1, sandbox.engine);
  writer.string(2, sandbox.name);
  writer.end(mark);
}

function readName(reader: Reader): SandboxName {
  const name = { engine: '', name: '' };
  eachField(reader, (field) => {
    if (field === 1) name.engine = reader.string();
    else if (field === 2) name.name = reader.string();
    else return false;
    return true;
  });
  return name;
}

export function encodeSandboxName(sandbox: SandboxName): Buffer {
  return encode(() => {
    writer.string(1, sandbox.engine);
    writer.string(2, sandbox.name);
  });
}

export function decodeSandboxName(bytes: Buffer): SandboxName {
  return readName(new Reader(bytes));
}

export function encodeSandboxRequest(request: SandboxRequest): Buffer {
  return encode(() => {
    writer.uint(1, ACTIONS.indexOf(request.action));
    writeName(2, request.sandbox);
    writer.uint(3, request.inputPorts);
    writer.uint(4, request.outputPorts);
  });
}

export function decodeSandboxRequest(bytes: Buffer): SandboxRequest {
  const reader = new Reader(bytes);
  let action = 0;
  let sandbox: SandboxName = { engine: '', name: '' };
  let inputPorts = 0;
  let outputPorts = 0;
  eachField(reader, (field) => {
    if (field === 1) action = reader.uint();
    else if (field === 2) sandbox = nested(reader, () => readName(reader));
    else if (field === 3) inputPorts = reader.uint32();
    else if (field === 4) outputPorts = reader.uint32();
    else return false;
    return true;
  });
  return { action: ACTIONS[action] ?? reader.fail(`sandbox action ${action}`), sandbox, inputPorts, outputPorts };
}

function writePort(field: number, port: AftPort): void {
  const mark = writer.begin(field);
  writer.uint(1, port.index);
  writer.string(2, port.name);
  writer.uint(3, port.token);
  if (port.mac !== undefined) writer.bytes(4, port.mac);
  if (port.up !== undefined) writer.uintAlways(5, port.up ? 1 : 0);
  if (port.mtu !== undefined) writer.uintAlways(6, port.mtu);
  writer.uint(7, port.packets ?? 0);
  writer.uint(8, port.bytes ?? 0);
  writer.uint(9, port.drops ?? 0);
  writer.end(mark);
}

function readPort(reader: Reader): AftPort {
  let mac: Uint8Array | undefined;
  let up: boolean | undefined;
  let mtu: number | undefined;
  const port = { index: 0, name: '', token: 0, packets: 0, bytes: 0, drops: 0 };
  eachField(reader, (field) => {
    if (field === 1) port.index = reader.uint32();
    else if (field === 2) port.name = reader.string();
    else if (field === 3) port.token = reader.token();
    else if (field === 4) mac = reader.bytes();
    else if (field === 5) up = reader.bool();
    else if (field === 6) mtu = reader.uint32();
    else if (field === 7) port.packets = reader.uint();
    else if (field === 8) port.bytes = reader.uint();
    else if (field === 9) port.drops = reader.uint();
    else return false;
    return true;
  });
  if (mac !== undefined && mac.length !== 0 && mac.length !== 6) reader.fail(`port MAC of ${mac.length} bytes`);
  return {
    ...port,
    ...(mac?.length === 6 ? { mac } : undefined),
    ...(up === undefined ? undefined : { up }),
    ...(mtu === undefined ? undefined : { mtu }),
  };
}

export function encodeSandboxReply(reply: SandboxReply): Buffer {
  return encode(() => {
    if ('error' in reply) {
      writeError(2, reply.error);
      return;
    }
    const { info } = reply;
    writer.bool(1, true);
    writer.uint(3, info.id);
    writeName(4, info);
    for (const port of info.inputPorts) writePort(5, port);
    for (const port of info.outputPorts) writePort(6, port);
    writer.string(7, info.instance);
    writer.uint(8, info.nodes);
    writer.uint(9, info.entries);
  });
}

export function decodeSandboxReply(bytes: Buffer): SandboxReply {
  const reader = new Reader(bytes);
  let ok = false;
  let error: AftError = { code: 'internal', message: 'the server gave no reason' };
  let sandbox: SandboxName = { engine: '', name: '' };
  const inputPorts: AftPort[] = [];
  const outputPorts: AftPort[] = [];
  const counts = { id: 0, instance: '', nodes: 0, entries: 0 };
  eachField(reader, (field) => {
    if (field === 1) ok = reader.bool();
    else if (field === 2) error = nested(reader, () => readError(reader));
    else if (field === 3) counts.id = reader.uint32();
    else if (field === 4) sandbox = nested(reader, () => readName(reader));
    else if (field === 5) inputPorts.push(nested(reader, () => readPort(reader)));
    else if (field === 6) outputPorts.push(nested(reader, () => readPort(reader)));
    else if (field === 7) counts.instance = reader.string();
    else if (field === 8) counts.nodes = reader.uint();
    else if (field === 9) counts.entries = reader.uint();
    else return false;
    return true;
  });
  return ok ? { info: { ...counts, ...sandbox, inputPorts, outputPorts } } : { error };
}

export function encodeFind(request: FindMessage): Buffer {
  return encode(() => {
    writer.uint(1, request.sandboxId);
    writer.packed(2, request.tokens ?? []);
    writer.string(3, request.name ?? '');
    writer.string(4, request.type ?? '');
    writer.uint(5, request.entriesOf ?? 0);
  });
}

export function decodeFind(bytes: Buffer): FindMessage {
  const reader = new Reader(bytes);
  const tokens: Token[] = [];
  const request = { sandboxId: 0, name: '', type: '', entriesOf: 0 };
  eachField(reader, (field) => {
    if (field === 1) request.sandboxId = reader.uint32();
    else if (field === 2) reader.repeated(tokens);
    else if (field === 3) request.name = reader.string();
    else if (field === 4) request.type = reader.string();
    else if (field === 5) request.entriesOf = reader.token();
    else return false;
    return true;
  });
  return {
    sandboxId: request.sandboxId,
    ...(tokens.length === 0 ? undefined : { tokens }),
    ...(request.name === '' ? undefined : { name: request.name }),
    ...(request.type === '' ? undefined : { type: request.type }),
    ...(request.entriesOf === 0 ? undefined : { entriesOf: request.entriesOf }),
  };
}

export function encodeFindReply(reply: FindReply): Buffer {
  return encode(() => {
    for (const node of reply.nodes) writeNode(writer, 1, node);
    for (const entry of reply.entries) writeEntry(writer, 2, entry);
  });
}

export function decodeFindReply(bytes: Buffer): FindReply {
  const reader = new Reader(bytes);
  const nodes: AftNode[] = [];
  const entries: AftEntry[] = [];
  eachField(reader, (field) => {
    if (field === 1) nodes.push(readNode(reader));
    else if (field === 2) entries.push(readEntry(reader));
    else return false;
    return true;
  });
  return { nodes, entries };
}

export function encodeNodeInfoRequest(request: NodeInfoMessage): Buffer {
  return encode(() => {
    writer.uint(1, request.sandboxId);
    writer.packed(2, request.tokens);
  });
}

export function decodeNodeInfoRequest(bytes: Buffer): NodeInfoMessage {
  const reader = new Reader(bytes);
  let sandboxId = 0;
  const tokens: Token[] = [];
  eachField(reader, (field) => {
    if (field === 1) sandboxId = reader.uint32();
    else if (field === 2) reader.repeated(tokens);
    else return false;
    return true;
  });
  return { sandboxId, tokens };
}

export function encodeNodeInfoReply(nodes: readonly NodeInfo[]): Buffer {
  return encode(() => {
    for (const node of nodes) {
      const mark = writer.begin(1);
      writer.uint(1, node.token);
      writer.bool(2, node.found);
      writer.uint(3, node.packets);
      writer.uint(4, node.bytes);
      writer.uint(5, node.drops);
      writer.uint(6, node.entries);
      writer.uint(7, node.references);
      writer.end(mark);
    }
  });
}

function readNodeInfo(reader: Reader): NodeInfo {
  const info = { token: 0, found: false, packets: 0, bytes: 0, drops: 0, entries: 0, references: 0 };
  eachField(reader, (field) => {
    if (field === 1) info.token = reader.token();
    else if (field === 2) info.found = reader.bool();
    else if (field === 3) info.packets = reader.uint();
    else if (field === 4) info.bytes = reader.uint();
    else if (field === 5) info.drops = reader.uint();
    else if (field === 6) info.entries = reader.uint();
    else if (field === 7) info.references = reader.uint();
    else return false;
    return true;
  });
  return info;
}

export function decodeNodeInfoReply(bytes: Buffer): NodeInfo[] {
  const reader = new Reader(bytes);
  const nodes: NodeInfo[] = [];
  eachField(reader, (field) => field === 1 && (nodes.push(nested(reader, () => readNodeInfo(reader))), true));
  return nodes;
}

export function encodePortEvent(event: PortEvent): Buffer {
  return encode(() => {
    writer.uint(1, event.index);
    writer.bool(2, event.up);
  });
}

export function decodePortEvent(bytes: Buffer): PortEvent {
  const reader = new Reader(bytes);
  const event = { index: 0, up: false };
  eachField(reader, (field) => {
    if (field === 1) event.index = reader.uint32();
    else if (field === 2) event.up = reader.bool();
    else return false;
    return true;
  });
  return event;
}
