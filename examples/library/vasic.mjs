// The forwarding engine by itself: a route, and a packet that takes it. Usage: node vasic.mjs
import { AftField, createSandbox, outputPortToken, packetOf } from 'fpm2afi/vasic';

const ports = ['ge0', 'ge1'].map((name, i) => ({
  ...{ name, mac: Uint8Array.of(2, 0, 0, 0, 0, i), mtu: 1500, up: true },
  send: (buffer, offset, length) =>
    console.log(`${name} sends ${buffer.toString('hex', offset, offset + length)}`) ?? true,
}));
const host = { punt: (_, port, reason) => console.log(`to the host, from port ${port}, for reason ${reason}`) };
const sandbox = createSandbox({ id: 1, engine: 'trio', name: 'green', instance: 'example', ports, host });

const [tree, lookup, neighbor] = [1024, 1025, 1026];
const fields = [AftField.PacketLookupKey];
const ether = (field, ...bytes) => ({ field, data: { kind: 'ether', bytes: Uint8Array.from(bytes) } });
const keys = [ether(AftField.EtherSaddr, 2, 0, 0, 0, 0, 1), ether(AftField.EtherDaddr, 2, 0, 0, 0, 9, 9)];
const data = { kind: 'prefix', bytes: Uint8Array.of(10, 0, 0, 0), length: 8 };
const nodes = [
  { type: 'encap', token: neighbor, template: 'ethernet', keys, next: outputPortToken(1) },
  { type: 'tree', token: tree, fields, defaultNext: outputPortToken(2) }, // the port behind the last one: the host
  { type: 'lookup', token: lookup, fields, container: tree },
];
const entries = [{ parent: tree, key: { field: AftField.Ip4Daddr, data }, next: neighbor }];
const refused = sandbox.apply({ kind: 'insert', insert: { nodes, entries, binds: [{ port: 0, next: lookup }] } });
if (refused !== undefined) throw new Error(refused.message);

const ip = '45000014000000004011' + 'acd4' + 'c0000201' + '0a010203';
sandbox.receive(0, packetOf(Buffer.from('020000000000' + '020000000101' + '0800' + ip, 'hex')));
