/**
 * The Linux interfaces as far as routes name them: by index, with their names, and which of them are ports of the
 * vASIC. Told by the kernel monitor; that a port is down also by the vASIC, as the kernel may take a second to tell of a
 * TAP that lost its carrier. What Linux says of the ports themselves comes out as rules (port-rules.ts).
 */
import { sameBytes } from '../net/address';
import { sameRules, sameSending, type PortRules } from './intents';
import { isHostPort, portRules, tableOf, type OwnPort } from './port-rules';
import type { GroupsChange, LinkChange } from './updates';
import { VlanDevices } from './vlan-devices';

/**
 * Who makes a port's interface what the port is: we do, and Linux's word counts once it has been that; somebody did so for an
 * earlier bridge, and what it is now counts at once; others do.
 */
export type PortOrigin = 'ours' | 'kept' | 'foreign';

interface Port {
  readonly tap: string;
  own: OwnPort;
  settled: boolean;
  /** The interface that it was settled with: it may be renamed, and come back as it is. GONE: with one that is no more. */
  settledAs: number | undefined;
  origin: PortOrigin;
  /** It takes packets with labels. */
  labels: boolean;
  rules: PortRules;
}

export interface InterfacesOptions {
  /** TAP name → port index. */
  readonly ports: ReadonlyMap<string, number>;
  /** The default VRF's table; the ports that the configuration binds to another, where Linux has them in no VRF. */
  readonly defaultTable: number;
  readonly configuredTables: ReadonlyMap<number, number>;
  /** Tables by the names that the configuration gives their VRFs. */
  readonly namedTables: ReadonlyMap<string, number>;
  /** The port's rules changed; `sending`: also how packets leave by it. */
  readonly onRules: (port: number, sending: boolean) => void;
  /** Ports were bound to other tables, or there are other VRF devices: port → table, table → name of its device. */
  readonly onVrfs: (ports: ReadonlyMap<number, number>, devices: ReadonlyMap<number, string>) => void;
}

/** No interface's index. */
const GONE = 0;

/** Packets that Linux sends here come in again, for the default VRF. */
export const LOOPBACK = 'lo';

export class Interfaces {
  private readonly links = new Map<number, LinkChange>();
  /** Interface → port, of those that the vASIC forwards for. */
  private forwarded: ReadonlyMap<number, number> = new Map();
  private forwardedIndexes: ReadonlySet<number> = new Set();
  /** By name. */
  private readonly indexes = new Map<string, number>();
  private readonly groups = new Map<number, readonly Uint8Array[]>();
  private readonly vlanDevices = new VlanDevices();
  /** Ports that the vASIC calls down. */
  private readonly downPorts = new Set<number>();
  private readonly ports = new Map<number, Port>();
  /**
   * VRF devices by index: those of Linux, and where the kernel has none, devices that are called like a VRF of the configuration,
   * which zebra takes for one.
   */
  private readonly vrfDevices = new Map<number, { readonly name: string; readonly table: number }>();

  constructor(private readonly options: InterfacesOptions) {
    for (const [tap, index] of options.ports) {
      const port = { tap, own: {}, settled: false, settledAs: undefined, origin: 'foreign' as const, labels: false };
      this.ports.set(index, { ...port, rules: this.rulesOf(index, port) });
    }
  }

  /** Tells of the ports' tables: once all parts are there that listen. */
  begin(): void {
    this.tellVrfs();
  }

  /** Takes a link's new state. Returns the interfaces whose routes may now resolve to something else. */
  apply(change: LinkChange): readonly number[] {
    const { ifindex } = change;
    if (!change.present) this.forgetSettled(ifindex);
    const known = this.links.get(ifindex);
    if (![known, change].some((link) => link !== undefined && this.concernsPorts(link))) {
      this.keep(change);
      return [];
    }
    const before = this.forwarded;
    const wasUp = this.isUp(ifindex);
    this.keep(change);
    this.reviewPorts();
    const after = this.forwardedPorts();
    this.forwarded = after;
    this.forwardedIndexes = new Set(after.keys());
    const changed = new Set([...before.keys(), ...after.keys()].filter((each) => before.get(each) !== after.get(each)));
    if (after.has(ifindex) && wasUp !== this.isUp(ifindex)) changed.add(ifindex);
    return [...changed];
  }

  private keep(change: LinkChange): void {
    const { ifindex, name, present } = change;
    const known = this.links.get(ifindex);
    const table = present ? this.deviceTable(change) : undefined;
    if (table !== undefined) this.vrfDevices.set(ifindex, { name, table });
    else this.vrfDevices.delete(ifindex);
    this.vlanDevices.keep(change);
    if (known !== undefined && this.indexes.get(known.name) === ifindex) this.indexes.delete(known.name);
    if (present) {
      this.links.set(ifindex, change);
      this.indexes.set(name, ifindex);
    } else {
      this.links.delete(ifindex);
      this.groups.delete(ifindex);
    }
  }

  /** The table of a VRF device; undefined: it is none. */
  private deviceTable({ name, vrfTable }: LinkChange): number | undefined {
    return vrfTable ?? this.options.namedTables.get(name);
  }

  /** Most links of a large router are no matter of its ports. */
  private concernsPorts(link: LinkChange): boolean {
    const { ifindex, name, vlan } = link;
    if (this.deviceTable(link) !== undefined || this.options.ports.has(name)) return true;
    for (const { tap } of this.ports.values()) {
      const port = this.byName(tap);
      if (port !== undefined && (port.master === ifindex || port.ifindex === vlan?.parent)) return true;
    }
    return false;
  }

  /** The interface is gone for good: another one that gets its index, or its name, was made anew. */
  private forgetSettled(ifindex: number): void {
    for (const port of this.ports.values()) if (port.settledAs === ifindex) port.settledAs = GONE;
  }

  /** Takes the groups that Linux takes on an interface. */
  applyGroups({ ifindex, groups }: GroupsChange): void {
    this.groups.set(ifindex, groups);
    this.reviewPorts();
  }

  /** What the port is to be, and who makes its interface that. */
  setOwn(index: number, own: OwnPort, origin: PortOrigin): void {
    const port = this.ports.get(index);
    if (port === undefined) return;
    const sameKind = (port.origin === 'foreign') === (origin === 'foreign');
    if (!sameKind || !sameBytes(port.own.mac, own.mac)) port.settledAs = undefined;
    port.own = own;
    port.origin = origin;
    this.reviewPorts();
  }

  /** Whether the port takes packets with labels. */
  setLabels(index: number, labels: boolean): void {
    const port = this.ports.get(index);
    if (port === undefined || port.labels === labels) return;
    port.labels = labels;
    this.reviewPorts();
  }

  /**
   * The kernel table that packets are looked up in which Linux sends to this device, the loopback or a VRF's; undefined: it is
   * neither.
   */
  lookupTable(ifindex: number): number | undefined {
    if (this.links.get(ifindex)?.name === LOOPBACK) return this.options.defaultTable;
    return this.vrfDevices.get(ifindex)?.table;
  }

  /** The devices that packets of this table are sent to: its VRF's, and the loopback of the default one's. */
  *devicesOf(table: number): Generator<number> {
    for (const [ifindex, device] of this.vrfDevices) if (device.table === table) yield ifindex;
    const loopback = table === this.options.defaultTable ? this.byName(LOOPBACK) : undefined;
    if (loopback !== undefined) yield loopback.ifindex;
  }

  /** Takes a port's state from the vASIC. Returns the interfaces whose routes may now resolve to something else. */
  setPort(port: number, up: boolean): readonly number[] {
    const changed = up ? this.downPorts.delete(port) : !this.downPorts.has(port);
    if (!up) this.downPorts.add(port);
    if (!changed) return [];
    return [...this.links.values()]
      .filter((link) => link.up && this.options.ports.get(link.name) === port)
      .map(toIndex);
  }

  /** The vASIC doesn't call the port down. */
  isVasicUp(port: number): boolean {
    return !this.downPorts.has(port);
  }

  /** Administratively up, with carrier, and not a port that the vASIC calls down. */
  isUp(ifindex: number): boolean {
    const port = this.portOf(ifindex);
    return this.links.get(ifindex)?.up === true && (port === undefined || !this.downPorts.has(port));
  }

  /** The vASIC port that the interface stands for, unless Linux has it for itself. */
  portOf(ifindex: number): number | undefined {
    const link = this.links.get(ifindex);
    const port = link === undefined ? undefined : this.options.ports.get(link.name);
    return link === undefined || port === undefined || this.isHostPort(link) ? undefined : port;
  }

  /** Whether it has a port's name, be it that Linux has it for itself. */
  isCalledLikePort(ifindex: number): boolean {
    const link = this.links.get(ifindex);
    return link !== undefined && this.options.ports.has(link.name);
  }

  /** The name of the device that Linux has given this port to; undefined: the vASIC forwards for it, or it is no port. */
  givenTo(ifindex: number): string | undefined {
    const link = this.links.get(ifindex);
    if (link === undefined || !this.options.ports.has(link.name) || !this.isHostPort(link)) return undefined;
    return this.nameOf(link.master);
  }

  /** The table that Linux looks up packets in that come in by the interface: its VRF's, else the port's, else the default VRF's. */
  tableOf(ifindex: number): number {
    const link = this.links.get(ifindex);
    const port = link === undefined ? undefined : this.options.ports.get(link.name);
    return tableOf({ link, master: link && this.links.get(link.master), table: this.configuredTable(port) });
  }

  private configuredTable(port: number | undefined): number {
    const { configuredTables, defaultTable } = this.options;
    return (port === undefined ? undefined : configuredTables.get(port)) ?? defaultTable;
  }

  /** Linux's word on a port. */
  rules(index: number): PortRules | undefined {
    return this.ports.get(index)?.rules;
  }

  /** The interface's address and state are somebody's wish, not those of a device just made. */
  isSettled(index: number): boolean {
    return this.ports.get(index)?.settled === true;
  }

  /** What the port is by itself. */
  ownOf(index: number): OwnPort {
    return this.ports.get(index)?.own ?? {};
  }

  /** Indexes of the interfaces that the vASIC forwards for. */
  portInterfaces(): ReadonlySet<number> {
    return this.forwardedIndexes;
  }

  /** The interface's name; `if5` for one the kernel has not told of. */
  nameOf(ifindex: number): string {
    return this.links.get(ifindex)?.name ?? `if${ifindex}`;
  }

  get(ifindex: number): LinkChange | undefined {
    return this.links.get(ifindex);
  }

  /** The interface of this name. */
  byName(name: string): LinkChange | undefined {
    const ifindex = this.indexes.get(name);
    return ifindex === undefined ? undefined : this.links.get(ifindex);
  }

  private isHostPort(link: LinkChange): boolean {
    return isHostPort({ link, master: this.links.get(link.master) });
  }

  private forwardedPorts(): Map<number, number> {
    const ports = new Map<number, number>();
    for (const { tap } of this.ports.values()) {
      const link = this.byName(tap);
      const port = link && this.portOf(link.ifindex);
      if (link !== undefined && port !== undefined) ports.set(link.ifindex, port);
    }
    return ports;
  }

  private reviewPorts(): void {
    const changed: { readonly index: number; readonly before: PortRules }[] = [];
    for (const [index, port] of this.ports) {
      const before = port.rules;
      port.settled = this.settles(port);
      if (port.settled) port.settledAs = this.byName(port.tap)?.ifindex;
      port.rules = this.rulesOf(index, port);
      if (!sameRules(before, port.rules)) changed.push({ index, before });
    }
    // A port is not told to look up in a table before that is one to forward by.
    this.tellVrfs();
    for (const { index, before } of changed) {
      this.options.onRules(index, !sameSending(before, this.ports.get(index)!.rules));
    }
  }

  private tellVrfs(): void {
    const ports = new Map(Array.from(this.ports, ([index, { rules }]) => [index, rules.table]));
    const devices = new Map(Array.from(this.vrfDevices.values(), ({ table, name }) => [table, name]));
    this.options.onVrfs(ports, devices);
  }

  private settles({ tap, own, settledAs, origin }: Port): boolean {
    const link = this.byName(tap);
    if (link === undefined) return false;
    if (origin === 'foreign' || settledAs === link.ifindex) return true;
    if (origin === 'kept' && settledAs === undefined) return true;
    return link.adminDown !== true && (own.mac === undefined || sameBytes(own.mac, link.mac));
  }

  private rulesOf(index: number, { tap, own, settled, labels }: Omit<Port, 'rules'>): PortRules {
    const link = this.byName(tap);
    return portRules({
      ...{ own, settled, link, labels },
      groups: link && this.groups.get(link.ifindex),
      master: link && this.links.get(link.master),
      vlans: this.vlanDevices.on(link?.ifindex ?? GONE),
      table: this.configuredTable(index),
    });
  }
}

const toIndex = ({ ifindex }: LinkChange): number => ifindex;
