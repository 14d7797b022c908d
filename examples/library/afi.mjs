// Programs a vASIC over AFI, and asks which way a packet would take. Usage: node afi.mjs [PORTS HOST PORT]; else a vASIC of its own
import { AfiClient, AfiRefused } from 'fpm2afi/afi';
import { startVasic } from 'fpm2afi/vasic';

const [ports = '2', host, given] = process.argv.slice(2);
const macs = [0, 1].map((i) => ({ name: `ge${i}`, mac: Uint8Array.of(2, 0, 0, 0, 0, i) }));
const own = given === undefined ? await startVasic({ ports: macs }) : undefined;
const port = own?.port ?? Number(given);

const client = new AfiClient({ ...(host && { host }), port, ports: Number(ports) });
const { engine, name, inputPorts } = await client.connect();
console.log(`sandbox ${engine}:${name} has ${inputPorts.map((one) => one.name).join(', ')}`);

const discard = { type: 'discard', token: 1024, name: 'example' };
await client.apply({ kind: 'insert', insert: { nodes: [discard], entries: [], binds: [{ port: 0, next: 1024 }] } });
const { outcome } = await client.test(0, Buffer.alloc(60));
console.log(`a packet on ${inputPorts[0].name}: ${JSON.stringify(outcome)}`);

await client
  .apply({ kind: 'remove', remove: { entries: [], tokens: [1024] } })
  .catch((error) => console.log(error instanceof AfiRefused ? `refused: ${error.fault.code}` : error));
await client.close();
own?.close();
