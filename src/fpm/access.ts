/**
 * Who may be zebra. FPM has no authentication, and whoever speaks it decides where packets go, so each connection is looked
 * at before a byte of it is read: one from this machine by the user whose process holds its other end, which the kernel
 * tells (sys/socket-owner.ts); one from elsewhere by its address. Root, this process's own user and `frr` may always; the
 * configuration adds users and addresses.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/types';
import { errorText } from '../net/error-text';
import { parseAddress, prefixContains } from '../net/address';
import { isLoopback } from '../net/endpoint';
import { userText, usersOf } from '../net/users';
import { socketOwner, type Endpoint, type SocketOwner } from '../sys/socket-owner';

/** The user that FRR's packages make. */
const FRR_USER = 'frr';

/** Both ends of a connection; `remote` is who wants to be zebra. */
export interface Ends {
  readonly remote: Endpoint;
  readonly local: Endpoint;
}

/** `local`: it is from this machine. A refusal says why, and what to do if that was zebra. */
export type Verdict =
  | { readonly allowed: true; readonly local: boolean }
  | { readonly allowed: false; readonly why: string; readonly remedy: string };

/** What the verdict goes by; all but the configuration has a default, and tests give others. */
export interface AccessOptions {
  /** As the configuration is now: a reload may change it. */
  readonly allow: () => Config['fpm']['allow'];
  readonly ownerOf?: (own: Endpoint, peer: Endpoint) => SocketOwner;
  /** The text of /etc/passwd. */
  readonly passwd?: () => string;
  readonly ownUid?: number;
  /** This machine's addresses, as text. */
  readonly ownAddresses?: () => readonly string[];
}

/** Decides; asks the kernel, keeps nothing. */
export class Access {
  private readonly ownerOf: (own: Endpoint, peer: Endpoint) => SocketOwner;
  private readonly passwd: () => string;
  private readonly ownUid: number;
  private readonly ownAddresses: () => readonly string[];

  constructor(private readonly options: AccessOptions) {
    this.ownerOf = options.ownerOf ?? socketOwner;
    this.passwd = options.passwd ?? (() => readFileSync('/etc/passwd', 'utf8'));
    this.ownUid = options.ownUid ?? process.geteuid!();
    this.ownAddresses = options.ownAddresses ?? interfaceAddresses;
  }

  /** May a connection with these ends be zebra's? */
  check(ends: Ends): Verdict {
    return this.isLocal(ends) ? this.checkUser(ends) : this.checkAddress(ends.remote.address);
  }

  /** Whether a process of this machine still holds the other end. For connections from this machine only. */
  isHeld(ends: Ends): boolean {
    try {
      return this.ownerOf(ends.remote, ends.local) !== 'gone';
    } catch {
      // What can't be asked is no proof of death.
      return true;
    }
  }

  private isLocal({ remote, local }: Ends): boolean {
    const { address } = remote;
    if (address === local.address || isLoopback(address)) return true;
    return this.ownAddresses().includes(address);
  }

  private checkUser(ends: Ends): Verdict {
    let owner: SocketOwner;
    try {
      owner = this.ownerOf(ends.remote, ends.local);
    } catch (error) {
      const why = `the kernel can't be asked whose connection it is: ${errorText(error)}`;
      return { allowed: false, why, remedy: 'modprobe tcp_diag' };
    }
    if (owner === 'gone') {
      return {
        allowed: false,
        why: 'it was closed before it was seen whose it is',
        remedy: 'zebra comes again by itself',
      };
    }
    const { uid } = owner;
    if (uid === 0 || uid === this.ownUid) return { allowed: true, local: true };
    const names = usersOf(this.passwdText());
    const allowed = [FRR_USER, ...this.options.allow().users].map((user) =>
      typeof user === 'number' ? user : names.get(user),
    );
    if (allowed.includes(uid)) return { allowed: true, local: true };
    const name = [...names].find(([, id]) => id === uid)?.[0];
    return {
      allowed: false,
      why: `it is of user ${userText(uid, names)}`,
      remedy: `if zebra runs as that: fpm.allow.users: [${name ?? uid}], and "fpm2afi reload"`,
    };
  }

  private passwdText(): string {
    try {
      return this.passwd();
    } catch {
      // Without it, numbers alone count.
      return '';
    }
  }

  private checkAddress(address: string): Verdict {
    // fe80::1%eth0 is fe80::1 for a prefix.
    const bytes = parseAddress(address.replace(/%.*$/, ''));
    const allowed =
      bytes !== undefined && this.options.allow().addresses.some((prefix) => prefixContains(prefix, bytes));
    if (allowed) return { allowed: true, local: false };
    const remedy = `if zebra runs there: fpm.allow.addresses: ["${address}"], and "fpm2afi reload"`;
    return { allowed: false, why: 'it is from another machine, of an address that is not allowed', remedy };
  }
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
