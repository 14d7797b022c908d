/**
 * The VRFs: which kernel tables the vASIC forwards by, what they are called, and which ports belong to each.
 *
 * A table is forwarded by while something asks for it: it is the default VRF's, the configuration names it, or a port is bound to it.
 * Ports and devices come from interfaces.ts, which follows Linux; the refusals come from the vASIC. Rows of other tables are kept
 * in the same route table and wait: they cost no entry.
 */

/** One table that the vASIC forwards by. */
export interface Vrf {
  /** Kernel table id. */
  readonly table: number;
  /** Of the VRF device, or as configured; undefined: a plain table that nobody gave a name. */
  readonly name: string | undefined;
  /** A VRF device of Linux has this table: zebra sends it again when it connects, as it does with the default VRF's. */
  readonly hasDevice: boolean;
  /** Indexes of the ports bound to it. */
  readonly ports: ReadonlySet<number>;
  /** Why the vASIC has no tree for it. */
  readonly error: string | undefined;
}

/** A VRF as the configuration names it. */
export interface NamedTable {
  readonly name: string;
  readonly table: number;
}

export interface VrfsOptions {
  /** The default VRF's table. */
  readonly defaultTable: number;
  readonly configured: readonly NamedTable[];
  /** A table has come to be forwarded by, or ceased to be. */
  readonly onChange: (table: number, forwarded: boolean) => void;
}

/** What Linux calls the default VRF. */
export const DEFAULT_VRF = 'default';

export class Vrfs {
  /** Forwarded by, the default VRF first. */
  private forwarded: ReadonlySet<number>;
  private portsOf = new Map<number, Set<number>>();
  /** Table → name of its VRF device. */
  private devices: ReadonlyMap<number, string> = new Map();
  private readonly configured: ReadonlyMap<number, string>;
  private readonly errors = new Map<number, string>();
  /** Plain tables of which zebra has told all since it connected last. */
  private readonly told = new Set<number>();

  constructor(private readonly options: VrfsOptions) {
    this.configured = new Map(options.configured.map(({ name, table }) => [table, name]));
    this.forwarded = this.wanted();
  }

  get defaultTable(): number {
    return this.options.defaultTable;
  }

  /** Whether the vASIC forwards by this table. */
  has(table: number): boolean {
    return table === this.options.defaultTable || this.forwarded.has(table);
  }

  /** The tables that are forwarded by, the default VRF's first. */
  get tables(): ReadonlySet<number> {
    return this.forwarded;
  }

  /** Whether a VRF device has this table. */
  hasDevice(table: number): boolean {
    return this.devices.has(table);
  }

  /** Whether zebra has told, or tells, all of the table since it connected: what isn't heard of isn't there. */
  isReplayed(table: number): boolean {
    return !this.isPlain(table) || this.told.has(table);
  }

  /** Whether zebra leaves the table out of what it sends when it connects: it belongs to no VRF. */
  isPlain(table: number): boolean {
    return table !== this.options.defaultTable && !this.devices.has(table);
  }

  /** zebra connected, and tells everything anew. */
  beginReplay(): void {
    this.told.clear();
  }

  /** zebra was asked for a plain table, and has told all of it. */
  tableTold(table: number): void {
    this.told.add(table);
  }

  /** Of a table, forwarded by or not. */
  nameOf(table: number): string | undefined {
    if (table === this.options.defaultTable) return DEFAULT_VRF;
    return this.devices.get(table) ?? this.configured.get(table);
  }

  /** The table of a VRF by its name. */
  tableNamed(name: string): number | undefined {
    if (name === DEFAULT_VRF) return this.options.defaultTable;
    for (const names of [this.devices, this.configured]) {
      for (const [table, known] of names) if (known === name) return table;
    }
    return undefined;
  }

  /** One of the tables that are forwarded by. */
  find(table: number): Vrf | undefined {
    if (!this.has(table)) return undefined;
    return {
      table,
      name: this.nameOf(table),
      hasDevice: this.devices.has(table),
      ports: this.portsOf.get(table) ?? new Set(),
      error: this.errors.get(table),
    };
  }

  *all(): Generator<Vrf> {
    for (const table of this.forwarded) yield this.find(table)!;
  }

  errorOf(table: number): string | undefined {
    return this.errors.size === 0 ? undefined : this.errors.get(table);
  }

  /** The vASIC has a tree for the table, or refused one. Returns whether that is news. */
  setError(table: number, error: string | undefined): boolean {
    if (this.errors.get(table) === error) return false;
    if (error === undefined) this.errors.delete(table);
    else this.errors.set(table, error);
    return true;
  }

  /** Takes what Linux and the configuration say: port → table, table → name of its device. */
  set(ports: ReadonlyMap<number, number>, devices: ReadonlyMap<number, string>): void {
    const portsOf = new Map<number, Set<number>>();
    for (const [port, table] of ports) {
      const of = portsOf.get(table);
      if (of === undefined) portsOf.set(table, new Set([port]));
      else of.add(port);
    }
    this.portsOf = portsOf;
    this.devices = devices;
    const before = this.forwarded;
    const now = this.wanted();
    this.forwarded = now;
    for (const table of before) {
      if (now.has(table)) continue;
      this.errors.delete(table);
      this.options.onChange(table, false);
    }
    for (const table of now) if (!before.has(table)) this.options.onChange(table, true);
  }

  private wanted(): Set<number> {
    return new Set([this.options.defaultTable, ...this.configured.keys(), ...this.portsOf.keys()]);
  }
}
