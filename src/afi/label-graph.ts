/**
 * Labels in the base graph: the table of labels, what the reserved ones mean, and which ports take labelled packets.
 *
 *   ether type 0x8847 ─▶ switch (input port) ──takes labels──▶ table (top label) ──0, 2: explicit null──▶ pop, look up
 *                              └─▶ nonIp                            ├─1──▶ routerAlert   └─ more labels: the table again
 *                                                                   ├─▶ LSPs (lsp-writer.ts)
 *                                                                   └─default──▶ discard, which counts
 */
import {
  AftField,
  PARAM,
  PuntReason,
  TOKEN_FIRST_CLIENT,
  type AftEntry,
  type AftKey,
  type AftNode,
  type AftParams,
  type Token,
} from '../aft/model';
import { policedToken, portEntry } from './policers';

export const LABEL_PORT_SWITCH: Token = TOKEN_FIRST_CLIENT + 80;
export const LABEL_TABLE: Token = TOKEN_FIRST_CLIENT + 81;
export const UNKNOWN_LABEL: Token = TOKEN_FIRST_CLIENT + 82;
const EXPLICIT_NULL_4: Token = TOKEN_FIRST_CLIENT + 83;
const EXPLICIT_NULL_6: Token = TOKEN_FIRST_CLIENT + 84;

/** RFC 3032: what labels mean that are the same everywhere. Implicit null (3) is never on the wire. */
const RESERVED = { explicitNull4: 0, routerAlert: 1, explicitNull6: 2 } as const;
const LABELS = 2 ** 20;

/** How TTLs go from packets to labels and back: RFC 3443's uniform model, or its pipe model with this TTL on labels. */
export interface LabelTtl {
  readonly propagate: boolean;
  readonly initial: number;
}

/** As Linux has it where nobody says otherwise. */
export const DEFAULT_LABEL_TTL: LabelTtl = { propagate: true, initial: 255 };

/** The key of a label in the table. */
export function labelKey(label: number): AftKey {
  return { field: AftField.MplsLabel, data: { kind: 'int', value: label } };
}

/** Parameters of a node that takes one label off. */
export function popParams({ propagate }: LabelTtl): AftParams {
  return {
    [PARAM.labelCount]: { kind: 'int', value: 1 },
    [PARAM.labelTtlPropagate]: { kind: 'bool', value: propagate },
  };
}

/** A node that takes one label off and looks the packet behind it up in a tree; one with more labels in the table of labels. */
export function popAndLookUp(token: Token, tree: Token, ttl: LabelTtl, version?: 4 | 6): AftNode {
  return {
    ...{ type: 'decap', token, template: 'label', next: tree },
    params: {
      ...popParams(ttl),
      [PARAM.labelStack]: { kind: 'int', value: LABEL_TABLE },
      ...(version && { [PARAM.labelPayload]: { kind: 'int', value: version } }),
    },
  };
}

/** The nodes, each after those it names but for the route tree `tree`; `withTable` false leaves out the table. */
export function labelNodes(tree: Token, withTable: boolean, ttl: LabelTtl): AftNode[] {
  const table: AftNode = {
    ...{ type: 'table', token: LABEL_TABLE, name: 'labelTable', fields: [AftField.MplsLabel], size: LABELS },
    defaultNext: UNKNOWN_LABEL,
    params: { [PARAM.mplsTtlExpired]: { kind: 'int', value: policedToken(PuntReason.LabelTtl) } },
  };
  return [
    { type: 'discard', token: UNKNOWN_LABEL, name: 'unknownLabel' },
    ...(withTable ? [table] : []),
    { ...popAndLookUp(EXPLICIT_NULL_4, tree, ttl, 4), name: 'explicitNull4' },
    { ...popAndLookUp(EXPLICIT_NULL_6, tree, ttl, 6), name: 'explicitNull6' },
    {
      ...{ type: 'switch', token: LABEL_PORT_SWITCH, name: 'labelPorts', field: AftField.MetaIfInput },
      defaultNext: policedToken(PuntReason.NonIp),
    },
  ];
}

/** What the reserved labels lead to. */
export function labelEntries(): AftEntry[] {
  const entry = (label: number, next: Token): AftEntry => ({ parent: LABEL_TABLE, key: labelKey(label), next });
  return [
    entry(RESERVED.explicitNull4, EXPLICIT_NULL_4),
    entry(RESERVED.routerAlert, policedToken(PuntReason.RouterAlert)),
    entry(RESERVED.explicitNull6, EXPLICIT_NULL_6),
  ];
}

/** Whether a port takes labels: an entry that is there for each, and written again in place. */
export function labelPortEntry(port: number, takes: boolean): AftEntry {
  return portEntry(LABEL_PORT_SWITCH, port, takes ? LABEL_TABLE : policedToken(PuntReason.NonIp));
}

/** What the tokens stand for. */
export const LABEL_NAMES: readonly (readonly [Token, string])[] = [
  [LABEL_PORT_SWITCH, 'labelled packets, by port'],
  [LABEL_TABLE, 'the table of labels'],
  [UNKNOWN_LABEL, 'packets with a label that nothing is known of'],
  [EXPLICIT_NULL_4, 'explicit null, IPv4'],
  [EXPLICIT_NULL_6, 'explicit null, IPv6'],
];
