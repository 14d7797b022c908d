/** A batch of prefixes does exactly what the same entries do one by one: results, refusals, and what a refusal leaves behind. */
import fc from 'fast-check';
import { AftField, type AftEntry, type AftError, type AftOperation } from '../../../src/aft/model';
import { PrefixBatch } from '../../../src/aft/prefix-batch';
import { parsePrefix } from '../../../src/net/address';
import type { SandboxOptions } from '../../../src/vasic/engine/api';
import { withoutBatch } from '../../bed/without-batch';
import { int, out, prefix, PUNT, route, testbed, tree, type Testbed } from '../../unit/vasic/testbed';

const TREE = 3000;
const SWITCH = 3001;
/** Only IPv4 destinations. */
const NARROW = 3002;
const UNKNOWN = 9999;
const TEXTS = ['10.0.0.0/8', '10.1.0.0/16', '10.1.1.0/24', '0.0.0.0/0', '10.1.1.1/32', '2001:db8::/32', '::/0'];
const REFUSED = '10.66.0.0/16';
const HOST_BITS = ['10.0.0.1/8', '2001:db8::1/64'];

interface Step {
  readonly insert: boolean;
  readonly parent: number;
  readonly items: readonly { readonly text: string; readonly next: number }[];
}

const item = fc.record({
  text: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...TEXTS) },
    { weight: 1, arbitrary: fc.constantFrom(REFUSED, ...HOST_BITS) },
  ),
  next: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(out(0), out(1), PUNT, SWITCH) },
    { weight: 1, arbitrary: fc.constant(UNKNOWN) },
  ),
});
const step: fc.Arbitrary<Step> = fc.record({
  insert: fc.oneof({ weight: 2, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  parent: fc.oneof(
    { weight: 16, arbitrary: fc.constant(TREE) },
    { weight: 1, arbitrary: fc.constantFrom(SWITCH, UNKNOWN) },
    { weight: 2, arbitrary: fc.constant(NARROW) },
  ),
  items: fc.array(item, { minLength: 1, maxLength: 5 }),
});

function operationOf({ insert, parent, items }: Step): AftOperation {
  const prefixes = new PrefixBatch(parent, 1);
  for (const { text, next } of items) {
    const { bytes, length } = prefix(text);
    const at = prefixes.reserve();
    prefixes.addresses.set(bytes, at);
    prefixes.sizes[prefixes.count] = bytes.length;
    prefixes.lengths[prefixes.count] = length;
    prefixes.nexts[prefixes.count++] = next;
  }
  return insert
    ? { kind: 'insert', insert: { nodes: [], entries: [], prefixes } }
    : { kind: 'remove', remove: { entries: [], prefixes, tokens: [] } };
}

function bed(options: Partial<SandboxOptions>, withParams: boolean): Testbed {
  const made = testbed(options);
  made.insert({
    nodes: [
      tree(TREE),
      { type: 'switch', token: SWITCH, field: AftField.Ip4Ttl, defaultNext: PUNT },
      { type: 'tree', token: NARROW, fields: [AftField.Ip4Daddr], defaultNext: PUNT },
    ],
  });
  const note: AftEntry = { ...route(TREE, '10.1.0.0/16', out(0)), params: { note: int(1) } };
  if (withParams) made.insert({ entries: [note] });
  return made;
}

function state({ sandbox }: Testbed): unknown {
  const entries = [TREE, SWITCH, NARROW].map((token) =>
    [...sandbox.entriesOf(token)!].map((one) => JSON.stringify(one)).sort(),
  );
  return { entries, infos: sandbox.nodeInfo([TREE, SWITCH, NARROW, out(0), out(1), PUNT]), info: sandbox.info() };
}

test('as the same entries one by one', () => {
  const seen = new Map<string, number>();
  const counted = (error: AftError | undefined): void => {
    const name = error?.code ?? 'done';
    seen.set(name, (seen.get(name) ?? 0) + 1);
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.boolean(), fc.boolean(), (steps, limited, withParams) => {
      const options = limited ? { maxEntries: 4, refuse: [parsePrefix(REFUSED)!] } : {};
      const batches = bed(options, withParams);
      const singles = bed(options, withParams);
      for (const one of steps) {
        const operation = operationOf(one);
        const error = batches.sandbox.apply(operation);
        expect(error).toEqual(singles.sandbox.apply(withoutBatch(operation)));
        expect(state(batches)).toEqual(state(singles));
        counted(error);
      }
    }),
    { numRuns: 1500 },
  );
  const codes = ['done', 'full', 'refused', 'invalid', 'unknownToken', 'unknownParent', 'unknownEntry'];
  expect([...seen.keys()].sort()).toEqual(codes.sort());
});

test('items of a batch are counted on from the entries before it', () => {
  const made = bed({}, false);
  const operation = operationOf({
    insert: true,
    parent: TREE,
    items: [
      { text: '10.0.0.0/8', next: out(0) },
      { text: '10.1.0.0/16', next: UNKNOWN },
    ],
  });
  if (operation.kind !== 'insert') throw new Error('not an insert');
  const entries = [route(TREE, '0.0.0.0/0', PUNT)];
  expect(made.tryInsert({ ...operation.insert, entries })?.item).toEqual({ list: 'entry', index: 2 });
  expect(made.sandbox.info().entries).toBe(0);
});
