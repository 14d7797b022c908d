/**
 * Prints what an AFI server's route tree means: each entry followed down to where its packets end, as JSON
 * `{ "10.0.0.0/8": ["port 0 32:26:…", …] }`. A program of its own, because it runs in the namespace that reaches the server, and
 * asks the server with Find, so that nothing the bridge believes has a part in it.
 *
 * usage: aft-dump ADDRESS:PORT ENGINE SANDBOX TREE-NAME
 */
import * as grpc from '@grpc/grpc-js';
import { errorText } from '../../src/net/error-text';
import { AftField, TOKEN_DISCARD, type AftEntry, type AftNode, type Token } from '../../src/aft/model';
import { AFI_METHODS, MAX_MESSAGE_BYTES } from '../../src/aft/service';
import type { FindReply } from '../../src/aft/wire';
import { formatMac, formatPrefix } from '../../src/net/address';

type Condition = { readonly entriesOf?: Token };

class Server {
  private readonly client: grpc.Client;
  constructor(address: string) {
    const limit = { 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES, 'grpc.enable_http_proxy': 0 };
    this.client = new grpc.Client(address, grpc.credentials.createInsecure(), limit);
  }

  info(engine: string, name: string): Promise<{ readonly id: number; readonly ports: ReadonlyMap<Token, number> }> {
    const { path, requestSerialize, responseDeserialize } = AFI_METHODS.sandboxInfo;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { engine, name }, (error, reply) => {
        if (error !== null) reject(error);
        else if (reply === undefined || !('info' in reply)) reject(new Error(`no sandbox ${engine}:${name}`));
        else {
          const ports = reply.info.outputPorts.map(({ token, index }): [Token, number] => [token, index]);
          resolve({ id: reply.info.id, ports: new Map(ports) });
        }
      });
    });
  }

  async find(sandboxId: number, condition: Condition): Promise<FindReply> {
    const { path, requestSerialize, responseDeserialize } = AFI_METHODS.find;
    const request = { sandboxId, ...condition };
    const stream = this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    const nodes: AftNode[] = [];
    const entries: AftEntry[] = [];
    for await (const batch of stream) {
      nodes.push(...(batch as FindReply).nodes);
      entries.push(...(batch as FindReply).entries);
    }
    return { nodes, entries };
  }

  close(): void {
    this.client.close();
  }
}

async function dump(address: string, engine: string, sandbox: string, treeName: string): Promise<object> {
  const server = new Server(address);
  try {
    const { id, ports } = await server.info(engine, sandbox);
    const nodes = new Map((await server.find(id, {})).nodes.map((node) => [node.token, node]));
    const tree = [...nodes.values()].find((node) => node.name === treeName);
    if (tree === undefined) throw new Error(`the sandbox has no node ${treeName}`);
    const paths = new Map<Token, readonly AftEntry[]>();
    for (const node of nodes.values()) {
      if (node.type === 'loadBalance')
        paths.set(node.token, (await server.find(id, { entriesOf: node.token })).entries);
    }

    const ends = (token: Token, depth = 0): readonly string[] => {
      if (depth > 16) return ['endless'];
      if (token === TOKEN_DISCARD) return ['discard'];
      const port = ports.get(token);
      if (port !== undefined) return [`port ${port}`];
      const node = nodes.get(token);
      if (node === undefined) return [`unknown token ${token}`];
      switch (node.type) {
        case 'discard':
          return ['discard'];
        case 'indirect':
          return ends(node.target, depth + 1);
        case 'receive':
          return [`receive ${node.name ?? node.code}`];
        case 'outputPort':
          return [`port ${node.index}`];
        case 'loadBalance':
          return shares((paths.get(token) ?? []).map(({ next }) => ends(next, depth + 1).join(' + ')));
        case 'encap': {
          const to = node.keys.find(({ field }) => field === AftField.EtherDaddr)?.data;
          const mac = to?.kind === 'ether' ? formatMac(to.bytes) : '?';
          return ends(node.next ?? TOKEN_DISCARD, depth + 1).map((end) => `${end} to ${mac}`);
        }
        default:
          return [`${node.type}`];
      }
    };
    const { entries } = await server.find(id, { entriesOf: tree.token });
    const lines = entries.map(({ key, next }): [string, readonly string[]] => {
      const prefix = key.data.kind === 'prefix' ? formatPrefix(key.data) : JSON.stringify(key.data);
      return [prefix, ends(next)];
    });
    return Object.fromEntries(lines.sort(([a], [b]) => (a < b ? -1 : 1)));
  } finally {
    server.close();
  }
}

/** Each end with its part of the slots, in order: the order of slots is no meaning. */
function shares(slots: readonly string[]): readonly string[] {
  const count = new Map<string, number>();
  for (const slot of slots) count.set(slot, (count.get(slot) ?? 0) + 1);
  return [...count].map(([end, n]) => `${end} (${Math.round((100 * n) / slots.length)}%)`).sort();
}

const [address = '', engine = '', sandbox = '', tree = ''] = process.argv.slice(2);
dump(address, engine, sandbox, tree).then(
  (result) => process.stdout.write(`${JSON.stringify(result)}\n`),
  (error: unknown) => {
    process.stderr.write(`${errorText(error)}\n`);
    process.exitCode = 1;
  },
);
