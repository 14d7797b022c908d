/**
 * The AFI side of the dataplane: takes calls and operations as bytes, drives the sandbox, gives the answers as bytes.
 *
 * Everything is queued and done in order, in slices (`work`), so that the thread's loop can serve packets in between. It
 * owns the sandbox's life: ALLOC makes it, RELEASE drops it (the next ALLOC makes an empty one with another instance). Whose
 * operations are applied is decided by sessions.ts, at the last moment before each of them.
 */
import { randomBytes } from 'node:crypto';
import type { AftError, AftSandboxInfo } from '../../aft/model';
import { ownerText } from '../../aft/owner';
import * as wire from '../../aft/wire';
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import type { FindRequest, Sandbox } from '../engine/api';
import { CallError } from './call-error';
import { decodeWork, type Decoded } from './decode-work';
import { findChunks } from './find-chunks';
import { packBundle, unpackBundle, type FromDataplane, type ToDataplane } from './dataplane-protocol';
import { injectPacket, testPacket } from './packet-calls';
import { Sessions } from './sessions';
import { WorkQueue } from './work-queue';

export interface SandboxHostOptions {
  readonly sandbox: wire.SandboxName;
  readonly ports: number;
  /** Makes an empty sandbox. */
  readonly makeSandbox: (instance: string) => Sandbox;
  /** Completes port tables with what the sandbox doesn't know (drops in the kernel). */
  readonly complete?: (info: AftSandboxInfo) => AftSandboxInfo;
  readonly log: Logger;
  /** `transfer`: buffers that may be moved instead of copied. */
  readonly post: (message: FromDataplane, transfer?: ArrayBuffer[]) => void;
}

export interface SandboxHost {
  /** The sandbox that packets go through, once allocated. */
  readonly sandbox: Sandbox | undefined;
  /** Operations applied so far, refused ones too. */
  readonly applied: number;
  /** Queues a message; `isolated` isn't for it. */
  receive(message: ToDataplane): void;
  /** Works for about `budgetMs` (at least one piece: an operation is two). True: there is more to do. */
  work(budgetMs: number): boolean;
  /** Tells the watchers. */
  portChanged(index: number, up: boolean): void;
}

type Work =
  | { readonly kind: 'operation'; readonly stream: number; readonly bytes: Buffer }
  | { readonly kind: 'message'; readonly message: ToDataplane };

export function createSandboxHost(options: SandboxHostOptions): SandboxHost {
  const { sandbox: own, log } = options;
  const label = `${own.engine}:${own.name}`;
  let sandbox: Sandbox | undefined;
  let sandboxId = -1;
  let opened = false;
  let applied = 0;
  const sessions = new Sessions({ label, now: () => performance.now(), firstEpoch: Date.now() });
  /** Operation streams and what epoch their operations have; 0: none. */
  const streams = new Map<number, number>();
  /** Streams whose session was replaced: what is left of them isn't looked at. */
  const fencedStreams = new Set<number>();
  const queue = new WorkQueue<Work>();
  /** The operation at the head of the queue: decoding and applying are two pieces, packets may go in between. */
  let decoded: Decoded | undefined;
  /** Calls, and the epochs of their sessions; 0: nobody's. */
  const watchers = new Map<number, number>();
  const finds = new Map<number, Iterator<wire.FindReply>>();
  /** Replies of this slice, by stream. */
  const replies = new Map<number, Buffer[]>();

  const fault = (code: AftError['code'], message: string): AftError => ({ code, message });

  function info(): AftSandboxInfo {
    if (sandbox === undefined) throw new CallError('notFound', `sandbox ${label} is not allocated`);
    return options.complete?.(sandbox.info()) ?? sandbox.info();
  }

  function nameFault(name: wire.SandboxName): AftError | undefined {
    if (name.engine === own.engine && name.name === own.name) return undefined;
    return fault('noSandbox', `no sandbox ${name.engine}:${name.name} here; this vASIC has ${label} (--sandbox)`);
  }

  /** A client may count the port to the host, or not. One that asks for none takes what there is. */
  function arePortCounts(...counts: readonly number[]): boolean {
    return (
      counts.every((count) => count === 0) ||
      counts.every((count) => count === options.ports || count === options.ports + 1)
    );
  }

  function manage(request: wire.SandboxRequest, peer: string): wire.SandboxReply {
    const wrongName = nameFault(request.sandbox);
    if (wrongName !== undefined) return { error: wrongName };
    switch (request.action) {
      case 'alloc':
        if (!arePortCounts(request.inputPorts, request.outputPorts)) {
          const asked = `${request.inputPorts} input and ${request.outputPorts} output ports`;
          const message = `asked for ${asked}, but this vASIC has ${options.ports} (--port); make the two agree`;
          return { error: fault(sandbox === undefined ? 'invalid' : 'exists', message) };
        }
        if (sandbox === undefined) {
          sandbox = options.makeSandbox(randomBytes(8).toString('hex'));
          sandboxId = sandbox.info().id;
          log.info(`sandbox ${label} allocated`, { instance: sandbox.info().instance, ports: options.ports });
        }
        return { info: info(), ...sessions.shown };
      case 'open': {
        if (sandbox === undefined) return { error: fault('noSandbox', `sandbox ${label} is not allocated`) };
        const claim = sessions.open(request, peer);
        if ('error' in claim) return { error: claim.error, ...sessions.shown };
        tellReplaced(claim.replaced, request.owner);
        opened = true;
        fenceOthers();
        return { info: info(), ...sessions.shown };
      }
      case 'close':
      case 'release': {
        if (sandbox === undefined) return { error: fault('noSandbox', `sandbox ${label} is not allocated`) };
        const claim = sessions.close(request);
        if ('error' in claim) return { error: claim.error, ...sessions.shown };
        const last = info();
        opened = false;
        endWatches();
        if (request.action === 'release') {
          sandbox.close();
          sandbox = undefined;
          sandboxId = -1;
          log.info(`sandbox ${label} released: its ports forward nothing until it is allocated again`);
        }
        return { info: last, ...sessions.shown };
      }
      default:
        return request.action satisfies never;
    }
  }

  function tellReplaced(replaced: wire.AfiOwner | undefined, by: wire.AfiOwner | undefined): void {
    if (replaced === undefined) return;
    const whom = by === undefined ? 'a client without a name' : ownerText(by);
    log.warn(`sandbox ${label} is taken over: ${whom} has it now, ${ownerText(replaced)} writes no more`, {
      code: 'vasic-taken-over',
    });
  }

  function endWatches(): void {
    for (const call of watchers.keys()) {
      sessions.ended(call);
      options.post({ kind: 'end', call });
    }
    watchers.clear();
  }

  /** Ends the streams of all sessions but the present one; a Watch of no session may stay. */
  function fenceOthers(): void {
    postReplies();
    for (const [stream, epoch] of streams) if (!sessions.admits(epoch || undefined)) fence(stream, epoch);
    for (const [call, epoch] of watchers) {
      if (epoch === 0 || sessions.admits(epoch)) continue;
      watchers.delete(call);
      sessions.ended(call);
      options.post({ kind: 'fail', call, code: 'fenced', message: sessions.fenced(epoch).message });
    }
  }

  function fence(stream: number, epoch: number): void {
    if (fencedStreams.has(stream)) return;
    fencedStreams.add(stream);
    const { message } = sessions.fenced(epoch || undefined);
    log.warn('an operation stream of an older session is ended, and nothing more of it applied', {
      code: 'vasic-fenced',
      reason: message,
    });
    options.post({ kind: 'broken', stream, code: 'fenced', message });
  }

  function gone(stream: number): void {
    streams.delete(stream);
    fencedStreams.delete(stream);
    sessions.ended(stream);
  }

  function apply({ id, sandboxId: target, operation }: wire.OperationMessage): wire.OperationReply {
    if (sandbox === undefined || !opened || target !== sandboxId) {
      return { id, error: fault('noSandbox', `sandbox ${target} is not allocated and open`) };
    }
    applied++;
    try {
      const error = sandbox.apply(operation);
      return error === undefined ? { id } : { id, error };
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error(`operation ${id} failed inside softvasic: ${text}`, { code: 'vasic-internal' });
      return { id, error: fault('internal', errorText(error)) };
    }
  }

  function checkId(id: number): Sandbox {
    if (sandbox === undefined || id !== sandboxId) throw new CallError('notFound', `no sandbox with id ${id}`);
    return sandbox;
  }

  function find(request: wire.FindMessage): Iterator<wire.FindReply> {
    const box = checkId(request.sandboxId);
    if (request.entriesOf === undefined) {
      const { tokens, name } = request;
      // A type that no node has finds nothing; the sandbox compares it with those of its nodes.
      const type = request.type as FindRequest['type'];
      return findChunks(
        undefined,
        box.find({ ...(tokens && { tokens }), ...(name && { name }), ...(type && { type }) }),
      );
    }
    const entries = box.entriesOf(request.entriesOf);
    if (entries === undefined) throw new CallError('notFound', `token ${request.entriesOf} is not a container`);
    return findChunks(entries, []);
  }

  function answer(call: number, bytes: Buffer): void {
    const copy = new Uint8Array(bytes);
    options.post({ kind: 'data', call, bytes: copy }, [copy.buffer]);
  }

  function findNext(call: number): void {
    const iterator = finds.get(call);
    if (iterator === undefined) return;
    const step = iterator.next();
    if (step.done === true) {
      finds.delete(call);
      options.post({ kind: 'end', call });
    } else answer(call, wire.encodeFindReply(step.value));
  }

  function watch(call: number, request: wire.SandboxName): void {
    const wrongName = nameFault(request);
    if (wrongName !== undefined) throw new CallError('notFound', wrongName.message);
    const { epoch } = request;
    if (epoch !== undefined && !sessions.admits(epoch)) throw new CallError('fenced', sessions.fenced(epoch).message);
    for (const port of info().inputPorts)
      answer(call, wire.encodePortEvent({ index: port.index, up: port.up ?? false }));
    watchers.set(call, request.epoch ?? 0);
    if (request.epoch !== undefined) sessions.streaming(call, request.epoch);
  }

  function serve({ call, method, request, peer }: Extract<ToDataplane, { kind: 'call' }>): void {
    const bytes = Buffer.from(request.buffer, request.byteOffset, request.length);
    switch (method) {
      case 'sandbox':
        answer(call, wire.encodeSandboxReply(manage(wire.decodeSandboxRequest(bytes), peer)));
        break;
      case 'sandboxInfo': {
        const wrongName = nameFault(wire.decodeSandboxName(bytes));
        answer(
          call,
          wire.encodeSandboxReply(wrongName === undefined ? { info: info(), ...sessions.shown } : { error: wrongName }),
        );
        break;
      }
      case 'nodeInfo': {
        const query = wire.decodeNodeInfoRequest(bytes);
        answer(call, wire.encodeNodeInfoReply(checkId(query.sandboxId).nodeInfo(query.tokens)));
        break;
      }
      case 'test': {
        const query = wire.decodeTest(bytes);
        answer(call, wire.encodeTestReply(testPacket(checkId(query.sandboxId), options.ports, query)));
        break;
      }
      case 'inject': {
        const query = wire.decodeInject(bytes);
        const box = checkId(query.sandboxId);
        if (!opened) throw new CallError('notFound', `sandbox ${label} is not open`);
        if (!sessions.admits(query.epoch)) throw new CallError('fenced', sessions.fenced(query.epoch).message);
        answer(call, wire.encodeInjectReply({ ok: injectPacket(box, options.ports, query) }));
        break;
      }
      case 'find':
        finds.set(call, find(wire.decodeFind(bytes)));
        return findNext(call);
      case 'watch':
        return watch(call, wire.decodeSandboxName(bytes));
      default:
        method satisfies never;
    }
    options.post({ kind: 'end', call });
  }

  function failed(call: number, error: unknown): void {
    finds.delete(call);
    if (error instanceof CallError) options.post({ kind: 'fail', call, code: error.code, message: error.message });
    else if (error instanceof wire.WireError) {
      options.post({ kind: 'fail', call, code: 'invalid', message: `malformed request: ${error.message}` });
    } else {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error(`a request failed inside softvasic: ${text}`, { code: 'vasic-internal' });
      options.post({ kind: 'fail', call, code: 'internal', message: 'softvasic failed, see its log' });
    }
  }

  /** Notes the session that an operation of the stream belongs to; false: a replaced one. */
  function admit(stream: number, epoch: number): boolean {
    if (streams.get(stream) !== epoch) {
      streams.set(stream, epoch);
      if (epoch !== 0) sessions.streaming(stream, epoch);
    }
    return sessions.admits(epoch || undefined);
  }

  function operate(stream: number, bytes: Buffer): boolean {
    if (fencedStreams.has(stream)) {
      decoded = undefined;
      return true;
    }
    if (decoded === undefined) {
      decoded = decodeWork(bytes, log);
      if ('message' in decoded) return false;
    }
    const done = decoded;
    decoded = undefined;
    if ('broken' in done) {
      postReplies();
      options.post({ kind: 'broken', stream, code: 'invalid', message: done.broken });
      return true;
    }
    // Where it is closed, the answer says so.
    if ('message' in done && opened && !admit(stream, done.message.epoch ?? 0)) {
      postReplies();
      fence(stream, done.message.epoch ?? 0);
      return true;
    }
    let list = replies.get(stream);
    if (list === undefined) replies.set(stream, (list = []));
    list.push(wire.encodeOperationReply('message' in done ? apply(done.message) : done.reply));
    return true;
  }

  /** Does a piece of the first work in the queue; false: it needs another turn. */
  function step(work: Work): boolean {
    if (work.kind === 'operation') return operate(work.stream, work.bytes);
    receiveMessage(work.message);
    return true;
  }

  function receiveMessage(message: ToDataplane): void {
    if (message.kind === 'cancel') {
      watchers.delete(message.call);
      sessions.ended(message.call);
      finds.delete(message.call);
      return;
    }
    if (message.kind === 'gone') return gone(message.stream);
    if (message.kind !== 'call' && message.kind !== 'more') return;
    try {
      if (message.kind === 'call') serve(message);
      else findNext(message.call);
    } catch (error) {
      failed(message.call, error);
    }
  }

  function postReplies(): void {
    for (const [stream, list] of replies) {
      const bundle = packBundle(list);
      options.post({ kind: 'replies', stream, bundle }, [bundle.buffer]);
    }
    replies.clear();
  }

  return {
    get applied() {
      return applied;
    },
    get sandbox() {
      return sandbox;
    },
    receive(message) {
      if (message.kind === 'operate') {
        for (const bytes of unpackBundle(message.bundle)) {
          queue.push({ kind: 'operation', stream: message.stream, bytes });
        }
      } else queue.push({ kind: 'message', message });
    },
    work(budgetMs) {
      if (queue.isEmpty) return false;
      queue.work(budgetMs, step);
      postReplies();
      return !queue.isEmpty;
    },
    portChanged(index, up) {
      for (const call of watchers.keys()) answer(call, wire.encodePortEvent({ index, up }));
    },
  };
}
