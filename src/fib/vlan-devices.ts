/**
 * The VLAN devices by the interface below: which tags Linux takes there. A router has thousands, and any news of one asks for those of each port. So a list is
 * made when it changes, and kept.
 */
import type { LinkChange, VlanRole } from './updates';

/** Frames with tag 0 have a priority and no VLAN: Linux takes them as its own. */
const PRIORITY_TAG = 0;

const NO_DEVICES: readonly number[] = [PRIORITY_TAG];

export class VlanDevices {
  private readonly roles = new Map<number, VlanRole>();
  /** By the interface below, in order. Two devices may have the same tag, as its type is no part of it. */
  private readonly tags = new Map<number, readonly number[]>();

  /** Takes a link's new state, whatever it is. */
  keep({ ifindex, present, vlan }: Pick<LinkChange, 'ifindex' | 'present' | 'vlan'>): void {
    const known = this.roles.get(ifindex);
    const role = present ? vlan : undefined;
    if (known?.parent === role?.parent && known?.id === role?.id) return;
    if (known !== undefined) this.remove(ifindex, known);
    if (role !== undefined) this.add(ifindex, role);
  }

  /** The tags that Linux takes on an interface, in order. */
  on(ifindex: number): readonly number[] {
    return this.tags.get(ifindex) ?? NO_DEVICES;
  }

  private add(ifindex: number, role: VlanRole): void {
    const { parent, id } = role;
    const tags = this.on(parent);
    this.roles.set(ifindex, { parent, id });
    this.tags.set(parent, tags.toSpliced(placeOf(tags, id), 0, id));
  }

  private remove(ifindex: number, { parent, id }: VlanRole): void {
    const tags = this.on(parent);
    this.roles.delete(ifindex);
    if (tags.length === NO_DEVICES.length + 1) this.tags.delete(parent);
    else this.tags.set(parent, tags.toSpliced(placeOf(tags, id) - 1, 1));
  }
}

/** The place behind the last tag that is not above this one. */
function placeOf(tags: readonly number[], id: number): number {
  let low = 0;
  for (let high = tags.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (tags[middle]! <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
