/**
 * Protobuf codec of the rpc Test: a packet as bytes, and the way that the server says it would take. Pure functions, as all
 * of wire.ts.
 */
import type { Token } from './model';
import { Reader } from './protobuf-reader';
import { eachField, encode, nested, writer } from './wire-operation';

/** A complete frame, as if it were received on the input port. */
export interface TestMessage {
  readonly sandboxId: number;
  readonly port: number;
  readonly frame: Uint8Array;
}

/** One node on the way. */
export interface TestStep {
  readonly token: Token;
  /** Node type. */
  readonly type: string;
  /** What it did with the packet, for people; may be empty. */
  readonly detail: string;
}

export type TestOutcome =
  | { readonly kind: 'output'; readonly port: number; readonly frame: Uint8Array }
  /** To the host; `reason` as hostpath tells it (PuntReason). */
  | { readonly kind: 'punt'; readonly reason: number; readonly frame: Uint8Array }
  | { readonly kind: 'discard'; readonly reason: string };

export interface TestReply {
  readonly steps: readonly TestStep[];
  readonly outcome: TestOutcome;
}

const NO_BYTES = new Uint8Array(0);

export function encodeTest(request: TestMessage): Buffer {
  return encode(() => {
    writer.uint(1, request.sandboxId);
    writer.uint(2, request.port);
    writer.bytes(3, request.frame);
  });
}

export function decodeTest(bytes: Buffer): TestMessage {
  const reader = new Reader(bytes);
  const request = { sandboxId: 0, port: 0, frame: NO_BYTES };
  eachField(reader, (field) => {
    if (field === 1) request.sandboxId = reader.uint32();
    else if (field === 2) request.port = reader.uint32();
    else if (field === 3) request.frame = Uint8Array.from(reader.bytes());
    else return false;
    return true;
  });
  return request;
}

function writeOutcome(outcome: TestOutcome): void {
  switch (outcome.kind) {
    case 'output': {
      const mark = writer.begin(2);
      writer.uint(1, outcome.port);
      writer.bytes(2, outcome.frame);
      return writer.end(mark);
    }
    case 'punt': {
      const mark = writer.begin(3);
      writer.uint(1, outcome.reason);
      writer.bytes(2, outcome.frame);
      return writer.end(mark);
    }
    case 'discard': {
      const mark = writer.begin(4);
      writer.string(1, outcome.reason);
      return writer.end(mark);
    }
  }
}

export function encodeTestReply(reply: TestReply): Buffer {
  return encode(() => {
    for (const step of reply.steps) {
      const mark = writer.begin(1);
      writer.uint(1, step.token);
      writer.string(2, step.type);
      writer.string(3, step.detail);
      writer.end(mark);
    }
    writeOutcome(reply.outcome);
  });
}

function readStep(reader: Reader): TestStep {
  const step = { token: 0, type: '', detail: '' };
  eachField(reader, (field) => {
    if (field === 1) step.token = reader.token();
    else if (field === 2) step.type = reader.string();
    else if (field === 3) step.detail = reader.string();
    else return false;
    return true;
  });
  return step;
}

/** Output and Punt look alike: a number and a frame. */
function readNumberAndFrame(reader: Reader): { number: number; frame: Uint8Array } {
  const found = { number: 0, frame: NO_BYTES };
  eachField(reader, (field) => {
    if (field === 1) found.number = reader.uint32();
    else if (field === 2) found.frame = Uint8Array.from(reader.bytes());
    else return false;
    return true;
  });
  return found;
}

function readDiscard(reader: Reader): string {
  let reason = '';
  eachField(reader, (field) => {
    if (field !== 1) return false;
    reason = reader.string();
    return true;
  });
  return reason;
}

export function decodeTestReply(bytes: Buffer): TestReply {
  const reader = new Reader(bytes);
  const steps: TestStep[] = [];
  let outcome: TestOutcome | undefined;
  eachField(reader, (field) => {
    if (field === 1) steps.push(nested(reader, () => readStep(reader)));
    else if (field === 2) {
      const { number: port, frame } = nested(reader, () => readNumberAndFrame(reader));
      outcome = { kind: 'output', port, frame };
    } else if (field === 3) {
      const { number: reason, frame } = nested(reader, () => readNumberAndFrame(reader));
      outcome = { kind: 'punt', reason, frame };
    } else if (field === 4) outcome = { kind: 'discard', reason: nested(reader, () => readDiscard(reader)) };
    else return false;
    return true;
  });
  return { steps, outcome: outcome ?? reader.fail('a test reply without an outcome') };
}
