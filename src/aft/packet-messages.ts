/** AFI messages about single packets, between bytes and values: the way that one would take (Test), and one that is carried (Inject). */
import type { Token } from './model';
import { optionalCount } from './owner';
import * as part from './parts';
import { WireError } from './protobuf-io';
import { decodeMessage, encodeMessage } from './schema';

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

/** What becomes of the packet; frames are as they would leave. */
export type TestOutcome =
  | { readonly kind: 'output'; readonly port: number; readonly frame: Uint8Array }
  /** To the host; `reason` as hostpath tells it (PuntReason). */
  | { readonly kind: 'punt'; readonly reason: number; readonly frame: Uint8Array }
  | { readonly kind: 'discard'; readonly reason: string };

/** The way that a packet would take, node by node, and its end. */
export interface TestReply {
  readonly steps: readonly TestStep[];
  readonly outcome: TestOutcome;
  /** Who would forward it, `kernel` or `engine`; absent where a server has one way only. */
  readonly engine?: string;
  /** Why that is the engine. */
  readonly engineReason?: string;
}

/** `in`: as if received on the input port; `out`: out of the output port, past the graph. */
export type InjectDirection = 'in' | 'out';

/** A frame to be carried, and where. */
export interface InjectMessage {
  readonly sandboxId: number;
  readonly direction: InjectDirection;
  readonly port: number;
  /** Complete, Ethernet header included. */
  readonly frame: Uint8Array;
  /** Of the session that it belongs to; absent: of a client that knows none. */
  readonly epoch?: number;
}

/** Whether it was carried. */
export interface InjectReply {
  /** False: the port didn't take it. */
  readonly ok: boolean;
}

const TEST: part.Shape<TestMessage> = { sandboxId: part.uint32, port: part.uint32, frame: part.bytes };

export function encodeTest(request: TestMessage): Buffer {
  return encodeMessage('AfiTestRequest', part.toMessage(TEST, request));
}

export function decodeTest(bytes: Buffer): TestMessage {
  return decodeMessage('AfiTestRequest', bytes, (message) => part.fromMessage(TEST, message));
}

const STEP: part.Shape<TestStep> = { token: part.token, type: part.text, detail: part.text };
type Outcome<Kind extends TestOutcome['kind']> = Omit<Extract<TestOutcome, { kind: Kind }>, 'kind'>;
/** What became of the packet, by the name of its field. */
const OUTCOMES: { readonly [Kind in TestOutcome['kind']]: part.Shape<Outcome<Kind>> } = {
  output: { port: part.uint32, frame: part.bytes },
  punt: { reason: part.uint32, frame: part.bytes },
  discard: { reason: part.text },
};

const TAKER: part.Shape<Pick<TestReply, 'engine' | 'engineReason'>> = {
  engine: part.optionalText,
  engineReason: part.optionalText,
};

export function encodeTestReply({ steps, outcome, ...taker }: TestReply): Buffer {
  const shape = OUTCOMES[outcome.kind] as part.Shape<unknown>;
  return encodeMessage('AfiTestReply', {
    steps: steps.map((step) => part.toMessage(STEP, step)),
    [outcome.kind]: part.toMessage<unknown>(shape, outcome),
    ...part.toMessage(TAKER, taker),
  });
}

type TestReplyMessage = {
  readonly steps: readonly unknown[];
  /** The oneof's name: where the outcome is. */
  readonly outcome?: TestOutcome['kind'];
} & Readonly<Record<string, unknown>>;

export function decodeTestReply(bytes: Buffer): TestReply {
  return decodeMessage('AfiTestReply', bytes, (message: TestReplyMessage) => {
    const kind = message.outcome;
    if (kind === undefined) throw new WireError('a test reply without an outcome');
    const body = part.fromMessage<unknown>(OUTCOMES[kind] as part.Shape<unknown>, message[kind]) as object;
    return {
      steps: message.steps.map((step) => part.fromMessage(STEP, step)),
      outcome: { kind, ...body } as TestOutcome,
      ...part.fromMessage(TAKER, message),
    };
  });
}

const INJECT: part.Shape<InjectMessage> = {
  sandboxId: part.uint32,
  direction: part.choice('direction', ['in', 'out']),
  port: part.uint32,
  frame: part.bytes,
  epoch: optionalCount,
};

export function encodeInject(request: InjectMessage): Buffer {
  return encodeMessage('AfiInjectRequest', part.toMessage(INJECT, request));
}

export function decodeInject(bytes: Buffer): InjectMessage {
  return decodeMessage('AfiInjectRequest', bytes, (message) => part.fromMessage(INJECT, message));
}

const INJECTED: part.Shape<InjectReply> = { ok: part.flag };

export function encodeInjectReply(reply: InjectReply): Buffer {
  return encodeMessage('AfiInjectReply', part.toMessage(INJECTED, reply));
}

export function decodeInjectReply(bytes: Buffer): InjectReply {
  return decodeMessage('AfiInjectReply', bytes, (message) => part.fromMessage(INJECTED, message));
}
