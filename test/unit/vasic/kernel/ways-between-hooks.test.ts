/** What comes in through XDP in the driver leaves only by ports whose drivers send for it: decide() says so as the program does. */
import { decide } from '../../../../src/vasic/kernel/decide';
import { PORT_FLAGS, PORT_GENERIC, PORT_UP, PORT_XDP_TARGET } from '../../../../src/vasic/kernel/layout';
import { portAt } from '../../../../src/vasic/kernel/port-table';
import { insert, PORTS } from '../../../fuzz/kernel/graph-parts';
import { frameTo, GROUPS, leadOn, NEIGHBOR, route, ROUTED } from '../../../fuzz/kernel/routed-graph';
import { memoryTables, sandboxOn, setPort } from '../../../fuzz/kernel/tables';

test.each([
  ['tc', 'tc', 0, 0, 'sent'],
  ['tc', 'xdp', 0, PORT_XDP_TARGET, 'sent'],
  ['tc', 'xdp-generic', 0, PORT_GENERIC, 'sent'],
  ['xdp', 'xdp', PORT_XDP_TARGET, PORT_XDP_TARGET, 'sent'],
  ['xdp', 'tc', PORT_XDP_TARGET, 0, 'port'],
  ['xdp', 'xdp-generic', PORT_XDP_TARGET, PORT_GENERIC, 'port'],
  ['xdp-generic', 'tc', PORT_GENERIC, 0, 'sent'],
  ['xdp-generic', 'xdp', PORT_GENERIC, PORT_XDP_TARGET, 'sent'],
] as const)('from %s to %s', (_from, _to, first, second, expected) => {
  const tables = memoryTables();
  const sandbox = sandboxOn(tables);
  for (let port = 0; port < PORTS; port++) setPort(tables.globals, port, { mtu: 1500, up: true });
  [first, second].forEach((kind, port) => (tables.globals[portAt(port) + PORT_FLAGS] = PORT_UP | kind));
  expect(sandbox.apply(insert(ROUTED))).toBeUndefined();
  expect(sandbox.apply(insert({ nodes: [leadOn(GROUPS, NEIGHBOR)], entries: [route(0, GROUPS)] }))).toBeUndefined();
  const decision = decide({ heap: tables.heap.words, globals: tables.globals }, 0, frameTo(0));
  expect(decision.verdict === 'slow' ? decision.reason : decision.verdict).toBe(expected);
});
