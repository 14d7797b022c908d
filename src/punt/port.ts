/**
 * One port's TAP as its owner sees it: the device, and what was asked of it, so that it can be made again as it was.
 * A configured MAC or MTU goes before what the AFI server says.
 */
import { isDeepStrictEqual } from 'node:util';
import { errorText } from '../net/error-text';
import type { PortConfig } from '../config/types';
import { bytesEqual, formatMac, sameBytes } from '../net/address';
import type { Logger } from '../observe/log';
import { SysError } from '../sys/libc';
import { tunRemedy } from '../sys/rights';
import { Tap } from '../sys/tap';
import { tapHolders } from './holder';

/** What the AFI server says of a port. Configured values go before these. */
export interface PortDetails {
  /** Six bytes. */
  readonly mac?: Uint8Array;
  /** Bytes without the Ethernet header. */
  readonly mtu?: number;
}

export interface Port {
  /** What it is configured as now. */
  readonly config: PortConfig;
  /** Descriptor of the TAP; -1 while there is none, which poll(2) ignores. */
  fd(): number;
  /** Whether the device is there and ours. */
  alive(): boolean;
  /**
   * Makes the TAP this, unless that was done before: what it is by now somebody else wanted then. Returns whether it was.
   * @throws SysError when the kernel refuses a setting
   */
  configure(details: PortDetails): boolean;
  /** What `configure` was told; undefined: nothing yet, or it could not be done. */
  told(): PortDetails | undefined;
  setCarrier(up: boolean): void;
  /** Has the same TAP be what another configuration says: index, MAC or MTU. @throws SysError as `configure` */
  reconfigure(config: PortConfig): void;
  /** Makes the device anew, with what it had. @throws Error as `createPort` */
  reopen(): void;
  close(): void;
}

/**
 * Makes or attaches the port's TAP. It comes up at once where the configuration gives its MAC: coming up with another
 * one first would leave an IPv6 link-local address of that behind.
 *
 * @throws Error naming the TAP, what is wrong and the remedy
 */
export function createPort(given: PortConfig, log: Logger): Port {
  let config = given;
  let tap: Tap | undefined;
  let carrier = false;
  let learned: PortDetails = {};
  let wantUp = config.mac !== undefined;
  let configured = false;

  /** Makes the device what the port is: when it is new, and when that has changed. What an operator changes since stays. */
  function apply(device: Tap): void {
    const mac = config.mac ?? learned.mac;
    const mtu = config.mtu ?? learned.mtu;
    const now = device.state();
    if (mac !== undefined && !bytesEqual(mac, now.mac)) device.setMac(mac);
    if (mtu !== undefined && mtu !== now.mtu) device.setMtu(mtu);
    if (wantUp) device.setUp();
    device.setCarrier(carrier);
  }

  function open(): void {
    const device = attach(config.tap);
    try {
      apply(device);
    } catch (error) {
      device.close();
      const reason = errorText(error);
      throw new Error(`port ${config.index}, ${config.tap}: ${reason}`, { cause: error });
    }
    tap = device;
    log.info(device.found ? 'TAP attached' : 'TAP made', { port: config.index, tap: config.tap });
  }

  function alive(): boolean {
    if (tap === undefined) return false;
    try {
      tap.state();
      return true;
    } catch (error) {
      if (error instanceof SysError) return false;
      throw error;
    }
  }

  open();
  return {
    get config() {
      return config;
    },
    fd: () => tap?.fd ?? -1,
    alive,
    configure(details) {
      const before = learned;
      learned = { ...learned, ...details };
      const known = configured && sameBytes(before.mac, learned.mac) && before.mtu === learned.mtu;
      configured = false;
      wantUp = true;
      if (config.mac !== undefined && details.mac !== undefined && !bytesEqual(config.mac, details.mac)) {
        log.warn('the vASIC port has another MAC than the configuration says; the configured one is used', {
          code: 'punt-other-mac',
          port: config.index,
          configured: formatMac(config.mac),
          vasic: formatMac(details.mac),
        });
      }
      if (tap !== undefined && !known) apply(tap);
      configured = true;
      return known;
    },
    told: () => (configured ? learned : undefined),
    setCarrier(up) {
      carrier = up;
      tap?.setCarrier(up);
    },
    reconfigure(next) {
      if (isDeepStrictEqual(next, config)) return;
      // Another port of the vASIC: what was learned of the one before says nothing of it.
      if (next.index !== config.index) {
        learned = {};
        configured = false;
      }
      config = next;
      wantUp ||= next.mac !== undefined;
      if (tap !== undefined) apply(tap);
    },
    reopen() {
      tap?.close();
      tap = undefined;
      open();
    },
    close() {
      tap?.close();
      tap = undefined;
    },
  };
}

function attach(name: string): Tap {
  try {
    return Tap.open(name);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    throw new Error(`cannot open TAP ${name}: ${error.message}${adviceFor(error, name)}`, { cause: error });
  }
}

function adviceFor(error: SysError, name: string): string {
  switch (error.code) {
    case 'EBUSY': {
      const holders = tapHolders(name);
      const who = holders.length === 0 ? 'another process (not found in /proc)' : holders.join(', ');
      return `; it is in use by ${who}: stop that process, or give the port another tap`;
    }
    case 'EINVAL':
      return `; there is an interface of this name that is no plain TAP: remove it, make it with "ip tuntap add ${name} mode tap", or give the port another tap`;
    default: {
      const remedy = tunRemedy(error.code);
      return remedy === undefined ? '' : `; ${remedy}`;
    }
  }
}
