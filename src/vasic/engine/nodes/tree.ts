/**
 * AftTree: longest-prefix match on an address, IPv4 and IPv6 in one node (two tries behind it).
 *
 * A tree routes: a packet whose IP header is unsound is dropped here (RFC 1812 5.2.2), and one that was looked up
 * goes on as its L3 packet, without the Ethernet header and the padding it came with. With the parameter
 * `rt.ttlExpired` (and `rt.mtuExceeded`) the rest of a router's work is done upon leaving, see ttl-and-mtu.ts. With
 * `rt.ipOptions`, packets with IPv4 options or IPv6 hop-by-hop options go to that token instead. A packet without an address goes to the default.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../../net/ethertypes';
import { AftField } from '../../../aft/fields';
import { PARAM, PuntReason } from '../../../aft/conventions';
import type { AftKey, AftNode, AftParams, AftPrefixes, Token } from '../../../aft/model';
import { ADDRESS_STEP } from '../../../aft/prefix-batch';
import { formatPrefix, maskAddress } from '../../../net/address';
import { read16 } from '../../../net/checksum';
import { fieldName, isAddressField, locateAddress } from '../fields';
import { checkIp4, checkIp6, PROTO } from '../headers';
import { checkPrefix, hasHostBits, loadAddress, newAddress, storeAddress } from '../prefix-key';
import type { PrefixData } from '../prefix-key';
import { PrefixTrie } from '../prefix-trie';
import { DONE, END } from '../walk';
import type { RoutePolicy, Walk } from '../walk';
import type { Container, ContainerEntry, LinkContext, NodeKind } from '../node-kind';
import { intParam } from './params';

/** The entries of a tree; survives the replacement of the node. */
class PrefixEntries {
  readonly ip4: PrefixTrie;
  readonly ip6: PrefixTrie;
  /** Only entries that have parameters, by prefix text. */
  readonly params = new Map<string, AftParams>();

  constructor({ trieMemory }: LinkContext) {
    this.ip4 = new PrefixTrie(trieMemory(4));
    this.ip6 = new PrefixTrie(trieMemory(6));
  }
}

/** The parameters that make a tree's lookup a router's. */
const POLICY = [PARAM.rtTtlExpired, PARAM.rtMtuExceeded, PARAM.rtIpOptions, PARAM.rtLinkLocalSource] as const;

const words = newAddress();
const found = { at: 0, size: 0 };

function dataOf(key: AftKey): PrefixData {
  if (key.data.kind !== 'prefix') throw new Error('A tree key that was not checked');
  return key.data;
}

class TreeContainer implements Container {
  readonly limited = true;

  constructor(
    private readonly fields: readonly AftField[],
    private readonly defaultSlot: number,
    private readonly policy: RoutePolicy | undefined,
    readonly store: PrefixEntries,
  ) {}

  get count(): number {
    return this.store.ip4.size + this.store.ip6.size;
  }

  checkKey(key: AftKey): string | undefined {
    if (key.data.kind !== 'prefix') return `a ${key.data.kind} value is no key here: its entries have prefixes`;
    const problem = checkPrefix(key.field, key.data);
    if (problem !== undefined || this.fields.includes(AftField.PacketLookupKey)) return problem;
    if (key.field === AftField.PacketLookupKey || this.fields.includes(key.field)) return undefined;
    return `its entries have keys of ${this.fields.map(fieldName).join(' or ')}, not ${fieldName(key.field)}`;
  }

  checkFields(fields: readonly AftField[]): string | undefined {
    const wrong = fields.find((field) => !isAddressField(field));
    return wrong === undefined ? undefined : `${fieldName(wrong)} cannot be looked up in a tree`;
  }

  get(key: AftKey): number {
    return this.load(key).get(words, dataOf(key).length);
  }

  set(key: AftKey, slot: number, params: AftParams | undefined): void {
    this.load(key).set(words, dataOf(key).length, slot);
    if (params !== undefined && Object.keys(params).length > 0)
      this.store.params.set(formatPrefix(dataOf(key)), params);
    else if (this.store.params.size > 0) this.store.params.delete(formatPrefix(dataOf(key)));
  }

  delete(key: AftKey): void {
    this.load(key).delete(words, dataOf(key).length);
    if (this.store.params.size > 0) this.store.params.delete(formatPrefix(dataOf(key)));
  }

  paramsOf(key: AftKey): AftParams | undefined {
    return this.store.params.size === 0 ? undefined : this.store.params.get(formatPrefix(dataOf(key)));
  }

  acceptsPrefix({ addresses, sizes, lengths }: AftPrefixes, index: number): boolean {
    if (this.store.params.size > 0 || !this.fields.includes(AftField.PacketLookupKey)) return false;
    return !hasHostBits(addresses, index * ADDRESS_STEP, sizes[index]!, lengths[index]!);
  }

  putPrefix({ addresses, sizes, lengths }: AftPrefixes, index: number, slot: number): number {
    const size = sizes[index]!;
    const length = lengths[index]!;
    loadAddress(words, addresses, index * ADDRESS_STEP, size);
    const trie = size === 4 ? this.store.ip4 : this.store.ip6;
    return slot === END ? trie.delete(words, length) : trie.set(words, length, slot);
  }

  *entries(): IterableIterator<ContainerEntry> {
    yield* this.entriesOfFamily(this.store.ip4, 4);
    yield* this.entriesOfFamily(this.store.ip6, 16);
  }

  lookup(walk: Walk, fields: readonly AftField[]): number {
    if (!soundIp(walk)) return DONE;
    found.size = 0;
    for (const field of fields.length === 0 ? this.fields : fields) {
      locateAddress(walk, field, found);
      if (found.size !== 0) break;
    }
    if (found.size === 0) {
      walk.reason = PuntReason.NonIp;
      return this.defaultSlot;
    }
    if (this.policy !== undefined) walk.routeBy(this.policy);
    walk.dropEthernet();
    if (this.policy !== undefined && this.policy.ipOptions !== END && hasOptions(walk)) {
      walk.reason = PuntReason.IpOptions;
      return this.policy.ipOptions;
    }
    loadAddress(words, walk.buffer, found.at, found.size);
    const slot = (found.size === 4 ? this.store.ip4 : this.store.ip6).lookup(words);
    walk.reason = slot === 0 ? PuntReason.NoRoute : PuntReason.Unspecified;
    return slot === 0 ? this.defaultSlot : slot;
  }

  private *entriesOfFamily(trie: PrefixTrie, size: 4 | 16): IterableIterator<ContainerEntry> {
    const field = this.keyField(size);
    for (const { address, length, value } of trie.entries()) {
      const key: AftKey = { field, data: { kind: 'prefix', bytes: storeAddress(address, size), length } };
      yield { key, slot: value, params: this.paramsOf(key) };
    }
  }

  /** The field that keys of this size are shown with. */
  private keyField(size: 4 | 16): AftField {
    const source = size === 4 ? AftField.Ip4Saddr : AftField.Ip6Saddr;
    if (this.fields.includes(source)) return source;
    return size === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr;
  }

  /** Loads the key's address into `words`; the trie of its family. */
  private load(key: AftKey): PrefixTrie {
    const { bytes } = dataOf(key);
    loadAddress(words, bytes, 0, bytes.length);
    return bytes.length === 4 ? this.store.ip4 : this.store.ip6;
  }
}

/** Checks an IP packet's header, and takes the padding off the frame. false: unsound, dropped. */
function soundIp(walk: Walk): boolean {
  const { buffer, l3, end } = walk;
  if (walk.proto === ETHERTYPE_IPV4) {
    const problem = checkIp4(buffer, l3, end);
    if (problem !== undefined) return walk.drop(problem) !== DONE;
    walk.end = l3 + read16(buffer, l3 + 2);
  } else if (walk.proto === ETHERTYPE_IPV6) {
    const problem = checkIp6(buffer, l3, end);
    if (problem !== undefined) return walk.drop(problem) !== DONE;
    // RFC 2675: with hop-by-hop options the length may be among these. Linux takes the whole frame then, too.
    const length = read16(buffer, l3 + 4);
    if (length !== 0 || buffer[l3 + 6] !== PROTO.hopByHop) walk.end = l3 + 40 + length;
  }
  return true;
}

/** Whether routers have to look at options: an IPv4 header is longer than the fixed one, or hop-by-hop options follow IPv6's. */
function hasOptions({ buffer, l3, proto }: Walk): boolean {
  if (proto === ETHERTYPE_IPV4) return (buffer[l3]! & 0x0f) > 5;
  return proto === ETHERTYPE_IPV6 && buffer[l3 + 6] === PROTO.hopByHop;
}

/** The longest prefix of the tree that holds the address. */
function matchedPrefix(container: Container, address: Uint8Array): string | undefined {
  for (let length = 8 * address.length; length >= 0; length--) {
    const bytes = maskAddress(address, length);
    const key: AftKey = { field: AftField.None, data: { kind: 'prefix', bytes, length } };
    if (container.get(key) !== END) return formatPrefix({ bytes, length });
  }
  return undefined;
}

/** Tokens that the tree's parameters name, in the order of POLICY. */
function policyTokens(node: AftNode): (Token | undefined)[] {
  return POLICY.map((name) => intParam(node, name));
}

/** undefined: the tree has none of the parameters. */
function routePolicy(node: AftNode, context: LinkContext): RoutePolicy | undefined {
  if (policyTokens(node).every((token) => token === undefined)) return undefined;
  const slot = (name: (typeof POLICY)[number]): number => context.slotOf(intParam(node, name));
  return {
    ttlExpired: slot(PARAM.rtTtlExpired),
    mtuExceeded: slot(PARAM.rtMtuExceeded),
    ipOptions: slot(PARAM.rtIpOptions),
    linkLocalSource: slot(PARAM.rtLinkLocalSource),
  };
}

/** Whether packets of both families are looked up by their destinations. */
function looksUpDestinations(fields: readonly AftField[]): boolean {
  const of = (source: AftField, destination: AftField): AftField | undefined =>
    fields.find((field) => field === AftField.PacketLookupKey || field === source || field === destination);
  const [ip4, ip6] = [of(AftField.Ip4Saddr, AftField.Ip4Daddr), of(AftField.Ip6Saddr, AftField.Ip6Daddr)];
  return ip4 !== undefined && ip4 !== AftField.Ip4Saddr && ip6 !== undefined && ip6 !== AftField.Ip6Saddr;
}

export const tree: NodeKind<'tree'> = {
  noneAllowed: true,
  targets(node) {
    return [node.defaultNext, ...policyTokens(node)].filter((token) => token !== undefined);
  },
  check(node, context, replaced) {
    if (node.fields.length === 0) return 'a tree needs a field to look up';
    const wrong = node.fields.find((field) => !isAddressField(field));
    if (wrong !== undefined) return `${fieldName(wrong)} cannot be looked up in a tree`;
    const nameless = policyTokens(node).findIndex((token) => token !== undefined && context.slotOf(token) === END);
    if (nameless >= 0) return `${POLICY[nameless]!} names no node`;
    if (replaced === undefined || replaced.entries === 0) return undefined;
    const same =
      replaced.node.fields.length === node.fields.length && node.fields.every((f, i) => f === replaced.node.fields[i]);
    return same ? undefined : 'it has entries: remove them before it gets other fields';
  },
  link(node, context, previous) {
    const store = previous?.container instanceof TreeContainer ? previous.container.store : new PrefixEntries(context);
    const container = new TreeContainer(
      node.fields,
      context.slotOf(node.defaultNext),
      routePolicy(node, context),
      store,
    );
    const next = context.slotOf(node.next);
    return { container, execute: (walk) => container.lookup(walk, []) || next };
  },
  image(node, context, { container }) {
    const { ip4, ip6 } = (container as TreeContainer).store;
    const isRouter = context.slotOf(intParam(node, PARAM.rtTtlExpired)) !== END;
    const routes = isRouter && looksUpDestinations(node.fields);
    const otherwise = context.slotOf(node.defaultNext) || context.slotOf(node.next);
    return { kind: 'tree', routes, otherwise, ip4: ip4.memory, ip6: ip6.memory };
  },
  describe(node, walk, { container }) {
    found.size = 0;
    for (const field of node.fields) if (found.size === 0) locateAddress(walk, field, found);
    const address = Uint8Array.from(walk.buffer.subarray(found.at, found.at + found.size));
    return (next) => {
      if (next === DONE) return 'the IP header is not sound';
      if (address.length === 0) return 'no address to look up: default';
      return matchedPrefix(container!, address) ?? 'no route: default';
    };
  },
};
