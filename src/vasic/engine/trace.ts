/**
 * A packet that only tries its way: the walk and the nodes are those of forwarding, so what comes out is what would happen;
 * this file looks on, notes each node with what it made of the packet, and takes what would have been sent or punted.
 */
import { AftField, PuntReason } from '../../aft/model';
import type { AftNode } from '../../aft/model';
import type { TestOutcome, TestReply, TestStep } from '../../aft/wire';
import { formatAddress, formatMac, formatPrefix, maskAddress } from '../../net/address';
import { ABSENT, fieldName, locateAddress, readNumber } from './fields';
import type { Graph } from './graph';
import type { Container } from './nodes/node';
import { inputPortToken, type PortState } from './ports';
import { DONE, END, type Trial, type Walk } from './walk';

/** The walk's trial, and its result once the walk has ended. */
export interface RunningTrial extends Trial {
  reply(): TestReply;
}

/** What has to be read before a node runs, since it may change it. */
interface Before {
  readonly value: number;
  readonly address: Uint8Array | undefined;
}

export function createTrial(graph: Graph, port: PortState): RunningTrial {
  const steps: TestStep[] = [{ token: inputPortToken(port.index), type: 'inputPort', detail: port.io.name }];
  let outcome: TestOutcome | undefined;

  return {
    step(slot, walk) {
      const place = graph.nodes[slot]!;
      const { node } = place;
      const before = look(node, walk);
      // Its place in the list comes first: nodes that a list runs come after it.
      const at = steps.push({ token: node.token, type: node.type, detail: '' }) - 1;
      const next = place.execute(walk);
      const detail = describe(graph, node, place.compiled.container, before, next, walk);
      steps[at] = { token: node.token, type: node.type, detail };
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

function look(node: AftNode, walk: Walk): Before {
  const field = node.type === 'match' || node.type === 'switch' ? node.field : AftField.None;
  const fields = node.type === 'tree' ? node.fields : node.type === 'match' ? [node.field] : [];
  const found = { at: 0, size: 0 };
  for (const candidate of fields) if (found.size === 0) locateAddress(walk, candidate, found);
  return {
    value: node.type === 'table' ? readNumber(walk, node.fields[0]!) : readNumber(walk, field),
    address:
      found.size !== 4 && found.size !== 16
        ? undefined
        : Uint8Array.from(walk.buffer.subarray(found.at, found.at + found.size)),
  };
}

/** A field's value as people write it. */
function valueText(field: AftField, value: number): string {
  if (value === ABSENT) return 'absent';
  if (field === AftField.EtherSaddr || field === AftField.EtherDaddr) {
    const bytes = Uint8Array.from({ length: 6 }, (_, i) => Math.floor(value / 256 ** (5 - i)) % 256);
    return formatMac(bytes);
  }
  return field === AftField.EtherType ? `0x${value.toString(16).padStart(4, '0')}` : String(value);
}

/** The longest prefix of the tree that holds the address: the one that led to `next`. */
function matchedPrefix(container: Container, address: Uint8Array): string | undefined {
  for (let length = 8 * address.length; length >= 0; length--) {
    const bytes = maskAddress(address, length);
    if (container.get({ field: AftField.None, data: { kind: 'prefix', bytes, length } }) !== END) {
      return formatPrefix({ bytes, length });
    }
  }
  return undefined;
}

/** Places of a load balancer that lead to `next`. */
function pathText(container: Container, next: number): string {
  const places: number[] = [];
  let all = 0;
  const paths = new Set<number>();
  for (const { key, slot } of container.entries()) {
    all++;
    paths.add(slot);
    if (slot === next && key.data.kind === 'int') places.push(key.data.value);
  }
  const position = [...paths].indexOf(next) + 1;
  return `path ${position} of ${paths.size}, which has ${places.length} of ${all} places`;
}

function describe(
  graph: Graph,
  node: AftNode,
  container: Container | undefined,
  before: Before,
  next: number,
  walk: Walk,
): string {
  switch (node.type) {
    case 'match': {
      const isTrue = next === graph.slotOf(node.trueNext);
      const value = before.address === undefined ? valueText(node.field, before.value) : formatAddress(before.address);
      return `${fieldName(node.field)} is ${value}: ${isTrue ? 'yes' : 'no'}`;
    }
    case 'switch':
    case 'table': {
      const field = node.type === 'switch' ? node.field : node.fields[0]!;
      const key = { field, data: { kind: 'int' as const, value: before.value } };
      const known = before.value !== ABSENT && container!.get(key) !== END;
      return `${fieldName(field)} is ${valueText(field, before.value)}${known ? '' : ': no entry, default'}`;
    }
    case 'tree': {
      if (next === DONE) return 'the IP header is not sound';
      if (before.address === undefined) return 'no address to look up: default';
      return matchedPrefix(container!, before.address) ?? 'no route: default';
    }
    case 'loadBalance':
      return next > END ? pathText(container!, next) : 'no paths';
    case 'encap': {
      const mac = (field: AftField): string => {
        const data = node.keys.find((key) => key.field === field)?.data;
        return data?.kind === 'ether' ? formatMac(data.bytes) : '?';
      };
      return node.template === 'ethernet'
        ? `from ${mac(AftField.EtherSaddr)} to ${mac(AftField.EtherDaddr)}`
        : node.template;
    }
    case 'decap':
      return node.template;
    case 'receive':
      return `to the host: ${PuntReason[node.code] ?? `reason ${node.code}`}`;
    case 'policer':
      return next === DONE ? 'above its rate' : 'within its rate';
    case 'write':
      return `${node.op} ${fieldName(node.key.field)}`;
    case 'outputPort': {
      const port = graph.ports.list[node.index];
      if (port === undefined) return 'to the host';
      if (next === DONE) return port.io.up ? port.io.name : `${port.io.name}: its link is down`;
      return walk.reason === PuntReason.Mtu
        ? `larger than its MTU ${port.io.mtu}`
        : 'its TTL or hop limit would expire';
    }
    case 'lookup':
      return `in node ${node.container}`;
    case 'sandboxLink':
      return `sandbox ${node.sandbox}`;
    case 'discard':
    case 'list':
    case 'indexedList':
    case 'counter':
    case 'indirect':
    case 'inputPort':
      return '';
  }
}
