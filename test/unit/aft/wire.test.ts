/** The AFI codec against protobufjs reflection over proto/afi/afi.proto, both directions, and against hostile bytes. */
import { join } from 'node:path';
import * as fc from 'fast-check';
import protobuf from 'protobufjs';
import { AftField, type AftEntry, type AftErrorCode, type AftOperation } from '../../../src/aft/model';
import { PrefixBatch } from '../../../src/aft/prefix-batch';
import * as wire from '../../../src/aft/wire';
import {
  count,
  entry,
  entryObject,
  node,
  nodeObject,
  operation,
  operationObject,
  routeOf,
  token,
  uint32,
} from './wire-arbitraries';
import { withoutBatch } from '../../bed/without-batch';

const root = protobuf.loadSync(join(process.cwd(), 'proto/afi/afi.proto'));
const ours = new protobuf.Root();
ours.resolvePath = (_origin, target) => target;
ours.loadSync(join(process.cwd(), 'proto/afi/afi.proto'), { keepCase: true });

const reflect = (name: string): protobuf.Type => ours.lookupType(`fpm2afi.afi.${name}`);
/** The message as protobufjs sees it, defaults filled in, so that what we leave out is seen as its default. */
const seen = (name: string, bytes: Buffer): object =>
  reflect(name).toObject(reflect(name).decode(bytes), { longs: String, bytes: Buffer, defaults: true, arrays: true });
/** The same message as protobufjs writes it. */
const made = (name: string, value: object): Buffer =>
  Buffer.from(reflect(name).encode(reflect(name).fromObject(value)).finish());
/** `defaults: true` also names the chosen oneof and absent submessages; strips both. */
const same = (actual: unknown, expected: unknown): void => {
  expect(JSON.parse(JSON.stringify(actual, (_k, v: unknown) => (v === null ? undefined : v)))).toEqual(
    JSON.parse(JSON.stringify(expected)),
  );
};

describe('operations', () => {
  test('what we write, protobufjs reads', () => {
    fc.assert(
      fc.property(uint32, count, count, operation, (sandboxId, id, epoch, op) => {
        same(
          seen('AfiOperation', wire.encodeOperation({ sandboxId, id, epoch, operation: op })),
          operationObject(sandboxId, id, op, epoch),
        );
      }),
      { numRuns: 400 },
    );
  });

  test('what protobufjs writes, we read', () => {
    fc.assert(
      fc.property(uint32, count, count, operation, (sandboxId, id, epoch, op) => {
        const bytes = made('AfiOperation', operationObject(sandboxId, id, op, epoch));
        const decoded = wire.decodeOperation(bytes);
        expect({ ...decoded, operation: withoutBatch(decoded.operation) }).toEqual({
          ...{ sandboxId, id, operation: op },
          ...(epoch !== 0 && { epoch }),
        });
        expect(wire.peekOperationId(bytes)).toBe(id);
      }),
      { numRuns: 400 },
    );
  });

  test('a message of 3,000 routes survives the round trip', () => {
    const op: AftOperation = {
      kind: 'insert',
      insert: {
        nodes: [],
        entries: Array.from({ length: 3000 }, (_, i) => ({
          parent: 1024,
          key: {
            field: AftField.Ip4Daddr,
            data: { kind: 'prefix' as const, bytes: Uint8Array.of(10, i >> 8, i & 255, 0), length: 24 },
          },
          next: 2000 + i,
        })),
      },
    };
    const bytes = wire.encodeOperation({ sandboxId: 1, id: 7, operation: op });
    expect(withoutBatch(wire.decodeOperation(bytes).operation)).toEqual(op);
  });

  /** Routes of one tree, now and then with one among them that is none. */
  const routes = fc
    .tuple(count, fc.array(routeOf, { minLength: 1, maxLength: 40 }), fc.option(entry, { nil: undefined, freq: 1 }))
    .map(([parent, list, other]) => {
      const entries: AftEntry[] = list.map((one) => ({ ...one, parent }));
      if (other !== undefined) entries.splice(list.length >> 1, 0, other);
      return entries;
    });

  test('plain routes of one tree are read as a batch, any others as entries: the content is the same', () => {
    let batches = 0;
    fc.assert(
      fc.property(routes, fc.boolean(), (entries, insert) => {
        const keys = entries.map(({ parent, key }) => ({ parent, key }));
        const op: AftOperation = insert
          ? { kind: 'insert', insert: { nodes: [], entries } }
          : { kind: 'remove', remove: { entries: keys, tokens: [1] } };
        const bytes = wire.encodeOperation({ sandboxId: 1, id: 2, operation: op });
        const { operation: decoded } = wire.decodeOperation(bytes);
        expect(withoutBatch(decoded)).toEqual(op);
        const content = decoded.kind === 'insert' ? decoded.insert : decoded.remove;
        expect([content.entries.length, content.prefixes?.count ?? 0]).toContain(entries.length);
        if (content.prefixes !== undefined) batches++;
        // A batch is written as the entries that it stands for.
        expect(wire.encodeOperation({ sandboxId: 1, id: 2, operation: decoded })).toEqual(bytes);
      }),
      { numRuns: 400 },
    );
    expect(batches).toBeGreaterThan(100);
  });

  test('columns are written byte by byte as protobufjs writes entries, and read from its bytes', () => {
    fc.assert(
      fc.property(token, fc.array(routeOf, { minLength: 1, maxLength: 40 }), fc.boolean(), (parent, list, insert) => {
        const entries: AftEntry[] = list.map((one) => ({ ...one, parent }));
        const prefixes = new PrefixBatch(parent, 1);
        for (const { key, next } of entries) {
          if (key.data.kind !== 'prefix') continue;
          const at = prefixes.reserve();
          prefixes.addresses.set(key.data.bytes, at);
          prefixes.sizes[prefixes.count] = key.data.bytes.length;
          prefixes.lengths[prefixes.count] = key.data.length;
          prefixes.nexts[prefixes.count++] = next;
        }
        const columns: AftOperation = insert
          ? { kind: 'insert', insert: { nodes: [], entries: [], prefixes } }
          : { kind: 'remove', remove: { entries: [], prefixes, tokens: [] } };
        // As objects the same entries are written by protobufjs.
        const objects: AftOperation = insert
          ? { kind: 'insert', insert: { nodes: [], entries } }
          : { kind: 'remove', remove: { entries, tokens: [] } };
        const bytes = wire.encodeOperation({ sandboxId: 1, id: 2, operation: columns });
        const theirs = wire.encodeOperation({ sandboxId: 1, id: 2, operation: objects });
        expect(bytes.equals(theirs)).toBe(true);
        const { operation: decoded } = wire.decodeOperation(theirs);
        const content = decoded.kind === 'insert' ? decoded.insert : decoded.remove;
        expect(content.prefixes?.count).toBe(entries.length);
        expect(wire.encodeOperation({ sandboxId: 1, id: 2, operation: decoded }).equals(theirs)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test('unpacked repeated numbers are read too', () => {
    // remove (field 4) with tokens 5 and 6 as two varint fields.
    const bytes = Buffer.from([0x22, 4, 0x10, 5, 0x10, 6]);
    expect(wire.decodeOperation(bytes).operation).toEqual({ kind: 'remove', remove: { entries: [], tokens: [5, 6] } });
  });

  test('fields of a newer version are skipped', () => {
    const known = wire.encodeOperation({
      sandboxId: 3,
      id: 4,
      operation: { kind: 'remove', remove: { entries: [], tokens: [9] } },
    });
    const extra = Buffer.from([0xa0, 0x06, 0x2a, 0xaa, 0x06, 2, 1, 2, 0xad, 0x06, 1, 2, 3, 4]);
    expect(wire.decodeOperation(Buffer.concat([extra, known])).operation).toEqual({
      kind: 'remove',
      remove: { entries: [], tokens: [9] },
    });
  });

  test('a node without next has none, and one with next 0 leads to discard', () => {
    const nodes = [
      { token: 1, counter: {} },
      { token: 2, counter: {}, next: 0 },
      { token: 3, counter: {}, next: '18446744073709551615' },
    ];
    const decoded = wire.decodeOperation(made('AfiOperation', { insert: { nodes } })).operation;
    expect(decoded.kind === 'insert' && decoded.insert.nodes.map(({ next }) => next)).toEqual([
      undefined,
      0,
      undefined,
    ]);
    expect(wire.decodeOperation(wire.encodeOperation({ sandboxId: 1, id: 1, operation: decoded })).operation).toEqual(
      decoded,
    );
  });

  test('a parameter named __proto__ is ignored and touches no prototype', () => {
    const value = { name: '__proto__', data: { string: 'x' } };
    const bytes = made('AfiOperation', { insert: { nodes: [{ token: 1, discard: {}, params: [value] }] } });
    const decoded = wire.decodeOperation(bytes).operation;
    expect(decoded.kind === 'insert' && Object.keys(decoded.insert.nodes[0]!.params ?? {})).toEqual([]);
    expect(({} as Record<string, unknown>)['kind']).toBeUndefined();
  });
});

describe('replies and requests', () => {
  const codes: AftErrorCode[] = [
    'unknownParent',
    'unknownToken',
    'inUse',
    'exists',
    'unknownEntry',
    'full',
    'refused',
    'invalid',
    'noSandbox',
    'internal',
  ];

  test.each(codes.map((code, i) => [code, i] as const))('error code %s is %i on the wire', (code, i) => {
    const error = { code, message: 'why', item: { list: 'token' as const, index: 5 } };
    const bytes = wire.encodeOperationReply({ id: 2 ** 40, error });
    same(seen('AfiOperationReply', bytes), {
      id: String(2 ** 40),
      ok: false,
      error: { code: i, message: 'why', list: 3, index: 5 },
    });
    expect(wire.decodeOperationReply(bytes)).toEqual({ id: 2 ** 40, error });
  });

  test('an error code of a newer server reads as internal and is named; success has no error', () => {
    expect(
      wire.decodeOperationReply(made('AfiOperationReply', { id: 1, error: { code: 99, message: 'm' } })).error,
    ).toEqual({
      code: 'internal',
      message: 'm (unknown error code 99)',
    });
    expect(wire.decodeOperationReply(wire.encodeOperationReply({ id: 5 }))).toEqual({ id: 5 });
    same(seen('AfiOperationReply', wire.encodeOperationReply({ id: 5 })), { id: '5', ok: true });
  });

  test('sandbox request, reply, name', () => {
    const owner = { id: 'router-1', life: 'x', name: 'fpm2afi', pid: 4711 };
    const request = {
      action: 'release' as const,
      sandbox: { engine: 'trio', name: 'green' },
      inputPorts: 4,
      outputPorts: 5,
      owner,
      after: 2 ** 40,
      takeOver: 'ifSameOwner' as const,
    };
    same(seen('AfiSandboxRequest', wire.encodeSandboxRequest(request)), {
      action: 2,
      sandbox: { engine: 'trio', name: 'green', epoch: '0' },
      input_ports: 4,
      output_ports: 5,
      owner: { ...owner, address: '' },
      after: String(2 ** 40),
      take_over: 1,
    });
    expect(wire.decodeSandboxRequest(wire.encodeSandboxRequest(request))).toEqual(request);
    const plain = { action: 'open' as const, sandbox: request.sandbox, inputPorts: 1, outputPorts: 1 };
    expect(wire.decodeSandboxRequest(wire.encodeSandboxRequest(plain))).toEqual(plain);
    const info = {
      id: 1,
      engine: 'trio',
      name: 'green',
      instance: 'abc',
      nodes: 3,
      entries: 1_000_000,
      inputPorts: [
        {
          index: 0,
          name: 'ge0',
          token: 1,
          mac: Uint8Array.of(1, 2, 3, 4, 5, 6),
          up: false,
          mtu: 1500,
          packets: 1,
          bytes: 2,
          drops: 3,
          engine: { name: 'kernel', hook: 'tc (tcx)', packets: 7, slow: [{ reason: 'ttl', packets: 2 }] },
        },
      ],
      outputPorts: [{ index: 1, name: 'punt', token: 2, packets: 0, bytes: 2 ** 50, drops: 0 }],
    };
    expect(wire.decodeSandboxReply(wire.encodeSandboxReply({ info }))).toEqual({ info });
    const shown = seen('AfiSandboxReply', wire.encodeSandboxReply({ info })) as Record<string, unknown>;
    expect(shown).toMatchObject({ ok: true, id: 1, instance: 'abc', entries: '1000000', nodes: '3' });
    expect(shown['input_ports']).toMatchObject([{ name: 'ge0', up: false, mtu: 1500, drops: '3' }]);
    expect(shown['input_ports']).toMatchObject([
      { engine: { name: 'kernel', hook: 'tc (tcx)', packets: '7', slow: [{ reason: 'ttl', packets: '2' }] } },
    ]);
    const error = { code: 'exists' as const, message: 'with 4 ports' };
    expect(wire.decodeSandboxReply(wire.encodeSandboxReply({ error }))).toEqual({ error });
    const session = { epoch: 12, holder: { ...owner, address: '[::1]:5' } };
    for (const reply of [
      { info, ...session },
      { error, ...session },
    ]) {
      expect(wire.decodeSandboxReply(wire.encodeSandboxReply(reply))).toEqual(reply);
    }
    const watched = { ...request.sandbox, epoch: 12 };
    expect(wire.decodeSandboxName(wire.encodeSandboxName(watched))).toEqual(watched);
    expect(wire.decodeSandboxName(wire.encodeSandboxName(request.sandbox))).toEqual(request.sandbox);
  });

  test('routes of a find go by hand: the bytes are protobufjs’s, which an entry with parameters after them brings about', () => {
    const odd: AftEntry = {
      parent: 7,
      key: { field: AftField.EtherType, data: { kind: 'int', value: 0x800 } },
      next: 1,
      params: { 'rt.app': { kind: 'int', value: 1 } },
    };
    const routes = fc
      .tuple(token, fc.array(routeOf, { minLength: 1, maxLength: 20 }))
      .map(([parent, list]): AftEntry[] => list.map((route) => ({ parent, ...route })));
    fc.assert(
      fc.property(fc.array(node, { maxLength: 2 }), routes, (nodes, entries) => {
        const alone = wire.encodeFindReply({ nodes, entries });
        const after = wire.encodeFindReply({ nodes: [], entries: [odd] });
        const together = wire.encodeFindReply({ nodes, entries: [...entries, odd] });
        expect(together.equals(Buffer.concat([alone, after]))).toBe(true);
        expect(wire.decodeFindReply(alone)).toEqual({ nodes, entries });
      }),
    );
  });

  test('find and node info', () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 3 }), fc.array(entry, { maxLength: 3 }), (nodes, entries) => {
        const bytes = wire.encodeFindReply({ nodes, entries });
        same(seen('AfiFindReply', bytes), { nodes: nodes.map(nodeObject), entries: entries.map(entryObject) });
        expect(wire.decodeFindReply(bytes)).toEqual({ nodes, entries });
      }),
    );
    const find = { sandboxId: 1, tokens: [5, 6], name: 'n', type: 'tree', entriesOf: 9 };
    expect(wire.decodeFind(wire.encodeFind(find))).toEqual(find);
    expect(wire.decodeFind(made('AfiFindRequest', { sandbox_id: 1 }))).toEqual({ sandboxId: 1 });
    const infos = [{ token: 7, found: true, packets: 1, bytes: 2, drops: 3, entries: 4, references: 5, counted: true }];
    expect(wire.decodeNodeInfoReply(wire.encodeNodeInfoReply(infos))).toEqual(infos);
    same(seen('AfiNodeInfoReply', wire.encodeNodeInfoReply(infos)), {
      nodes: [
        { token: '7', found: true, packets: '1', bytes: '2', drops: '3', entries: '4', references: '5', counted: true },
      ],
    });
    fc.assert(
      fc.property(uint32, fc.array(token), (sandboxId, tokens) => {
        expect(wire.decodeNodeInfoRequest(wire.encodeNodeInfoRequest({ sandboxId, tokens }))).toEqual({
          sandboxId,
          tokens,
        });
      }),
    );
    expect(wire.decodePortEvent(wire.encodePortEvent({ index: 3, up: true }))).toEqual({ index: 3, up: true });
    same(seen('AfiPortEvent', wire.encodePortEvent({ index: 3, up: true })), { index: 3, up: true });
  });

  test('a packet to be tested, and its way', () => {
    const frame = fc.uint8Array({ maxLength: 300 });
    const step = fc.record({ token, type: fc.string(), detail: fc.string() });
    const outcome: fc.Arbitrary<wire.TestOutcome> = fc.oneof(
      fc.record({ kind: fc.constant('output' as const), port: uint32, frame }),
      fc.record({ kind: fc.constant('punt' as const), reason: uint32, frame }),
      fc.record({ kind: fc.constant('discard' as const), reason: fc.string() }),
    );
    const hex = (bytes: Uint8Array): object => Buffer.from(bytes).toJSON();
    const outcomeObject = (value: wire.TestOutcome): object => {
      switch (value.kind) {
        case 'output':
          return { output: { port: value.port, frame: hex(value.frame) } };
        case 'punt':
          return { punt: { reason: value.reason, frame: hex(value.frame) } };
        case 'discard':
          return { discard: { reason: value.reason } };
      }
    };
    fc.assert(
      fc.property(uint32, uint32, frame, (sandboxId, port, bytes) => {
        const request = { sandboxId, port, frame: bytes };
        const written = wire.encodeTest(request);
        same(seen('AfiTestRequest', written), { sandbox_id: sandboxId, port, frame: hex(bytes) });
        expect(wire.decodeTest(written)).toEqual(request);
        expect(wire.decodeTest(made('AfiTestRequest', { sandbox_id: sandboxId, port, frame: bytes }))).toEqual(request);
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), outcome, (steps, result) => {
        const reply = { steps, outcome: result };
        const written = wire.encodeTestReply(reply);
        const stepObjects = steps.map((one) => ({
          ...one,
          token: one.token < 0 ? '18446744073709551615' : String(one.token),
        }));
        const content = outcomeObject(result);
        expect(
          reflect('AfiTestReply').toObject(reflect('AfiTestReply').decode(written), { oneofs: true }),
        ).toMatchObject({
          outcome: result.kind,
        });
        same(seen('AfiTestReply', written), { steps: stepObjects, ...content, engine: '', engine_reason: '' });
        expect(wire.decodeTestReply(written)).toEqual(reply);
        expect(wire.decodeTestReply(made('AfiTestReply', { steps: stepObjects, [result.kind]: result }))).toEqual(
          reply,
        );
      }),
    );
    const slow = {
      steps: [],
      outcome: { kind: 'discard', reason: 'ttl' },
      engine: 'engine',
      engineReason: 'ttl',
    } as const;
    expect(wire.decodeTestReply(wire.encodeTestReply(slow))).toEqual(slow);
    expect(seen('AfiTestReply', wire.encodeTestReply(slow))).toMatchObject({ engine: 'engine', engine_reason: 'ttl' });
    expect(() => wire.decodeTestReply(Buffer.alloc(0))).toThrow(wire.WireError);
  });

  test('injected packets', () => {
    const frame = fc.uint8Array({ maxLength: 60 });
    const direction = fc.constantFrom('in' as const, 'out' as const);
    fc.assert(
      fc.property(uint32, direction, uint32, frame, count, (sandboxId, way, port, bytes, epoch) => {
        const request = { sandboxId, direction: way, port, frame: bytes, ...(epoch !== 0 && { epoch }) };
        const object = {
          sandbox_id: sandboxId,
          direction: way.toUpperCase(),
          port,
          frame: bytes,
          epoch: String(epoch),
        };
        expect(wire.decodeInject(wire.encodeInject(request))).toEqual(request);
        expect(wire.decodeInject(made('AfiInjectRequest', object))).toEqual(request);
        same(seen('AfiInjectRequest', wire.encodeInject(request)), {
          ...{ sandbox_id: sandboxId, direction: way === 'in' ? 0 : 1, port, epoch: String(epoch) },
          frame: Buffer.from(bytes).toJSON(),
        });
      }),
    );
    for (const ok of [true, false]) {
      expect(wire.decodeInjectReply(wire.encodeInjectReply({ ok }))).toEqual({ ok });
      same(seen('AfiInjectReply', wire.encodeInjectReply({ ok })), { ok });
    }
  });

  test('the field numbers are those of the .proto', () => {
    const values = root.lookupEnum('fpm2afi.afi.AftField').values;
    expect(values['PACKET_IP6_DADDR']).toBe(AftField.Ip6Daddr);
    expect(values['PACKET_MPLS_LABEL']).toBe(AftField.MplsLabel);
    expect(values['META_NHID']).toBe(AftField.MetaNhId);
    expect(Object.keys(values)).toHaveLength(Object.keys(AftField).length / 2);
  });
});

describe('what the wire cannot or must not carry', () => {
  const decoders = [
    wire.decodeOperation,
    wire.decodeOperationReply,
    wire.decodeSandboxRequest,
    wire.decodeSandboxReply,
    wire.decodeSandboxName,
    wire.decodeFind,
    wire.decodeFindReply,
    wire.decodeNodeInfoRequest,
    wire.decodeNodeInfoReply,
    wire.decodePortEvent,
    wire.decodeTest,
    wire.decodeInject,
    wire.decodeInjectReply,
    wire.decodeTestReply,
  ];
  const survives = (decode: (bytes: Buffer) => unknown, bytes: Buffer): void => {
    try {
      decode(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(wire.WireError);
    }
  };

  test('random bytes give a value or a WireError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of decoders) survives(decode, Buffer.from(bytes));
        wire.peekOperationId(Buffer.from(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test('a valid operation with one byte changed or cut short gives a value or a WireError', () => {
    fc.assert(
      fc.property(operation, fc.nat(), fc.nat(255), fc.boolean(), (op, at, value, cut) => {
        const bytes = wire.encodeOperation({ sandboxId: 1, id: 2, operation: op });
        if (cut) survives(wire.decodeOperation, bytes.subarray(0, at % bytes.length));
        else {
          bytes[at % bytes.length] = value;
          survives(wire.decodeOperation, bytes);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['a number above 2^53', { insert: { entries: [{ parent: '9007199254740993', key: { data: { bool: true } } }] } }],
    ['an IPv4 address of 3 bytes', { insert: { entries: [{ key: { data: { ip4: Buffer.alloc(3) } } }] } }],
    [
      'a prefix longer than its address',
      { insert: { entries: [{ key: { data: { prefix: { bytes: Buffer.alloc(4), length: 33 } } } }] } },
    ],
    ['a label of 21 bits', { insert: { entries: [{ key: { data: { label: 0x100000 } } }] } }],
    ['an unknown packet field', { insert: { entries: [{ key: { field: 99, data: { bool: true } } }] } }],
    ['an unknown match op', { insert: { nodes: [{ match: { op: 6, value: { bool: true } } }] } }],
    ['an entry without a key', { insert: { entries: [{ parent: 1 }] } }],
    ['a key without data', { insert: { entries: [{ key: { field: 1 } }] } }],
    ['a node without a type', { insert: { nodes: [{ token: 1 }] } }],
    ['neither insert nor remove', { id: 4 }],
  ])('%s is refused', (_what, value) => {
    expect(() => wire.decodeOperation(made('AfiOperation', value))).toThrow(wire.WireError);
  });

  test('a kind of node that this version does not know is an error that names it, never another kind', () => {
    const find = (node: readonly number[]): Buffer => Buffer.from([0x0a, node.length, ...node]);
    expect(() => wire.decodeFindReply(find([0x08, 5]))).toThrow(/^node 5 has no type that this version knows$/);
    // Field 35, one after sandbox_link: an empty message.
    const newer = [0x08, 5, 0x9a, 0x02, 0];
    expect(() => wire.decodeFindReply(find(newer))).toThrow(/^node 5 has no type .*\(unknown fields: 35\)$/);
    const insert = Buffer.from([0x1a, newer.length + 2, 0x0a, newer.length, ...newer]);
    expect(() => wire.decodeOperation(insert)).toThrow(/^node 5 has no type .*\(unknown fields: 35\)$/);
  });

  test('a sandbox action out of range is refused, and a field that would be cut to a known one', () => {
    expect(() => wire.decodeSandboxRequest(Buffer.from([0x08, 4]))).toThrow(/unknown sandbox action 4/);
    // A switch on field 2^32 + 8.
    const node = [0xb2, 0x01, 6, 0x08, 0x88, 0x80, 0x80, 0x80, 0x10];
    expect(() => wire.decodeFindReply(Buffer.from([0x0a, node.length, ...node]))).toThrow(
      /unknown packet field 4294967304/,
    );
  });

  test('a number that is no unsigned integer is refused when writing, and the next message is clean', () => {
    const remove = (t: number): wire.OperationMessage => ({
      sandboxId: 0,
      id: 1,
      operation: { kind: 'remove', remove: { entries: [], tokens: [t] } },
    });
    for (const bad of [-2, 1.5, NaN, 2 ** 53]) expect(() => wire.encodeOperation(remove(bad))).toThrow(wire.WireError);
    expect(wire.decodeOperation(wire.encodeOperation(remove(5)))).toEqual(remove(5));
  });
});
