/**
 * AftLoadBalance: sends each flow along one of its paths (entries 0…max-1), by a hash over the fields.
 *
 * A flow's hash first names one of the `max` places. Where that path is missing, a second hash chooses among those
 * present. So when a path goes, only its own flows move, and they spread evenly over the rest.
 */
import { AftField, FLOW_FIELDS, LABEL_FLOW_FIELDS } from '../../../aft/fields';
import type { AftKey, AftParams } from '../../../aft/model';
import { fieldName, isField } from '../fields';
import { hashFlow, pick } from '../flow-hash';
import { checkIndexKey, IntegerEntries } from '../integer-entries';
import { avalanche } from '../mix';
import { END } from '../walk';
import type { Walk } from '../walk';
import type { Container, ContainerEntry, NodeKind } from '../node-kind';

const MAX_PATHS = 4096;

class Paths implements Container {
  readonly limited = false;
  /** Slots of the paths present, in order of their keys; made when one is missing. */
  private present: number[] | undefined;

  constructor(
    private readonly max: number,
    private readonly fields: readonly AftField[],
    readonly store: IntegerEntries,
  ) {}

  get count(): number {
    return this.store.count;
  }

  checkKey(key: AftKey): string | undefined {
    return checkIndexKey(AftField.None, key, this.max);
  }

  checkFields(): string {
    return 'a load balancer cannot be looked up';
  }

  get(key: AftKey): number {
    return this.store.get(key);
  }

  set(key: AftKey, slot: number, params: AftParams | undefined): void {
    this.store.set(key, slot, params);
    this.present = undefined;
  }

  delete(key: AftKey): void {
    this.store.delete(key);
    this.present = undefined;
  }

  paramsOf(key: AftKey): AftParams | undefined {
    return this.store.paramsOf(key);
  }

  entries(): Iterable<ContainerEntry> {
    return this.store.entries();
  }

  lookup(walk: Walk): number {
    if (this.store.count === 0) return walk.drop('noLegs');
    const hash = hashFlow(walk, this.fields);
    const own = this.store.find(pick(hash, this.max));
    if (own !== 0) return own;
    const paths = (this.present ??= this.store.sorted().map(([, slot]) => slot));
    return paths[pick(avalanche(hash ^ 0x9e3779b9), paths.length)]!;
  }
}

/** Which of the paths leads to `next`, and how many places it has. */
function describePath(container: Container, next: number): string {
  const paths: number[] = [];
  let all = 0;
  let places = 0;
  for (const { slot } of container.entries()) {
    all++;
    if (slot === next) places++;
    if (!paths.includes(slot)) paths.push(slot);
  }
  return `path ${paths.indexOf(next) + 1} of ${paths.length}, which has ${places} of ${all} places`;
}

/** Whether the fields are the usual ones. That of labelled packets is absent from others. */
function isFlow(fields: readonly AftField[]): boolean {
  return [FLOW_FIELDS, LABEL_FLOW_FIELDS].some(
    (flow) => flow.length === fields.length && flow.every((f, i) => f === fields[i]),
  );
}

export const loadBalance: NodeKind<'loadBalance'> = {
  noneAllowed: false,
  targets: () => [],
  check(node, _context, replaced) {
    if (!Number.isInteger(node.max) || node.max < 1 || node.max > MAX_PATHS) {
      return `a load balancer has room for 1 to ${MAX_PATHS} paths`;
    }
    const wrong = node.fields.find((field) => !isField(field));
    if (wrong !== undefined) return `there is no ${fieldName(wrong)}`;
    const shrinks = replaced !== undefined && replaced.entries > 0 && node.max < replaced.node.max;
    return shrinks ? 'it has paths: remove them before it shrinks' : undefined;
  },
  link(node, _context, previous) {
    const store = previous?.container instanceof Paths ? previous.container.store : new IntegerEntries();
    const container = new Paths(node.max, node.fields.length === 0 ? FLOW_FIELDS : node.fields, store);
    return { container, execute: (walk) => container.lookup(walk) };
  },
  image(node, _context, { container }) {
    const fields = node.fields.length === 0 ? FLOW_FIELDS : node.fields;
    const { store } = container as Paths;
    if (!isFlow(fields)) return { kind: 'slow', reason: 'node' };
    const labels = fields.includes(AftField.MplsFlow);
    return { kind: 'balance', max: node.max, labels, paths: () => store.sorted() };
  },
  describe(_node, _walk, { container }) {
    return (next) => (next > END ? describePath(container!, next) : 'no paths');
  },
};
