/** What became of a traced packet, for people and for JSON. */
import { PuntReason } from '../aft/model';
import type { TestReply } from '../aft/wire';
import type { TraceOutcome, TraceView } from '../control/explain-types';
import { formatMac } from '../net/address';
import { frameFacts } from '../net/frame';

/** `ports`: what each is called. */
export function outcomeView(
  ports: readonly { readonly index: number; readonly tap: string }[],
  outcome: TestReply['outcome'],
): TraceOutcome {
  switch (outcome.kind) {
    case 'output': {
      const { port, frame } = outcome;
      const { source, destination, ttl, labels } = frameFacts(frame);
      return {
        kind: 'output',
        port,
        tap: ports.find(({ index }) => index === port)?.tap ?? '?',
        sourceMac: formatMac(source),
        destinationMac: formatMac(destination),
        ...(ttl === undefined ? {} : { ttl }),
        ...(labels === undefined ? {} : { labels }),
        frame: hex(frame),
      };
    }
    case 'punt': {
      const { reason, frame } = outcome;
      return { kind: 'punt', reason, reasonName: PuntReason[reason] ?? String(reason), frame: hex(frame) };
    }
    case 'discard':
      return outcome;
  }
}

/** Which of its engines would take the packet, where the vASIC tells. */
export function engineView({
  engine,
  engineReason,
}: {
  readonly engine?: string | undefined;
  readonly engineReason?: string | undefined;
}): Pick<TraceView, 'engine'> {
  if (engine === undefined) return {};
  return { engine: { name: engine, ...(engineReason !== undefined && { reason: engineReason }) } };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
