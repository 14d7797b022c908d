/** The campaign's script: it follows from the seed alone, has every kind of fault, and its world is consistent. */
import { CHANGE_KINDS } from '../../faults/changes';
import { FAULT_KINDS, makeFault } from '../../faults/fault-kinds';
import { makeScript, stepsOf } from '../../faults/generate';
import { initialWorld, nextChange, staticLines } from '../../faults/changes';
import { Random } from '../../fuzz/random';

test('the same seed gives the same script, another one another', () => {
  const of = (seed: number): string => JSON.stringify(makeScript({ seed, steps: 60 }));
  expect(of(7)).toBe(of(7));
  expect(of(7)).not.toBe(of(8));
});

test.each([1, 2, 3])('300 steps of seed %d have all kinds of faults, and most of changes', (seed) => {
  const rounds = makeScript({ seed, steps: 300 });
  expect(stepsOf(rounds)).toBeGreaterThanOrEqual(300);
  expect([...new Set(rounds.map(({ fault }) => fault.kind))].sort()).toEqual([...FAULT_KINDS].sort());
  const changes = new Set(rounds.flatMap((round) => round.changes.map(({ kind }) => kind)));
  expect(changes.size).toBeGreaterThan(CHANGE_KINDS.length * 0.8);
});

test('only the kinds that were asked for, in turn', () => {
  const rounds = makeScript({ seed: 1, steps: 24, kinds: ['afi-cut', 'kill-zebra'] });
  const kinds = rounds.map(({ fault }) => fault.kind);
  expect(kinds.slice(0, 2).sort()).toEqual(['afi-cut', 'kill-zebra']);
  expect(kinds.slice(2, 4).sort()).toEqual(['afi-cut', 'kill-zebra']);
});

test('every kind of fault can be made, again and again, and says what it is', () => {
  const random = new Random(5);
  const world = initialWorld();
  for (const kind of FAULT_KINDS) {
    for (let i = 0; i < 20; i++) {
      const fault = makeFault(kind, random, world);
      expect(fault.kind).toBe(kind);
      expect(fault.holdMs).toBeGreaterThan(0);
      expect(fault.holdMs).toBeLessThanOrEqual(8000);
    }
  }
});

test('the script knows where each host is: what a host was told last', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const known = new Map(initialWorld().hosts);
    for (const { fault, changes, hosts } of makeScript({ seed, steps: 120 })) {
      if (fault.at === 'port' && (fault.what === 'mac-flaps' || fault.what === 'two-hosts')) {
        known.set(fault.address, fault.generation);
      }
      for (const action of changes.flatMap((change) => change.actions)) {
        if (action.on !== 'host') continue;
        if (action.generation === undefined) known.delete(action.address);
        else known.set(action.address, action.generation);
      }
      expect([...hosts].sort()).toEqual([...known].sort());
    }
  }
});

test('one port at most is down, and one unplugged; what goes away was there', () => {
  const random = new Random(9);
  const world = initialWorld();
  let lines = new Set([...world.statics].flatMap(([prefix, ways]) => staticLines(prefix, ways)));
  for (let i = 0; i < 2000; i++) {
    const { actions } = nextChange(random, world);
    for (const action of actions) {
      if (action.on !== 'router' || action.argv[0] !== 'vtysh') continue;
      for (const line of action.argv.filter((word) => word.includes(' route '))) {
        if (line.startsWith('no ')) expect(lines.has(line.slice(3))).toBe(true);
      }
    }
    expect(Math.max(world.down.size, world.unplugged.size)).toBeLessThanOrEqual(1);
    lines = new Set([...world.statics].flatMap(([prefix, ways]) => staticLines(prefix, ways)).concat([...lines]));
  }
});
