/** Another AFI client that has the sandbox for a while: it removes some of the routes that it finds, and leaves things of its own. */
import { ROUTE_TREE } from '../../../src/afi/base-graph';
import type { AftEntry } from '../../../src/aft/model';
import { parsePrefix } from '../../../src/net/address';
import { AftField } from '../../../src/aft/model';
import type { Server } from '../../bed/bed';
import type { Random } from '../random';

const OWN_NODE = 9000;
const OWN_PREFIXES = ['20.0.0.0/24', '20.0.1.0/24', '77.0.0.0/8'];

/** Takes the sandbox over, changes it, and is gone. */
export function strangersSession({ sandbox, sessions }: Server, random: Random): void {
  const owner = { id: 'stranger', life: String(random.below(1e9)), name: 'stranger', pid: 1 };
  const request = {
    action: 'open',
    sandbox: { engine: 'trio', name: 'green' },
    inputPorts: 4,
    outputPorts: 4,
  } as const;
  const claim = sessions.open({ ...request, owner, after: sessions.shown.epoch!, takeOver: 'always' }, 'elsewhere');
  if ('error' in claim) throw new Error(claim.error.message);
  const found: AftEntry[] = [...(sandbox.entriesOf(ROUTE_TREE) ?? [])];
  const entries = found.filter(() => random.below(2) === 0).map(({ parent, key }) => ({ parent, key }));
  if (entries.length > 0) sandbox.apply({ kind: 'remove', remove: { entries, tokens: [] } });
  const token = OWN_NODE + random.below(100);
  const nodes = [{ type: 'counter' as const, token, bytes: 0, packets: 0, next: 0 }];
  sandbox.apply({ kind: 'insert', insert: { nodes, entries: [] } });
  if (sandbox.entriesOf(ROUTE_TREE) === undefined) return;
  const { bytes, length } = parsePrefix(random.pick(OWN_PREFIXES))!;
  const key = { field: AftField.Ip4Daddr, data: { kind: 'prefix' as const, bytes, length } };
  sandbox.apply({ kind: 'insert', insert: { nodes: [], entries: [{ parent: ROUTE_TREE, key, next: token }] } });
}
