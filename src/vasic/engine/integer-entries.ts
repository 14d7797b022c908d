/**
 * Entries keyed by whole numbers: what switch, table and load balancer have in common. The node that uses them says which
 * keys are sound; it owns the store, and hands it on when it is replaced in place.
 */
import type { AftField, AftKey, AftParams } from '../../aft/model';
import { AftField as Field } from '../../aft/model';
import { dataNumber, fieldName } from './fields';
import type { ContainerEntry } from './node-kind';

export class IntegerEntries {
  private readonly slots = new Map<number, number>();
  private readonly params = new Map<number, { key: AftKey; params: AftParams | undefined }>();

  /** Numbers whose entries changed since changed() was asked, once it was. */
  private touched: Set<number> | undefined;

  get count(): number {
    return this.slots.size;
  }

  /** Slot under a number, 0 for none. */
  find(number: number): number {
    return this.slots.get(number) ?? 0;
  }

  get(key: AftKey): number {
    return this.find(dataNumber(key.data)!);
  }

  set(key: AftKey, slot: number, params: AftParams | undefined): void {
    const number = dataNumber(key.data)!;
    this.slots.set(number, slot);
    this.touched?.add(number);
    this.params.set(number, { key, params });
  }

  delete(key: AftKey): void {
    const number = dataNumber(key.data)!;
    this.slots.delete(number);
    this.touched?.add(number);
    this.params.delete(number);
  }

  paramsOf(key: AftKey): AftParams | undefined {
    return this.params.get(dataNumber(key.data)!)?.params;
  }

  /** Numbers whose entries changed since this was asked last, those removed as well; or all there are. For one who follows the entries. */
  changed(all: boolean): Iterable<number> {
    const changed = all || this.touched === undefined ? new Set(this.slots.keys()) : this.touched;
    this.touched = new Set();
    return changed;
  }

  /** Numbers and slots in ascending order of the numbers. */
  sorted(): [number, number][] {
    return [...this.slots].sort(([a], [b]) => a - b);
  }

  *entries(): IterableIterator<ContainerEntry> {
    for (const [number, slot] of this.slots) {
      const kept = this.params.get(number)!;
      yield { key: kept.key, slot, params: kept.params };
    }
  }
}

/** What keeps a key from being a number from 0 to below `limit`, of `field`; undefined: nothing. */
export function checkIndexKey(field: AftField, key: AftKey, limit: number): string | undefined {
  if (key.field !== Field.None && key.field !== field) {
    return `its entries have keys of ${fieldName(field)}, not ${fieldName(key.field)}`;
  }
  const number = dataNumber(key.data);
  if (number === undefined) return `a ${key.data.kind} value is no key here: its entries have whole numbers from 0`;
  return number < limit ? undefined : `key ${number} is beyond its last, ${limit - 1}`;
}
