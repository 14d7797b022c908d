/**
 * The Linux interfaces as far as routes name them: by index, with their names, and which of them are ports of the
 * vASIC. Told by the kernel monitor; that a port is down also by the vASIC, as the kernel may take a second to tell of a
 * TAP that lost its carrier.
 */
import type { LinkChange } from './updates';

export class Interfaces {
  private readonly links = new Map<number, LinkChange>();
  /** Ports that the vASIC calls down. */
  private readonly downPorts = new Set<number>();
  private readonly portIndexes = new Set<number>();

  /** `ports`: TAP name → port index. */
  constructor(private readonly ports: ReadonlyMap<string, number>) {}

  /** Takes a link's new state. Returns whether what routes over it resolve to may have changed. */
  apply(change: LinkChange): boolean {
    const before = this.portOf(change.ifindex);
    const wasUp = this.isUp(change.ifindex);
    if (change.present) this.links.set(change.ifindex, change);
    else this.links.delete(change.ifindex);
    const after = this.portOf(change.ifindex);
    if (after === undefined) this.portIndexes.delete(change.ifindex);
    else this.portIndexes.add(change.ifindex);
    return before !== after || (after !== undefined && wasUp !== this.isUp(change.ifindex));
  }

  /** Takes a port's state from the vASIC. Returns the interfaces whose routes may now resolve to something else. */
  setPort(port: number, up: boolean): readonly number[] {
    const changed = up ? this.downPorts.delete(port) : !this.downPorts.has(port);
    if (!up) this.downPorts.add(port);
    if (!changed) return [];
    return [...this.links.values()].filter((link) => link.up && this.ports.get(link.name) === port).map(toIndex);
  }

  /** Administratively up, with carrier, and not a port that the vASIC calls down. */
  isUp(ifindex: number): boolean {
    const port = this.portOf(ifindex);
    return this.links.get(ifindex)?.up === true && (port === undefined || !this.downPorts.has(port));
  }

  /** The vASIC port that the interface stands for. */
  portOf(ifindex: number): number | undefined {
    const link = this.links.get(ifindex);
    return link === undefined ? undefined : this.ports.get(link.name);
  }

  /** Indexes of the interfaces that are ports. */
  portInterfaces(): ReadonlySet<number> {
    return this.portIndexes;
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
    for (const link of this.links.values()) if (link.name === name) return link;
    return undefined;
  }
}

const toIndex = ({ ifindex }: LinkChange): number => ifindex;
