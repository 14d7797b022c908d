/**
 * Nodes that an earlier life of the bridge left in the vASIC, for this life to go on with: who needs a node that is there already, content and all,
 * takes it instead of making another, and nothing has to be written, neither the node nor what points at it. A node is taken once.
 */
import type { AftEntry, AftNode, Token } from '../aft/model';

/** A nexthop group's nodes. */
export interface AdoptedGroup {
  readonly indirect: Token;
  /** Where it leads. */
  readonly target: Token;
  /** Of a load balancer: its fields and slots. */
  readonly balancer: { readonly fields: readonly number[]; readonly slots: readonly Token[] } | undefined;
}

/** Two nodes of equal keys treat packets alike, but for where they lead. */
function contentKey(node: AftNode): string {
  const { token, next, name, ...content } = node;
  void [token, next, name];
  return JSON.stringify(content, (_, value: unknown) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    // Parameters in any order are the same.
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export class AdoptedNodes {
  private readonly nodes = new Map<Token, AftNode>();
  /** Encapsulations and decapsulations by their content. */
  private readonly byContent = new Map<string, Token[]>();
  /** Indirects by where they lead. */
  private readonly byTarget = new Map<Token, Token[]>();
  private readonly slots = new Map<Token, readonly Token[]>();

  /** Takes over what is there, in place of what was before. */
  fill(nodes: readonly AftNode[]): void {
    this.clear();
    for (const node of nodes) {
      this.nodes.set(node.token, node);
      if (node.type === 'encap' || node.type === 'decap') push(this.byContent, contentKey(node), node.token);
      if (node.type === 'indirect') push(this.byTarget, node.target, node.token);
    }
  }

  /** The entries of a load balancer, as they were read. One that isn't filled from the first slot to the last is nobody's. */
  fillSlots(balancer: Token, entries: readonly AftEntry[]): void {
    const slots: Token[] = [];
    for (const { key, next } of entries) if (key.data.kind === 'int') slots[key.data.value] = next;
    const node = this.nodes.get(balancer);
    if (node?.type !== 'loadBalance' || slots.length !== node.max || slots.includes(undefined as never)) return;
    this.slots.set(balancer, slots);
  }

  clear(): void {
    this.nodes.clear();
    this.byContent.clear();
    this.byTarget.clear();
    this.slots.clear();
  }

  get empty(): boolean {
    return this.nodes.size === 0;
  }

  /** The load balancers, whose entries are to be read. */
  balancers(): Token[] {
    return [...this.nodes.values()].filter(({ type }) => type === 'loadBalance').map(({ token }) => token);
  }

  /** What nobody has taken. */
  rest(): AftNode[] {
    return [...this.nodes.values()];
  }

  /** Tokens of what nobody has taken. */
  tokens(): Iterable<Token> {
    return this.nodes.keys();
  }

  /** An encapsulation like this, and an indirect that leads to it. Both are taken. */
  takeAdjacency(wanted: AftNode): { readonly encap: Token; readonly indirect: Token } | undefined {
    for (const encap of this.byContent.get(contentKey(wanted)) ?? []) {
      if (this.nodes.get(encap)?.next !== wanted.next) continue;
      const indirect = this.byTarget.get(encap)?.find((token) => this.nodes.has(token));
      if (indirect === undefined) continue;
      this.take(encap, indirect);
      return { encap, indirect };
    }
    return undefined;
  }

  /**
   * A chain of nodes like these, each leading to the next, the last one to `target`. All are taken.
   * @param wanted in the order in which a packet meets them; their tokens and where they lead are without meaning
   */
  takeChain(wanted: readonly AftNode[], target: Token): readonly Token[] | undefined {
    const [first] = wanted;
    if (first === undefined || this.empty) return undefined;
    const keys = wanted.map(contentKey);
    for (const start of this.byContent.get(keys[0]!) ?? []) {
      const chain = this.follow(start, keys, target);
      if (chain === undefined) continue;
      this.take(...chain);
      return chain;
    }
    return undefined;
  }

  private follow(start: Token, keys: readonly string[], target: Token): Token[] | undefined {
    const chain: Token[] = [];
    let at = start;
    for (const key of keys) {
      const node = this.nodes.get(at);
      if (node?.next === undefined || contentKey(node) !== key) return undefined;
      chain.push(at);
      at = node.next;
    }
    return at === target ? chain : undefined;
  }

  /** The nodes of a nexthop group by the token that entries point at; undefined: that isn't one, or was taken. */
  group(indirect: Token): AdoptedGroup | undefined {
    const node = this.nodes.get(indirect);
    if (node?.type !== 'indirect') return undefined;
    const next = this.nodes.get(node.target);
    const slots = this.slots.get(node.target);
    const balancer = next?.type === 'loadBalance' && slots !== undefined ? { fields: next.fields, slots } : undefined;
    return { indirect, target: node.target, balancer };
  }

  /** These are somebody's now. */
  take(...tokens: readonly Token[]): void {
    for (const token of tokens) this.nodes.delete(token);
  }
}

function push<K>(map: Map<K, Token[]>, key: K, token: Token): void {
  const others = map.get(key);
  if (others === undefined) map.set(key, [token]);
  else others.push(token);
}
