/**
 * What the ports are: by the configuration until the vASIC's sandbox opens, then by what it says of them, which goes before for all
 * but a configured MAC. And their links, which the TAPs' carriers follow.
 */
import type { AftSandboxInfo } from '../aft/model';
import type { PortConfig } from '../config/types';
import type { PortOrigin } from '../fib/interfaces';
import type { OwnPort } from '../fib/port-rules';
import type { Logger } from '../observe/log';
import type { Punt } from '../punt/punt';

export interface PortsParts {
  readonly ports: readonly PortConfig[];
  /** Undefined: the TAPs are others' to make. */
  readonly punt: Pick<Punt, 'configurePort' | 'setCarrier' | 'setSandbox'> | undefined;
  readonly fib: {
    portOwn(port: number, own: OwnPort, origin: PortOrigin): void;
    portChanged(port: number, up: boolean): void;
  };
  readonly log: Logger;
}

export class Ports {
  private indexes: readonly number[] | undefined;

  constructor(private readonly parts: PortsParts) {
    for (const { index, mac } of parts.ports) parts.fib.portOwn(index, { mac }, this.origin);
  }

  /** The ports that the vASIC has; undefined: it has not been open yet. */
  vasicPorts(): readonly number[] | undefined {
    return this.indexes;
  }

  /** The sandbox is open. */
  opened({ id, inputPorts, outputPorts }: AftSandboxInfo): void {
    const { ports, punt, fib } = this.parts;
    this.indexes = inputPorts.map(({ index }) => index);
    punt?.setSandbox(id);
    for (const { index, mac } of ports) {
      const port = outputPorts.find((candidate) => candidate.index === index);
      const kept = punt?.configurePort(index, {
        ...(port?.mac === undefined ? {} : { mac: port.mac }),
        ...(port?.mtu === undefined ? {} : { mtu: port.mtu }),
      });
      fib.portOwn(index, { mac: mac ?? port?.mac, mtu: port?.mtu }, kept === true ? 'kept' : this.origin);
      // A server that tells nothing of links: all are taken for up.
      if (port?.up === undefined) this.setLink(index, true);
    }
  }

  /** The vASIC says that a port's link came or went. */
  linkChanged(index: number, up: boolean): void {
    this.parts.log.info(up ? 'the link of a port is up' : 'the link of a port is down', { port: index });
    this.setLink(index, up);
  }

  private setLink(index: number, up: boolean): void {
    this.parts.punt?.setCarrier(index, up);
    // At once: the kernel may take a second to tell that a TAP lost its carrier.
    this.parts.fib.portChanged(index, up);
  }

  private get origin(): PortOrigin {
    return this.parts.punt === undefined ? 'foreign' : 'ours';
  }
}
