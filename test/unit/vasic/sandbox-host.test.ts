/** What the sandbox host does with its queue, piece by piece. */
import * as wire from '../../../src/aft/wire';
import type { AftOperation } from '../../../src/aft/model';
import { packBundle, unpackBundle } from '../../../src/vasic/server/dataplane-protocol';
import { createInProcessDataplane, type InProcessDataplane } from './inprocess-dataplane';

const sandbox = { engine: 'trio', name: 'green' };
const SANDBOX_ID = 7;

function operation(id: number): Buffer {
  const node = { type: 'receive' as const, token: 1024 + id, code: 1, context: 0 };
  const insert: AftOperation = { kind: 'insert', insert: { nodes: [node], entries: [], binds: [] } };
  return wire.encodeOperation({ sandboxId: SANDBOX_ID, id, operation: insert });
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

let dataplane: InProcessDataplane;
let replies: wire.OperationReply[];

beforeEach(() => {
  dataplane = createInProcessDataplane();
  dataplane.stalled = true;
  replies = [];
  dataplane.onMessage((message) => {
    if (message.kind === 'replies') replies.push(...unpackBundle(message.bundle).map(wire.decodeOperationReply));
  });
  for (const action of ['alloc', 'open'] as const) {
    const request = wire.encodeSandboxRequest({ action, sandbox, inputPorts: 2, outputPorts: 2 });
    dataplane.host.receive({ kind: 'call', call: 1, method: 'sandbox', request, peer: 'test' });
  }
  while (dataplane.host.work(0));
});

test('an operation is decoded in one piece of work and applied in the next', async () => {
  dataplane.host.receive({ kind: 'operate', stream: 1, bundle: packBundle([operation(1)]) });
  expect(dataplane.host.work(0)).toBe(true);
  expect(dataplane.host.sandbox!.info().nodes).toBe(0);
  expect(dataplane.host.work(0)).toBe(false);
  expect(dataplane.host.sandbox!.info().nodes).toBe(1);
  await settle();
  expect(replies).toEqual([{ id: 1 }]);
});

test('what comes between the pieces waits its turn, and a malformed operation is answered where it stands', async () => {
  // id 2, insert with an entry that has no key
  const malformed = Buffer.from([0x10, 2, 0x1a, 2, 0x12, 0]);
  dataplane.host.receive({ kind: 'operate', stream: 1, bundle: packBundle([operation(1), malformed]) });
  dataplane.host.work(0);
  dataplane.host.receive({ kind: 'operate', stream: 1, bundle: packBundle([operation(3)]) });
  while (dataplane.host.work(0));
  await settle();
  expect(replies.map(({ id, error }) => [id, error?.code])).toEqual([
    [1, undefined],
    [2, 'invalid'],
    [3, undefined],
  ]);
});
