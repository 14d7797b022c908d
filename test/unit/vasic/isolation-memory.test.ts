/** What an interface's sysctls were before a softvasic that was killed, wherever in its work. */
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forgetGone, IsolationMemory, originalsOf, type Originals } from '../../../src/vasic/io/isolation-memory';

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

describe('in a folder', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'fpm2afi-memory-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const here = statSync('/proc/self/ns/net').ino;
  const write = (name: string, contents: object, seconds: number): void => {
    writeFileSync(join(dir, name), JSON.stringify(contents));
    utimesSync(join(dir, name), seconds, seconds);
  };

  test('what is kept already is not written over: on a full disk that would lose it', () => {
    const memory = new IsolationMemory(7, dir);
    const written = (): number => statSync(join(dir, readdirSync(dir)[0]!)).mtimeMs;
    memory.keep(KNOWN);
    utimesSync(join(dir, readdirSync(dir)[0]!), 1, 1);
    memory.keep({ ...KNOWN });
    expect(written()).toBe(1000);
    memory.keep({ ...KNOWN, arp: '2' });
    expect(written()).toBeGreaterThan(1000);
    expect(memory.recall()).toEqual({ ...KNOWN, arp: '2' });
  });

  test('a file of a softvasic before this one, which had the name, is read, and goes with the rest', () => {
    const old = (name: string, arp: string) => ({
      [`ipv6/conf/${name}/disable_ipv6`]: '0',
      [`ipv4/conf/${name}/arp_ignore`]: arp,
    });
    // Renamed, and isolated again under its new name: what was before it all is in the first one.
    write(`isolation-${here}-7-ge0.10.json`, old('ge0.10', '8'), 2);
    write(`isolation-${here}-7-eth-1.json`, old('eth-1', '1'), 1);
    write(`isolation-${here}-77-ge0.json`, old('ge0', '2'), 0);
    const memory = new IsolationMemory(7, dir);
    expect(memory.recall()).toEqual({ 'ipv6/disable_ipv6': '0', 'ipv4/arp_ignore': '1' });
    memory.keep({ 'ipv4/arp_ignore': '3' });
    expect(memory.recall()).toEqual({ 'ipv4/arp_ignore': '3' });
    memory.forget();
    expect(readdirSync(dir)).toEqual([`isolation-${here}-77-ge0.json`]);
  });

  test('what is known of interfaces that are gone is forgotten, in this network namespace', () => {
    for (const name of ['1-7', `${here}-7`, `${here}-8-ge1`, `${here}-9`]) write(`isolation-${name}.json`, KNOWN, 1);
    write('another.json', KNOWN, 1);
    forgetGone((ifindex) => ifindex === 9, dir);
    expect(readdirSync(dir).sort()).toEqual(['another.json', 'isolation-1-7.json', `isolation-${here}-9.json`]);
    forgetGone(() => false, join(dir, 'none'));
  });
});
