/**
 * What a node type is: each file in nodes/ exports one or two of these, and kinds.ts there lists them all.
 *
 * A node is checked and linked when it is inserted, and from then on only executed. Tokens become slots, positions in
 * the graph that stay the same when a node is replaced in place.
 */
import type { AftEntry, AftKey, AftNode, AftNodeType, AftParams, AftPrefixes, Token } from '../../aft/model';
import type { AftField } from '../../aft/model';
import type { NodeImage } from './node-image';
import type { Counters, Ports } from './ports';
import type { Executable, Walk } from './walk';
import type { TrieMemory } from './word-pool';

export type NodeOf<T extends AftNodeType> = Extract<AftNode, { type: T }>;

/** A node type that has entries. */
export interface Container {
  readonly count: number;
  /** Whether its entries count towards the most that a sandbox holds. */
  readonly limited: boolean;
  /** What is wrong with a key; undefined: it can be used. Only keys that passed may be given to the others. */
  checkKey(key: AftKey): string | undefined;
  /** What keeps packets from being looked up by these fields instead of its own; undefined: nothing. */
  checkFields(fields: readonly AftField[]): string | undefined;
  /** Slot of the entry with that key, 0 for none. */
  get(key: AftKey): number;
  /** Adds or replaces. */
  set(key: AftKey, slot: number, params: AftParams | undefined): void;
  delete(key: AftKey): void;
  paramsOf(key: AftKey): AftParams | undefined;
  /** In a container of prefixes: whether an item of a batch can be put as it is. If not, insertEntry() does it or says why not. */
  acceptsPrefix?(prefixes: AftPrefixes, index: number): boolean;
  /** Adds, replaces or (slot END) deletes an item that was accepted; the slot that it had before, END for none. */
  putPrefix?(prefixes: AftPrefixes, index: number, slot: number): number;
  /** May be consumed bit by bit while entries change: unchanged ones come exactly once. */
  entries(): Iterable<ContainerEntry>;
  /** The slot where a lookup leads, by these fields instead of the container's own where given; DONE: dropped. */
  lookup(walk: Walk, fields: readonly AftField[]): number;
}

export interface ContainerEntry {
  readonly key: AftEntry['key'];
  readonly slot: number;
  readonly params: AftParams | undefined;
}

/** A node ready to run. */
export interface Compiled extends Executable {
  readonly counters?: Counters;
  readonly container?: Container;
}

/** What a node may ask about the sandbox while it is checked and linked. */
export interface LinkContext {
  readonly ports: Ports;
  /** Slot of a token that the node declared in targets(), or of its next; END for TOKEN_NONE. */
  slotOf(token: Token | undefined): number;
  /** The container behind a slot now, if it is one. */
  containerAt(slot: number): Container | undefined;
  /** Slot of the node that packets received on a port start at; END: unbound. */
  inputStart(port: number): number;
  /** Memory for a trie. */
  trieMemory(family: 4 | 6): TrieMemory;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** The node that another of the same type replaces in place. */
export interface Replaced<T extends AftNodeType> {
  readonly node: NodeOf<T>;
  readonly entries: number;
}

/** Says what a node made of a packet, now that it ran; `next` is what its execute() returned. */
export type Description = (next: number) => string;

/** What a node may ask while it is described. */
export interface DescribeContext {
  readonly graph: LinkContext;
  /** The node's own, in a node type that has one. */
  readonly container: Container | undefined;
}

export interface NodeKind<T extends AftNodeType> {
  /** Tokens that the node refers to beside its `next`. They have to exist; TOKEN_NONE only where noneAllowed says so. */
  targets(node: NodeOf<T>): readonly Token[];
  /** Whether targets may be TOKEN_NONE: the branch ends there. */
  readonly noneAllowed: boolean;
  /** What is wrong with the node; undefined: it can be linked. Targets exist at this time. */
  check(node: NodeOf<T>, context: LinkContext, replaced: Replaced<T> | undefined): string | undefined;
  /** `previous` is what the node replaces under the same token; a container takes over its entries. */
  link(node: NodeOf<T>, context: LinkContext, previous: Compiled | undefined): Compiled;
  /** For a trace. Asked before the node runs, as it may change what it reads; answered once it ran. */
  describe(node: NodeOf<T>, walk: Walk, context: DescribeContext): Description;
  /** What the kernel may do at the node; absent: nothing. */
  image?(node: NodeOf<T>, context: LinkContext, compiled: Compiled): NodeImage;
}
