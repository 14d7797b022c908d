/**
 * The Linux interfaces as far as routes name them: by index, with their names, and which of them are ports of the
 * vASIC. Told by the kernel monitor.
 */
import type { LinkChange } from './updates';

export class Interfaces {
  private readonly links = new Map<number, LinkChange>();

  /** `ports`: TAP name → port index. */
  constructor(private readonly ports: ReadonlyMap<string, number>) {}

  /** Takes a link's new state. Returns whether what routes over it resolve to may have changed. */
  apply(change: LinkChange): boolean {
    const before = this.portOf(change.ifindex);
    const wasUp = this.isUp(change.ifindex);
    if (change.present) this.links.set(change.ifindex, change);
    else this.links.delete(change.ifindex);
    const after = this.portOf(change.ifindex);
    return before !== after || (after !== undefined && wasUp !== this.isUp(change.ifindex));
  }

  /** Administratively up, with carrier. */
  isUp(ifindex: number): boolean {
    return this.links.get(ifindex)?.up === true;
  }

  /** The vASIC port that the interface stands for. */
  portOf(ifindex: number): number | undefined {
    const link = this.links.get(ifindex);
    return link === undefined ? undefined : this.ports.get(link.name);
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
