/**
 * Who writes into a sandbox, and since when: the part of AFI that is ours. Every OPEN of a client that gives its name begins a
 * session with an epoch of its own; operations carry it, and those of an older one are refused. So what an old connection
 * still had in a queue somewhere can't undo what a newer one has written. All of it is optional: a server that doesn't know
 * it ignores it, and a client that doesn't give it is served as one of old.
 */
import * as part from './parts';

/** A client that holds a sandbox. */
export interface AfiOwner {
  /** The same in all lives of a client. */
  readonly id: string;
  /** Of one process. */
  readonly life: string;
  /** For people. */
  readonly name: string;
  readonly pid: number;
  /** Where the server sees it. */
  readonly address?: string;
}

/**
 * From whom an OPEN may take the sandbox. `ifGone`: only from a client that isn't there any more; `ifSameOwner`: also from an
 * earlier life of the same client; `always`: from whoever has it.
 */
export type TakeOver = 'ifGone' | 'ifSameOwner' | 'always';

const OWNER: part.Shape<AfiOwner> = {
  id: part.text,
  life: part.text,
  name: part.text,
  pid: part.uint32,
  address: part.optionalText,
};

/** An owner that may be absent. */
export const optionalOwner: part.Part<AfiOwner | undefined> = {
  to: (owner) => owner && part.toMessage(OWNER, owner),
  from: (raw) => (raw === null || raw === undefined ? undefined : part.fromMessage(OWNER, raw)),
};

/** A count that is absent when it is 0. */
export const optionalCount: part.Part<number | undefined> = {
  to: (value) => value || undefined,
  from: (raw) => part.count.from(raw) || undefined,
};

const TAKE_OVER = part.choice<TakeOver>('way to take over', ['ifGone', 'ifSameOwner', 'always']);

/** `ifGone` is what an absent one means. */
export const optionalTakeOver: part.Part<TakeOver | undefined> = {
  to: (value) => value && TAKE_OVER.to(value),
  from: (raw) => (raw === 0 ? undefined : TAKE_OVER.from(raw)),
};

/** The holder as people read it: name, pid and address. */
export function ownerText({ name, pid, address }: AfiOwner): string {
  return `${name || 'a client'} (pid ${pid}${address === undefined ? '' : `, from ${address}`})`;
}
