/** Which nodes bear a name: nodes of different types may bear the same one, two of one type may not. */
import type { AftNode } from '../../../aft/model';
import { refuse } from '../verdict';
import type { Refusal } from '../verdict';

const MAX_NAME = 255;

interface Named {
  readonly node: AftNode;
}

/** Holders by name; who puts one in takes it out before its name or type changes. */
export class NodeNames<Holder extends Named> {
  private readonly holders = new Map<string, readonly Holder[]>();

  /** At most one of each type. */
  of(name: string): readonly Holder[] {
    return this.holders.get(name) ?? [];
  }

  /** What keeps the node from having its name; undefined: nothing. */
  check({ name, token, type }: AftNode): Refusal | undefined {
    if (name === undefined || name === '') return undefined;
    if (name.length > MAX_NAME) {
      return refuse('invalid', `node ${token}: its name is longer than ${MAX_NAME} characters`);
    }
    const holder = this.of(name).find(({ node }) => node.type === type);
    if (holder === undefined || holder.node.token === token) return undefined;
    return refuse('exists', `node ${token}: the name '${name}' is ${type} node ${holder.node.token}'s already`);
  }

  give(holder: Holder): void {
    const { name } = holder.node;
    if (name) this.holders.set(name, [...this.of(name), holder]);
  }

  take(holder: Holder): void {
    const { name } = holder.node;
    if (!name) return;
    const others = this.of(name).filter((other) => other !== holder);
    if (others.length > 0) this.holders.set(name, others);
    else this.holders.delete(name);
  }
}
