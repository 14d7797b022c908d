/**
 * A FaultProxy as a program, to be run in the namespace between two parts: `proxy-program LISTEN TO` (endpoints as
 * src/net/endpoint.ts reads them). Orders come by standard input, a JSON object a line, and are acknowledged by a line `done ID`.
 */
import { createInterface } from 'node:readline';
import { parseEndpoint, type Endpoint } from '../../src/net/endpoint';
import { FaultProxy, type ProxyFault } from './proxy';

export type ProxyOrder = { readonly id: number } & (
  { readonly kind: 'set'; readonly fault: ProxyFault } | { readonly kind: 'heal' } | { readonly kind: 'cut' }
);

function obey(proxy: FaultProxy, order: ProxyOrder): void {
  switch (order.kind) {
    case 'set':
      proxy.set(order.fault);
      break;
    case 'heal':
      proxy.heal();
      break;
    case 'cut':
      proxy.cut();
      break;
  }
  process.stdout.write(`done ${order.id}\n`);
}

function endpoint(text: string): Endpoint {
  const found = parseEndpoint(text);
  if (found === undefined) throw new Error(`not an endpoint: ${text}; write HOST:PORT or unix:/PATH`);
  return found;
}

async function main([listen = '', to = '']: readonly string[]): Promise<void> {
  const proxy = await FaultProxy.listen(endpoint(listen), endpoint(to));
  createInterface({ input: process.stdin })
    .on('line', (line) => obey(proxy, JSON.parse(line) as ProxyOrder))
    .on('close', () => process.exit(0));
  process.stdout.write('ready\n');
}

if (require.main === module) void main(process.argv.slice(2));
