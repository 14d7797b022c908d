/**
 * What is to be removed from the vASIC: nodes that nothing should point at any more, with the entries in them. A removal that
 * the server refuses waits until something else was removed; what the server doesn't have counts as removed.
 */
import type { AdoptedNodes } from './adopted-nodes';
import { NODES_PER_OPERATION, SLOTS_PER_OPERATION, type Garbage, type RemovalRefusal } from './graph';
import type { AftError, AftNode, AftOperation, Token } from '../aft/model';
import { removalOrder } from './removal-order';
import type { Logger } from '../observe/log';

const nothing = (): void => undefined;

/** One operation that removes all of these. */
export function removalOf(items: readonly Garbage[]): AftOperation {
  const remove = { entries: items.flatMap((item) => item.entries), tokens: items.flatMap((item) => item.tokens) };
  return { kind: 'remove', remove };
}

export class GarbageQueue {
  private pending: Garbage[] = [];
  /** Refused removals. */
  private stuck: Garbage[] = [];

  /** @param adopted nodes of an earlier run that nobody has taken, which may still be in use */
  constructor(
    private readonly adopted: AdoptedNodes,
    private readonly log: Logger,
  ) {}

  get empty(): boolean {
    return this.pending.length === 0;
  }

  clear(): void {
    this.pending = [];
    this.stuck = [];
  }

  push(item: Garbage): void {
    this.pending.push(item);
  }

  /** Has nodes of an earlier run removed that nobody has taken: they are kept until then. */
  releaseAdopted(): void {
    this.pushNodes(this.adopted.rest());
    this.adopted.clear();
  }

  /** The next removals, as many as one operation may hold. */
  take(): Garbage[] {
    let slots = 0;
    const most = this.pending.findIndex((item, i) => {
      slots += item.entries.length;
      return i + 1 >= NODES_PER_OPERATION || slots >= SLOTS_PER_OPERATION;
    });
    return this.pending.splice(0, most < 0 ? this.pending.length : most + 1);
  }

  /** The server refused to remove it. Returns whether for another reason than that it is gone, or still in use. */
  refused(item: Garbage, error: AftError): boolean {
    // Already gone (an earlier removal's answer was lost): as good as removed, one by one.
    if (error.code === 'unknownToken' || error.code === 'unknownEntry' || error.code === 'unknownParent') {
      if (item.tokens.length + item.entries.length > 1) this.withoutGone(item, error);
      else item.done();
      return false;
    }
    this.log.debug('nodes can not be removed yet', { reason: error.message });
    if (item.refused !== undefined) item.refused({ ...item, reason: `${error.code}: ${error.message}` });
    else this.stuck.push(item);
    return error.code !== 'inUse';
  }

  /** Some of it is gone: the rest is still to be removed. */
  private withoutGone(item: Garbage, error: AftError): void {
    const container = error.code === 'unknownParent' ? item.entries[error.item?.index ?? -1]?.parent : undefined;
    if (container === undefined) return this.takeApart(item);
    // A container is removed together with its entries.
    const entries = item.entries.filter(({ parent }) => parent !== container);
    const tokens = item.tokens.filter((token) => token !== container);
    if (entries.length + tokens.length === 0) return item.done();
    this.pending.push({ ...item, entries, tokens });
  }

  /** Each entry and each node becomes a removal of its own; what was wanted of all is told when the last of them is answered. */
  private takeApart(item: Garbage): void {
    const parts = [
      ...item.entries.map((entry) => ({ entries: [entry], tokens: [] })),
      ...item.tokens.map((token) => ({ entries: [], tokens: [token] })),
    ];
    let left = parts.length;
    let refusal: RemovalRefusal | undefined;
    const answered = (): void => {
      if (--left > 0) return;
      if (refusal === undefined) item.done();
      else item.refused?.(refusal);
    };
    const refused = ({ entries, tokens, reason }: RemovalRefusal): void => {
      const before = refusal ?? { entries: [], tokens: [] };
      refusal = { entries: [...before.entries, ...entries], tokens: [...before.tokens, ...tokens], reason };
      answered();
    };
    for (const part of parts)
      this.pending.push({ ...item, ...part, done: answered, ...(item.refused === undefined ? {} : { refused }) });
  }

  /** Something was removed: what was refused may go now. */
  retryStuck(): void {
    this.pending.push(...this.stuck.splice(0));
  }

  /** The nodes that wait for their removal. */
  *tokens(): Generator<Token> {
    for (const item of [...this.pending, ...this.stuck]) yield* item.tokens;
    yield* this.adopted.tokens();
  }

  /** Has nodes removed that are nobody's. */
  pushNodes(nodes: readonly AftNode[]): void {
    for (const item of removalOrder(nodes)) this.pending.push({ ...item, done: nothing });
  }
}
