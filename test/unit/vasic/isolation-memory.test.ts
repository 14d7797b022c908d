/** What an interface's sysctls were before a softvasic that was killed, wherever in its work. */
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IsolationMemory, originalsOf, type Originals } from '../../../src/vasic/io/isolation-memory';

const WANTED = [
  ['ipv6', '1'],
  ['arp', '8'],
  ['forwarding', '0'],
] as const;
const KNOWN = { ipv6: '0', arp: '0', forwarding: '1' };
const state = (ipv6: string, arp: string, forwarding: string): Originals => ({ ipv6, arp, forwarding });

test.each([
  ['after it had set all', state('1', '8', '0')],
  ['after it had set the first', state('1', '0', '1')],
  ['after it had set back the last', state('1', '8', '1')],
  ['before it had set any, or when all were set back', state('0', '0', '1')],
])('killed %s', (_when, now) => {
  expect(originalsOf(WANTED, now, KNOWN)).toEqual(KNOWN);
});

test.each([
  ['another value than a softvasic sets', state('1', '2', '0')],
  ['an order that no softvasic goes by', state('0', '8', '1')],
])('%s: it is as it is now', (_what, now) => {
  expect(originalsOf(WANTED, now, KNOWN)).toEqual(now);
});

test('nothing is known', () => {
  expect(originalsOf(WANTED, state('1', '8', '0'), undefined)).toEqual(state('1', '8', '0'));
});

test('a kernel without IPv6', () => {
  const known = { arp: '0', forwarding: '1' };
  expect(originalsOf(WANTED, { arp: '8', forwarding: '0' }, known)).toEqual(known);
  expect(originalsOf(WANTED, { arp: '8', forwarding: '1' }, known)).toEqual(known);
});

test('what is kept already is not written over: on a full disk that would lose it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fpm2afi-memory-'));
  try {
    const memory = new IsolationMemory('ge0', 7, dir);
    const written = (): number => statSync(join(dir, readdirSync(dir)[0]!)).mtimeMs;
    memory.keep(KNOWN);
    utimesSync(join(dir, readdirSync(dir)[0]!), 1, 1);
    memory.keep({ ...KNOWN });
    expect(written()).toBe(1000);
    memory.keep({ ...KNOWN, arp: '2' });
    expect(written()).toBeGreaterThan(1000);
    expect(memory.recall()).toEqual({ ...KNOWN, arp: '2' });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
