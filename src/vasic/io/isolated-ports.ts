/** The interfaces that are ports, isolated from Linux for as long as they are. */
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import { interfaceName, interfaceState } from '../../sys/interface';
import { isolateInterface, type Isolated, type IsolationMode } from './isolation';
import { forgetGone } from './isolation-memory';

/** Of one softvasic. By index: an interface that is renamed is the same one, and no port any more, or another. */
export class IsolatedPorts {
  private readonly isolated = new Map<number, Isolated>();
  private readonly complaints = new Map<string, string>();

  constructor(
    private readonly ports: readonly string[],
    private readonly mode: IsolationMode,
    private readonly log: Logger,
  ) {
    // Of softvasics that were killed, mostly.
    forgetGone((ifindex) => interfaceName(ifindex) !== undefined);
  }

  /** Its index. @throws Error as isolateInterface() */
  isolate(name: string): number {
    const earlier = this.isolated.get(interfaceState(name)?.ifindex ?? 0);
    const one = isolateInterface(name, this.mode, this.log, earlier);
    this.isolated.set(one.ifindex, one);
    return one.ifindex;
  }

  /** Isolates an interface that came back, and gives its index; undefined: it isn't there, or can't be isolated (said once per reason). */
  reattach(name: string): number | undefined {
    try {
      this.giveBackOthers();
      if (interfaceState(name) === undefined) return undefined;
      const ifindex = this.isolate(name);
      this.complaints.delete(name);
      return ifindex;
    } catch (error) {
      const message = errorText(error);
      if (this.complaints.get(name) !== message)
        this.log.error(`${message}; the port stays down`, { code: 'vasic-port-down' });
      this.complaints.set(name, message);
      return undefined;
    }
  }

  /** Gives all of them back to Linux. */
  undo(): void {
    for (const one of this.isolated.values()) one.undo();
    this.isolated.clear();
  }

  /** What is no port by its name is Linux's again. */
  private giveBackOthers(): void {
    for (const [ifindex, one] of this.isolated) {
      const name = interfaceName(ifindex);
      if (name !== undefined && this.ports.includes(name)) continue;
      one.undo();
      this.isolated.delete(ifindex);
      if (name !== undefined) this.log.info(`interface ${name} is no port any more: it is given back to Linux`);
    }
  }
}
