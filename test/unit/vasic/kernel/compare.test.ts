/** Random graphs and frames: what decide() makes of the compiled graph is what the engine does. No kernel is needed. */
import { compareGraph, newResult } from '../../../fuzz/kernel/compare';
import { memoryTables, setPort } from '../../../fuzz/kernel/tables';
import { Random } from '../../../fuzz/random';

test('what the kernel would do with a packet is what the engine does, in graphs of all shapes while they change', () => {
  const seed = 20_264;
  const random = new Random(seed);
  const tables = memoryTables();
  const { globals, heap } = tables;
  const result = newResult();
  const options = {
    tables,
    words: () => ({ heap: heap.words, globals }),
    setPort: (port: number, facts: { mtu: number; up: boolean }) => setPort(globals, port, facts),
    frames: 60,
  };
  for (let i = 0; i < 700; i++) compareGraph(random, seed, options, result);
  expect(result.findings).toEqual([]);
  expect(result.labelled).toBeGreaterThan(500);
  expect(result.unlabelled).toBeGreaterThan(300);
  for (const ways of Object.values(result.ways)) {
    expect(ways.frames).toBeGreaterThan(1000);
    expect(ways.slow).toBeGreaterThan(100);
    expect(ways.sent).toBeGreaterThan(10);
  }
  for (const { sent, frames } of [result.ways.plain, result.ways.fpm2afi]) expect(sent).toBeGreaterThan(frames / 5);
});
