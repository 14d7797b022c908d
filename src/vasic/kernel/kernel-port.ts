/**
 * A port's end of the kernel engine: the program hangs on its interface as long as there is one, knows its MTU and link state, and what it
 * leaves to the TypeScript engine comes by a TAP (tc) or is received as ever (XDP).
 *
 * A port where it can't hang is the TypeScript engine's alone: to the program such a port is down, so packets that would leave there
 * come by the engine too.
 *
 * Owner: the dataplane thread.
 */
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import { ExceptionTap } from '../../sys/exception-tap';
import { takesTagsOut, type InterfaceState } from '../../sys/interface';
import { SysError } from '../../sys/libc';
import { tunRemedy } from '../../sys/rights';
import { HEADROOM } from '../engine/packet';
import type { Shortcut } from '../io/linux-port';
import type { Forwarder } from './forwarder';
import { lostBy, preferredMode, type PortMode } from './hooks';
import { SLOW_MARK } from './layout';

/** Of the TAPs that packets for the engine come by. */
const TAP_NAMES = 'softvasic%d';

export interface KernelPortOptions {
  readonly port: number;
  readonly name: string;
  /** Asked for; undefined: what the interface's driver suggests, or else tc. */
  readonly mode: PortMode | undefined;
  /** A port where the program can't hang is an error. */
  readonly required: boolean;
  /** See hang(). */
  readonly isolated: boolean;
  readonly log: Logger;
}

export class KernelPort implements Shortcut {
  private tap: ExceptionTap | undefined;
  private complaint = '';
  private warned = false;
  private leaving = false;
  private attached = false;

  constructor(
    private readonly forwarder: Forwarder,
    private readonly options: KernelPortOptions,
  ) {}

  /** How packets get to the program, such as `tc (tcx)`; undefined: they don't. */
  get hook(): string | undefined {
    const hook = this.forwarder.hookOf(this.options.port);
    return hook && (hook.by === hook.mode ? hook.mode : `${hook.mode} (${hook.by})`);
  }

  /** It had a hook, and refused the program that was to take the place of another's: it is to be attached anew. */
  get lost(): boolean {
    return this.attached && this.hook === undefined;
  }

  attach({ ifindex, mtu, running }: InterfaceState): ExceptionTap | undefined {
    const { name, required, log } = this.options;
    this.detach();
    const faults: string[] = [];
    for (const mode of this.modes()) {
      try {
        this.hang(ifindex, mode);
        this.update({ mtu, up: running });
        this.attached = true;
        if (faults.length > 0) log.info(`port ${name} has ${mode}`, { as: faults.join('; ') });
        this.warnOf(mode);
        return this.tap;
      } catch (error) {
        faults.push(`${mode}: ${faultText(error)}`);
      }
    }
    const fault = `the kernel engine cannot have port ${name} (${faults.join('; ')})`;
    if (required) throw new Error(`${fault}; --engine auto leaves the port to the TypeScript engine`);
    // Both engines would forward.
    this.forwarder.takeOff(ifindex);
    if (this.complaint !== fault)
      log.warn(`${fault}: the TypeScript engine forwards there`, { code: 'vasic-port-slow' });
    this.complaint = fault;
    return undefined;
  }

  update(facts: { readonly mtu: number; readonly up: boolean }): void {
    if (!this.leaving && this.hook !== undefined) this.forwarder.setPort(this.options.port, facts);
  }

  /** From now on the program stays where it hangs, and the port as it is to it. */
  leave(): void {
    this.leaving = true;
  }

  detach(): void {
    const { port } = this.options;
    if (this.leaving) {
      this.tap?.close();
      this.tap = undefined;
      return;
    }
    this.attached = false;
    this.forwarder.setPort(port, { mtu: 0, up: false });
    this.forwarder.detach(port);
    this.tap?.close();
    this.tap = undefined;
  }

  private hang(ifindex: number, mode: PortMode): void {
    const { port, isolated } = this.options;
    const tap = mode === 'tc' ? ExceptionTap.open(TAP_NAMES, SLOW_MARK, HEADROOM) : undefined;
    try {
      this.forwarder.attach(port, ifindex, mode, tap?.ifindex ?? 0, isolated);
    } catch (error) {
      tap?.close();
      throw error;
    }
    this.tap = tap;
  }

  /** Says once what is lost in a mode that the kernel takes. */
  private warnOf(mode: PortMode): void {
    const { name, log } = this.options;
    const lost = this.warned ? undefined : lostBy(mode, name);
    if (lost === undefined) return;
    this.warned = true;
    log.warn(`port ${name}: ${lost}. Both are right with --port-mode ${name}=tc, and with xdp-generic`, {
      code: 'vasic-port-loses',
    });
  }

  /** In the order in which they are tried. */
  private modes(): readonly PortMode[] {
    const { name, mode, log } = this.options;
    if (mode !== undefined) return [mode];
    if (preferredMode(name) === 'tc') return ['tc'];
    if (!takesTagsOut(name)) return ['xdp', 'tc'];
    // XDP doesn't see that there was a tag, and would forward what isn't for it.
    log.info(`port ${name}: its card takes VLAN tags out of frames, so it gets tc; ethtool -K ${name} rxvlan off: XDP`);
    return ['tc'];
  }
}

/** An error of attaching, in words where it is a usual one. */
function faultText(error: unknown): string {
  if (!(error instanceof SysError)) return errorText(error);
  switch (error.code) {
    case 'EOPNOTSUPP':
      return 'its driver has none';
    case 'EBUSY':
      return 'another program is there';
    default: {
      const remedy = error.call === 'open' ? tunRemedy(error.code) : undefined;
      return remedy ?? error.message;
    }
  }
}
