/**
 * This client's claim to the sandbox, from connection to connection (aft/owner.ts): with which words it is asked for, and
 * whether somebody else may have written in the meantime.
 *
 * The epochs tell: one more than our last one was an OPEN of ours whose answer was lost; any other step was somebody else's. A
 * client that was replaced by another one, or by a later life of itself, doesn't fight: it asks for the sandbox only when
 * nobody has it. So of two that want the same sandbox one works, and the other one says so.
 */
import { randomUUID } from 'node:crypto';
import type { AfiOwner, SandboxReply, SandboxRequest, TakeOver } from '../aft/wire';

/** Who this client is: `id` is the same in its next life. */
export type Identity = Pick<AfiOwner, 'id' | 'name'>;

/** `afi.takeOver`: `restart` takes the sandbox from an earlier life of this client only. */
export type TakeOverPolicy = 'never' | 'restart' | 'always';

const WORDS: Readonly<Record<TakeOverPolicy, TakeOver>> = {
  never: 'ifGone',
  restart: 'ifSameOwner',
  always: 'always',
};

type Told = Pick<SandboxReply, 'epoch' | 'holder'>;

export class Claim {
  private readonly owner: AfiOwner;
  /** Up to here, since our first one, all epochs were ours. */
  private trusted: number | undefined;
  /** Somebody else had the sandbox since. */
  private foreign = false;
  private displaced = false;

  constructor(
    { id, name }: Identity,
    private readonly policy: TakeOverPolicy,
  ) {
    this.owner = { id, life: randomUUID(), name, pid: process.pid };
  }

  /** What to ask for, by what the server told before. A server without epochs isn't told of them. */
  request({ epoch, holder }: Told): Pick<SandboxRequest, 'owner' | 'after' | 'takeOver'> {
    if (epoch === undefined) return {};
    const { owner, trusted } = this;
    const ours = holder?.life === owner.life;
    if (trusted !== undefined && epoch !== trusted) {
      if (epoch === trusted + 1 && ours) this.trusted = epoch;
      else this.foreign = true;
      if (holder !== undefined && !ours) this.displaced = true;
    }
    return { owner, after: epoch, takeOver: this.displaced ? 'ifGone' : WORDS[this.policy] };
  }

  /**
   * The sandbox is ours.
   * @returns `unknown`: somebody else had it since we had it last, and may have changed what is in it
   */
  granted({ epoch }: Told): 'kept' | 'unknown' {
    const tables = this.foreign ? 'unknown' : 'kept';
    this.trusted = epoch;
    this.foreign = false;
    this.displaced = false;
    return tables;
  }
}
