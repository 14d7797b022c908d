/**
 * Looks at the ports' interfaces again and again, and tells what is different from the look before, whoever changed it in between: a
 * port may find while it receives that its interface is gone.
 *
 * Owner: the dataplane thread.
 */
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import type { LinuxPort } from '../io/linux-port';

/** Who is told. */
export interface LooksTold {
  /** A port is up now, or down. */
  upChanged(port: number, up: boolean): void;
  /** A port has no interface; to be answered. */
  missing(port: number): void;
  /** Ports have other descriptors than before. */
  attachmentsChanged(): void;
}

type Watched = Pick<LinuxPort, 'name' | 'fd' | 'up' | 'attach' | 'refresh'>;

/** What was seen of the ports last. */
export class PortLooks {
  private seen: { readonly fd: number; readonly up: boolean }[] = [];
  /** Ports that were told to be missing and aren't answered for; true: there was reason to ask again meanwhile. */
  private readonly asked = new Map<number, boolean>();

  constructor(
    private readonly ports: readonly Watched[],
    private readonly log: Logger,
    private readonly told: LooksTold,
  ) {}

  /** The ports are attached. */
  begin(): void {
    this.seen = this.ports.map(({ fd, up }) => ({ fd, up }));
    this.told.attachmentsChanged();
  }

  /** `ask`: missing interfaces are told of though they were missing before. */
  look(ask: boolean): void {
    for (const port of this.ports) port.refresh();
    const lost = this.tellChanges();
    this.ports.forEach(({ fd }, port) => {
      if (fd < 0 && (ask || lost.has(port))) this.ask(port);
    });
  }

  /** The interface of a port that is missing is isolated, and has this index; undefined: it isn't there. */
  answer(port: number, ifindex: number | undefined): void {
    const again = this.asked.get(port) ?? false;
    this.asked.delete(port);
    if (ifindex !== undefined) this.attach(this.ports[port]!, ifindex);
    this.tellChanges();
    if (again && this.ports[port]!.fd < 0) this.ask(port);
  }

  /** Once until it is answered: an answer isolates, which is to be over when the port is attached. */
  private ask(port: number): void {
    const before = this.asked.has(port);
    this.asked.set(port, before);
    if (!before) this.told.missing(port);
  }

  private attach(port: Watched, ifindex: number): void {
    if (port.fd >= 0) return;
    try {
      port.attach(ifindex);
    } catch (error) {
      this.log.error(`cannot attach port ${port.name}: ${errorText(error)}`, { code: 'vasic-port-down' });
    }
  }

  /** The ports that had a descriptor and have none. */
  private tellChanges(): ReadonlySet<number> {
    const before = this.seen;
    this.seen = this.ports.map(({ fd, up }) => ({ fd, up }));
    if (this.seen.some(({ fd }, port) => fd !== before[port]!.fd)) this.told.attachmentsChanged();
    this.seen.forEach(({ up }, port) => {
      if (up !== before[port]!.up) this.told.upChanged(port, up);
    });
    return new Set(this.seen.flatMap(({ fd }, port) => (fd < 0 && before[port]!.fd >= 0 ? [port] : [])));
  }
}
