/**
 * Protobuf codec of AFT nodes: the envelope (token, name, next, parameters) and, per node type, the message inside
 * (proto/afi/afi.proto, AftNode).
 */
import { AftField, TOKEN_DISCARD, TOKEN_NONE, type AftData, type AftKey, type AftNode, type Token } from './model';
import type { MatchOp, WriteOp } from './model';
import type { Reader } from './protobuf-reader';
import type { Writer } from './protobuf-writer';
import { fieldOf, readData, readFields, readKey, readParam, tokenOrNone } from './wire-aft';
import { writeData, writeKey, writeParams } from './wire-aft';

const MATCH_OPS: readonly MatchOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const WRITE_OPS: readonly WriteOp[] = ['set', 'or', 'and', 'xor'];

const NODE_FIELD: Readonly<Record<AftNode['type'], number>> = {
  discard: 16,
  list: 17,
  indexedList: 18,
  counter: 19,
  policer: 20,
  match: 21,
  switch: 22,
  tree: 23,
  table: 24,
  lookup: 25,
  indirect: 26,
  loadBalance: 27,
  encap: 28,
  decap: 29,
  receive: 30,
  write: 31,
  inputPort: 32,
  outputPort: 33,
  sandboxLink: 34,
};

/** The part of a node that its type decides. */
type Body = AftNode extends infer N
  ? N extends AftNode
    ? Omit<N, 'token' | 'name' | 'next' | 'params'>
    : never
  : never;

export function writeNode(writer: Writer, field: number, node: AftNode): void {
  const mark = writer.begin(field);
  writer.uint(1, node.token);
  writer.string(2, node.name ?? '');
  writer.uint(3, tokenOrNone(node.next));
  writeParams(writer, 4, node.params);
  const body = writer.begin(NODE_FIELD[node.type]);
  writeBody(writer, node);
  writer.end(body);
  writer.end(mark);
}

function writeBody(writer: Writer, node: AftNode): void {
  switch (node.type) {
    case 'discard':
      return;
    case 'list':
    case 'indexedList':
      return writer.packed(1, node.tokens);
    case 'counter':
      writer.uint(1, node.bytes);
      return writer.uint(2, node.packets);
    case 'policer':
      writer.uint(1, node.rate);
      writer.uint(2, node.burst);
      return writer.bool(3, node.packetMode);
    case 'match':
      writer.uint(1, node.field);
      writer.uint(2, MATCH_OPS.indexOf(node.op));
      writeData(writer, 3, node.value);
      writer.uint(4, node.trueNext);
      return writer.uint(5, node.falseNext);
    case 'switch':
      writer.uint(1, node.field);
      return writer.uint(2, node.defaultNext);
    case 'tree':
      writer.packed(1, node.fields);
      return writer.uint(2, node.defaultNext);
    case 'table':
      writer.packed(1, node.fields);
      writer.uint(2, node.size);
      return writer.uint(3, node.defaultNext);
    case 'lookup':
      writer.packed(1, node.fields);
      return writer.uint(2, node.container);
    case 'indirect':
      return writer.uint(1, node.target);
    case 'loadBalance':
      writer.uint(1, node.max);
      return writer.packed(2, node.fields);
    case 'encap':
      writer.string(1, node.template);
      for (const key of node.keys) writeKey(writer, 2, key);
      return;
    case 'decap':
      return writer.string(1, node.template);
    case 'receive':
      writer.uint(1, node.code);
      return writer.uint(2, node.context);
    case 'write':
      writeKey(writer, 1, node.key);
      return writer.uint(2, WRITE_OPS.indexOf(node.op));
    case 'inputPort':
    case 'outputPort':
      return writer.uint(1, node.index);
    case 'sandboxLink':
      writer.string(1, node.sandbox);
      return writer.uint(2, node.port);
    default:
      node satisfies never;
  }
}

export function readNode(reader: Reader): AftNode {
  let token: Token = 0;
  let name = '';
  let next: Token = TOKEN_DISCARD;
  let params: Record<string, AftData> | undefined;
  let body: Body | undefined;
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) token = reader.token();
    else if (field === 2) name = reader.string();
    else if (field === 3) next = reader.token();
    else if (field === 4) readParam(reader, (params ??= {}));
    else if (field >= NODE_FIELD.discard && field <= NODE_FIELD.sandboxLink) body = readBody(reader, field);
    else reader.skip();
  }
  reader.leave(outer);
  if (body === undefined) return reader.fail(`node ${token} has no type`);
  return {
    token,
    ...(name === '' ? undefined : { name }),
    ...(next === TOKEN_NONE ? undefined : { next }),
    ...(params === undefined ? undefined : { params }),
    ...body,
  };
}

/** Calls `take` with each field's number until the nested message ends; a false answer means: not known, skip it. */
function eachField(reader: Reader, take: (field: number) => boolean): void {
  const outer = reader.enter();
  for (let field = reader.next(); field !== 0; field = reader.next()) if (!take(field)) reader.skip();
  reader.leave(outer);
}

/** Reads a message of unsigned numbers only: field n into the n-th name, all 0 at first. */
function readNumbers<K extends string>(reader: Reader, ...names: readonly K[]): Record<K, number> {
  const values = Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
  eachField(reader, (field) => {
    const name = names[field - 1];
    if (name !== undefined) values[name] = reader.token();
    return name !== undefined;
  });
  return values;
}

/** Reads a message of one list of fields and some numbers; `fieldsAt` is the list's field number. */
function readFieldsAnd<K extends string>(
  reader: Reader,
  fieldsAt: number,
  at: Readonly<Record<K, number>>,
): Record<K, number> & { fields: AftField[] } {
  const fields: AftField[] = [];
  const names = Object.keys(at) as K[];
  const values = Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
  eachField(reader, (field) => {
    if (field === fieldsAt) {
      readFields(reader, fields);
      return true;
    }
    const name = names.find((candidate) => at[candidate] === field);
    if (name !== undefined) values[name] = reader.token();
    return name !== undefined;
  });
  return { ...values, fields };
}

function counted(reader: Reader, value: number, what: string): number {
  if (value < 0) reader.fail(`${what} beyond 2^53`);
  return value;
}

function readBody(reader: Reader, type: number): Body {
  switch (type) {
    case NODE_FIELD.discard:
      eachField(reader, () => false);
      return { type: 'discard' };
    case NODE_FIELD.list:
    case NODE_FIELD.indexedList: {
      const tokens: Token[] = [];
      eachField(reader, (field) => field === 1 && (reader.repeated(tokens), true));
      return { type: type === NODE_FIELD.list ? 'list' : 'indexedList', tokens };
    }
    case NODE_FIELD.counter: {
      const { bytes, packets } = readNumbers(reader, 'bytes', 'packets');
      return { type: 'counter', bytes: counted(reader, bytes, 'bytes'), packets: counted(reader, packets, 'packets') };
    }
    case NODE_FIELD.policer: {
      const { rate, burst, packetMode } = readNumbers(reader, 'rate', 'burst', 'packetMode');
      return {
        type: 'policer',
        rate: counted(reader, rate, 'rate'),
        burst: counted(reader, burst, 'burst'),
        packetMode: packetMode !== 0,
      };
    }
    case NODE_FIELD.match:
      return readMatch(reader);
    case NODE_FIELD.switch: {
      const values = readNumbers(reader, 'field', 'defaultNext');
      return { type: 'switch', field: fieldOf(reader, values.field), defaultNext: values.defaultNext };
    }
    case NODE_FIELD.tree:
      return { type: 'tree', ...readFieldsAnd(reader, 1, { defaultNext: 2 }) };
    case NODE_FIELD.table: {
      const table = readFieldsAnd(reader, 1, { size: 2, defaultNext: 3 });
      return { type: 'table', ...table, size: counted(reader, table.size, 'size') };
    }
    case NODE_FIELD.lookup:
      return { type: 'lookup', ...readFieldsAnd(reader, 1, { container: 2 }) };
    case NODE_FIELD.indirect:
      return { type: 'indirect', ...readNumbers(reader, 'target') };
    case NODE_FIELD.loadBalance: {
      const group = readFieldsAnd(reader, 2, { max: 1 });
      return { type: 'loadBalance', ...group, max: counted(reader, group.max, 'max') };
    }
    case NODE_FIELD.encap:
    case NODE_FIELD.decap:
      return readTemplate(reader, type === NODE_FIELD.encap);
    case NODE_FIELD.receive: {
      const { code, context } = readNumbers(reader, 'code', 'context');
      return { type: 'receive', code: counted(reader, code, 'code'), context: counted(reader, context, 'context') };
    }
    case NODE_FIELD.write:
      return readWrite(reader);
    case NODE_FIELD.inputPort:
    case NODE_FIELD.outputPort: {
      const index = counted(reader, readNumbers(reader, 'index').index, 'index');
      return { type: type === NODE_FIELD.inputPort ? 'inputPort' : 'outputPort', index };
    }
    default:
      return readSandboxLink(reader);
  }
}

function readMatch(reader: Reader): Body {
  let field = AftField.None;
  let op = 0;
  let value: AftData | undefined;
  let trueNext: Token = TOKEN_DISCARD;
  let falseNext: Token = TOKEN_DISCARD;
  eachField(reader, (number) => {
    if (number === 1) field = fieldOf(reader, reader.token());
    else if (number === 2) op = reader.uint();
    else if (number === 3) value = readData(reader);
    else if (number === 4) trueNext = reader.token();
    else if (number === 5) falseNext = reader.token();
    else return false;
    return true;
  });
  if (value === undefined) return reader.fail('match without a value');
  return { type: 'match', field, op: MATCH_OPS[op] ?? reader.fail(`match op ${op}`), value, trueNext, falseNext };
}

function readTemplate(reader: Reader, encap: boolean): Body {
  let template = '';
  const keys: AftKey[] = [];
  eachField(reader, (field) => {
    if (field === 1) template = reader.string();
    else if (field === 2 && encap) keys.push(readKey(reader));
    else return false;
    return true;
  });
  return encap ? { type: 'encap', template, keys } : { type: 'decap', template };
}

function readWrite(reader: Reader): Body {
  let key: AftKey | undefined;
  let op = 0;
  eachField(reader, (field) => {
    if (field === 1) key = readKey(reader);
    else if (field === 2) op = reader.uint();
    else return false;
    return true;
  });
  if (key === undefined) return reader.fail('write without a key');
  return { type: 'write', key, op: WRITE_OPS[op] ?? reader.fail(`write op ${op}`) };
}

function readSandboxLink(reader: Reader): Body {
  let sandbox = '';
  let port = 0;
  eachField(reader, (field) => {
    if (field === 1) sandbox = reader.string();
    else if (field === 2) port = reader.uint32();
    else return false;
    return true;
  });
  return { type: 'sandboxLink', sandbox, port };
}
