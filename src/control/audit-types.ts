/** What an audit tells: plain values that survive JSON, as all of the control API. */

/** The layers, in the order that a route takes. */
export const AUDIT_LAYERS = ['zebra', 'kernel', 'vasic'] as const;
/**
 * What is compared with the FIB. `zebra`: the routes of zebra, by its vty; `kernel`: links, addresses and neighbors of the
 * ports; `vasic`: nodes and route entries, read back over AFI.
 */
export type AuditLayer = (typeof AUDIT_LAYERS)[number];

/** Every kind of difference. */
export const DIFFERENCE_KINDS = ['missing', 'surplus', 'differs'] as const;
/** `missing`: it should be there; `surplus`: it should not; `differs`: it is another than it should be. */
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** One thing that isn't as the FIB has it. */
export interface AuditDifference {
  readonly kind: DifferenceKind;
  /** A route, neighbor, address, interface or node. */
  readonly what: string;
  /** Who has what, in plain words. */
  readonly why: string;
}

/** How one layer compares with the FIB. */
export type AuditLayerView =
  | {
      readonly layer: AuditLayer;
      readonly state: 'compared';
      /** How many things were compared. */
      readonly compared: number;
      readonly differences: Readonly<Record<DifferenceKind, number>>;
      /** The first of the differences. */
      readonly shown: readonly AuditDifference[];
    }
  | {
      readonly layer: AuditLayer;
      readonly state: 'notCompared';
      /** In plain words. */
      readonly reason: string;
    };

/** Zebra, kernel and vASIC compared with the FIB. */
export interface AuditView {
  /** When it began. */
  readonly time: string;
  readonly durationMs: number;
  readonly layers: readonly AuditLayerView[];
  /** With `repair`, where there was something: what was done. `layers` are then those of the audit after it. */
  readonly repair?: {
    readonly actions: readonly string[];
    readonly before: readonly AuditLayerView[];
  };
}

export interface AuditQuery {
  readonly repair: boolean;
}

/** The last audit, for the status and for Prometheus. */
export interface AuditSummary {
  /** When it ended. */
  readonly time: string;
  readonly layers: readonly {
    readonly layer: AuditLayer;
    /** Absent: not compared. */ readonly differences?: number;
  }[];
}

/** How many differences there are in a layer; undefined: it was not compared. */
export function differencesIn(view: AuditLayerView): number | undefined {
  if (view.state === 'notCompared') return undefined;
  return DIFFERENCE_KINDS.reduce((sum, kind) => sum + view.differences[kind], 0);
}
