/** The report of `make lab` and `make bench`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atLeast, atMost, figureLine, writeFigures, type Figure } from '../../../lab/figure';

const fast: Figure = { name: 'fast', what: 'time', unit: 'ms', value: 4, samples: [3, 4, 9], ...atMost(5, 'ms', 4) };
const slow: Figure = { name: 'slow', what: 'rate', unit: 'pps', value: 4, routes: 10_000, ...atLeast(5, 'pps', 4) };
const plain: Figure = { name: 'plain', what: 'count', unit: 'packets', value: 0 };

function written(...measured: Parameters<typeof writeFigures>[1]): Record<string, unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'figures-'));
  try {
    writeFigures(join(dir, 'out', 'report.json'), measured);
    return JSON.parse(readFileSync(join(dir, 'out', 'report.json'), 'utf8')) as Record<string, unknown>;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const part = (figures: readonly Figure[], error?: string) => ({
  ...{ name: 'part', title: 'A part', command: 'make part', figures },
  ...(error === undefined ? {} : { error }),
});

test('a goal that is missed makes the report not ok, and says where', () => {
  const report = written(part([fast, slow, plain]));
  expect(report).toMatchObject({ ok: false, summary: '3 figures, 1 of 2 goals met' });
  expect(report.checks).toMatchObject([
    { name: 'fast', command: 'make part', observed: '4 ms (3 … 9)', ok: true },
    { name: 'slow', command: 'make part', observed: '4 pps', ok: false, routes: 10_000 },
    { name: 'plain', command: 'make part', observed: '0 packets', ok: true },
  ]);
  expect(written(part([fast, plain]))).toMatchObject({ ok: true, summary: '2 figures, 1 of 1 goals met' });
});

test('what could not be measured is a check that failed', () => {
  const report = written(part([fast], 'no zebra'));
  expect(report).toMatchObject({ ok: false, summary: '1 figures, 1 of 1 goals met, part could not be measured' });
  expect(report.checks).toMatchObject([{ ok: true }, { name: 'part', observed: 'no zebra', ok: false }]);
});

test('a line for people', () => {
  expect(figureLine(fast)).toBe('✓ fast: 4 ms (3 … 9)   goal: at most 5 ms: met');
  expect(figureLine(slow)).toBe('✗ slow at 10,000 routes: 4 pps   goal: at least 5 pps: NOT met');
  expect(figureLine(plain)).toBe('✓ plain: 0 packets');
});
