/** What a sandbox's port tables say of what was counted before it, and beside it. */
import type { AftPortEngine, AftSandboxInfo } from '../../../../src/aft/model';
import type { LinuxPortDrops } from '../../../../src/vasic/io/linux-port';
import { createPortTables } from '../../../../src/vasic/server/port-tables';

const port = (packets: number) => ({
  token: 1,
  index: 0,
  name: 'ge0',
  up: true,
  packets,
  bytes: 100 * packets,
  drops: 1,
});
const info = (packets: number) =>
  ({ id: 1, inputPorts: [port(packets)], outputPorts: [port(packets)] }) as unknown as AftSandboxInfo;

let drops: LinuxPortDrops;
let queued: number;
let facts: AftPortEngine;
beforeEach(() => {
  drops = { received: 3, sent: 2, sentBytes: 200 };
  queued = 0;
  facts = { name: 'kernel', hook: 'xdp', packets: 5, slow: [{ reason: 'ttl', packets: 2 }] };
});

const ports = [
  {
    drops: () => drops,
    flush: () => {
      drops = { ...drops, sent: drops.sent + queued, sentBytes: drops.sentBytes + 100 * queued };
      queued = 0;
    },
  },
];

test('what ports and the kernel had counted before a sandbox is not its own', () => {
  const tables = createPortTables(ports, () => facts);
  tables.begin();
  expect(tables.complete(info(0))).toMatchObject({
    inputPorts: [{ packets: 0, drops: 1, engine: { packets: 0, slow: [] } }],
    outputPorts: [{ packets: 0, bytes: 0, drops: 1 }],
  });
  drops = { received: 7, sent: 3, sentBytes: 300 };
  facts = {
    ...facts,
    packets: 6,
    slow: [
      { reason: 'ttl', packets: 4 },
      { reason: 'port', packets: 1 },
    ],
  };
  const slow = [
    { reason: 'ttl', packets: 2 },
    { reason: 'port', packets: 1 },
  ];
  expect(tables.complete(info(10))).toMatchObject({
    inputPorts: [{ packets: 10, drops: 5, engine: { name: 'kernel', packets: 1, slow } }],
    outputPorts: [{ packets: 9, bytes: 900, drops: 2 }],
  });
});

test('frames that an earlier sandbox left to be sent are refused on its account', () => {
  const tables = createPortTables(ports, () => facts);
  queued = 4;
  tables.begin();
  expect(tables.complete(info(0))).toMatchObject({ outputPorts: [{ packets: 0, bytes: 0, drops: 1 }] });
});
