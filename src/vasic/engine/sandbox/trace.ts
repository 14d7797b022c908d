/**
 * A packet that only tries its way: the walk and the nodes are those of forwarding, so what comes out is what would happen;
 * this file looks on, notes each node with what it made of the packet, and takes what would have been sent or punted.
 */
import type { TestOutcome, TestReply, TestStep } from '../../../aft/wire';
import type { Graph } from './graph';
import { inputPortToken, type PortState } from '../ports';
import type { Trial } from '../walk';

/** The walk's trial, and its result once the walk has ended. */
export interface RunningTrial extends Trial {
  reply(): TestReply;
}

export function createTrial(graph: Graph, port: PortState): RunningTrial {
  const steps: TestStep[] = [{ token: inputPortToken(port.index), type: 'inputPort', detail: port.io.name }];
  let outcome: TestOutcome | undefined;

  return {
    step(slot, walk) {
      const place = graph.nodes[slot]!;
      const { node } = place;
      const describe = place.describe(walk, graph);
      // Its place in the list comes first: nodes that a list runs come after it.
      const at = steps.push({ token: node.token, type: node.type, detail: '' }) - 1;
      const next = place.execute(walk);
      steps[at] = { token: node.token, type: node.type, detail: describe(next) };
      return next;
    },
    sent(index, frame) {
      outcome = { kind: 'output', port: index, frame: Uint8Array.from(frame) };
    },
    punted(reason, frame) {
      outcome = { kind: 'punt', reason, frame: Uint8Array.from(frame) };
    },
    dropped(reason) {
      outcome = { kind: 'discard', reason };
    },
    reply() {
      if (outcome === undefined) throw new Error('the walk of a trial ended without an outcome');
      return { steps, outcome };
    },
  };
}
