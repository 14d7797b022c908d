/**
 * A sandbox on memory ports, and builders for packets and nodes, shared by the engine's tests. Packets are built
 * with checksums computed here, independently of the engine's own code.
 */
import { AftField } from '../../../src/aft/model';
import type { AftData, AftEntry, AftError, AftInsert, AftKey, AftNode, Token } from '../../../src/aft/model';
import { noOffload } from '../../../src/net/offload';
import type { Offload } from '../../../src/net/offload';
import type { Sandbox, SandboxOptions } from '../../../src/vasic/engine/api';
import { createMemoryPort } from '../../bed/memory-port';
import { packetOf } from '../../../src/vasic/engine/packet';
import type { MemoryPort } from '../../bed/memory-port';
import { outputPortToken } from '../../../src/vasic/engine/ports';
import { createSandbox } from '../../../src/vasic/engine/sandbox/sandbox';
import { parseAddress, parseMac, parsePrefix } from '../../../src/net/address';

export interface Punted {
  port: number;
  reason: number;
  frame: Buffer;
}

export interface Testbed {
  sandbox: Sandbox;
  ports: MemoryPort[];
  punted: Punted[];
  /** Receives a frame on a port; leaves the buffer it lay in for a look. */
  receive(frame: Buffer, port?: number, offload?: Offload): void;
  /** Inserts, and fails the test when that is refused. */
  insert(insert: Partial<AftInsert>): void;
  /** Inserts nodes and binds port 0 to the first or the named token. */
  run(nodes: AftNode[], start?: Token, entries?: AftEntry[]): void;
  tryInsert(insert: Partial<AftInsert>): AftError | undefined;
  tryRemove(remove: { entries?: { parent: Token; key: AftKey }[]; tokens?: Token[] }): AftError | undefined;
}

export const PORT_MACS = ['32:26:0a:2e:aa:f0', '32:26:0a:2e:aa:f1', '32:26:0a:2e:aa:f2'].map((text) => parseMac(text)!);
export const PEER_MAC = parseMac('32:26:0a:2e:cc:f1')!;
export const HOST_MAC = parseMac('02:00:00:00:00:01')!;
export const PUNT: Token = outputPortToken(3);
export const out = (index: number): Token => outputPortToken(index);

export function testbed(options: Partial<SandboxOptions> = {}): Testbed {
  const ports = PORT_MACS.map((mac, i) => createMemoryPort({ name: `ge-0/0/${i}`, mac }));
  const punted: Punted[] = [];
  const host = {
    punt(_sandbox: number, port: number, reason: number, frame: Buffer, offset: number, length: number): void {
      punted.push({ port, reason, frame: Buffer.from(frame.subarray(offset, offset + length)) });
    },
  };
  const sandbox = createSandbox({ id: 7, engine: 'trio', name: 'green', instance: 'i1', ports, host, ...options });
  const tryInsert: Testbed['tryInsert'] = (insert) =>
    sandbox.apply({ kind: 'insert', insert: { nodes: [], entries: [], ...insert } });
  const insert: Testbed['insert'] = (what) => {
    const error = tryInsert(what);
    if (error !== undefined) throw new Error(`refused: ${JSON.stringify(error)}`);
  };
  return {
    sandbox,
    ports,
    punted,
    insert,
    tryInsert,
    tryRemove: (remove) => sandbox.apply({ kind: 'remove', remove: { entries: [], tokens: [], ...remove } }),
    run: (nodes, start = nodes[0]!.token, entries = []) =>
      insert({ nodes, entries, binds: [{ port: 0, next: start }] }),
    receive: (frame, port = 0, offload = noOffload()) => sandbox.receive(port, packetOf(frame, offload)),
  };
}

export const int = (value: number): AftData => ({ kind: 'int', value });
export const mac = (bytes: Uint8Array): AftData => ({ kind: 'ether', bytes });

/** The data of a prefix, host bits as written. */
export function prefix(text: string): Extract<AftData, { kind: 'prefix' }> {
  const [address, length] = text.split('/');
  return { kind: 'prefix', bytes: parseAddress(address!)!, length: Number(length) };
}

export function route(parent: Token, text: string, next: Token): AftEntry {
  const field = parsePrefix(text)!.family === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr;
  return { parent, key: { field, data: prefix(text) }, next };
}

export function entry(parent: Token, value: number, next: Token, field = AftField.None): AftEntry {
  return { parent, key: { field, data: int(value) }, next };
}

export function ethernet(token: Token, next: Token, source = PORT_MACS[1]!, destination = PEER_MAC): AftNode {
  const keys = [
    { field: AftField.EtherSaddr, data: mac(source) },
    { field: AftField.EtherDaddr, data: mac(destination) },
  ];
  return { type: 'encap', token, template: 'ethernet', keys, next };
}

export function label(token: Token, value: number, next?: Token): AftNode {
  const node: AftNode = { type: 'encap', token, template: 'label', keys: [], params: { 'label.value': int(value) } };
  return next === undefined ? node : { ...node, next };
}

/** A plain route tree; with tokens for expired and oversized packets and such with options where given. */
export function tree(
  token: Token,
  policy: { ttl?: Token; mtu?: Token; options?: Token; linkLocal?: Token } = {},
  defaultNext = PUNT,
): AftNode {
  const params = {
    ...(policy.ttl === undefined ? {} : { 'rt.ttlExpired': int(policy.ttl) }),
    ...(policy.mtu === undefined ? {} : { 'rt.mtuExceeded': int(policy.mtu) }),
    ...(policy.options === undefined ? {} : { 'rt.ipOptions': int(policy.options) }),
    ...(policy.linkLocal === undefined ? {} : { 'rt.linkLocalSource': int(policy.linkLocal) }),
  };
  return { type: 'tree', token, fields: [AftField.PacketLookupKey], defaultNext, params };
}

/** RFC 1071, the slow and plain way. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += i % 2 === 0 ? bytes[i]! * 256 : bytes[i]!;
  while (sum >= 0x10000) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

/** Ethernet header (with VLAN ids, outermost first) and payload. */
export function ether(type: number, payload: Uint8Array, vlans: number[] = [], to = PORT_MACS[0]!): Buffer {
  const tags = vlans.flatMap((id) => [0x81, 0x00, id >> 8, id & 0xff]);
  return Buffer.from([...to, ...HOST_MAC, ...tags, type >> 8, type & 0xff, ...payload]);
}

export interface Ip4Options {
  from?: string;
  to?: string;
  ttl?: number;
  proto?: number;
  id?: number;
  fragment?: number;
  options?: number[];
}

export function ip4(payload: Uint8Array, o: Ip4Options = {}): Buffer {
  const extra = o.options ?? [];
  const header = Buffer.alloc(20 + extra.length);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(o.id ?? 0x1234, 4);
  header.writeUInt16BE(o.fragment ?? 0, 6);
  header[8] = o.ttl ?? 64;
  header[9] = o.proto ?? 17;
  header.set(parseAddress(o.from ?? '192.0.2.1')!, 12);
  header.set(parseAddress(o.to ?? '198.51.100.1')!, 16);
  header.set(extra, 20);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

export interface Ip6Options {
  from?: string;
  to?: string;
  hopLimit?: number;
  next?: number;
  flow?: number;
}

export function ip6(payload: Uint8Array, o: Ip6Options = {}): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32BE((0x60000000 | (o.flow ?? 0)) >>> 0, 0);
  header.writeUInt16BE(payload.length, 4);
  header[6] = o.next ?? 17;
  header[7] = o.hopLimit ?? 64;
  header.set(parseAddress(o.from ?? '2001:db8::1')!, 8);
  header.set(parseAddress(o.to ?? '2001:db8:1::1')!, 24);
  return Buffer.concat([header, payload]);
}

/** UDP header and payload, checksum left 0. */
export function udp(payload: Uint8Array, source = 1000, destination = 2000): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(source, 0);
  header.writeUInt16BE(destination, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** TCP header of 20 bytes and payload, checksum left 0. */
export function tcp(payload: Uint8Array, flags = 0x10, sequence = 1): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(1000, 0);
  header.writeUInt16BE(2000, 2);
  header.writeUInt32BE(sequence, 4);
  header[12] = 0x50;
  header[13] = flags;
  return Buffer.concat([header, payload]);
}

/** The pseudo header and transport part of an IP packet: its checksum is 0 when the packet's is right. */
export function transportBytes(packet: Buffer): Buffer {
  const version = packet[0]! >> 4;
  const start = version === 4 ? (packet[0]! & 15) * 4 : 40;
  const addresses = version === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const rest = packet.subarray(start, version === 4 ? packet.readUInt16BE(2) : 40 + packet.readUInt16BE(4));
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(rest.length, 0);
  tail[3] = version === 4 ? packet[9]! : packet[6]!;
  return Buffer.concat([addresses, tail, rest]);
}

/** Writes the right TCP or UDP checksum into an IP packet. */
export function withChecksum(packet: Buffer): Buffer {
  const version = packet[0]! >> 4;
  const start = version === 4 ? (packet[0]! & 15) * 4 : 40;
  const proto = version === 4 ? packet[9]! : packet[6]!;
  const at = start + (proto === 6 ? 16 : proto === 58 ? 2 : 6);
  packet.writeUInt16BE(0, at);
  packet.writeUInt16BE(checksum(transportBytes(packet)), at);
  return packet;
}

export const ip4Frame = (o: Ip4Options = {}, payload: Uint8Array = Buffer.from('payload!')): Buffer =>
  ether(0x0800, withChecksum(ip4(udp(payload), o)));
export const ip6Frame = (o: Ip6Options = {}, payload: Uint8Array = Buffer.from('payload!')): Buffer =>
  ether(0x86dd, withChecksum(ip6(udp(payload), o)));
