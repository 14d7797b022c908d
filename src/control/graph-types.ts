/** `fpm2afi graph`: a part of the vASIC's forwarding graph. */
import type { Prefix } from '../net/address';

/** Which part. */
export interface GraphQuery {
  /** Where to begin: entries of route trees; none: at the input ports. */
  readonly prefixes: readonly Prefix[];
  /** Nodes at most. */
  readonly limit: number;
}

/** A node of the graph. */
export interface GraphNode {
  readonly token: number;
  /** As AFI names the kind: encap, tree, loadBalance … */
  readonly type: string;
  /** What the bridge made it for; empty: it made no such node. */
  readonly purpose: string;
  /** What is in it, in few words. */
  readonly detail: string;
}

/** From one node to the next. */
export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  /** Entries' keys, `next`, `true`, `default` …; several that lead to the same node together. */
  readonly label: string;
}

/** A part of the graph. */
export interface GraphView {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Nodes that these lead to and that are left out, by the limit. */
  readonly leftOut: number;
  /** Prefixes that no tree has an entry for. */
  readonly missing: readonly string[];
}
