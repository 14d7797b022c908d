/**
 * Adjacencies in the vASIC: per neighbor an AftEncap with the hardware addresses, leading to the output port, and an
 * AftIndirect in front of it that nexthops point at. A new hardware address is the AftEncap written again in place: one
 * node, however many routes lead to it. A lost neighbor is the AftIndirect pointed at the host.
 */
import { trapToken } from './base-graph';
import type { Graph, NodeInsert, NodeWriter, TokenUse } from './graph';
import { AftField, PARAM, type AftNode, type Token } from '../aft/model';
import type { ForwardingSource } from '../fib/intents';
import { formatAddress, sameBytes } from '../net/address';
import type { Logger } from '../observe/log';

interface AdjacencyState {
  readonly encap: Token;
  readonly indirect: Token;
  /** Hardware address that the vASIC acknowledged; undefined with `exists`: pointed at the host. */
  mac: Uint8Array | undefined;
  sent: Uint8Array | undefined;
  /** How it leaves the port: the MAC and MTU of that, in what was sent last. */
  via: Via | undefined;
  exists: boolean;
  busy: boolean;
  /** Nexthop sets that lead to it, acknowledged or in flight. */
  users: number;
  error: string | undefined;
}

interface Via {
  readonly mac: Uint8Array | undefined;
  readonly mtu: number | undefined;
}

export class AdjacencyWriter implements NodeWriter {
  readonly dirty = new Set<number>();
  written = 0;
  private readonly states = new Map<number, AdjacencyState>();

  constructor(
    private readonly source: ForwardingSource,
    private readonly graph: Graph,
    private readonly log: Logger,
  ) {}

  clear(): void {
    this.states.clear();
    this.dirty.clear();
  }

  /** The token to point at, whether the vASIC has it, and why not. */
  get(
    id: number,
  ): { readonly indirect: Token; readonly exists: boolean; readonly error: string | undefined } | undefined {
    return this.states.get(id);
  }

  acquire(id: number): void {
    this.states.get(id)!.users++;
  }

  release(id: number): void {
    const state = this.states.get(id);
    if (state === undefined || --state.users > 0) return;
    if (this.source.adjacency(id)?.mac === undefined) this.dirty.add(id);
  }

  build(id: number, { nodes }: NodeInsert): boolean {
    const state = this.states.get(id);
    // The acknowledgement brings it back.
    if (state?.busy === true) return false;
    const intent = this.source.adjacency(id);
    if (intent?.mac !== undefined) return this.buildUsable(id, intent.port, intent.mac, state, nodes);
    if (state === undefined) return false;
    if (state.users === 0) {
      this.states.delete(id);
      this.graph.discard({ entries: [], tokens: [state.indirect, state.encap], done: () => undefined });
      return false;
    }
    if (state.exists && state.mac === undefined) return false;
    state.busy = true;
    state.sent = undefined;
    nodes.push({ type: 'indirect', token: state.indirect, target: trapToken('unresolved') });
    return true;
  }

  private buildUsable(
    id: number,
    port: number,
    mac: Uint8Array,
    known: AdjacencyState | undefined,
    nodes: AftNode[],
  ): boolean {
    let state = known;
    const { mac: from, rules } = this.graph.portOf(port) ?? { mac: undefined };
    const mtu = rules?.mtu;
    if (state === undefined) {
      const [encap, indirect] = [this.graph.newToken(), this.graph.newToken()];
      const nothing = {
        mac: undefined,
        sent: undefined,
        via: undefined,
        exists: false,
        busy: false,
        users: 0,
        error: undefined,
      };
      this.states.set(id, (state = { encap, indirect, ...nothing }));
    } else if (state.exists && sameBytes(state.mac, mac) && sameBytes(state.via?.mac, from) && state.via?.mtu === mtu) {
      return false;
    }
    const next = this.graph.outputs.get(port);
    if (next === undefined) {
      state.error = `the vASIC has no output port ${port}`;
      return false;
    }
    nodes.push({
      type: 'encap',
      token: state.encap,
      template: 'ethernet',
      keys: [
        { field: AftField.EtherSaddr, data: { kind: 'ether', bytes: from ?? new Uint8Array(6) } },
        { field: AftField.EtherDaddr, data: { kind: 'ether', bytes: mac } },
      ],
      next,
      params: {
        [PARAM.metaNhId]: { kind: 'int', value: id },
        ...(mtu === undefined ? {} : { [PARAM.nhMtu]: { kind: 'int', value: mtu } }),
      },
    });
    if (!state.exists || state.mac === undefined) {
      nodes.push({ type: 'indirect', token: state.indirect, target: state.encap });
    }
    state.busy = true;
    state.sent = mac;
    state.via = { mac: from, mtu };
    return true;
  }

  done(id: number, error: string | undefined): void {
    const state = this.states.get(id);
    if (state === undefined) return;
    state.busy = false;
    state.error = error;
    if (error === undefined) {
      this.written++;
      state.exists = true;
      state.mac = state.sent;
      // Its intent may have changed meanwhile.
      this.dirty.add(id);
      return;
    }
    const intent = this.source.adjacency(id);
    if (!sameBytes(intent?.mac, state.sent)) this.dirty.add(id);
    const address = intent?.address;
    this.log.warn('the vASIC refused a neighbor', { neighbor: address && formatAddress(address), reason: error });
  }

  returned(id: number): void {
    const state = this.states.get(id);
    if (state !== undefined) state.busy = false;
  }

  uncertain(id: number): void {
    const state = this.states.get(id);
    if (state === undefined) return;
    state.busy = false;
    state.exists = false;
    this.dirty.add(id);
  }

  retryRefused(): void {
    for (const [id, state] of this.states) if (state.error !== undefined) this.dirty.add(id);
  }

  *tokens(): Generator<TokenUse> {
    for (const [id, state] of this.states) {
      const intent = this.source.adjacency(id);
      const name = intent === undefined ? 'a neighbor that is gone' : `neighbor ${formatAddress(intent.address)}`;
      const port = intent && this.graph.outputs.get(intent.port);
      const target = state.mac === undefined ? trapToken('unresolved') : state.encap;
      yield { token: state.encap, type: 'encap', name, next: port === undefined ? [] : [port] };
      yield { token: state.indirect, type: 'indirect', name, next: [target] };
    }
  }
}
