/**
 * What the writers of nodes share: what each of them does, the token allocator, the ports, and the removal of nodes that
 * are not used any more.
 */
import type { AdoptedNodes } from './adopted-nodes';
import { FIRST_DYNAMIC, type BasePort } from './base-graph';
import type { PortRules } from '../fib/intents';
import type { AftEntry, AftKey, AftNode, AftSandboxInfo, Token } from '../aft/model';
import type { NexthopVerdict } from '../fib/intents';
import type { WorkSet } from '../fib/work-set';

/** Operations on nodes carry few of them, so that a refusal costs little. */
export const NODES_PER_OPERATION = 64;
/** No more are added to an operation that has so many slots of load balancers. */
export const SLOTS_PER_OPERATION = 8192;

/** An operation being put together. */
export interface NodeInsert {
  readonly nodes: AftNode[];
  readonly entries: AftEntry[];
  readonly binds: { readonly port: number; readonly next: Token }[];
}

/** What building a member has come to. */
export type BuildResult =
  /** Its nodes were added to the operation. */
  | { readonly kind: 'written' }
  /** There is nothing to write now: it waits, is in flight, or is as it should be. */
  | { readonly kind: 'nothing' }
  /** Decided without an operation. */
  | { readonly kind: 'settled'; readonly verdict: NexthopVerdict }
  /** The vASIC has it as it should be, from an earlier life. */
  | { readonly kind: 'found' }
  /** The vASIC has nothing of it, and it isn't wanted. */
  | { readonly kind: 'gone' };

export const WRITTEN: BuildResult = { kind: 'written' };
export const FOUND: BuildResult = { kind: 'found' };
export const NOTHING: BuildResult = { kind: 'nothing' };

/** A layer of nodes, written member by member. */
export interface NodeWriter {
  /** To be looked at again. */
  readonly dirty: WorkSet;
  /** Adds a member's nodes. It reads what the FIB wants and changes nothing there: the result says what to tell it. */
  build(id: number, insert: NodeInsert): BuildResult;
  /** The server's verdict. */
  done(id: number, error: string | undefined): void;
  /** Refused together with others: will be built anew. */
  returned(id: number): void;
  /** What became of it is not known: it is written again, whole. */
  uncertain(id: number): void;
}

/** Nodes (and the entries in them) that nothing should point at any more. */
export interface Garbage {
  readonly entries: readonly { readonly parent: Token; readonly key: AftKey }[];
  readonly tokens: readonly Token[];
  /** They may have been made in vain, for what was refused then: that they are gone is no reason to try it again. */
  readonly isNoRoom?: boolean;
  /** The server has removed them. */
  readonly done: () => void;
  /** The server would not: whoever wanted it goes on from there. Absent: it is tried again when other nodes are gone. */
  readonly refused?: (refusal: RemovalRefusal) => void;
}

/** A removal that the server would not do, or not all of. */
export interface RemovalRefusal {
  /** What is still there: the rest may have gone. */
  readonly entries: Garbage['entries'];
  readonly tokens: readonly Token[];
  readonly reason: string;
}

/** One token in use: its node's type, what it stands for in plain words, and where it leads. */
export interface TokenUse {
  readonly token: Token;
  readonly type: string;
  readonly name: string;
  readonly next: readonly Token[];
}

/** A node as the vASIC is known to hold it, for an audit. */
export interface ProgrammedNode {
  readonly layer: 'base' | 'vrf' | 'port' | 'adjacency' | 'label' | 'nexthop' | 'lsp';
  /** Of the port, neighbor, label action or nexthop group; a VRF's table; 0 for the base graph and for the table of labels. */
  readonly id: number;
  /** What it stands for, in plain words. */
  readonly name: string;
  readonly token: Token;
  /** Its content; undefined: not known for sure, as it is being written. */
  readonly node: AftNode | undefined;
  /** Where its entries lead by their keys (`keyText`), of a container other than the route tree. */
  readonly entries: { readonly size: number; get(key: string): Token | undefined } | undefined;
}

/** A key of a container other than the route tree, as text. */
export function keyText({ data }: AftKey): string {
  switch (data.kind) {
    case 'int':
      return String(data.value);
    case 'ether':
      return Buffer.from(data.bytes).toString('hex');
    default:
      return '?';
  }
}

/** Nodes of fixed tokens with their entries, as they are programmed. */
export function programmedParts(
  { nodes, entries }: { readonly nodes: readonly AftNode[]; readonly entries: readonly AftEntry[] },
  layer: 'base' | 'vrf' | 'port',
  id: number,
): ProgrammedNode[] {
  const byParent = new Map<Token, Map<string, Token>>();
  for (const { token, type } of nodes) if (type === 'switch') byParent.set(token, new Map());
  for (const { parent, key, next } of entries) byParent.get(parent)?.set(keyText(key), next);
  return nodes.map((node) => {
    const { token } = node;
    return { layer, id, name: node.name ?? node.type, token, node, entries: byParent.get(token) };
  });
}

/** One life of the sandbox as this client uses it. */
export class Graph {
  /** Output port index → token. */
  outputs: ReadonlyMap<number, Token> = new Map();
  /** Port index → hardware address that it has by itself. */
  private own: ReadonlyMap<number, Uint8Array | undefined> = new Map();
  private next: Token = FIRST_DYNAMIC;

  /**
   * `discard` queues nodes for removal; `adopted` are those of an earlier life; `rulesOf` is Linux's word on a port; `etherTypesOf` a VRF's switch
   * by its table.
   */
  constructor(
    readonly adopted: AdoptedNodes,
    readonly discard: (garbage: Garbage) => void,
    private readonly rulesOf: (port: number) => PortRules | undefined,
    private readonly etherTypesOf: (table: number) => Token,
  ) {}

  /**
   * The sandbox is open.
   * @param used the ports in use; `mac` where it is not to be the sandbox's own
   */
  setPorts({ inputPorts, outputPorts }: AftSandboxInfo, used: readonly BasePort[]): void {
    this.outputs = new Map(outputPorts.map((port) => [port.index, port.token]));
    this.own = new Map(
      used.map(({ index, mac }) => [index, mac ?? inputPorts.find((port) => port.index === index)?.mac]),
    );
  }

  newToken(): Token {
    return this.next++;
  }

  /** Starts allocating at `next`. */
  restart(next: Token = FIRST_DYNAMIC): void {
    this.next = next;
  }

  /** The used ports as they are to be now. */
  get ports(): readonly BasePort[] {
    return [...this.own.keys()].map((index) => this.portOf(index)!);
  }

  /** A port by Linux's word, where it has one; undefined for one that isn't used. */
  portOf(index: number): BasePort | undefined {
    if (!this.own.has(index)) return undefined;
    const rules = this.rulesOf(index);
    const mac = rules?.mac ?? this.own.get(index);
    return { index, mac, rules, ...(rules === undefined ? {} : { etherTypes: this.etherTypesOf(rules.table) }) };
  }
}
