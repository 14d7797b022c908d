/**
 * The ports of a sandbox as the graph sees them: I/O, tokens, and counters for each direction. The host is the last
 * output port, `punt`, which has counters but no I/O.
 */
import type { AftPort, Token } from '../../aft/model';
import type { PortIo } from './api';
import { newCounters, type Counters } from './counters';

export { newCounters, type Counters } from './counters';

/** Most ports a sandbox can have, so that all their tokens stay below the clients'. */
export const MAX_PORTS = 500;

/** Name of the output port that leads to the host. */
export const PUNT_PORT = 'punt';

/** Token of an input port. Ports' tokens are the server's own, as is 0, discard. */
export function inputPortToken(index: number): Token {
  return 1 + index;
}

/** Token of an output port; the one behind the last is the host's, `punt`. */
export function outputPortToken(index: number): Token {
  return 512 + index;
}

export interface PortState {
  readonly index: number;
  readonly io: PortIo;
  /** Received. Drops: packets received here that the graph dropped. */
  readonly input: Counters;
  /** Sent. Drops: packets that reached the port but didn't fit or weren't taken. */
  readonly output: Counters;
}

export interface Ports {
  readonly list: readonly PortState[];
  /** Everything handed to the host, by the punt port or a receive node. */
  readonly punt: Counters;
}

export function createPorts(ports: readonly PortIo[]): Ports {
  if (ports.length > MAX_PORTS) throw new Error(`A sandbox can have ${MAX_PORTS} ports, not ${ports.length}`);
  return {
    list: ports.map((io, index) => ({ index, io, input: newCounters(), output: newCounters() })),
    punt: newCounters(),
  };
}

export function inputPortTable(ports: Ports): AftPort[] {
  return ports.list.map((port) => describe(port, inputPortToken(port.index), port.input));
}

export function outputPortTable(ports: Ports): AftPort[] {
  const index = ports.list.length;
  return [
    ...ports.list.map((port) => describe(port, outputPortToken(port.index), port.output)),
    { index, name: PUNT_PORT, token: outputPortToken(index), ...ports.punt },
  ];
}

function describe(port: PortState, token: Token, counters: Counters): AftPort {
  const { name, mac, up, mtu } = port.io;
  return { index: port.index, name, token, mac, up, mtu, ...counters };
}
