/**
 * AftList and AftIndexedList: run each token in turn. When a branch ends without disposing of the packet, the next
 * token has its turn; after the last one the list's own `next`. What a branch did to the packet stays done.
 */
import type { Token } from '../../../aft/model';
import { DONE } from '../walk';
import type { Compiled, Description, LinkContext, NodeKind } from '../node-kind';

/** Longer lists would only run into the limit of steps per packet. */
const MAX_TOKENS = 64;

interface ListNode {
  readonly tokens: readonly Token[];
  readonly next?: Token;
}

function check(node: ListNode): string | undefined {
  return node.tokens.length > MAX_TOKENS ? `a list runs at most ${MAX_TOKENS} tokens` : undefined;
}

function link(node: ListNode, context: LinkContext): Compiled {
  const slots = node.tokens.map((token) => context.slotOf(token));
  const next = context.slotOf(node.next);
  return {
    execute(walk) {
      for (const slot of slots) if (walk.run(slot) === DONE) return DONE;
      return next;
    },
  };
}

const describe = (): Description => () => '';

export const list: NodeKind<'list'> = { noneAllowed: false, targets: (node) => node.tokens, check, link, describe };
export const indexedList: NodeKind<'indexedList'> = {
  noneAllowed: false,
  targets: (node) => node.tokens,
  check,
  link,
  describe,
};
