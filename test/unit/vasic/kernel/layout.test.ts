/** The two halves of the layout that the dataplane thread and the BPF program share say the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as layout from '../../../../src/vasic/kernel/layout';

const HEADER = join(__dirname, '../../../../../src/vasic/kernel/bpf/layout.h');

/** Name → number of each #define with a value. */
function defines(): Record<string, number> {
  const found = readFileSync(HEADER, 'utf8').matchAll(/^#define (\w+) (.+)$/gm);
  return Object.fromEntries([...found].map(([, name, value]) => [name!, Number(value)]));
}

const numbers: Record<string, number> = {};
for (const [name, value] of Object.entries(layout)) if (typeof value === 'number') numbers[name] = value;

test('the header and the TypeScript file have the same names and numbers', () => {
  expect(Object.keys(numbers).length).toBeGreaterThan(50);
  expect(defines()).toEqual(numbers);
});

test('each reason has a name, and there is room for its counter', () => {
  const reasons = Object.entries(numbers).filter(([name]) => name.startsWith('REASON_'));
  expect(reasons.map(([, value]) => value).sort((a, b) => a - b)).toEqual(layout.REASON_NAMES.map((_, i) => i));
  expect(new Set(layout.REASON_NAMES).size).toBe(reasons.length);
  expect(reasons.length).toBeLessThanOrEqual(layout.SLOW_REASONS);
});

test('the parts of the globals lie one behind the other', () => {
  expect(layout.GLOBAL_PORT_OF).toBe(layout.GLOBAL_TREE_VERSIONS + layout.TREE_VERSIONS);
  expect(layout.GLOBAL_PORTS).toBe(layout.GLOBAL_PORT_OF + layout.PORT_OF_SLOTS);
  expect(layout.GLOBAL_FLOWS_CUT).toBe(layout.GLOBAL_PORTS + layout.MAX_KERNEL_PORTS * layout.PORT_WORDS);
  expect(layout.GLOBAL_WORDS).toBe(layout.GLOBAL_FLOWS_CUT + layout.FLOWS_CUT);
  expect(layout.CHUNK_WORDS).toBe(2 ** layout.CHUNK_BITS);
});
