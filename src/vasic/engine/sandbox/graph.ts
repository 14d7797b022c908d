/**
 * The node graph of a sandbox: which token is which node, names, and how many references each node has.
 *
 * A node's slot is its position in `nodes`; it stays the same when the node is replaced in place, so whatever leads
 * there (links, entries, bindings) follows without being touched. Slot 0 is never used. A reference is a node's next
 * or target, an entry's next, or an input port's binding; a node with any cannot be removed, so a slot in use always
 * holds a node.
 *
 * Each change returns how to undo it; a transaction that fails runs these backwards. The graph never fails half way
 * through a change: everything is checked first.
 */
import { TOKEN_DISCARD, TOKEN_FIRST_CLIENT, TOKEN_NONE } from '../../../aft/model';
import type { AftEntry, AftKey, AftNode, AftNodeType, Token } from '../../../aft/model';
import { keyText } from './key-text';
import { NodeNames } from './names';
import { isNodeType, kindOf } from '../nodes/kinds';
import type { Compiled, Container, Description, LinkContext } from '../node-kind';
import { inputPortToken, outputPortToken } from '../ports';
import type { Ports } from '../ports';
import type { GraphSurroundings, GraphWatcher, NodeImage, WatchedGraph } from '../node-image';
import { END } from '../walk';
import type { Executable, Walk } from '../walk';
import { accept, refuse } from '../verdict';
import type { Change, Refusal } from '../verdict';
import { OWN_MEMORY } from '../arena';
import type { TrieMemory } from '../word-pool';

/** A node in its slot. Executes as the node that is there now. */
export class Place implements Executable {
  references = 0;

  constructor(
    readonly slot: number,
    public node: AftNode,
    /** Slots that the node refers to, its next included. */
    public targets: readonly number[],
    public compiled: Compiled,
  ) {}

  execute(walk: Walk): number {
    return this.compiled.execute(walk);
  }

  /** What a trace says of it, see NodeKind.describe(). */
  describe(walk: Walk, graph: Graph): Description {
    const { container } = this.compiled;
    return kindOf<AftNodeType>(this.node).describe(this.node, walk, { graph, container });
  }
}

export class Graph implements LinkContext, WatchedGraph {
  /** Slot → node. */
  readonly nodes: (Place | undefined)[] = [undefined];
  /** Nodes that clients inserted, and entries in all containers. */
  clientNodes = 0;
  entries = 0;
  /** Those of them that a sandbox may only have so many of. */
  limitedEntries = 0;
  private readonly byToken = new Map<Token, Place>();
  private readonly names = new NodeNames<Place>();
  private readonly freeSlots: number[] = [];
  /** Input port → slot where its packets start. */
  private readonly bindings: number[];
  private readonly watcher: GraphWatcher | undefined;
  readonly trieMemory: (family: 4 | 6) => TrieMemory;

  constructor(
    readonly ports: Ports,
    readonly now: () => number,
    surroundings?: GraphSurroundings,
  ) {
    this.trieMemory = surroundings?.trieMemory ?? (() => OWN_MEMORY);
    this.watcher = surroundings?.watch(this);
    this.bindings = ports.list.map(() => END);
    this.put({ type: 'discard', token: TOKEN_DISCARD });
    ports.list.forEach((_, index) => this.put({ type: 'inputPort', token: inputPortToken(index), index }));
    for (let index = 0; index <= ports.list.length; index++) {
      this.put({ type: 'outputPort', token: outputPortToken(index), index });
    }
  }

  at(token: Token): Place | undefined {
    return this.byToken.get(token);
  }

  /** At most one of each type. */
  named(name: string): readonly Place[] {
    return this.names.of(name);
  }

  all(): Iterable<Place> {
    return this.byToken.values();
  }

  slotOf(token: Token | undefined): number {
    return token === undefined || token === TOKEN_NONE ? END : this.byToken.get(token)!.slot;
  }

  containerAt(slot: number): Container | undefined {
    return this.nodes[slot]?.compiled.container;
  }

  inputStart(port: number): number {
    return this.bindings[port] ?? END;
  }

  /** The node that an input port is bound to. */
  boundTo(port: number): Token | undefined {
    return this.nodes[this.inputStart(port)]?.node.token;
  }

  imageOf(slot: number): NodeImage | undefined {
    const place = this.nodes[slot];
    if (place === undefined) return undefined;
    const { node, compiled } = place;
    return kindOf<AftNodeType>(node).image?.(node, this, compiled) ?? { kind: 'slow', reason: 'node' };
  }

  inputSlot(port: number): number {
    return this.slotOf(inputPortToken(port));
  }

  /** Makes all changes so far show to who watches. */
  settle(): void {
    this.watcher?.settle();
  }

  /** What keeps the last change from staying, beside its own faults; undefined: nothing. */
  fault(): Refusal | undefined {
    const fault = this.watcher?.fault();
    return fault === undefined ? undefined : refuse('full', fault);
  }

  /** Runs the undoing of changes. */
  rollback(run: () => void): void {
    if (this.watcher === undefined) run();
    else this.watcher.rollback(run);
  }

  /** Inserts a node, or replaces the one of the same type under its token. */
  insertNode(node: AftNode): Change {
    const { token } = node;
    if (!Number.isSafeInteger(token)) return refuse('invalid', `${token} is no token`);
    if (token < TOKEN_FIRST_CLIENT) {
      return refuse('invalid', `token ${token} is the server's: clients allocate from ${TOKEN_FIRST_CLIENT}`);
    }
    if (!isNodeType(node.type)) return refuse('invalid', `node ${token}: there is no node type '${String(node.type)}'`);
    const old = this.byToken.get(token);
    if (old !== undefined && old.node.type !== node.type) {
      return refuse('exists', `token ${token} is a ${old.node.type} node already: remove that, or use another token`);
    }
    const nameProblem = this.names.check(node);
    if (nameProblem !== undefined) return nameProblem;

    const kind = kindOf(node);
    const targets = kind.targets(node);
    for (const target of targets) {
      if (target === TOKEN_NONE && kind.noneAllowed) continue;
      const missing = this.checkTarget(node, target);
      if (missing !== undefined) return missing;
    }
    if (node.next !== undefined && node.next !== TOKEN_NONE) {
      const missing = this.checkTarget(node, node.next);
      if (missing !== undefined) return missing;
    }
    const replaced = old && { node: old.node, entries: old.compiled.container?.count ?? 0 };
    const problem = kind.check(node, this, replaced);
    if (problem !== undefined) return refuse('invalid', `${node.type} node ${token}: ${problem}`);

    if (old === undefined) {
      const place = this.put(node);
      this.clientNodes++;
      return accept(() => {
        this.clientNodes--;
        this.take(place);
      });
    }
    const { node: oldNode, targets: oldTargets, compiled } = old;
    this.replace(old, node, this.slotsOf(node), kind.link(node, this, compiled));
    return accept(() => {
      this.replace(old, oldNode, oldTargets, compiled);
    });
  }

  removeNode(token: Token): Change {
    const place = this.byToken.get(token);
    if (place === undefined) return refuse('unknownToken', `there is no node ${token}`);
    const { node, references } = place;
    if (token < TOKEN_FIRST_CLIENT) {
      return refuse('invalid', `token ${token} (${node.type}) is the server's and cannot be removed`);
    }
    const entries = place.compiled.container?.count ?? 0;
    if (entries > 0) {
      return refuse('inUse', `${node.type} node ${token} still has ${entries} entries: remove them first, or together`);
    }
    if (references > 0) {
      return refuse(
        'inUse',
        `${node.type} node ${token} still has ${references} references: remove what points at it first`,
      );
    }
    this.take(place);
    this.clientNodes--;
    return accept(() => {
      this.clientNodes++;
      this.give(place);
    });
  }

  /** Inserts an entry, or replaces the one with the same key. */
  insertEntry(entry: AftEntry): Change {
    const { key, next, params } = entry;
    const found = this.entryPlace(entry.parent, key);
    if ('error' in found) return found;
    const { container, slot } = found;
    const target = this.byToken.get(next);
    if (target === undefined) {
      return refuse(
        'unknownToken',
        `entry ${keyText(key)} of node ${entry.parent}: there is no node ${next} to lead to`,
      );
    }
    const before = container.get(key);
    const paramsBefore = before === END ? undefined : container.paramsOf(key);
    const isTrie = this.settleFor(container);
    container.set(key, target.slot, params);
    target.references++;
    if (before !== END) this.nodes[before]!.references--;
    else this.countEntries(container, 1);
    if (!isTrie) this.watcher?.entriesChanged(slot);
    return accept(() => {
      target.references--;
      if (before === END) {
        container.delete(key);
        this.countEntries(container, -1);
      } else {
        container.set(key, before, paramsBefore);
        this.nodes[before]!.references++;
      }
      if (!isTrie) this.watcher?.entriesChanged(slot);
    });
  }

  removeEntry(parent: Token, key: AftKey): Change {
    const found = this.entryPlace(parent, key);
    if ('error' in found) return found;
    const { container, slot: at } = found;
    const slot = container.get(key);
    if (slot === END) return refuse('unknownEntry', `node ${parent} has no entry ${keyText(key)}`);
    const params = container.paramsOf(key);
    const isTrie = this.settleFor(container);
    container.delete(key);
    this.nodes[slot]!.references--;
    this.countEntries(container, -1);
    if (!isTrie) this.watcher?.entriesChanged(at);
    return accept(() => {
      container.set(key, slot, params);
      this.nodes[slot]!.references++;
      this.countEntries(container, 1);
      if (!isTrie) this.watcher?.entriesChanged(at);
    });
  }

  /** Binds an input port to the node its packets start at; TOKEN_NONE unbinds it. */
  bind(port: number, next: Token): Change {
    const before = this.bindings[port];
    if (before === undefined) return refuse('invalid', `there is no input port ${port}`);
    if (next !== TOKEN_NONE && !this.byToken.has(next)) {
      return refuse('unknownToken', `input port ${port}: there is no node ${next} to start at`);
    }
    const slot = this.slotOf(next);
    this.setBinding(port, slot);
    return accept(() => {
      this.setBinding(port, before);
    });
  }

  private setBinding(port: number, slot: number): void {
    this.refer([slot], 1);
    this.refer([this.bindings[port]!], -1);
    this.bindings[port] = slot;
    this.watcher?.bound(port);
  }

  /** Before an entry changes: those of tries show at once, so what they may lead to has to show before. Whether it is one. */
  private settleFor(container: Container): boolean {
    const isTrie = container.putPrefix !== undefined;
    if (isTrie) this.settle();
    return isTrie;
  }

  /** The container that an entry belongs in, the key checked. */
  private entryPlace(parent: Token, key: AftKey): { container: Container; slot: number } | Refusal {
    const place = this.byToken.get(parent);
    if (place === undefined) {
      return refuse('unknownParent', `entry ${keyText(key)}: there is no node ${parent} for it to be in`);
    }
    const { container } = place.compiled;
    const of = `${place.node.type} node ${parent}`;
    if (container === undefined) return refuse('invalid', `entry ${keyText(key)}: ${of} has no entries`);
    const problem = container.checkKey(key);
    return problem === undefined
      ? { container, slot: place.slot }
      : refuse('invalid', `entry ${keyText(key)} of ${of}: ${problem}`);
  }

  /** For changes of a container's entries: `by` is how many more there are. */
  countEntries(container: Container, by: number): void {
    this.entries += by;
    if (container.limited) this.limitedEntries += by;
  }

  private checkTarget(node: AftNode, target: Token): Refusal | undefined {
    if (this.byToken.has(target)) return undefined;
    const what = target === TOKEN_NONE ? 'it has to lead somewhere' : `there is no node ${target} for it to lead to`;
    return refuse('unknownToken', `${node.type} node ${node.token}: ${what}`);
  }

  private slotsOf(node: AftNode): number[] {
    const kind = kindOf<AftNodeType>(node);
    const slots = [...kind.targets(node), node.next].map((token) => this.slotOf(token)).filter((slot) => slot !== END);
    // A copy has no room to grow, which would cost more than it holds.
    return slots.slice();
  }

  private put(node: AftNode): Place {
    const slot = this.freeSlots.pop() ?? this.nodes.length;
    const place = new Place(slot, node, this.slotsOf(node), kindOf(node).link(node, this, undefined));
    this.nodes[slot] = place;
    this.index(place);
    this.watcher?.placed(slot);
    return place;
  }

  /** Puts a removed node back where it was. */
  private give(place: Place): void {
    // Undone in reverse order, so the slot is the one freed last.
    this.freeSlots.pop();
    this.nodes[place.slot] = place;
    this.index(place);
    this.watcher?.placed(place.slot);
  }

  private index(place: Place): void {
    this.refer(place.targets, 1);
    this.byToken.set(place.node.token, place);
    this.names.give(place);
  }

  private take(place: Place): void {
    this.refer(place.targets, -1);
    this.byToken.delete(place.node.token);
    this.names.take(place);
    this.nodes[place.slot] = undefined;
    this.freeSlots.push(place.slot);
    this.watcher?.gone(place.slot);
  }

  private replace(place: Place, node: AftNode, targets: readonly number[], compiled: Compiled): void {
    this.refer(targets, 1);
    this.refer(place.targets, -1);
    this.names.take(place);
    place.node = node;
    this.names.give(place);
    place.targets = targets;
    place.compiled = compiled;
    this.watcher?.placed(place.slot);
  }

  private refer(slots: readonly number[], by: 1 | -1): void {
    for (const slot of slots) if (slot !== END) this.nodes[slot]!.references += by;
  }
}
