/** Plays a history on the bed, and says what is not as it must be. */
import { Bed, Server } from '../../bed/bed';
import { Random } from '../random';
import { PuntReason, type AftOperation } from '../../../src/aft/model';
import type { Event, History, RefusedKind } from './events';
import { checkNothingLeft, compare, nameOf, Wrong } from './compare';
import { Inputs } from './inputs';
import { strangersSession } from './stranger';
import { linkOf } from './usual-router';

/** What was wrong, at which event (the number of events: at the end). */
export interface Fault {
  readonly what: string;
  readonly at: number;
}

/** What a history took. */
export interface Effort {
  operations: number;
  packets: number;
  checks: number;
}

const PORTS = 4;
const anySandbox = { sandbox: { engine: 'trio', name: 'green' }, inputPorts: PORTS, outputPorts: PORTS };
/** Of what is there and what has changed, so many operations settle everything. */
const OPERATIONS_EACH = 20;
/** What was refused comes again layer by layer. */
const RETRIES = 4;

/** Whether it makes such a node, or removes something. */
function isOfKind(operation: AftOperation, kind: RefusedKind): boolean {
  if (operation.kind === 'remove') return kind === 'removal';
  const { nodes, binds } = operation.insert;
  return kind === 'ports' ? (binds?.length ?? 0) > 0 : nodes.some(({ type }) => type === kind);
}

class Player {
  private readonly inputs = new Inputs();
  private readonly random: Random;
  private server = new Server();
  private bed!: Bed;
  private connected = true;
  private limit: number | undefined;
  /** Something was refused on purpose, or it isn't known what the server has. */
  private disturbed = false;
  private refuseNext = false;
  /** Packets a second, as a reload changes them. */
  private readonly limits: Partial<Record<PuntReason, number>> = { [PuntReason.Glean]: 1e6 };
  /** Something was, whatever it is, and that may have been the base graph. */
  private refusedAny = false;
  private refusedKind: RefusedKind | undefined;
  private updates = 0;
  /** Operations of broken connections that may yet arrive. */
  private readonly lingering: Bed['queue'] = [];

  constructor(
    private readonly history: History,
    private readonly effort: Effort,
  ) {
    this.random = new Random(history.seed);
  }

  private freshBed(): Bed {
    const bed = new Bed(this.server, { ...this.history, limits: this.limits });
    for (let port = 0; port < PORTS; port++) bed.fib.setLabelInput(port, true);
    return bed;
  }

  async start(): Promise<void> {
    this.bed = this.freshBed();
    for (let port = 0; port < PORTS; port++) this.inputs.applyKernel(linkOf(port));
    await this.bed.open();
    this.settle();
  }

  async step(event: Event): Promise<void> {
    const { bed, inputs } = this;
    switch (event.do) {
      case 'fpm':
        this.updates++;
        inputs.applyFpm(event.update);
        if (event.update.kind === 'routeAdd') bed.told.delete(nameOf(event.update));
        bed.apply(event.update);
        return;
      case 'kernel':
        return this.kernel(event);
      case 'port':
        return this.port(event.port, event.up);
      case 'answer':
        bed.programmer.pump();
        for (let i = 0; i < event.count; i++) this.answer();
        return bed.report();
      case 'refuse':
        this.refuseNext = true;
        return;
      case 'refuseKind':
        this.refusedKind = event.kind;
        this.disturbed = true;
        return;
      case 'base':
        this.limits[PuntReason.Glean]!++;
        return bed.programmer.rewrite({ layer: 'base', id: 0 });
      case 'down':
        return this.down(event.applied, event.lost, event.linger);
      case 'up':
        return this.up();
      case 'late':
        return this.late(event.count);
      case 'otherClient':
        this.down(0, false, true);
        return strangersSession(this.server, this.random);
      case 'serverRestart':
        this.down(0, false, false);
        this.lingering.length = 0;
        this.limit = event.limit;
        this.server.restart(event.limit);
        return this.up();
      case 'bridgeRestart':
        return this.bridgeRestart();
      case 'beginReplay': {
        const retold = event.retell === 'no' ? [] : inputs.replayOf(event.retell);
        inputs.beginReplay();
        bed.fib.beginReplay();
        for (const update of retold) await this.step({ do: 'fpm', update });
        return;
      }
      case 'endReplay':
        inputs.endReplay();
        bed.fib.endReplay();
        this.updates++;
        return;
      case 'check':
        return this.check();
    }
  }

  private kernel({ update }: Event & { do: 'kernel' }): void {
    this.updates++;
    if (update.kind === 'link' && update.present) {
      // A name is one interface's.
      for (const link of this.inputs.links.values()) {
        if (link.name === update.name && link.ifindex !== update.ifindex)
          this.kernel({ do: 'kernel', update: { ...link, present: false } });
      }
    }
    if (update.kind === 'link')
      for (const gone of this.inputs.hangingOn(update)) this.kernel({ do: 'kernel', update: gone });
    this.inputs.applyKernel(update);
    this.bed.fib.applyKernel(update);
  }

  private port(port: number, up: boolean): void {
    this.updates++;
    this.server.ports[port]!.up = up;
    if (up) this.inputs.portsDown.delete(port);
    else this.inputs.portsDown.add(port);
    this.bed.fib.portChanged(port, up);
  }

  // ---- the server and the connection ------------------------------------------------------------------------------

  private answer(): boolean {
    const { bed, server } = this;
    const next = bed.queue.shift();
    if (next === undefined) return false;
    this.effort.operations++;
    if (this.refuseNext) {
      this.refuseNext = false;
      this.disturbed = true;
      this.refusedAny = true;
      bed.programmer.ack(next.id, { code: 'internal', message: 'for the test' });
      return true;
    }
    if (this.refusedKind !== undefined && isOfKind(next.operation, this.refusedKind)) {
      bed.programmer.ack(next.id, { code: 'internal', message: `no ${this.refusedKind}, for the test` });
      return true;
    }
    const error = server.sandbox.apply(next.operation);
    if (error !== undefined) {
      const expected = (error.code === 'full' && this.limit !== undefined) || this.disturbed;
      if (!expected) throw new Wrong(`refused: ${error.code}: ${error.message}`);
    }
    bed.programmer.ack(next.id, error);
    return true;
  }

  private settle(): void {
    const { bed, inputs } = this;
    const size = this.updates + inputs.routes.size + inputs.neighbors.size + inputs.addresses.size + 50;
    for (let left = OPERATIONS_EACH * size; ; left--) {
      bed.programmer.pump();
      if (!this.answer()) break;
      if (left === 0) throw new Wrong(`does not settle in ${OPERATIONS_EACH * size} operations`);
    }
    this.updates = 0;
    bed.report();
  }

  private down(applied: number, lost: boolean, linger: boolean): void {
    if (!this.connected) return;
    const { bed, server } = this;
    bed.programmer.pump();
    for (const { operation } of bed.queue.slice(0, applied)) server.sandbox.apply(operation);
    if (linger) this.lingering.push(...bed.queue.slice(applied));
    bed.queue.length = 0;
    this.connected = false;
    this.disturbed = true;
    if (lost) {
      server.sessions.close({ ...anySandbox, action: 'close', takeOver: 'always' });
      server.empty();
    }
    bed.programmer.down('the connection broke', lost ? 'lost' : 'kept');
  }

  private async up(): Promise<void> {
    if (this.connected) return;
    this.connected = true;
    await this.bed.open();
  }

  /** What a dead connection still carried arrives: the server looks at its epoch, as it does at every operation's. */
  private late(count: number): void {
    const { sandbox, sessions } = this.server;
    for (const { epoch, operation } of this.lingering.splice(0, count)) {
      if (sessions.admits(epoch)) sandbox.apply(operation);
    }
  }

  private async bridgeRestart(): Promise<void> {
    const { bed, inputs } = this;
    const zebra = inputs.replayOf('groupsFirst');
    this.lingering.push(...bed.queue);
    bed.queue.length = 0;
    this.disturbed = true;
    this.connected = true;
    this.bed = this.freshBed();
    for (let port = 0; port < PORTS; port++) this.bed.link(port, false);
    inputs.forgetZebra();
    for (const update of inputs.kernelNews()) this.bed.fib.applyKernel(update);
    for (const port of inputs.portsDown) this.bed.fib.portChanged(port, false);
    await this.bed.open();
    inputs.beginReplay();
    this.bed.fib.beginReplay();
    for (const update of zebra) await this.step({ do: 'fpm', update });
  }

  // ---- looking ----------------------------------------------------------------------------------------------------

  /** With what was refused, which is tried again. */
  private settleAll(): void {
    this.settle();
    for (let i = 0; this.disturbed && i < RETRIES; i++) {
      this.bed.programmer.retry();
      this.settle();
    }
  }

  private async check(): Promise<void> {
    const { bed } = this;
    await this.up();
    if (this.refusedKind !== undefined) {
      this.settle();
      const { kind } = bed.programmer.connection;
      if (kind === 'refused' && !this.refusedAny && this.refusedKind !== 'tree' && this.refusedKind !== 'decap')
        throw new Wrong(`no ${this.refusedKind}, and so nothing at all`);
      this.refusedKind = undefined;
      this.refusedAny = false;
    }
    this.settleAll();
    if (this.inputs.inReplay) return;
    bed.fib.forwarding.dropAdopted();
    bed.programmer.releaseAdopted();
    this.settleAll();
    bed.later();
    this.disturbed = false;
    this.effort.checks++;
    this.effort.packets += compare({
      bed,
      inputs: this.inputs,
      limit: this.limit,
      limits: this.limits,
      random: this.random,
    });
  }

  // ---- the end ----------------------------------------------------------------------------------------------------

  /** Withdraws everything: nothing may be left. */
  async withdraw(): Promise<void> {
    const { inputs, history } = this;
    await this.step({ do: 'endReplay' });
    const parts = {
      routes: () =>
        [...inputs.routes.values()].map(({ update: { table, prefix } }): Event => ({
          do: 'fpm',
          update: { kind: 'routeDelete', table, prefix },
        })),
      nexthops: () => inputs.ids().map((id): Event => ({ do: 'fpm', update: { kind: 'nexthopDelete', id } })),
      lsps: () => [...inputs.lsps.keys()].map((label): Event => ({ do: 'fpm', update: { kind: 'lspDelete', label } })),
      neighbors: () => [
        ...[...inputs.neighbors.values()].map((update): Event => ({
          do: 'kernel',
          update: { ...update, kind: 'neighborDelete' },
        })),
        ...[...inputs.addresses.values()].map((update): Event => ({
          do: 'kernel',
          update: { ...update, kind: 'addressDelete' },
        })),
      ],
      links: () => [
        ...[...inputs.links.values()].map((link): Event => ({
          do: 'kernel',
          update: { ...link, present: false, up: false },
        })),
        ...[0, 1, 2, 3].map((port): Event => ({ do: 'port', port, up: true })),
      ],
    };
    const order = [history.ending, ...(['routes', 'lsps', 'nexthops', 'neighbors', 'links'] as const)];
    for (const part of order) for (const event of parts[part]()) await this.step(event);
    for (let port = 0; port < PORTS; port++) await this.step({ do: 'kernel', update: linkOf(port) });
    await this.check();
    checkNothingLeft(this.bed);
  }
}

/** Plays it; undefined: all was as it must be. */
export async function play(history: History, effort: Effort): Promise<Fault | undefined> {
  const player = new Player(history, effort);
  let at = 0;
  try {
    await player.start();
    for (; at < history.events.length; at++) await player.step(history.events[at]!);
    await player.step({ do: 'check' });
    await player.withdraw();
    return undefined;
  } catch (error) {
    if (error instanceof Wrong) return { what: error.message, at };
    return { what: `thrown: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, at };
  }
}
