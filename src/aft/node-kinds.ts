/**
 * The kinds of AFT nodes on the wire, each described once: the parts of its message, for both directions. A kind has the
 * name of its field in AftNode (proto/afi/afi.proto, in camel case), and its properties those of its message's fields: a
 * kind or a property that is missing here doesn't compile.
 *
 * A kind that this version doesn't know is a WireError, never another kind.
 */
import { TOKEN_NONE } from './model';
import type { AftNode, AftNodeType, MatchOp, WriteOp } from './model';
import * as part from './parts';
import { WireError } from './protobuf-io';

type Common = 'token' | 'name' | 'next' | 'params';
/** The part of a node that its kind decides. */
type Body<Kind extends AftNodeType> = Omit<Extract<AftNode, { type: Kind }>, Common | 'type'>;

const MATCH_OPS: readonly MatchOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const WRITE_OPS: readonly WriteOp[] = ['set', 'or', 'and', 'xor'];

const KINDS: { readonly [Kind in AftNodeType]: part.Shape<Body<Kind>> } = {
  discard: {},
  list: { tokens: part.tokens },
  indexedList: { tokens: part.tokens },
  counter: { bytes: part.count, packets: part.count },
  policer: { rate: part.count, burst: part.count, packetMode: part.flag },
  match: {
    field: part.field,
    op: part.choice('match op', MATCH_OPS),
    value: part.data,
    trueNext: part.token,
    falseNext: part.token,
  },
  switch: { field: part.field, defaultNext: part.token },
  tree: { fields: part.fields, defaultNext: part.token },
  table: { fields: part.fields, size: part.count, defaultNext: part.token },
  lookup: { fields: part.fields, container: part.token },
  indirect: { target: part.token },
  loadBalance: { max: part.uint32, fields: part.fields },
  encap: { template: part.text, keys: part.many(part.key) },
  decap: { template: part.text },
  receive: { code: part.uint32, context: part.uint32 },
  write: { key: part.key, op: part.choice('write op', WRITE_OPS) },
  inputPort: { index: part.uint32 },
  outputPort: { index: part.uint32 },
  sandboxLink: { sandbox: part.text, port: part.uint32 },
};

const COMMON: part.Shape<Pick<AftNode, Exclude<Common, 'next'>>> = {
  token: part.token,
  name: part.optionalText,
  params: part.params,
};

/** AftNode as protobufjs decodes it: the oneof's name, and under it the kind's message. */
type NodeMessage = { readonly token: number; readonly next: number; readonly type?: AftNodeType } & Readonly<
  Record<string, unknown>
>;

/** A node as a message AftNode. */
export const node: part.Part<AftNode> = {
  to: (value) => ({
    ...part.toMessage(COMMON, value),
    // Written always: a reader may take nothing for 0, which is discard.
    next: value.next ?? TOKEN_NONE,
    [value.type]: part.toMessage<unknown>(KINDS[value.type] as part.Shape<unknown>, value),
  }),
  from(raw) {
    const message = raw as NodeMessage;
    const { type } = message;
    if (type === undefined) throw new WireError(`node ${message.token} has no type that this version knows`);
    // Not put together by spreading: each node would be of a hidden class of its own, which takes more memory than it.
    const value: Record<string, unknown> = { type };
    part.addFromMessage<unknown>(KINDS[type] as part.Shape<unknown>, message[type], value);
    part.addFromMessage(COMMON, message, value);
    // Its own property when present.
    if (Object.hasOwn(message, 'next') && message.next !== TOKEN_NONE) value.next = message.next;
    return value as unknown as AftNode;
  },
};
