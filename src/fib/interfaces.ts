/**
 * The Linux interfaces as far as routes name them: by index, with their names, and which of them are ports of the
 * vASIC. Told by the kernel monitor; that a port is down also by the vASIC, as the kernel may take a second to tell of a
 * TAP that lost its carrier. What Linux says of the ports themselves comes out as rules (port-rules.ts).
 */
import { sameBytes } from '../net/address';
import { sameRules, sameSending, type PortRules } from './intents';
import { isHostPort, portRules, type OwnPort } from './port-rules';
import type { GroupsChange, LinkChange } from './updates';

interface Port {
  readonly tap: string;
  own: OwnPort;
  settled: boolean;
  /** The interface is group up by somebody else: it is settled as soon as it is there. */
  foreign: boolean;
  rules: PortRules;
}

export interface InterfacesOptions {
  /** TAP name → port index. */
  readonly ports: ReadonlyMap<string, number>;
  /** Kernel table that the vASIC forwards by. */
  readonly table: number;
  /** The port's rules changed; `sending`: also how packets leave by it. */
  readonly onRules: (port: number, sending: boolean) => void;
}

export class Interfaces {
  private readonly links = new Map<number, LinkChange>();
  /** Interface → port, of those that the vASIC forwards for. */
  private forwarded: ReadonlyMap<number, number> = new Map();
  private forwardedIndexes: ReadonlySet<number> = new Set();
  /** By name. */
  private readonly indexes = new Map<string, number>();
  private readonly groups = new Map<number, readonly Uint8Array[]>();
  /** Ports that the vASIC calls down. */
  private readonly downPorts = new Set<number>();
  private readonly ports = new Map<number, Port>();

  constructor(private readonly options: InterfacesOptions) {
    for (const [tap, index] of options.ports) {
      const port = { tap, own: {}, settled: false, foreign: true };
      this.ports.set(index, { ...port, rules: this.rulesOf(port) });
    }
  }

  /** Takes a link's new state. Returns the interfaces whose routes may now resolve to something else. */
  apply(change: LinkChange): readonly number[] {
    const { ifindex } = change;
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
    if (known !== undefined && this.indexes.get(known.name) === ifindex) this.indexes.delete(known.name);
    if (present) {
      this.links.set(ifindex, change);
      this.indexes.set(name, ifindex);
    } else {
      this.links.delete(ifindex);
      this.groups.delete(ifindex);
    }
  }

  /** Most links of a large router are no matter of its ports. */
  private concernsPorts({ ifindex, name, vlan }: LinkChange): boolean {
    if (this.options.ports.has(name)) return true;
    for (const { tap } of this.ports.values()) {
      const link = this.byName(tap);
      if (link !== undefined && (link.master === ifindex || link.ifindex === vlan?.parent)) return true;
    }
    return false;
  }

  /** Takes the groups that Linux takes on an interface. */
  applyGroups({ ifindex, groups }: GroupsChange): void {
    this.groups.set(ifindex, groups);
    this.reviewPorts();
  }

  /**
   * What the port is to be: Linux's word counts once its interface has been that (or was told to be group up by others).
   */
  setOwn(index: number, own: OwnPort, foreign: boolean): void {
    const port = this.ports.get(index);
    if (port === undefined) return;
    if (!sameBytes(port.own.mac, own.mac) || port.foreign !== foreign) port.settled = false;
    port.own = own;
    port.foreign = foreign;
    this.reviewPorts();
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

  /** The name of the device that Linux has given this port to; undefined: the vASIC forwards for it, or it is no port. */
  givenTo(ifindex: number): string | undefined {
    const link = this.links.get(ifindex);
    if (link === undefined || !this.options.ports.has(link.name) || !this.isHostPort(link)) return undefined;
    return this.nameOf(link.master);
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
    return isHostPort({ link, master: this.links.get(link.master), table: this.options.table });
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
    for (const [index, port] of this.ports) {
      const before = port.rules;
      port.settled = this.settles(port);
      port.rules = this.rulesOf(port);
      if (!sameRules(before, port.rules)) this.options.onRules(index, !sameSending(before, port.rules));
    }
  }

  private settles({ tap, own, settled, foreign }: Port): boolean {
    const link = this.byName(tap);
    if (link === undefined) return false;
    const asTold = link.adminDown !== true && (own.mac === undefined || sameBytes(own.mac, link.mac));
    return settled || foreign || asTold;
  }

  private rulesOf({ tap, own, settled }: Omit<Port, 'rules'>): PortRules {
    const link = this.byName(tap);
    return portRules({
      ...{ own, settled, link },
      groups: link && this.groups.get(link.ifindex),
      master: link && this.links.get(link.master),
      vlans: link === undefined ? [] : this.vlansOn(link.ifindex),
      table: this.options.table,
    });
  }

  private vlansOn(ifindex: number): number[] {
    const ids = [...this.links.values()].flatMap(({ vlan }) => (vlan?.parent === ifindex ? [vlan.id] : []));
    return ids.sort((a, b) => a - b);
  }
}

const toIndex = ({ ifindex }: LinkChange): number => ifindex;
