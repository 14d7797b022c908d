/** The order in which nodes of an earlier run can be removed: whatever points at a node goes before it. Pure. */
import { AftField, type AftKey, type AftNode, type Token } from '../aft/model';

/** More labels than any stack has. */
const ABOVE_LABELS = 64;

function pointsAt(node: AftNode): Token[] {
  const next = node.next === undefined ? [] : [node.next];
  return node.type === 'indirect' ? [node.target, ...next] : next;
}

/**
 * Removals for nodes read back from a server: nexthop indirects, load balancers with their entries, neighbor indirects,
 * encaps. Each is a removal of its own, in an order that never removes what is still pointed at.
 */
export function removalOrder(
  nodes: readonly AftNode[],
): { entries: { parent: Token; key: AftKey }[]; tokens: Token[] }[] {
  const byToken = new Map(nodes.map((node) => [node.token, node]));
  const height = new Map<Token, number>();
  // Height above the ports: an encap is 0, a neighbor's indirect 1, labels pushed before that 2 and more, a load balancer
  // above any of them, a nexthop on top.
  const heightOf = (node: AftNode): number => {
    const known = height.get(node.token);
    if (known !== undefined) return known;
    height.set(node.token, 0);
    let most = node.type === 'loadBalance' ? ABOVE_LABELS : 0;
    for (const token of pointsAt(node)) {
      const target = byToken.get(token);
      if (target !== undefined) most = Math.max(most, heightOf(target) + 1);
    }
    height.set(node.token, most);
    return most;
  };
  return [...nodes]
    .sort((a, b) => heightOf(b) - heightOf(a))
    .map((node) => ({
      entries:
        node.type === 'loadBalance'
          ? Array.from({ length: node.max }, (_, slot) => ({
              parent: node.token,
              key: { field: AftField.None, data: { kind: 'int' as const, value: slot } },
            }))
          : [],
      tokens: [node.token],
    }));
}
