/** The engine's counters together with those of what forwards beside it: what the AFI server and the log tell, whoever took a packet. */
import type { DropCounters } from '../api';
import type { DropReason } from '../drops';
import type { Counted, FastPath } from '../fast-path';
import type { Counters, Ports, PortState } from '../ports';

function plus(counters: Counters, counted: Counted, drops = 0): Counters {
  return {
    packets: counters.packets + counted.packets,
    bytes: counters.bytes + counted.bytes,
    drops: counters.drops + drops,
  };
}

function mergedPort(port: PortState, fastPath: FastPath): PortState {
  const { received, sent, discarded } = fastPath.portCounted(port.index);
  const input = plus(port.input, received, discarded.packets);
  return { index: port.index, io: port.io, input, output: plus(port.output, sent) };
}

/** Copies of the ports, with what was counted for them altogether. */
export function mergedPorts(ports: Ports, fastPath: FastPath | undefined): Ports {
  if (fastPath === undefined) return ports;
  return { list: ports.list.map((port) => mergedPort(port, fastPath)), punt: ports.punt };
}

/** What was counted altogether where the engine has these counters: a node's own, or a port's. */
export function mergedNode(counters: Counters, ports: Ports, fastPath: FastPath | undefined): Counters {
  if (fastPath === undefined) return counters;
  for (const port of ports.list) {
    if (counters === port.input) return mergedPort(port, fastPath).input;
    if (counters === port.output) return mergedPort(port, fastPath).output;
  }
  return plus(counters, fastPath.counted(counters));
}

/** Reasons that occurred → packets. Beside the engine packets are dropped by discard nodes only. */
export function mergedDrops(drops: DropCounters, ports: Ports, fastPath: FastPath | undefined): DropCounters {
  if (fastPath === undefined) return drops;
  const reason: DropReason = 'discard';
  let discards = drops[reason] ?? 0;
  for (const { index } of ports.list) discards += fastPath.portCounted(index).discarded.packets;
  return discards === 0 ? drops : { ...drops, [reason]: discards };
}
