/**
 * Who may write into the sandbox: one session at a time, known by its epoch (aft/owner.ts).
 *
 * An OPEN with an owner begins a session when it names the present epoch and nobody else is there, and makes the epoch one
 * more: from then on operations of every other epoch are refused, wherever they were queued meanwhile. That an OPEN names
 * the epoch that it follows makes one that was itself held up in a dead connection harmless. Clients without an owner share
 * the sandbox while no owner has it, as it always was.
 *
 * A holder is there as long as one of its streams (operations, port states) is, and for a moment after its OPEN.
 */
import type { AftError } from '../../aft/model';
import { ownerText, type AfiOwner } from '../../aft/owner';
import type { SandboxReply, SandboxRequest } from '../../aft/wire';

/** How long a session may take to open its streams. */
const STREAMS_DUE_MS = 5000;

interface Holder {
  readonly owner: AfiOwner;
  readonly openedAt: number;
}

export interface SessionsOptions {
  /** engine:name, for messages. */
  readonly label: string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Before the first session; later in a later life of the server, so that epochs aren't used twice. */
  readonly firstEpoch: number;
}

/** What a request for the sandbox comes to. */
export type Claim = { readonly error: AftError } | { readonly replaced: AfiOwner | undefined };

export class Sessions {
  private current: number;
  private holder: Holder | undefined;
  /** The epoch of each open stream that has one, by the number of its stream or call. */
  private readonly streams = new Map<number, number>();

  constructor(private readonly options: SessionsOptions) {
    this.current = options.firstEpoch;
  }

  /** What replies tell of it. */
  get shown(): Pick<SandboxReply, 'epoch' | 'holder'> {
    return { epoch: this.current, ...(this.holder && { holder: this.holder.owner }) };
  }

  /** Whether an operation (or a Watch) of this epoch is the present session's; undefined: of a client that knows none. */
  admits(epoch: number | undefined): boolean {
    return this.holder === undefined ? epoch === undefined : epoch === this.current;
  }

  /** A stream of this epoch is there; `ended`: it isn't any more. */
  streaming(stream: number, epoch: number): void {
    this.streams.set(stream, epoch);
  }

  ended(stream: number): void {
    this.streams.delete(stream);
  }

  /** Begins a session, or says why not. `replaced`: the other client, or other life of this one, that had it. */
  open({ owner, after, takeOver = 'ifGone' }: SandboxRequest, address: string): Claim {
    const { holder } = this;
    if (owner !== undefined && (after ?? 0) !== this.current) return this.stale(after);
    if (holder !== undefined && !this.mayReplace(holder, owner, takeOver)) return this.held(holder);
    // Clients that know no epochs share what nobody holds.
    if (owner === undefined && holder === undefined) return { replaced: undefined };
    this.current++;
    this.holder = owner && { owner: { ...owner, address }, openedAt: this.options.now() };
    return { replaced: holder?.owner.life === owner?.life ? undefined : holder?.owner };
  }

  /** Ends the session for a CLOSE or RELEASE, or says why not. */
  close({ owner, takeOver = 'ifGone' }: SandboxRequest): Claim {
    const { holder } = this;
    if (holder === undefined) return { replaced: undefined };
    if (!this.mayReplace(holder, owner, takeOver)) return this.held(holder);
    this.current++;
    this.holder = undefined;
    return { replaced: holder.owner.life === owner?.life ? undefined : holder.owner };
  }

  private mayReplace(holder: Holder, owner: AfiOwner | undefined, takeOver: SandboxRequest['takeOver']): boolean {
    if (owner?.life === holder.owner.life || takeOver === 'always' || !this.isThere(holder)) return true;
    return takeOver === 'ifSameOwner' && owner !== undefined && owner.id === holder.owner.id;
  }

  private isThere({ openedAt }: Holder): boolean {
    if (this.options.now() - openedAt < STREAMS_DUE_MS) return true;
    for (const epoch of this.streams.values()) if (epoch === this.current) return true;
    return false;
  }

  private stale(after: number | undefined): Claim {
    const message = `sandbox ${this.options.label} is at epoch ${this.current}, not ${after ?? 0}: another session began meanwhile`;
    return { error: { code: 'fenced', message } };
  }

  private held({ owner }: Holder): Claim {
    const message = `sandbox ${this.options.label} is held by ${ownerText(owner)}: stop that one, or have this one take over`;
    return { error: { code: 'held', message } };
  }

  /** Why an operation of this epoch isn't applied. */
  fenced(epoch: number | undefined): AftError {
    const by = this.holder === undefined ? 'nobody holds it now' : `${ownerText(this.holder.owner)} has it now`;
    const of = epoch === undefined ? 'of no epoch' : `of epoch ${epoch}`;
    return { code: 'fenced', message: `${of}, and sandbox ${this.options.label} is at ${this.current}: ${by}` };
  }
}
