/** AftSwitch: goes where the entry for the value of a field leads; without one (or without the field) to the default. */
import { AftField, type AftKey } from '../../../aft/model';
import { ABSENT, checkNumber, describeNumber, fieldName, isField, numberBits, readNumber } from '../fields';
import { checkIndexKey, IntegerEntries } from '../integer-entries';
import { END } from '../walk';
import type { Walk } from '../walk';
import type { Compiled, Container, DescribeContext, Description, NodeKind } from '../node-kind';

/** A container looked up by one number field: switch and table. */
export class NumberLookup implements Container {
  readonly limited = false;

  constructor(
    private readonly field: AftField,
    private readonly limit: number,
    private readonly defaultSlot: number,
    readonly store: IntegerEntries,
  ) {}

  get count(): number {
    return this.store.count;
  }

  checkKey(key: AftKey): string | undefined {
    return checkIndexKey(this.field, key, this.limit) ?? checkNumber(this.field, key.data);
  }

  checkFields(fields: readonly AftField[]): string | undefined {
    if (fields.length > 1) return 'a switch or table is looked up by one field';
    return fields.length === 0 ? undefined : checkNumberField(fields[0]!);
  }

  get(key: AftKey): number {
    return this.store.get(key);
  }

  set(...entry: Parameters<IntegerEntries['set']>): void {
    this.store.set(...entry);
  }

  delete(key: AftKey): void {
    this.store.delete(key);
  }

  paramsOf(key: AftKey): ReturnType<IntegerEntries['paramsOf']> {
    return this.store.paramsOf(key);
  }

  entries(): ReturnType<IntegerEntries['entries']> {
    return this.store.entries();
  }

  lookup(walk: Walk, fields: readonly AftField[]): number {
    const slot = this.store.find(readNumber(walk, fields[0] ?? this.field));
    return slot === 0 ? this.defaultSlot : slot;
  }

  /** The slot of the entry for the packet's value; END: there is none. */
  find(walk: Walk): number {
    return this.store.find(readNumber(walk, this.field));
  }
}

/** The entries that a replaced node leaves to its successor. */
export function inheritedStore(previous: Compiled | undefined): IntegerEntries {
  return previous?.container instanceof NumberLookup ? previous.container.store : new IntegerEntries();
}

/** What a lookup by the number of a field comes to, as a trace says it. */
export function describeLookup(field: AftField, walk: Walk, { container }: DescribeContext): Description {
  const value = readNumber(walk, field);
  const known = value !== ABSENT && container!.get({ field, data: { kind: 'int', value } }) !== END;
  return () => `${fieldName(field)} is ${describeNumber(field, value)}${known ? '' : ': no entry, default'}`;
}

/** What keeps a field from being looked up by its number. */
export function checkNumberField(field: AftField): string | undefined {
  if (!isField(field)) return `there is no ${fieldName(field)}`;
  return numberBits(field) === 0 ? `${fieldName(field)} cannot be used as a number` : undefined;
}

export const switchNode: NodeKind<'switch'> = {
  noneAllowed: true,
  targets: (node) => [node.defaultNext],
  check(node, _context, replaced) {
    const problem = checkNumberField(node.field);
    if (problem !== undefined) return problem;
    if (replaced === undefined || replaced.entries === 0 || replaced.node.field === node.field) return undefined;
    return `it has entries for ${fieldName(replaced.node.field)}: remove them before it gets another field`;
  },
  link(node, context, previous) {
    const store = inheritedStore(previous);
    const container = new NumberLookup(node.field, Infinity, context.slotOf(node.defaultNext), store);
    const next = context.slotOf(node.next);
    return { container, execute: (walk) => container.lookup(walk, []) || next };
  },
  describe: (node, walk, context) => describeLookup(node.field, walk, context),
  image(node, context, { container }) {
    const otherwise = context.slotOf(node.defaultNext) || context.slotOf(node.next);
    const { store } = container as NumberLookup;
    if (node.field === AftField.MetaIfInput)
      return { kind: 'portSwitch', ports: context.ports.list.length, to: (port) => store.find(port) || otherwise };
    if (node.field !== AftField.EtherType) return { kind: 'slow', reason: 'node' };
    return { kind: 'etherSwitch', to: (type) => store.find(type) || otherwise };
  },
};
