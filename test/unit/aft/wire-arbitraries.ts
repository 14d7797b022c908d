/** fast-check arbitraries for the AFT model, and its translation to protobufjs objects of proto/afi/afi.proto. */
import * as fc from 'fast-check';
import {
  FIELD_NAMES,
  AftField,
  type AftData,
  type AftEntry,
  type AftKey,
  type AftNode,
  type AftOperation,
} from '../../../src/aft/model';

const bytes = (n: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: n, maxLength: n });
export const count: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 35 + 1, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
  fc.nat(),
);
export const uint32: fc.Arbitrary<number> = fc.oneof(fc.constantFrom(0, 2 ** 32 - 1), fc.nat());
export const token: fc.Arbitrary<number> = fc.oneof(fc.constant(-1), count);
const text = fc
  .oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 20 }))
  .map((s) => Buffer.from(s).toString());
const name = text.filter((s) => s !== '');
const field = fc.constantFrom(...(Object.keys(FIELD_NAMES).map(Number) as AftField[]));
const fields = fc.array(field, { maxLength: 4 });
const int = fc.oneof(
  fc.constantFrom(-1, 0, 63, 64, -64, -65, 2 ** 30, -(2 ** 30), 2 ** 53 - 1, -(2 ** 53) + 1),
  fc.maxSafeInteger(),
);

export const data: fc.Arbitrary<AftData> = fc.oneof(
  fc.record({ kind: fc.constant('int' as const), value: int }),
  fc.record({ kind: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('string' as const), value: text }),
  fc.record({ kind: fc.constant('prefix' as const), bytes: bytes(4), length: fc.nat(32) }),
  fc.record({ kind: fc.constant('prefix' as const), bytes: bytes(16), length: fc.nat(128) }),
  fc.record({ kind: fc.constant('ip4' as const), bytes: bytes(4) }),
  fc.record({ kind: fc.constant('ip6' as const), bytes: bytes(16) }),
  fc.record({ kind: fc.constant('ether' as const), bytes: bytes(6) }),
  fc.record({ kind: fc.constant('label' as const), value: fc.nat(0xfffff) }),
);
export const key: fc.Arbitrary<AftKey> = fc.record({ field, data });
const params = fc.option(
  fc
    .uniqueArray(fc.tuple(fc.oneof(fc.constantFrom('rt.app', 'route.string', 'meta.nhid'), name), data), {
      minLength: 1,
      maxLength: 3,
      selector: ([n]) => n,
    })
    .filter((pairs) => pairs.every(([n]) => n !== '__proto__'))
    .map((pairs) => Object.fromEntries(pairs)),
  { nil: undefined },
);

const tokens = fc.array(token, { maxLength: 40 });
const body = fc.oneof(
  fc.record({ type: fc.constant('discard' as const) }),
  fc.record({ type: fc.constantFrom('list' as const, 'indexedList' as const), tokens }),
  fc.record({ type: fc.constant('counter' as const), bytes: count, packets: count }),
  fc.record({ type: fc.constant('policer' as const), rate: count, burst: count, packetMode: fc.boolean() }),
  fc.record({
    type: fc.constant('match' as const),
    field,
    op: fc.constantFrom('eq' as const, 'ne' as const, 'lt' as const, 'le' as const, 'gt' as const, 'ge' as const),
    value: data,
    trueNext: token,
    falseNext: token,
  }),
  fc.record({ type: fc.constant('switch' as const), field, defaultNext: token }),
  fc.record({ type: fc.constant('tree' as const), fields, defaultNext: token }),
  fc.record({ type: fc.constant('table' as const), fields, size: count, defaultNext: token }),
  fc.record({ type: fc.constant('lookup' as const), fields, container: token }),
  fc.record({ type: fc.constant('indirect' as const), target: token }),
  fc.record({ type: fc.constant('loadBalance' as const), max: uint32, fields }),
  fc.record({ type: fc.constant('encap' as const), template: text, keys: fc.array(key, { maxLength: 3 }) }),
  fc.record({ type: fc.constant('decap' as const), template: text }),
  fc.record({ type: fc.constant('receive' as const), code: uint32, context: uint32 }),
  fc.record({
    type: fc.constant('write' as const),
    key,
    op: fc.constantFrom('set' as const, 'or' as const, 'and' as const, 'xor' as const),
  }),
  fc.record({ type: fc.constantFrom('inputPort' as const, 'outputPort' as const), index: uint32 }),
  fc.record({ type: fc.constant('sandboxLink' as const), sandbox: text, port: uint32 }),
);

/** Drops keys whose value is undefined, as a decoder leaves them out. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

export const node: fc.Arbitrary<AftNode> = fc
  .tuple(
    fc.record({
      token: count,
      name: fc.option(name, { nil: undefined }),
      next: fc.option(count, { nil: undefined }),
      params,
    }),
    body,
  )
  .map(([common, rest]) => compact({ ...common, ...rest }) as AftNode);

export const entry: fc.Arbitrary<AftEntry> = fc.record({ parent: count, key, next: token, params }).map(compact);

/** A route as fpm2afi writes them, host bits and all. */
export const routeOf: fc.Arbitrary<Omit<AftEntry, 'parent'>> = fc
  .tuple(fc.constantFrom(4, 16), fc.nat(128), count)
  .chain(([size, length, next]) =>
    fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => ({
      key: {
        field: size === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr,
        data: { kind: 'prefix' as const, bytes, length: Math.min(length, size * 8) },
      },
      next,
    })),
  );

export const operation: fc.Arbitrary<AftOperation> = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    insert: fc
      .record({
        nodes: fc.array(node, { maxLength: 4 }),
        entries: fc.array(entry, { maxLength: 8 }),
        binds: fc.option(fc.array(fc.record({ port: uint32, next: token }), { minLength: 1, maxLength: 3 }), {
          nil: undefined,
        }),
      })
      .map(compact),
  }),
  fc.record({
    kind: fc.constant('remove' as const),
    remove: fc.record({ entries: fc.array(fc.record({ parent: count, key }), { maxLength: 8 }), tokens }),
  }),
);

/** 64-bit values as protobufjs shows them with `longs: String`. */
const u64 = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString();

const raw = (value: Uint8Array): Buffer => Buffer.from(value);

function dataObject(value: AftData): object {
  switch (value.kind) {
    case 'int':
      return { int: String(value.value) };
    case 'bool':
      return { bool: value.value };
    case 'string':
      return { string: value.value };
    case 'prefix':
      return { prefix: { bytes: raw(value.bytes), length: value.length } };
    case 'ip4':
      return { ip4: raw(value.bytes) };
    case 'ip6':
      return { ip6: raw(value.bytes) };
    case 'ether':
      return { ether: raw(value.bytes) };
    case 'label':
      return { label: value.value };
  }
}

const keyObject = (k: AftKey): object => ({ field: k.field, data: dataObject(k.data) });
const paramObjects = (p: AftEntry['params']): object[] =>
  Object.entries(p ?? {}).map(([n, d]) => ({ name: n, data: dataObject(d) }));

function bodyObject(n: AftNode): object {
  switch (n.type) {
    case 'discard':
      return { discard: {} };
    case 'list':
      return { list: { tokens: n.tokens.map(u64) } };
    case 'indexedList':
      return { indexed_list: { tokens: n.tokens.map(u64) } };
    case 'counter':
      return { counter: { bytes: u64(n.bytes), packets: u64(n.packets) } };
    case 'policer':
      return { policer: { rate: u64(n.rate), burst: u64(n.burst), packet_mode: n.packetMode } };
    case 'match':
      return {
        match: {
          field: n.field,
          op: ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].indexOf(n.op),
          value: dataObject(n.value),
          true_next: u64(n.trueNext),
          false_next: u64(n.falseNext),
        },
      };
    case 'switch':
      return { switch: { field: n.field, default_next: u64(n.defaultNext) } };
    case 'tree':
      return { tree: { fields: [...n.fields], default_next: u64(n.defaultNext) } };
    case 'table':
      return { table: { fields: [...n.fields], size: u64(n.size), default_next: u64(n.defaultNext) } };
    case 'lookup':
      return { lookup: { fields: [...n.fields], container: u64(n.container) } };
    case 'indirect':
      return { indirect: { target: u64(n.target) } };
    case 'loadBalance':
      return { load_balance: { max: n.max, fields: [...n.fields] } };
    case 'encap':
      return { encap: { template: n.template, keys: n.keys.map(keyObject) } };
    case 'decap':
      return { decap: { template: n.template } };
    case 'receive':
      return { receive: { code: n.code, context: n.context } };
    case 'write':
      return { write: { key: keyObject(n.key), op: ['set', 'or', 'and', 'xor'].indexOf(n.op) } };
    case 'inputPort':
      return { input_port: { index: n.index } };
    case 'outputPort':
      return { output_port: { index: n.index } };
    case 'sandboxLink':
      return { sandbox_link: { sandbox: n.sandbox, port: n.port } };
  }
}

export const nodeObject = (n: AftNode): object => ({
  token: u64(n.token),
  name: n.name ?? '',
  next: u64(n.next ?? -1),
  params: paramObjects(n.params),
  ...bodyObject(n),
});

export const entryObject = (e: AftEntry): object => ({
  parent: u64(e.parent),
  key: keyObject(e.key),
  next: u64(e.next),
  params: paramObjects(e.params),
});

/** What protobufjs's toObject gives for an AfiOperation of this content. */
export function operationObject(sandboxId: number, id: number, op: AftOperation, epoch = 0): object {
  const head = { sandbox_id: sandboxId, id: u64(id), epoch: u64(epoch) };
  if (op.kind === 'remove') {
    return {
      ...head,
      remove: {
        entries: op.remove.entries.map(({ parent, key: k }) => ({
          parent: u64(parent),
          key: keyObject(k),
          next: '0',
          params: [],
        })),
        tokens: op.remove.tokens.map(u64),
      },
    };
  }
  return {
    ...head,
    insert: {
      nodes: op.insert.nodes.map(nodeObject),
      entries: op.insert.entries.map(entryObject),
      binds: (op.insert.binds ?? []).map(({ port, next }) => ({ port, next: u64(next) })),
    },
  };
}
