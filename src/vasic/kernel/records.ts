/**
 * The records of the compiled graph (layout.ts) in the heap: what each slot has of it beside its record, and their words. It decides
 * nothing about when the words are written (image.ts), only what they are.
 *
 * Nodes in a row that fpm2afi builds are one record: where a node only leads on, its record is that of where it leads; an encapsulation has
 * the output port behind it, and the port's MAC address the switch of ether types. Such a record is written again with each of these.
 */
import type { NodeImage, PoppedTtl, SlowNode } from '../engine/node-image';
import { END } from '../engine/walk';
import type { CounterIds } from './counter-ids';
import { Followers } from './followers';
import type { Heap } from './heap';
import { PAGE_WORDS } from './heap';
import { LabelPages } from './label-pages';
import * as layout from './layout';
import { SharedTrieMemory } from './shared-trie';

/** Nodes that only lead on and that a record passes over, its own included; with two nodes behind them these are FUSED_NODES. */
const PASSED_OVER = layout.FUSED_NODES - 2;
/** Kept free beside what a record takes, for the others of the same operation. */
const SPARE_PAGES = 2;

const SLOW: Readonly<Record<SlowNode, number>> = {
  node: layout.REASON_NODE,
  host: layout.REASON_HOST,
  policer: layout.REASON_POLICER,
};

const POPPED_TTL: Readonly<Record<PoppedTtl, number>> = {
  stays: layout.POP_TTL_STAYS,
  ofLabel: layout.POP_TTL_OF_LABEL,
  ofPacket: layout.POP_TTL_OF_PACKET,
};

/** A slot's node, and what it has of the heap. */
interface Held {
  image: NodeImage;
  /** Of a load balancer: its slots, and behind them as many words for those present. Of a switch of ports: its slots. */
  paths: Block;
  /** Of a table of labels. */
  labels: LabelPages | undefined;
  /** Blocks that the record still names, until it is written again. */
  old: Block[];
}

interface Block {
  readonly at: number;
  readonly words: number;
}

const NONE: Block = { at: 0, words: 0 };

export class Records {
  /** Address of their table. */
  table = 0;
  private readonly held: (Held | undefined)[] = [];
  private readonly followers = new Followers();

  constructor(
    private readonly heap: Heap,
    private readonly ids: CounterIds,
  ) {}

  /** Gets what the node needs of the heap, and its counters' number; false: there is no room, and the slot has what it had. Nothing shows yet. */
  hold(slot: number, image: NodeImage): boolean {
    const before = this.held[slot];
    const wanted = image.kind === 'balance' ? 2 * image.max : image.kind === 'portSwitch' ? image.ports : 0;
    const grows = wanted > (before?.paths.words ?? 0);
    const pages = Math.ceil(wanted / PAGE_WORDS) + SPARE_PAGES;
    if (!this.heap.makesRoom(() => this.heap.hasSpare(pages))) return false;
    if (image.kind === 'tree' && !(sharedRoot(image.ip4).makeRoot() && sharedRoot(image.ip6).makeRoot())) return false;
    const paths = grows ? this.block(wanted) : (before?.paths ?? NONE);
    if (grows && paths.at === 0) return false;
    if (before === undefined) {
      this.held[slot] = { image, paths, labels: undefined, old: [] };
    } else {
      if (grows) before.old.push(before.paths);
      const counters = countersOf(before.image);
      if (counters !== undefined && counters !== countersOf(image)) this.ids.give(counters);
      before.image = image;
      before.paths = paths;
    }
    const counters = countersOf(image);
    // More room for counters is another instance of the program: that takes longer than the graph may be changing.
    if (counters !== undefined) this.ids.take(counters);
    return this.entriesChanged(slot);
  }

  /** Gets what the node's entries need of the heap by now; false: there is no room. */
  entriesChanged(slot: number): boolean {
    const held = this.held[slot];
    if (held?.image.kind !== 'labelTable') return true;
    const isNew = held.labels === undefined;
    held.labels ??= LabelPages.make(this.heap);
    return held.labels?.gather(held.image, isNew) ?? false;
  }

  /**
   * Writes the records of these slots and of whatever follows them, which it adds to them; zeros, and what they had is given back, for those in
   * `gone`. Within a change of the graph's version.
   */
  write(slots: Set<number>, gone: ReadonlySet<number>): void {
    this.followers.addTo(slots);
    for (const slot of gone) this.drop(slot);
    // What only leads on takes over the record of where it leads.
    const leading: number[] = [];
    for (const slot of slots) {
      const held = this.held[slot];
      if (held === undefined) continue;
      if (held.image.kind === 'goto') leading.push(slot);
      else this.put(slot, held, this.fused(slot, held));
    }
    for (const slot of leading) this.put(slot, this.held[slot]!, this.passedOver(slot));
  }

  private put(slot: number, held: Held, words: ArrayLike<number>): void {
    const at = this.at(slot);
    for (let i = 0; i < layout.RECORD_WORDS; i++) this.heap.words[at + i] = words[i] ?? 0;
    for (const block of held.old) this.free(block);
    held.old = [];
  }

  private drop(slot: number): void {
    const held = this.held[slot];
    if (held === undefined) return;
    this.held[slot] = undefined;
    this.followers.follow(slot, []);
    const record = this.at(slot);
    this.heap.words.fill(0, record, record + layout.RECORD_WORDS);
    for (const block of [...held.old, held.paths]) this.free(block);
    held.labels?.release();
    const { image } = held;
    const counters = countersOf(image);
    if (counters !== undefined) this.ids.give(counters);
    if (image.kind === 'tree') {
      sharedRoot(image.ip4).releaseRoot();
      sharedRoot(image.ip6).releaseRoot();
    }
  }

  private at(slot: number): number {
    return this.table + slot * layout.RECORD_WORDS;
  }

  /** Words of a node that doesn't only lead on, with the one behind it where the two are one record. */
  private fused(slot: number, held: Held): ArrayLike<number> {
    const { image } = held;
    if (image.kind !== 'encap' && image.kind !== 'matchMac') return this.wordsOf(held);
    const nextSlot = image.kind === 'encap' ? image.next : image.whenTrue;
    const next = this.held[nextSlot]?.image;
    if (!this.followers.follow(slot, nextSlot === END ? [] : [nextSlot])) return this.wordsOf(held);
    if (image.kind === 'encap' && next?.kind === 'output') {
      return this.counting(image.counters, (id) => [layout.KIND_ADJACENCY, next.port, ...headerWords(image, id)]);
    }
    if (image.kind === 'matchMac' && next?.kind === 'etherSwitch') {
      return [layout.KIND_FRONT, ...macWords(image.mac), image.whenFalse, ...layout.SWITCHED_TYPES.map(next.to)];
    }
    return this.wordsOf(held);
  }

  /** Words of a node that only leads on: those of where it leads, which are written. */
  private passedOver(slot: number): ArrayLike<number> {
    const own = this.held[slot]!;
    const behind: number[] = [];
    let image: NodeImage | undefined = own.image;
    while (image?.kind === 'goto' && image.next !== END && behind.length < PASSED_OVER) {
      behind.push(image.next);
      image = this.held[image.next]?.image;
    }
    if (!this.followers.follow(slot, behind)) return this.wordsOf(own);
    if (image === undefined) return [layout.KIND_GOTO, behind.at(-1)!];
    if (image.kind === 'goto') return [layout.KIND_GOTO, image.next];
    const from = this.at(behind.at(-1)!);
    return this.heap.words.subarray(from, from + layout.RECORD_WORDS);
  }

  private wordsOf(held: Held): readonly number[] {
    const { image } = held;
    switch (image.kind) {
      case 'slow':
        return [layout.KIND_SLOW, SLOW[image.reason]];
      case 'discard':
        return this.counting(image.counters, (id) => [layout.KIND_DISCARD, id]);
      case 'goto':
        return [layout.KIND_GOTO, image.next];
      case 'matchMac':
        return [layout.KIND_MATCH_MAC, ...macWords(image.mac), image.whenTrue, image.whenFalse];
      case 'etherSwitch':
        return [layout.KIND_ETHER_SWITCH, ...layout.SWITCHED_TYPES.map(image.to)];
      case 'tree':
        if (!image.routes) return [layout.KIND_SLOW, layout.REASON_NODE];
        return [layout.KIND_TREE, image.otherwise, sharedRoot(image.ip4).root, sharedRoot(image.ip6).root];
      case 'balance':
        return [...this.balanceOf(held, image.max, image.paths()), Number(image.labels)];
      case 'encap':
        return this.counting(image.counters, (id) => [layout.KIND_ENCAP, image.next, ...headerWords(image, id)]);
      case 'push':
        return this.counting(image.counters, (id) => [
          ...[layout.KIND_PUSH, image.next, id, (image.label << 12) >>> 0, image.ttl ?? 0, Number(image.keepsClass)],
        ]);
      case 'swap':
        return this.counting(image.counters, (id) => [layout.KIND_SWAP, image.next, id, (image.label << 12) >>> 0]);
      case 'pop':
        return this.counting(image.counters, (id) => [
          ...[layout.KIND_POP, image.next, image.stack, id, POPPED_TTL[image.ttl], image.payload ?? 0],
        ]);
      case 'labelTable':
        if (held.labels?.write(image) !== true) return [layout.KIND_SLOW, layout.REASON_NODE];
        return [layout.KIND_LABEL_TABLE, image.otherwise, held.labels.root, Number(image.expires)];
      case 'portSwitch': {
        for (let port = 0; port < image.ports; port++) this.heap.words[held.paths.at + port] = image.to(port);
        return [layout.KIND_PORT_SWITCH, image.ports, held.paths.at];
      }
      case 'output':
        return [layout.KIND_OUTPUT, image.port];
      case 'counter':
        return this.counting(image.counters, (id) => [layout.KIND_COUNTER, image.next, id]);
    }
  }

  /** A record that counts; without a number for that it is the engine's. */
  private counting(counters: Parameters<CounterIds['take']>[0], words: (id: number) => number[]): number[] {
    const id = this.ids.take(counters);
    return id === 0 ? [layout.KIND_SLOW, layout.REASON_NODE] : words(id);
  }

  private balanceOf(held: Held, max: number, paths: readonly (readonly [number, number])[]): readonly number[] {
    const { words } = this.heap;
    const { at } = held.paths;
    const present = at + max;
    words.fill(0, at, present);
    for (const [place, slot] of paths) words[at + place] = slot;
    const missing = paths.length > 0 && paths.length < max;
    if (missing) paths.forEach(([, slot], i) => (words[present + i] = slot));
    return [layout.KIND_BALANCE, max, at, missing ? paths.length : 0, missing ? present : 0];
  }

  private block(words: number): Block {
    const at = this.heap.allocateWords(words);
    return at === 0 ? NONE : { at, words };
  }

  private free({ at, words }: Block): void {
    if (at !== 0) this.heap.releaseWords(at, words);
  }
}

function macWords(mac: Uint8Array): readonly number[] {
  return [numberAt(mac, 0, 2), numberAt(mac, 2, 4)];
}

/** Of an encapsulation or adjacency, from its MTU on. */
function headerWords({ mtu, macs }: Extract<NodeImage, { kind: 'encap' }>, counter: number): readonly number[] {
  return [mtu, counter, ...[0, 4, 8].map((at) => wireWord(macs, at))];
}

function countersOf(image: NodeImage): Parameters<CounterIds['take']>[0] | undefined {
  return 'counters' in image ? image.counters : undefined;
}

/** The trie's memory, which is the heap's wherever there are records. */
function sharedRoot(memory: unknown): SharedTrieMemory {
  if (!(memory instanceof SharedTrieMemory)) throw new Error('A trie that the kernel cannot read');
  return memory;
}

/** Bytes as a number in network order. */
function numberAt(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i++) value = value * 256 + bytes[i]!;
  return value;
}

/** Four bytes as the word that has them in this order in memory. */
function wireWord(bytes: Uint8Array, at: number): number {
  return new Uint32Array(bytes.slice(at, at + 4).buffer)[0]!;
}
