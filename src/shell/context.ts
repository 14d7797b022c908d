import type { AfiVisitor } from '../afi/visitor';

/** What the shell's commands work with. */
export interface Context {
  readonly visitor: AfiVisitor;
  readonly out: NodeJS.WritableStream;
  /** For people: the sandbox and where it is. */
  readonly place: string;
}
