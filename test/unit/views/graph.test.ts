/** The graph as it is read back from a software vASIC that was programmed. */
import type { GraphView } from '../../../src/control/graph-types';
import type { AfiFindRequest } from '../../../src/afi/transport';
import { parsePrefix } from '../../../src/net/address';
import { graphView } from '../../../src/views/graph';
import { Bed } from '../../bed/bed';
import { faultsOf } from '../../schemas';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' };

async function stage(): Promise<{ b: Bed; graph: (prefixes?: string[], limit?: number) => Promise<GraphView> }> {
  const b = await new Bed().up();
  b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b);
  b.nexthop(1, '10.0.1.2@1')
    .nexthop(2, '10.0.2.2@2')
    .group(3, [1, 1], [2, 1])
    .viaId('192.0.2.0/24', 3)
    .viaId('192.0.3.0/24', 1);
  b.settle();
  const { sandbox } = b.server;
  const options = {
    async *find({ entriesOf, ...request }: AfiFindRequest) {
      yield await Promise.resolve(
        entriesOf === undefined
          ? { nodes: sandbox.find(request), entries: [] }
          : { nodes: [], entries: [...(sandbox.entriesOf(entriesOf) ?? [])] },
      );
    },
    purposes: () => new Map([...b.programmer.tables.tokens()].map(({ token, name }) => [token, name])),
  };
  const graph = async (prefixes: string[] = [], limit = 200): Promise<GraphView> => {
    const view = await graphView(options, { prefixes: prefixes.map((text) => parsePrefix(text)!), limit });
    expect(faultsOf('graph', view)).toEqual([]);
    return view;
  };
  return { b, graph };
}

const typed = ({ nodes }: GraphView, type: string): readonly string[] =>
  nodes.filter((node) => node.type === type).map(({ detail }) => detail);

test('from a prefix: its tree, the load balancer, both neighbors and ports; nothing of other routes', async () => {
  const { graph } = await stage();
  const view = await graph(['192.0.2.0/24']);
  expect(typed(view, 'tree')).toHaveLength(1);
  expect(typed(view, 'loadBalance')).toEqual([expect.stringMatching(/^\d+ slots$/)]);
  const encaps = typed(view, 'encap');
  for (const mac of Object.values(MAC))
    expect(encaps.some((text) => text.includes(`packet.ether.daddr ${mac}`))).toBe(true);
  expect(typed(view, 'outputPort')).toEqual(expect.arrayContaining(['port 1', 'port 2']));
  const tree = view.nodes.find(({ type }) => type === 'tree')!;
  expect(view.edges.filter(({ from }) => from === tree.token).map(({ label }) => label)).toEqual(['192.0.2.0/24']);
  expect(view).toMatchObject({ leftOut: 0, missing: [] });
  // Every node but the first is reached.
  const reached = new Set(view.edges.map(({ to }) => to));
  expect(view.nodes.filter(({ token }) => token !== tree.token && !reached.has(token))).toEqual([]);
});

test('several prefixes of which one has no entry; none that has one', async () => {
  const { graph } = await stage();
  const view = await graph(['192.0.2.0/24', '192.0.3.0/24', '192.0.9.0/24']);
  expect(view.missing).toEqual(['192.0.9.0/24']);
  await expect(graph(['192.0.9.0/24'])).rejects.toMatchObject({
    message: 'no tree of the vASIC has an entry for 192.0.9.0/24',
  });
});

test('without a prefix: from the input ports on, no more nodes than asked for, and how many are left out', async () => {
  const { b, graph } = await stage();
  const whole = await graph([], 5000);
  expect(typed(whole, 'inputPort')).toHaveLength(b.server.ports.length);
  expect(whole.leftOut).toBe(0);
  const part = await graph([], 6);
  expect(part.nodes).toHaveLength(6);
  expect(part.leftOut).toBeGreaterThan(0);
});

test('a vASIC that can’t be read is a 503', async () => {
  const broken = {
    find: () => {
      throw new Error('no session');
    },
    purposes: () => new Map<number, string>(),
  };
  await expect(graphView(broken, { prefixes: [], limit: 5 })).rejects.toMatchObject({
    status: 503,
    message: 'no session',
  });
});
