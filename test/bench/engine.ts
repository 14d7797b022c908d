/**
 * What one packet costs softvasic's engine without any I/O: the graph as fpm2afi writes it, a table of that many routes, and frames to
 * destinations all over it, sent to a port that forgets them. `node engine.js ROUTES FAMILY` prints `{"ns": …}`; a process of its own for
 * each table, as V8 must have seen nothing else.
 */
import { vrfTokens } from '../../src/afi/base-tokens';
import { baseGraph, ROUTE_TREE, FIRST_DYNAMIC } from '../../src/afi/base-graph';
import { AftField, type AftEntry, type AftInsert, type AftNode } from '../../src/aft/model';
import { noOffload } from '../../src/net/offload';
import { HEADROOM, type Packet } from '../../src/vasic/engine/packet';
import type { PortIo } from '../../src/vasic/engine/api';
import { sumBytes, write16, write32 } from '../../src/net/checksum';
import { outputPortToken } from '../../src/vasic/engine/ports';
import { createSandbox } from '../../src/vasic/engine/sandbox/sandbox';
import { addressBytes, destinationsIn, makePrefixes } from './prefixes';
import { hopOf } from './stream';

const NEXTHOPS = 64;
const FRAMES = 1 << 16;
/** With the space in front of it. */
const FRAME = HEADROOM + 60;
const ROUNDS = 30;
const BATCH = 1000;
const PORT_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
/** An IPv6 prefix is the IPv4 one behind these two bytes: as long as real ones are, /32 to /48 mostly. */
const IP6_FIRST = 0x2001;

type Family = 4 | 6;

/** The address of that family which the made-up IPv4 address stands for. */
function addressOf(family: Family, address: number): Uint8Array {
  if (family === 4) return addressBytes(address);
  const bytes = new Uint8Array(16);
  bytes.set([IP6_FIRST >> 8, IP6_FIRST & 0xff, ...addressBytes(address)]);
  return bytes;
}

const port = (name: string): PortIo => ({ name, mac: PORT_MAC, mtu: 1500, up: true, send: () => true });

/** A sandbox with the base graph and the table. */
function fill(routes: number, family: Family): ReturnType<typeof createSandbox> {
  const ports = [port('in'), port('out')];
  const host = { punt: () => undefined };
  const sandbox = createSandbox({ id: 1, engine: 'trio', name: 'green', instance: '1', ports, host });
  const must = (insert: AftInsert): void => {
    const error = sandbox.apply({ kind: 'insert', insert });
    if (error !== undefined) throw new Error(error.message);
  };
  must(baseGraph([{ index: 0, mac: PORT_MAC }], [{ table: 254, tokens: vrfTokens(254, 254), withTree: true }], {}));
  const ether = (field: AftField, last: number) => ({
    field,
    data: { kind: 'ether' as const, bytes: Uint8Array.of(2, 0, 0, 0, 1, last) },
  });
  for (let hop = 0; hop < NEXTHOPS; hop++) {
    const [indirect, encap] = [FIRST_DYNAMIC + hop * 2, FIRST_DYNAMIC + hop * 2 + 1];
    const keys = [ether(AftField.EtherDaddr, hop), ether(AftField.EtherSaddr, 255)];
    const nodes: AftNode[] = [
      { type: 'encap', token: encap, template: 'ethernet', keys, next: outputPortToken(1) },
      { type: 'indirect', token: indirect, target: encap },
    ];
    must({ nodes, entries: [], binds: [] });
  }
  const { addresses, lengths } = makePrefixes(routes);
  const field = family === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr;
  for (let from = 0; from < routes; from += BATCH) {
    const entries = Array.from({ length: Math.min(BATCH, routes - from) }, (_, i): AftEntry => {
      const length = lengths[from + i]! + (family === 4 ? 0 : 16);
      const data = { kind: 'prefix' as const, bytes: addressOf(family, addresses[from + i]!), length };
      const next = FIRST_DYNAMIC + hopOf(from + i, NEXTHOPS) * 2;
      return { parent: ROUTE_TREE, key: { field, data }, next };
    });
    must({ nodes: [], entries, binds: [] });
  }
  return sandbox;
}

function frame(family: Family, destination: number): Buffer {
  const bytes = Buffer.alloc(FRAME);
  const [ether, ip] = [HEADROOM, HEADROOM + 14];
  bytes.set(PORT_MAC, ether);
  if (family === 4) {
    bytes.set([0x08, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17], ether + 12);
    write32(bytes, ip + 12, 0x0a010002);
    bytes.set(addressBytes(destination), ip + 16);
    write16(bytes, ip + 10, ~sumBytes(bytes, ip, ip + 20) & 0xffff);
  } else {
    bytes.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, 6, 17, 64], ether + 12);
    // From 2001:db8::2: nothing is forwarded that comes from ::.
    bytes.set([0x20, 0x01, 0x0d, 0xb8], ip + 8);
    bytes[ip + 23] = 2;
    bytes.set(addressOf(6, destination), ip + 24);
  }
  return bytes;
}

function main(): void {
  const [routes, family] = process.argv.slice(2).map(Number) as [number, Family];
  const sandbox = fill(routes, family);
  const destinations = destinationsIn(routes, FRAMES);
  const offload = noOffload();
  const frames = Buffer.concat(Array.from(destinations, (address) => frame(family, address)));
  const buffer = Buffer.alloc(FRAME);
  const packet: Packet = { buffer, offset: HEADROOM, length: FRAME - HEADROOM, offload };
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    for (let i = 0; i < FRAMES; i++) {
      // The walk changes the frame where it lies.
      frames.copy(buffer, 0, i * FRAME, i * FRAME + FRAME);
      sandbox.receive(0, packet);
    }
    best = Math.min(best, ((performance.now() - started) * 1e6) / FRAMES);
  }
  const out = sandbox.info().outputPorts[1]!.packets;
  if (out !== ROUNDS * FRAMES) throw new Error(`${out} of ${ROUNDS * FRAMES} packets were forwarded`);
  console.log(JSON.stringify({ ns: best }));
}

main();
