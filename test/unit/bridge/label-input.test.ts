/** Which ports take labels: the configuration's word, and Linux's by its sysctls. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reviewLabelInput } from '../../../src/bridge/label-input';
import type { Config } from '../../../src/config/types';
import { takesLabels } from '../../../src/kernel/label-input';

const PORTS = [
  { index: 0, tap: 'tap0' },
  { index: 1, tap: 'tap1' },
  { index: 2, tap: 'tap2', mpls: true },
  { index: 3, tap: 'tap3', mpls: false },
];

function told(input: Config['mpls']['input'], linux: boolean | undefined): boolean[] {
  const ports: boolean[] = [];
  reviewLabelInput({
    ...{ ports: PORTS, input },
    takesLabels: (name) => (linux === undefined ? undefined : name === 'tap1'),
    tell: (port, takes) => void (ports[port] = takes),
  });
  return ports;
}

test("a port's own word goes first, then that on all ports, then Linux's; without MPLS there all do", () => {
  expect(told('auto', true)).toEqual([false, true, true, false]);
  expect(told('auto', undefined)).toEqual([true, true, true, false]);
  expect(told('all', true)).toEqual([true, true, true, false]);
  expect(told('off', true)).toEqual([false, false, true, false]);
});

describe("Linux's sysctls", () => {
  const folder = mkdtempSync(join(tmpdir(), 'fpm2afi-mpls-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are read by interface; one that is not there takes none', () => {
    expect(takesLabels('tap0', join(folder, 'mpls'))).toBeUndefined();
    for (const [tap, value] of [
      ['tap0', '1\n'],
      ['tap1', '0\n'],
    ] as const) {
      mkdirSync(join(folder, 'mpls', 'conf', tap), { recursive: true });
      writeFileSync(join(folder, 'mpls', 'conf', tap, 'input'), value);
    }
    expect(['tap0', 'tap1', 'tap2'].map((tap) => takesLabels(tap, join(folder, 'mpls')))).toEqual([true, false, false]);
  });
});
